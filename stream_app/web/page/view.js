/** What is shown of one region and one model: the timeline, the map, and the day that stands out. */

import { showAlike } from './alike.js';
import { ask, ofRegion } from './api.js';
import { firstSpan } from './controls.js';
import { Headlines, dayTold } from './day.js';
import { Days, LONGEST_STEP_DAYS, UNUSUAL } from './days.js';
import { DaysTable } from './days_table.js';
import { button, byId, element, fill } from './elements.js';
import { Labels } from './labels.js';
import { showLineage } from './lineage.js';
import { DayMap } from './map.js';
import { whenSchemeChanges } from './plotly.js';
import { Timeline } from './timeline.js';
import { figure, longDay, percent, plusDays, several, typed } from './words.js';

/** While a day is drawn along, its details wait until it has stood for so long. */
const STANDS_MS = 150;
/** What a day's answers have not replaced after so long is taken away: it is another day's. */
const SLOW_MS = 1500;
/** The map is laid out anew for new days at most so often. */
const MAP_MS = 3000;
const MOST_JUMPS = 6;
/** The parts of the page that a day's own answers fill. */
const OF_THE_DAY = ['headlines', 'lineage-told', 'alike'];

/** How the chart is used; on a touch screen to draw scrolls the page. */
const HOW = matchMedia('(pointer: coarse)').matches ? 'Tap a day to choose it.' : 'Draw over days to look closer, press one to choose it.';

/** What stands in these parts is still another day's, or no longer so. */
const busy = (is, ...ids) => ids.forEach((id) => byId(id).setAttribute('aria-busy', is));

/** Says something instead of what is another day's. */
function replaceBusy(words) {
  const nodes = OF_THE_DAY.map(byId).filter((node) => node.ariaBusy === 'true');
  nodes.forEach((node) => fill(node, words && element('p', { className: 'told reading' }, words)));
}

const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

export class View {
  /** `went(changed, kept)` is told what was chosen on a chart or in a table, `failed(error)` what went wrong. */
  constructor(controls, { went, failed }) {
    Object.assign(this, { controls, went, failed, region: null, model: null, days: null, turn: 0, mapTurn: 0 });
    const chosen = (day) => went({ day }, true);
    this.timeline = new Timeline(byId('timeline-chart'), { chosen, spanned: (span) => this.spanOver(span) });
    this.map = new DayMap(byId('map-chart'), chosen);
    this.table = new DaysTable(byId('table'), byId('table-told'), chosen);
    this.headlines = new Headlines(byId('headlines'), failed);
    byId('hindsight').addEventListener('change', () => this.details(0).catch(failed));
    whenSchemeChanges(() => this.redraw());
    new ResizeObserver(([{ contentRect: { width } }]) => this.widened(width)).observe(byId('shown'));
  }

  /** Shows a region by its days, of which one is to be chosen at once; returns whether there are any. */
  open(region, { model_id: model, inputs }, told) {
    // What is still asked for is of another region.
    this.turn += 1;
    this.mapFrom = this.mapTurn + 1;
    clearTimeout(this.mapTimer);
    Object.assign(this, { region, model, numericModel: inputs[0], day: null, span: null, points: null, detail: null, mapTimer: null });
    this.map.alike = [];
    this.take(new Days(told));
    byId('shown').hidden = this.days.length === 0;
    if (!this.days.length) this.days = null;
    else this.readMap();
    return this.days !== null;
  }

  take(days) {
    this.days = days;
    this.labels = new Labels(days.label);
  }

  /** Stands on a day, of which the nearest one is taken that there is; null: the newest one with a vector. */
  async choose(day, kept) {
    const { days } = this;
    this.day = day === null ? days.newestWhole : days.as_of[days.nearest(day)];
    const drawn = this.inSight() ? this.timeline.mark(this.day) : this.timeline.draw(days, this.labels, this.span, this.day);
    this.told();
    await Promise.all([drawn.catch(this.failed), this.details(kept ? 0 : STANDS_MS)]);
  }

