/** The page: reads what there is, shows what the address asks for, and takes up what comes. */

import * as address from './address.js';
import { Refusal, ask, ofRegion } from './api.js';
import { Controls } from './controls.js';
import { announce, button, byId, element, fill, sentence } from './elements.js';
import { follow } from './live.js';
import { anotherToken } from './login.js';
import { noDays, noDaysOfModel, noRegions } from './nothing.js';
import { showPipeline, summary } from './pipeline.js';
import { View } from './view.js';
import { longDay, several } from './words.js';

const AGAIN_MS = 3000;
const PIPELINE_MS = 15_000;
/** Events that come within so long of each other are taken up together. */
const TOGETHER_MS = 40;
const BURST_MS = 1500;

const known = { regions: [], models: [], pipeline: null, live: false };
let asked = { region: null, model: null, day: null };
/** The answer of all days of what is being opened, or was last. */
let opening = Promise.resolve();
/** The tasks that wait for the server to answer again. */
const waiting = new Set();
let pending = [];
let taking = false;

const controls = new Controls({ went: go, spanned: (span) => view.spanOver(span) });
const view = new View(controls, { went: go, failed });

/** Tries until it succeeds: asks for the token, or waits for the server. */
async function persist(task) {
  try {
    for (;;) {
      try {
        return await task();
      } catch (error) {
        if (error.status === 401) await anotherToken();
        else if (error.status === 0 || error.status >= 500) await wait(task, error);
        else throw error;
      }
    }
  } finally {
    if (waiting.delete(task) && waiting.size === 0 && !stands()) trouble();
  }
}

async function wait(task, error) {
  waiting.add(task);
  if (!stands()) trouble(`${error.message} Trying again every ${AGAIN_MS / 1000} s.`);
  await new Promise((over) => setTimeout(over, AGAIN_MS));
}

/** Something was not answered that nothing hangs on: it is said, and can be tried again. */
function failed(error) {
  if (error.status === 401) return turnTo(asked, true);
  if (!(error instanceof Refusal)) console.error(error);
  trouble(error.message, button('Try again', () => turnTo(asked, true, true)));
  return null;
}

/** Whether what is said there waits to be tried again by a press. */
const stands = () => byId('trouble').querySelector('button') !== null;

/** Says what is wrong, once for as long as it stays the same; nothing: all is well again. */
function trouble(words = '', ...then) {
  const place = byId('trouble');
  if (place.dataset.words === words) return;
  place.dataset.words = words;
  fill(place, words && element('p', { className: 'problem' }, sentence(words), ...then));
}

async function readGround() {
  const [{ regions }, { models }] = await Promise.all([ask('/regions'), ask('/models')]);
  Object.assign(known, { regions, models: models.filter(({ kind }) => kind === 'joint') });
}

async function readPipeline() {
  try {
    const [{ regions }, pipeline] = await Promise.all([ask('/regions'), ask('/pipeline')]);
    Object.assign(known, { regions, pipeline });
    showPipeline(byId('pipeline-told'), pipeline, regions);
    byId('pipeline').hidden = false;
  } catch (error) {
    known.pipeline = null;
    fill(byId('pipeline-told'), element('p', { className: 'problem' }, sentence(error.message)));
  }
  showState();
}

function showState() {
  const chip = byId('state');
  const { well, words } = known.pipeline ? summary(known.pipeline, known.live) : { well: false, words: 'Not live now: state not known' };
  chip.textContent = words;
  chip.className = `chip ${well ? 'well' : 'ill'}`;
  chip.hidden = false;
}

/** The region that is asked for, else the one whose prices reach the furthest: days also close where none came. */
function regionOf({ region }) {
  const found = known.regions.find((each) => each.region === region);
  const reach = ({ newest, as_of: day }) => [newest.map((each) => each.numeric_last_date ?? '').sort().at(-1) ?? '', day ?? ''].join(' ');
  return found ?? known.regions.reduce((best, each) => (reach(each) > reach(best) ? each : best), known.regions[0]);
}

const modelsOf = (region) => region.newest.map(({ model_id: model }) => model);

/** The models in use, and those that the region has days of. */
function offeredIn(region) {
  return known.models.filter((each) => each.in_use || modelsOf(region).includes(each.model_id));
}

/**
 * The model that is asked for, else the first with days in the region, where any has some, that is no plain average: in
 * that one the volumes, which are large numbers, drown everything else.
 */
function modelOf(region, { model }) {
  const offered = offeredIn(region);
  const filled = offered.filter((each) => modelsOf(region).includes(each.model_id));
  const usable = filled.length ? filled : offered;
  return offered.find((each) => each.model_id === model) ?? usable.find((each) => each.algorithm !== 'average') ?? usable[0];
}

/** Asks for what an address says, until it is shown or something else is asked for, were it the same once more. */
function turnTo(told, kept, anew = false) {
  const wanted = { ...told };
  asked = wanted;
  trouble();
  return persist(() => (asked === wanted ? show(wanted, kept, anew) : null)).catch(failed);
}

