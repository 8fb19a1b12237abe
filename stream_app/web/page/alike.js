/** The days most alike to a day, and what followed each. */

import { button, element, fill, table } from './elements.js';
import { change, figure, percent } from './words.js';

const COLUMNS = [
  ['', 'number'],
  ['Day'],
  ['Alike', 'number'],
  ['Then, return', 'number'],
  ['Volatility', 'number'],
];

/** `labelOf(day)` is a day's label as an element or null. */
export function showAlike(node, told, labelOf, chosen) {
  const found = told.analogues;
  if (!found.length) return fill(node, element('p', { className: 'told' }, nothing(told)));
  const rows = found.map(({ as_of: day, similarity, followed }, at) => ({
    cells: [
      String(at + 1),
      element('span', { className: 'also' }, button(day, () => chosen(day), { className: 'day' }), labelOf(day)),
      figure(similarity),
      followed && element('span', { className: followed.simple_return < 0 ? 'down' : 'up' }, change(followed.simple_return)),
      followed && percent(followed.volatility),
    ],
  }));
  return fill(node, summary(told), table(explained(told), COLUMNS, rows));
}

function nothing(told) {
  const earlier = told.look_ahead ? '' : ' and earlier';
  return `There is no day ${told.min_gap_days} days away${earlier} to compare with.`;
}

function explained(told) {
  const among = told.look_ahead
    ? 'Among all days: what followed the later ones could not be known then'
    : 'Among earlier days, with what was over by then (–: it was not)';
  return `${among}. Alike: the cosine of the two contexts, 1 at most. Then: in the next ${told.horizon_sessions} sessions; volatility is a year’s.`;
}

function summary({ analogues, horizon_sessions: horizon }) {
  const known = analogues.map(({ followed }) => followed).filter(Boolean);
  if (known.length < 3) return null;
  const returns = median(known.map((each) => each.simple_return));
  const volatility = median(known.map((each) => each.volatility));
  return element(
    'p',
    {},
    `In the median ${change(returns)} and ${percent(volatility)} volatility a year in the ${horizon} sessions after them.`,
  );
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