  /** Whether the span that is shown holds the day; else another one is taken that does. */
  inSight() {
    const found = this.span !== null && this.day >= this.span[0] && this.day <= this.span[1];
    if (!found) this.span = firstSpan(this.days, this.day);
    return found;
  }

  /** Shows another span of days, at once in everything that tells of it. */
  async spanOver(span) {
    if (this.day === null) return; // the region has none
    this.span = span;
    this.told();
    await this.timeline.draw(this.days, this.labels, span, this.day).catch(this.failed);
  }

  /**
   * Reads on from a day that is new or has changed, or, where none is known to, from the newest one. `follows()` is asked
   * once the answer is there: whether the newest one is to be shown.
   */
  async refresh(known, follows) {
    const { region, model, days } = this;
    if (days === null) return;
    const first = known ?? days.newest;
    const from = days.lastKnownBefore(first);
    const later = await ask(ofRegion(region, 'timeline'), { model_id: model, start: from });
    if (this.region !== region || this.model !== model) return;
    if (this.days !== days) return this.refresh(first, follows); // others were taken up meanwhile
    const read = from === null ? new Days(later) : days.with(later);
    if (known === null && read === days) return;
    this.take(read);
    if (this.span[1] >= days.newest) this.span = [this.span[0], this.days.newest];
    const changed = this.day >= first;
    const following = follows();
    if (following) this.day = this.days.newestWhole;
    this.told();
    this.mapTimer ??= setTimeout(() => this.readMap(), MAP_MS);
    const drawn = this.timeline.draw(this.days, this.labels, this.span, this.day);
    await Promise.all([drawn, following || changed ? this.details(0) : null]);
  }

  /** The charts follow the page's width alone: what is written below them makes it only longer. */
  widened(width) {
    if (width && this.width && width !== this.width) this.redraw();
    this.width = width;
  }

  async redraw() {
    if (!this.days || this.day === null) return;
    const drawn = [this.timeline.draw(this.days, this.labels, this.span, this.day)];
    if (this.points) drawn.push(this.drawMap());
    await Promise.all(drawn).catch(this.failed);
  }

  async drawMap() {
    const { points, labels, day } = this;
    byId('map-chart').hidden = points.as_of.length === 0;
    if (points.as_of.length) await this.map.draw(points, labels, day);
  }

  /** Each answer is shown, however slow, but none after a later one. */
  async readMap() {
    this.mapTimer = null;
    this.mapTurn += 1;
    const turn = this.mapTurn;
    try {
      const told = await ask(ofRegion(this.region, 'map'), { model_id: this.model });
      if (turn < this.mapFrom) return;
      this.mapFrom = turn;
      this.points = told;
      byId('map-told').textContent = mapTold(told);
      this.told(); // before the drawing, in which another region may be opened
      await this.drawMap();
    } catch (error) {
      if (turn >= this.mapFrom) this.failed(error);
    }
  }

  /** What the columns alone say: the controls, the legend, the jumps, the table and the day's figures. */
  told() {
    const { days, labels, span, day } = this;
    this.controls.show(days, labels, span, day);
    const [first, end] = [days.firstFrom(span[0]), days.firstFrom(plusDays(span[1], 1))];
    fill(byId('legend'), ...legend(days, labels, first, end));
    const jumps = days.farthest(first, end, MOST_JUMPS);
    byId('jumps').parentElement.hidden = jumps.length === 0;
    fill(byId('jumps'), ...jumps.map((at) => button(
      `${days.as_of[at]}: ${figure(days.distance[at])}`,
      () => this.went({ day: days.as_of[at] }, true),
    )));
    byId('timeline-told').textContent = timelineTold(days, span, day);
    regimesTold(this.region, this.numericModel, days, labels);
    const places = this.points ? new Map(this.points.as_of.map((each, at) => [each, [this.points.x[at], this.points.y[at]]])) : new Map();
    this.table.show(days, labels, places, span, day);
    byId('day-title').textContent = `${longDay(day)}, ${this.region}`;
    this.figures();
  }

  /** The day in figures, with what its own answers have added so far. */
  figures() {
    const told = this.detail?.day === this.day ? this.detail.told : null;
    const at = this.days.firstFrom(this.day);
    fill(byId('day-told'), ...dayTold(this.days, at, this.labels, told));
  }