/** Shows what an address asks for. `anew`: also what is shown already. */
async function show(wanted, kept, anew) {
  byId('nothing').hidden = true;
  byId('newest').ariaPressed = String(wanted.day === null);
  const region = regionOf(wanted);
  if (!region) return noRegions();
  const model = modelOf(region, wanted);
  const same = view.days && view.region === region.region && view.model === model.model_id;
  offer(region, model); // also after another one that was never opened
  if (!same || anew) {
    opening = ask(ofRegion(region.region, 'timeline'), { model_id: model.model_id });
    const told = await opening;
    if (asked !== wanted) return null; // before anything is touched
    controls.enable(view.open(region.region, model, told));
  }
  byId('notice').hidden = true;
  document.title = [region.region, wanted.day, '· stream-app'].filter(Boolean).join(' ');
  if (!view.days) return modelsOf(region).length ? noDaysOfModel(region.region, model.model_id) : noDays(region);
  const chosen = view.choose(wanted.day, kept);
  tellWhatIsNotThere(wanted);
  await chosen;
  if (asked !== wanted) return null;
  if (kept && wanted.day) announce(`${longDay(view.day)} is shown.`);
  return null;
}

/** Says where something else is shown than was asked for. */
function tellWhatIsNotThere({ region, model, day }) {
  const missing = [
    region && region !== view.region ? `There is no region ${region}; this is ${view.region}.` : null,
    model && model !== view.model ? `There is no model ${model}; this is ${view.model}.` : null,
    day && day !== view.day ? `${view.region} has no context of ${day}; this is the nearest day.` : null,
  ].filter(Boolean);
  if (missing.length) notice(missing.join(' '));
}

function notice(...told) {
  fill(byId('notice'), ...told);
  byId('notice').hidden = false;
}

function offer(region, model) {
  controls.offer(
    known.regions.map((each) => [each.region, each.as_of === null]),
    offeredIn(region).map((each) => [each.model_id, !modelsOf(region).includes(each.model_id)]),
    { region: region.region, model: model.model_id },
  );
  byId('model-told').textContent = model.algorithm === 'average'
    ? 'This model averages raw prices, volumes and texts: volumes, which are large numbers, drown the rest.'
    : '';
}

function go(changed, kept) {
  const wanted = { ...asked, ...changed };
  address.write(wanted, kept);
  turnTo(wanted, kept);
}

/** Whether the newest day is to be shown, whichever it is. */
const follows = () => asked.day === null;

/** Waits for what is being opened, whose days may be without what has come since they were asked for. */
const opened = () => opening.catch(() => null);

/** A context was stored: it is taken up with those that come with it. */
function came(header) {
  pending.push(header);
  if (taking) return;
  taking = true;
  setTimeout(takeUp, TOGETHER_MS);
}

async function takeUp() {
  const taken = pending;
  pending = [];
  try {
    await persist(async () => {
      await opened();
      if (!view.days) {
        await readGround();
        return turnTo(asked, true, true);
      }
      const own = taken.filter(({ region, model_id: model }) => region === view.region && model === view.model);
      if (!own.length) return null;
      const first = own.reduce((least, { as_of: day }) => (day < least ? day : least), own[0].as_of);
      await view.refresh(first, follows);
      return tell(own);
    });
    await readPipeline();
  } catch (error) {
    failed(error);
  }
  if (pending.length) setTimeout(takeUp, BURST_MS);
  else taking = false;
}

/** Says what came, unless something else is shown by now, and offers to show it where another day stands out. */
function tell(headers) {
  const newest = headers.reduce((best, each) => (each.as_of >= best.as_of ? each : best));
  const { as_of: day, region, model_id: model, revision, regime_label: label, absent_reason: absent } = newest;
  if (view.region !== region || view.model !== model) return;
  const what = revision > 1 ? `changed, revision ${revision}` : 'closed';
  const words = headers.length > 1
    ? `${several(headers.length, 'day')} of ${region} closed or changed, up to ${day}.`
    : `${region} ${day} ${what}${absent ? ', without a vector' : label ? `: ${label}` : ''}.`;
  announce(words);
  notice(words, asked.day === null ? null : button('Show it', () => go({ region, model, day }, true)));
}

function listen() {
  follow(came, (live, resumed) => {
    known.live = live;
    if (known.pipeline) showState();
    readPipeline();
    // What was stored since the days were read and before the stream began is in neither.
    if (live && !resumed) persist(() => opened().then(() => view.refresh(null, follows))).catch(failed);
  }).then(() => persist(readGround)).then(listen);
}

byId('state').addEventListener('click', () => {
  byId('pipeline').scrollIntoView();
  byId('pipeline').focus();
});
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId(view.days ? 'day' : 'nothing').focus();
});
addEventListener('hashchange', () => turnTo(address.read(), true));
setInterval(() => document.hidden || readPipeline(), PIPELINE_MS);
addEventListener('visibilitychange', () => document.hidden || readPipeline());

await persist(readGround);
listen();
await turnTo(address.read(), true);
await readPipeline();
