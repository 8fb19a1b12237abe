/** A region's days as columns of the same length, ascending, as the timeline's answer has them. */

import { daysBetween } from './words.js';

const COLUMNS = ['as_of', 'label', 'confidence', 'distance', 'price', 'articles'];
/** A day whose step is longer than this share of all steps is unusual. */
export const UNUSUAL = 0.95;
/** A distance from a day longer ago than a long weekend is no step from one day to the next. */
export const LONGEST_STEP_DAYS = 5;

/** A column as text, without what numbers owe to the order in which they were added up. */
const written = (column) => column.map((value) => (typeof value === 'number' ? value.toFixed(9) : value)).join();

export class Days {
  constructor(told) {
    for (const name of COLUMNS) this[name] = told[name];
    this.times = this.as_of.map(Date.parse); // which charts read faster than texts
    this.instrument = told.instrument_id;
    this.truncated = told.truncated;
    this.sorted = Float64Array.from(this.distance.filter((_, at) => this.isStep(at))).sort();
  }

  get length() {
    return this.as_of.length;
  }

  get newest() {
    return this.as_of[this.length - 1];
  }

  has(day) {
    return this.as_of[this.firstFrom(day)] === day;
  }

  /** The index of the first day that is not before one; the length where all are. */
  firstFrom(day) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.as_of[middle] < day) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The index of the day that lies nearest to one. */
  nearest(day) {
    const after = Math.min(this.firstFrom(day), this.length - 1);
    const before = Math.max(after - 1, 0);
    const gap = (at) => Math.abs(Date.parse(this.as_of[at]) - Date.parse(day));
    return gap(before) < gap(after) ? before : after;
  }

  /** The share of the steps that are shorter than this day's; null where its distance is none. */
  rank(at) {
    const value = this.distance[at];
    if (!this.isStep(at) || this.sorted.length < 2) return null;
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low / (this.sorted.length - 1);
  }

  isUnusual(at) {
    return this.rank(at) >= UNUSUAL && this.sorted.length >= 20;
  }

  /** The change of the price since the last day before that has one, a fraction; null where either has none. */
  change(at) {
    let before = at - 1;
    while (before >= 0 && this.price[before] === null) before -= 1;
    return before < 0 || this.price[at] === null ? null : this.price[at] / this.price[before] - 1;
  }

  /** The day from which a day's distance is: the last one before it with a vector, as far as distances tell; or null. */
  before(at) {
    let before = at - 1;
    while (before >= 0 && this.distance[before] === null) before -= 1;
    return before < 0 ? null : this.as_of[before];
  }

  /** The calendar days from that day to a day; null where that is not known. */
  gap(at) {
    const before = this.before(at);
    return before === null ? null : daysBetween(before, this.as_of[at]);
  }

  /** Whether a day has a distance that is a step from one day to the next. */
  isStep(at) {
    if (this.distance[at] === null) return false;
    const gap = this.gap(at);
    return gap !== null && gap <= LONGEST_STEP_DAYS;
  }

  /** The index of the first of the days in a row up to this one that have its label. */
  labelledFrom(at) {
    let first = at;
    while (first > 0 && this.label[first - 1] === this.label[at]) first -= 1;
    return first;
  }

  /** The newest day that has a distance, else the newest of all. */
  get newestWhole() {
    return this.before(this.length) ?? this.newest;
  }

  /** Of the days from one index up to another, without it, the ones of the longest steps. */
  farthest(first, end, number) {
    const places = Array.from({ length: end - first }, (_, at) => first + at).filter((at) => this.isStep(at) && this.distance[at] > 0);
    return places.sort((a, b) => this.distance[b] - this.distance[a]).slice(0, number);
  }

  /** The day from which on to ask again when a day has changed: the last one before it whose distance stays as it is. */
  lastKnownBefore(day) {
    return this.before(this.firstFrom(day));
  }

  /** With what was asked again, from a day on whose own distance that answer cannot know; itself where that is the same. */
  with(later) {
    if (!later.as_of.length) return this;
    const kept = this.firstFrom(later.as_of[0]) + 1;
    if (COLUMNS.every((name) => written(this[name].slice(kept)) === written(later[name].slice(1)))) return this;
    const joined = Object.fromEntries(
      COLUMNS.map((name) => [name, [...this[name].slice(0, kept), ...later[name].slice(1)]]),
    );
    return new Days({ ...joined, instrument_id: this.instrument, truncated: this.truncated });
  }
}