  /** What the day's own answers say, once it has stood for a while. */
  async details(wait) {
    this.turn += 1;
    const { turn, region, model, day } = this;
    if (this.detail?.day !== day) {
      busy(true, ...OF_THE_DAY);
      this.slow ??= setTimeout(() => this.empty(), SLOW_MS);
    }
    if (wait) await pause(wait);
    if (turn !== this.turn) return;
    try {
      const told = await ask(ofRegion(region, 'contexts', day), { model_id: model });
      if (turn !== this.turn) return;
      this.detail = { day, told };
      this.figures();
      this.headlines.show(region, told);
      showLineage(byId('lineage-told'), told);
      busy(false, 'headlines', 'lineage-told');
      await this.alike(told, turn);
      if (turn === this.turn) this.answered();
    } catch (error) {
      if (turn !== this.turn) return;
      this.answered();
      replaceBusy('');
      busy(false, ...OF_THE_DAY);
      throw error;
    }
  }

  /** Takes away what is another day's, as this day's answers may be long in coming. */
  empty() {
    this.slow = null;
    replaceBusy('Reading …');
  }

  answered() {
    clearTimeout(this.slow);
    this.slow = null;
  }

  async alike(told, turn) {
    if (told.context.absent_reason) {
      fill(byId('alike'), element('p', { className: 'told' }, 'Without a vector no day is alike.'));
      busy(false, 'alike');
      return this.map.mark(this.day, []);
    }
    const found = await ask(ofRegion(this.region, 'contexts', this.day, 'analogues'), {
      model_id: this.model,
      look_ahead: byId('hindsight').checked,
    });
    if (turn !== this.turn) return null;
    showAlike(byId('alike'), found, (day) => this.labelOf(day), (day) => this.went({ day }, true));
    busy(false, 'alike');
    return this.map.mark(this.day, found.analogues.map(({ as_of: day }) => day));
  }

  labelOf(day) {
    const label = this.days.has(day) ? this.days.label[this.days.firstFrom(day)] : null;
    return label === null ? null : this.labels.shown(label);
  }
}

function legend(days, labels, first, end) {
  const shares = labels.names.map((name) => days.label.slice(first, end).filter((label) => label === name).length / Math.max(end - first, 1));
  return labels.names.map((name, at) => labels.shown(name, ` ${percent(shares[at])}`));
}

function timelineTold(days, [first, last], day) {
  const cut = days.truncated ? ' There are older days, which only the API tells.' : '';
  return `${several(days.length, 'day')}; shown are ${first} to ${last}, and the line is ${day}. Distance: 0 where the state stayed the same, 1 where nothing of it was left; diamonds: the largest ${percent(1 - UNUSUAL)} of those over ${LONGEST_STEP_DAYS} days at most. ${HOW}${cut}`;
}

function mapTold({ as_of: days, truncated }) {
  if (!days.length) return 'No day has a vector yet: a day gets one once its prices and its news have come.';
  const cut = truncated ? ' The oldest ones are left out.' : '';
  return `${several(days.length, 'day')} with a vector, on the two axes on which they differ the most: what lies near is alike. The numbers are the days most alike by the whole vector, in their order.${cut}`;
}

/** Where no labels are fitted, how that is done. */
function regimesTold(region, numericModel, days, labels) {
  const note = byId('regimes-told');
  note.hidden = days.distance.every((value) => value === null) || labels.names.some((name) => name !== 'NEUTRAL');
  const of = numericModel ? ` --numeric-model-id ${typed(numericModel)}` : '';
  fill(
    note,
    `No regimes were fitted for these days, so they have no label${labels.names.length ? ' but NEUTRAL' : ''}. `,
    element('code', {}, `stream-app regimes fit --region ${typed(region)} --model-id regimes-v1 --unsupervised k-means${of} >> models.toml`),
    ' finds some in what is stored; started with ',
    element('code', {}, 'STREAM_APP_MODELS_FILE=models.toml'),
    ' a worker labels days from then on, and ',
    element('code', {}, 'stream-app replay'),
    ' labels the earlier ones.',
  );
}
