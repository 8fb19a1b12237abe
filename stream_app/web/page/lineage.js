/** Where a day's context comes from: its trigger, the prices and articles below its cut, its models and revisions. */

import { element, fill, pairs, table } from './elements.js';
import { count, instant, several } from './words.js';

const CHANGED = { close: 'the day closed', amendment: 'late data amended it', replay: 'a replay computed it again' };

export function showLineage(node, told) {
  const { context, trigger, numeric, text, models, revisions } = told;
  fill(
    node,
    context.origin === 'backfill' ? element('p', {}, 'A seed command filled it in from the tables; only its models are recorded.') : null,
    pairs(
      ['Model', context.model_id],
      ['Revision', context.revision && String(context.revision)],
      ['Closed', trigger && instant(trigger.closed_at)],
      ['Known from', context.known_at && instant(context.known_at)],
      ['Made by', trigger && `${trigger.kind} ${trigger.number} (${trigger.event_id})`],
      ['Prices', numeric && windows(numeric)],
      ['Newest price', numeric?.last_date],
      ['Articles', text && count(text.total)],
      ['Length of the vector', context.l2_norm === null ? null : context.l2_norm.toPrecision(6)],
      ['Region then', trigger && definition(trigger.definition)],
    ),
    trigger && cutTable(trigger.cut),
    revisions.length ? revisionTable(revisions, context.revision) : null,
    table('Models', [['Model'], ['Kind'], ['Fingerprint']], models.map((model) => ({
      cells: [model.model_id, model.kind, element('code', { title: model.fingerprint }, model.fingerprint.slice(0, 12))],
    }))),
  );
}

function windows({ instruments, instruments_total: total }) {
  const told = instruments.map((each) => `${each.instrument_id}: ${several(each.rows, 'row')} to ${each.last_date}`);
  const left = total - instruments.length;
  return [...told, ...(left > 0 ? [`and ${several(left, 'instrument')} more`] : [])].join('; ');
}

function definition({ calendar, instruments, languages, news, news_day: day }) {
  return `calendar ${calendar}; ${instruments.join(', ')}; news in ${languages.join(', ')}, ${news}, by ${day}`;
}

/** The cut: of each topic the first offset that the context could not know, by partition. */
function cutTable(cut) {
  const rows = cut.map(({ topic, epoch, offsets }) => ({ cells: [topic, String(epoch), offsets.map(count).join('  ')] }));
  return table('What it could know: the records below these offsets, by partition', [['Topic'], ['Log', 'number'], ['Offsets']], rows);
}

function revisionTable(revisions, current) {
  const rows = revisions.map((each) => ({
    chosen: each.revision === current,
    cells: [
      String(each.revision),
      CHANGED[each.reason] ?? each.reason,
      instant(each.known_at),
      each.absent_reason ? `no vector: ${each.absent_reason}` : each.stale ? 'older prices' : 'vector',
      element('code', { title: each.inputs_hash }, each.inputs_hash.slice(0, 12)),
    ],
  }));
  return table('Revisions', [['No.'], ['Why'], ['Known from'], ['What'], ['Inputs']], rows);
}
