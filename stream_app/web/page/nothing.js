/** What is said where there is nothing to show, and what can be done about it. */

import { byId, element, fill } from './elements.js';
import { instant, typed } from './words.js';

const shell = (...lines) => element('pre', { tabIndex: 0, ariaLabel: 'Commands' }, lines.join('\n'));

/** The region has no day of any model. */
export function noDays(region) {
  const next = region.next_close;
  say(
    `No day of ${region.region} has closed yet`,
    element('p', {}, 'As soon as one closes, it appears here by itself. For that a worker must run, and prices and news must have come:'),
    shell(
      'stream-app worker &                                  # if none runs',
      'stream-app ingest prices closes.csv                  # instrument_id,trade_date,close,volume',
      'stream-app ingest news news.jsonl --close-days       # closes every session that is covered',
    ),
    region.configured ? element('p', {}, `Its prices are those of ${region.instruments.join(', ')}; news counts in ${region.languages.join(', ')}.`) : null,
    next ? element('p', {}, `By itself its next day, ${next.as_of}, closes at ${instant(next.closes_at)}.`) : null,
    element('p', {}, 'To see what it looks like with data, run ', element('code', {}, 'stream-app demo'), '.'),
  );
}

/** The region has days, but none of this model. */
export function noDaysOfModel(region, model) {
  say(
    `${model} has no days in ${region}`,
    element('p', {}, 'Choose another model above. If the worker computes this one, its next day appears here; the days before come with:'),
    shell(`stream-app replay --region ${typed(region)}`),
  );
}

/** There is no region at all. */
export function noRegions() {
  say('There is no region', element('p', {}, 'Write a regions file, name it in ', element('code', {}, 'STREAM_APP_REGIONS'), ' and start the server again.'));
}

function say(title, ...told) {
  byId('nothing-title').textContent = title;
  fill(byId('nothing-told'), ...told);
  byId('nothing').hidden = false;
}
