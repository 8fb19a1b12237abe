/** One day in words: what it was like, how far it lies from the last day with a vector, and its headlines. */

import { ask, ofRegion } from './api.js';
import { button, element, fill, outwards } from './elements.js';
import { change, figure, instant, longDay, percent, price, several } from './words.js';

const ABSENT = {
  'no-news': 'no news that counts on it has come',
  'no-price': 'no price of it has come',
  'insufficient-prices': 'there are too few prices before it',
};

/** What the columns say of a day, at once; `told` is the API's answer on it, null before that is there. */
export function dayTold(days, at, labels, told) {
  const moved = days.change(at);
  const label = days.label[at];
  const facts = [
    fact('Regime', label === null ? 'none' : labels.shown(label), label === null ? null : `${percent(days.confidence[at] ?? 0)} sure, by the prices`),
    fact('Close', moved === null ? priceOf(days, at) : change(moved), moved === null ? null : `to ${priceOf(days, at)} from the session before`, direction(moved)),
    fact(
      'Distance',
      days.distance[at] === null ? '–' : figure(days.distance[at]),
      days.distance[at] === null ? null : way(days, at),
      days.isUnusual(at) ? 'unusual' : '',
    ),
  ];
  return [element('p', {}, sentence(days, at, told)), element('dl', { className: 'facts' }, ...facts)];
}

function sentence(days, at, told) {
  const day = days.as_of[at];
  const context = told?.context;
  if (context?.absent_reason) {
    const reason = ABSENT[context.absent_reason] ?? context.absent_reason;
    return `This day has a context without a vector, because ${reason}. So it has no distance and no days alike.`;
  }
  if (context?.origin === 'backfill') return 'A seed command filled this day in from the tables: it has no label, and its lineage is not recorded.';
  const moved = days.change(at);
  const price = moved === null ? null : `${days.instrument ?? 'the index'} ${verb(moved)} ${percent(Math.abs(moved), 1)}`;
  const read = days.articles[at];
  const news = read === null ? null : `${several(read, 'article')} ${read === 1 ? 'was' : 'were'} read`;
  const parts = [price, news].filter(Boolean);
  const begun = parts.length ? `On ${longDay(day)}, ${parts.join(' and ')}.` : '';
  const far = days.isUnusual(at) ? ' Its context lies far from the one before: the state of the market changed.' : '';
  const stale = context?.stale ? ' No price of this day has come: its context stands on older ones.' : '';
  return `${begun}${regime(days, at)}${far}${stale}`;
}

/** Since when the regime is what it is: a short way from a stressed day leads to another one. */
function regime(days, at) {
  const label = days.label[at];
  if (label === null) return '';
  const first = days.labelledFrom(at);
  const since = first === at ? 'as of this session' : `for ${several(at - first + 1, 'session')}, since ${days.as_of[first]}`;
  return ` The regime is ${label} ${since}${first === 0 ? ' or before' : ''}.`;
}

/** From where a distance is, and how long a way that is beside the others: only steps can be compared. */
function way(days, at) {
  const gap = days.gap(at);
  if (gap === null) return 'from the last day with a vector';
  const from = `from the last day with a vector, ${days.before(at)}, ${several(gap, 'day')} before`;
  if (!days.isStep(at)) return `${from}: too long ago to be compared with steps from day to day`;
  const rank = days.rank(at);
  return rank === null ? from : `${from}; ${ranked(rank)}`;
}

function ranked(rank) {
  return rank < 0.5 ? `shorter than ${percent(1 - rank)} of such steps` : `longer than ${percent(rank)} of such steps`;
}

const verb = (moved) => (moved < 0 ? 'fell by' : 'rose by');
const direction = (moved) => (moved === null ? '' : moved < 0 ? 'down' : 'up');
const priceOf = (days, at) => (days.price[at] === null ? 'none' : price(days.price[at]));

function fact(name, value, more, look = '') {
  return element(
    'div',
    {},
    element('dt', {}, name),
    element('dd', {}, element('span', { className: `figure ${look}` }, value), more && element('span', { className: 'told' }, more)),
  );
}

/** The headlines of a day into a part of the page, and more of them where there are more. */
export class Headlines {
  constructor(node, failed) {
    this.node = node;
    this.failed = failed;
  }

  show(region, told) {
    const half = told.text;
    if (half === null) return fill(this.node, element('p', { className: 'told' }, 'Which articles went into it is not recorded.'));
    if (half.total === 0) return fill(this.node, element('p', { className: 'told' }, 'No article counts on this day.'));
    const list = element('ul', { className: 'headlines' });
    const shown = append(list, [], half.articles);
    return fill(this.node, list, this.more(region, told.context, list, half, shown));
  }

  more(region, context, list, half, shown) {
    if (half.next_cursor === null) return null;
    const left = half.total - shown.length;
    const made = button(`${several(left, 'more headline')}`, async () => {
      made.disabled = true;
      try {
        const parameters = { model_id: context.model_id, articles_cursor: half.next_cursor };
        const { text } = await ask(ofRegion(region, 'contexts', context.as_of), parameters);
        made.replaceWith(this.more(region, context, list, text, append(list, shown, text.articles)) ?? '');
      } catch (error) {
        made.disabled = false;
        this.failed(error);
      }
    });
    return made;
  }
}

/** Shows more articles with those that are shown, in the order in which they came out. */
function append(list, shown, articles) {
  const all = [...shown, ...articles].sort((a, b) => Date.parse(a.published_at) - Date.parse(b.published_at));
  fill(list, ...all.map(headline));
  return all;
}

function headline({ headline: words, url, source, published_at: published }) {
  const from = [source, instant(published)].filter(Boolean).join(' · ');
  const said = element('bdi', { dir: 'auto' }, words || '(an article without words)');
  return element('li', {}, outwards(said, url), element('span', { className: 'told' }, from));
}
