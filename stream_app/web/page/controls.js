/** What is chosen and how much is shown: region, model, day and span, by fields, buttons and the scrubber below. */

import { button, byId, element, fill } from './elements.js';
import { MARGIN } from './timeline.js';
import { daysBetween, plusDays } from './words.js';

const THUMB_PIXELS = 16;
const SPANS = [['3 months', 91], ['1 year', 366], ['5 years', 1827], ['All', null]];
/** By keys the scrubber goes so many sessions on. */
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -21, PageUp: 21 };
/** Longer histories begin with their last years. */
const MOST_DAYS_AT_FIRST = 1827;

const ordinal = (day) => Math.round(Date.parse(day) / 86_400_000);
const dayOf = (number) => plusDays('1970-01-01', number);

/** The span that is shown at first: all of it, or the last years where the day lies in these. */
export function firstSpan(days, day) {
  const first = plusDays(days.newest, -MOST_DAYS_AT_FIRST);
  return [day >= first && days.as_of[0] < first ? first : days.as_of[0], days.newest];
}

/** So many days of the history with one of them in it: the last ones, or those around it. */
function spanOf(days, day, length) {
  if (length === null) return [days.as_of[0], days.newest];
  const latest = plusDays(days.newest, -length);
  const first = day >= latest ? latest : plusDays(day, -Math.round(length / 2));
  return [first < days.as_of[0] ? days.as_of[0] : first, plusDays(first, length)];
}

export class Controls {
  /** `went(changed, kept)` is told what of region, model and day was chosen; `spanned(span)` how much is to be shown. */
  constructor({ went, spanned }) {
    Object.assign(this, { went, spanned, days: null });
    byId('choice').addEventListener('submit', (event) => event.preventDefault());
    byId('region').addEventListener('change', ({ target }) => went({ region: target.value }, true));
    byId('model').addEventListener('change', ({ target }) => went({ model: target.value }, true));
    byId('day-field').addEventListener('change', ({ target }) => target.value && went({ day: target.value }, true));
    byId('earlier').addEventListener('click', () => this.step(-1));
    byId('later').addEventListener('click', () => this.step(1));
    byId('newest').addEventListener('click', () => went({ day: null }, true));
    byId('scrubber').addEventListener('input', ({ target }) => this.scrub(Number(target.value)));
    byId('scrubber').addEventListener('keydown', (event) => this.byKey(event));
    fill(byId('spans'), ...SPANS.map(([words, length]) => button(words, () => spanned(spanOf(this.days, this.day, length)))));
  }

  /** The regions and models to choose from; what has no days yet says so. */
  offer(regions, models, { region, model }) {
    const options = (each, chosen) => each.map(([name, empty]) => element(
      'option',
      { value: name, selected: name === chosen },
      empty ? `${name} (no days yet)` : name,
    ));
    fill(byId('region'), ...options(regions, region));
    fill(byId('model'), ...options(models, model));
    byId('choice').hidden = false;
  }

  show(days, labels, span, day) {
    Object.assign(this, { days, labels, span, day });
    const field = byId('day-field');
    [field.min, field.max, field.value] = [days.as_of[0], days.newest, day];
    const at = days.firstFrom(day);
    byId('earlier').disabled = at === 0;
    byId('later').disabled = at === days.length - 1;
    const history = daysBetween(days.as_of[0], days.newest);
    SPANS.forEach(([, length], which) => {
      const shown = byId('spans').children[which];
      shown.hidden = length !== null && length >= history;
      shown.ariaPressed = String(spanOf(days, day, length).join() === span.join());
    });
    this.place();
  }

  /** Puts the scrubber below the plot, and its thumb below the day. */
  place() {
    const { days, span, day } = this;
    const scrubber = byId('scrubber');
    scrubber.style.marginLeft = `${MARGIN.l - THUMB_PIXELS / 2}px`;
    scrubber.style.width = `calc(100% - ${MARGIN.l + MARGIN.r - THUMB_PIXELS}px)`;
    [scrubber.min, scrubber.max, scrubber.value] = [ordinal(span[0]), ordinal(span[1]) + 1, ordinal(day)];
    scrubber.classList.toggle('elsewhere', day < span[0] || day > span[1]);
    const label = days.label[days.firstFrom(day)];
    scrubber.setAttribute('aria-valuetext', label === null ? day : `${day}, ${label}`);
  }

  enable(there) {
    for (const id of ['day-field', 'earlier', 'later', 'newest']) byId(id).disabled = !there;
  }

  step(number) {
    const at = this.days.firstFrom(this.day) + number;
    this.went({ day: this.days.as_of[Math.max(0, Math.min(at, this.days.length - 1))] }, false);
  }

  byKey(event) {
    const ends = { Home: this.span[0], End: this.span[1] };
    if (event.key in STEPS) this.step(STEPS[event.key]);
    else if (event.key in ends) this.went({ day: ends[event.key] }, false);
    else return;
    event.preventDefault();
  }

  /** The thumb was drawn to a day: the nearest one that there is. */
  scrub(number) {
    this.went({ day: this.days.as_of[this.days.nearest(dayOf(number))] }, false);
  }
}
