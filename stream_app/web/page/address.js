/** What is shown stands in the address after the #, so that it can be sent to others: #region=US&day=2008-09-15. */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const NAMES = ['region', 'model', 'day'];
const STANDS_MS = 200;

let writing;

export function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [region, model, day] = NAMES.map((name) => given.get(name) || null);
  return { region, model, day: day && DAY.test(day) && !Number.isNaN(Date.parse(day)) ? day : null };
}

/**
 * Puts it there; `kept`: the page before is one that Back leads to. What is passed by stands there once it has stood for a
 * while, because browsers refuse an address that changes too often.
 */
export function write(address, kept) {
  const given = NAMES.filter((name) => address[name]).map((name) => [name, address[name]]);
  const hash = `#${new URLSearchParams(given)}`;
  clearTimeout(writing);
  if (hash === location.hash) return;
  if (kept) history.pushState(null, '', hash);
  else writing = setTimeout(() => history.replaceState(null, '', hash), STANDS_MS);
}
