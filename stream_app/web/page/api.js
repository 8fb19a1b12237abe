/** Asks the read API. The token, where one is needed, is kept in this tab alone. */

const BASE = '/api/v1';
const KEPT_AS = 'stream-app token';

/** An answer that is none: `status` is HTTP's, or 0 where the server does not answer. The message is a sentence. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(KEPT_AS, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT_AS);
}

export const hasToken = () => sessionStorage.getItem(KEPT_AS) !== null;

/** The response to a GET, whose body is still to be read. Raises Refusal. */
export async function open(path, parameters = {}, headers = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  const token = sessionStorage.getItem(KEPT_AS);
  const login = token === null ? {} : { Authorization: `Bearer ${token}` };
  let response;
  try {
    response = await fetch(`${BASE}${path}${query && `?${query}`}`, { headers: { ...headers, ...login } });
  } catch {
    throw new Refusal(0, 'The server does not answer: does `stream-app serve` still run?');
  }
  if (!response.ok) throw new Refusal(response.status, await detail(response));
  return response;
}

export async function ask(path, parameters) {
  const response = await open(path, parameters);
  try {
    return await response.json();
  } catch {
    throw new Refusal(0, 'The server broke off in the middle of its answer.');
  }
}

/** A region's part of the API. */
export function ofRegion(region, ...rest) {
  return ['', 'regions', region, ...rest].map(encodeURIComponent).join('/');
}

async function detail(response) {
  try {
    return (await response.json()).detail ?? `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}
