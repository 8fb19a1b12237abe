/** The charts' figures as a table: the days in sight, the newest first, so many at a time. */

import { button, element, fill, table } from './elements.js';
import { change, figure, percent, plusDays, price, several } from './words.js';

const ROWS = 60;
const COLUMNS = [
  ['Day'],
  ['Regime'],
  ['Sure', 'number'],
  ['Distance', 'number'],
  ['Close', 'number'],
  ['Change', 'number'],
  ['Articles', 'number'],
  ['On the map', 'number'],
];

export class DaysTable {
  constructor(details, node, chosen) {
    Object.assign(this, { details, node, chosen, rows: ROWS });
    details.addEventListener('toggle', () => this.draw());
  }

  /** `places` are the map's points by day. */
  show(days, labels, places, span, day) {
    const other = this.span?.join() !== span.join() || this.days !== days;
    Object.assign(this, { days, labels, places, span, day, rows: other ? ROWS : this.rows });
    this.draw();
  }

  draw() {
    if (!this.details.open || !this.days) return;
    const { days, span } = this;
    const [first, end] = [days.firstFrom(span[0]), days.firstFrom(plusDays(span[1], 1))];
    const shown = Math.min(end - first, this.rows);
    const rows = Array.from({ length: shown }, (_, back) => this.row(end - 1 - back));
    const left = end - first - shown;
    fill(
      this.node,
      table(`${several(end - first, 'day')} from ${span[0]} to ${span[1]}`, COLUMNS, rows),
      left > 0 ? button(`${several(Math.min(left, ROWS), 'more day')}`, () => this.grow()) : null,
    );
  }

  grow() {
    this.rows += ROWS;
    this.draw();
  }

  row(at) {
    const { days, labels } = this;
    const [day, label] = [days.as_of[at], days.label[at]];
    const moved = days.change(at);
    const place = this.places.get(day);
    const distance = days.distance[at];
    return {
      chosen: day === this.day,
      cells: [
        button(day, () => this.chosen(day), { className: 'day' }),
        label === null ? null : labels.shown(label),
        label === null ? null : percent(days.confidence[at] ?? 0),
        distance === null ? null : element('span', { className: days.isUnusual(at) ? 'loud' : '' }, figure(distance)),
        days.price[at] === null ? null : price(days.price[at]),
        moved === null ? null : change(moved),
        days.articles[at] === null ? null : String(days.articles[at]),
        place ? place.map(figure).join(' | ') : null,
      ],
    };
  }
}
