/** Makes and fills elements. Words from outside become text nodes, never markup. */

export const byId = (id) => document.getElementById(id);

/** An element with properties (className, title, …) and children, which are elements or texts; null is left out. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A sentence as the server writes them: what stands in `backticks` can be typed. */
export function sentence(words) {
  const parts = words.split('`').map((part, at) => (at % 2 ? element('code', {}, part) : part));
  return element('span', {}, ...parts);
}

/** Replaces what an element has. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== ''));
}

export function button(words, pressed, properties = {}) {
  const made = element('button', { type: 'button', ...properties }, words);
  made.addEventListener('click', pressed);
  return made;
}

/** A link to where an article stands, or its words alone where that is no page of the web. */
export function outwards(words, url) {
  let place = null;
  try {
    place = url ? new URL(url) : null;
  } catch {
    // It is no URL.
  }
  if (!place || !['http:', 'https:'].includes(place.protocol)) return words;
  return element('a', { href: place.href, rel: 'noopener noreferrer', target: '_blank' }, words);
}

/** A table. `columns` are [name, kind], of kind 'number' or nothing; the first cell of a row is its header. */
export function table(caption, columns, rows) {
  const head = columns.map(([name, kind]) => element('th', { scope: 'col', className: kind ?? '' }, name));
  const body = rows.map(({ cells, chosen }) => element(
    'tr',
    { className: chosen ? 'chosen' : '', ariaCurrent: chosen ? 'true' : null },
    ...cells.map((cell, at) => (at === 0
      ? element('th', { scope: 'row' }, cell)
      : under(columns[at], cell ?? '–'))),
  ));
  const made = element(
    'table',
    {},
    element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  );
  return element('div', { className: 'wide' }, made);
}

/** A cell, which knows its column's name: on narrow screens that may stand beside it. */
function under([name, kind], cell) {
  const made = element('td', { className: kind ?? '' }, cell);
  made.dataset.column = name;
  return made;
}

/** Names and what they are, one below the other. */
export function pairs(...told) {
  const found = told.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return element(
    'dl',
    { className: 'pairs' },
    ...found.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );
}

/** Says something to who hears the page, once what is being said has ended. */
export function announce(words) {
  byId('announcements').textContent = words;
}
