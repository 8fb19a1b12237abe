/** Figures and dates as people read them. */

const PRICE = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const COUNT = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const LONG_DAY = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC',
});
const MINUS = '\u2212';

const signed = (words) => words.replace('-', MINUS);

export const price = (value) => PRICE.format(value);
export const count = (value) => COUNT.format(value);
export const figure = (value) => signed(SHORT.format(value));

/** A fraction in percent, with its sign where it is a change. */
export function percent(fraction, digits = 0) {
  return `${signed((100 * fraction).toFixed(digits))} %`;
}

export function change(fraction) {
  return fraction > 0 ? `+${percent(fraction, 1)}` : percent(fraction, 1);
}

/** '2008-09-15' as Monday, 15 September 2008. */
export function longDay(day) {
  const words = LONG_DAY.format(new Date(`${day}T00:00:00Z`));
  return words.replace(/^(\w+) /, '$1, ');
}

/** An instant as 2008-09-15 20:15 UTC. */
export function instant(text) {
  return `${new Date(text).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function several(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}

/** The days between two dates, negative where the second is earlier. */
export function daysBetween(first, second) {
  return Math.round((Date.parse(second) - Date.parse(first)) / 86_400_000);
}

/** The date so many days after another. */
export function plusDays(day, number) {
  return new Date(Date.parse(day) + number * 86_400_000).toISOString().slice(0, 10);
}

/** A name as it is typed in a shell. */
export function typed(name) {
  return /^[\w.:-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
