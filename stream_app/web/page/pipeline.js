/** The state of the pipeline: what each stage has still to read, what closing days wait for, and what is wrong. */

import { element, fill, sentence, table } from './elements.js';
import { count, instant, several } from './words.js';

export function showPipeline(node, pipeline, regions) {
  fill(
    node,
    problems(pipeline.problems),
    element(
      'div',
      { className: 'columns' },
      element('div', {}, stages(pipeline), backlog(pipeline.backlog)),
      element('div', {}, letters(pipeline.dead_letters)),
    ),
    regionTable(regions, pipeline.last_closes),
  );
}

/** Whether all is well, and that in a few words. */
export function summary(pipeline, live) {
  const wrong = pipeline.problems.length;
  const words = wrong ? `${several(wrong, 'thing')} to look at` : 'all is well';
  return { well: wrong === 0 && live, words: `${live ? 'Live' : 'Not live now'}: ${words}` };
}

function problems(told) {
  if (!told.length) return element('p', {}, 'Nothing is wrong.');
  return element('div', { className: 'problem' }, element('ul', { className: 'plain' }, ...told.map((each) => element('li', {}, sentence(each)))));
}

function stages({ stages: told, kafka }) {
  const rows = told.map(({ stage, topic, lag, partitions }) => ({
    cells: [stage, topic, lag === null ? 'not known' : count(lag), String(partitions.length)],
  }));
  const caption = kafka.answers ? 'Stages, and how many records each has still to apply' : 'Stages. Kafka does not answer, so their lag is not known';
  return table(caption, [['Stage'], ['Reads'], ['Lag', 'number'], ['Partitions', 'number']], rows);
}

function backlog({ triggers, contexts, marks }) {
  const waiting = [
    [triggers, 'close or amendment', 'closes and amendments', 'to be computed'],
    [contexts, 'context', 'contexts', 'to be published'],
    [marks, 'place', 'places', 'where late records touched a day, to be amended'],
  ].filter(([number]) => number > 0);
  const words = waiting.map(([number, one, more, what]) => `${several(number, one, more)} ${what}`);
  return element('p', { className: 'told' }, words.length ? `Still to do: ${words.join('; ')}.` : 'Nothing is left to be computed or published.');
}

function letters(told) {
  if (!told.length) return element('p', {}, 'No record waits as a dead letter: all that came could be used.');
  const rows = told.map(({ topic, reason, letters: number }) => ({ cells: [reason, topic, count(number)] }));
  return element(
    'div',
    {},
    table('Dead letters that wait: records that could not be used', [['Reason'], ['Topic'], ['Letters', 'number']], rows),
    element('p', { className: 'told' }, 'See ', element('code', {}, 'stream-app dead-letters list'), '; mend the cause, then ', element('code', {}, 'requeue'), ' or ', element('code', {}, 'discard'), ' them.'),
  );
}

function regionTable(regions, closes) {
  const last = new Map(closes.map((each) => [each.region, each]));
  const rows = regions.map((region) => ({
    cells: [
      region.region,
      region.state,
      lastClose(last.get(region.region)),
      region.next_close && together(region.next_close.as_of, `closes ${instant(region.next_close.closes_at)}`),
      waits(region),
    ],
  }));
  return table('Regions', [['Region'], ['Now'], ['Last close'], ['Next close'], ['Waits for']], rows);
}

function lastClose(close) {
  return close ? together(close.as_of, `known ${instant(close.known_at)}${close.computed ? '' : ', being computed'}`) : 'none yet';
}

/** A day, and beside or below it an instant. */
function together(day, at) {
  return element('span', { className: 'also' }, element('span', { className: 'once' }, day), element('span', { className: 'once told' }, at));
}

function waits({ closing, closing_total: total }) {
  if (!total) return 'nothing';
  const told = closing.map((day) => {
    const behind = day.behind.length ? ` (${several(day.behind.length, 'partition')} behind)` : '';
    const until = day.until ? `, until ${instant(day.until)} at most` : '';
    return element('li', {}, `${day.as_of}: ${day.waits_for}${behind}${until}`);
  });
  const left = total - closing.length;
  return element('ul', { className: 'plain' }, ...told, left > 0 ? element('li', {}, `and ${several(left, 'day')} more`) : null);
}
