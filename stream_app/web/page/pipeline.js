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
      element('div', {}, stages(pipeline), pipeline.unpublished && unpublished(pipeline.unpublished)),
      element('div', {}, pipeline.dead_letters && letters(pipeline.dead_letters)),
    ),
    regionTable(regions),
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
  const lines = told.map(({ sentence: wrong, todo }) => element('li', {}, sentence(wrong), ...(todo ? [' ', sentence(todo)] : [])));
  return element('div', { className: 'problem' }, element('ul', { className: 'plain' }, ...lines));
}

function stages({ stages: told, kafka }) {
  const rows = told.map(({ stage, topic, workers, lag }) => ({ cells: [stage, topic, known(workers), known(lag)] }));
  const caption = kafka.answers ? 'Stages, and how many records each has still to apply' : 'Stages. Kafka does not answer, so their lag is not known';
  return table(caption, [['Stage'], ['Reads'], ['Workers', 'number'], ['Lag', 'number']], rows);
}

const known = (number) => (number === null ? 'not known' : count(number));

function unpublished(told) {
  const words = told.map(({ what, rows }) => `${count(rows)} ${what}`);
  return element('p', { className: 'told' }, words.length ? `Still to be published: ${words.join('; ')}.` : 'Nothing is left to be published.');
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

function regionTable(regions) {
  const rows = regions.map((region) => ({
    cells: [
      region.region,
      region.state,
      region.last_closed ? together(region.last_closed.as_of, `known ${instant(region.last_closed.known_at)}`) : 'none yet',
      region.next_close && together(region.next_close.as_of, `closes ${instant(region.next_close.closes_at)}`),
      waits(region),
    ],
  }));
  const made = table('Regions', [['Region'], ['Now'], ['Last close'], ['Next close'], ['Waits for']], rows);
  made.classList.add('stacks');
  return made;
}

/** A day, and beside or below it an instant. */
function together(day, at) {
  return element('span', { className: 'also' }, element('span', { className: 'once' }, day), element('span', { className: 'once told' }, at));
}

function waits({ waiting, to_amend: marked }) {
  const told = waiting.map((each) => each.told);
  if (marked) told.push(`${several(marked, 'day')} touched by late records, to be amended`);
  if (!told.length) return 'nothing';
  return element('ul', { className: 'plain' }, ...told.map((each) => element('li', {}, each)));
}
