/** Asks the read API. The token, where one is needed, is kept in this tab alone. */

const BASE = '/api/v1';
const KEPT_AS = 'stream-app token';
/** An answer that is not whole after so long does not come. */
const ANSWER_MS = 20_000;

/** An answer that is none: `status` is HTTP's, or 0 where the server does not answer. The message is a sentence. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Gives up, by its signal, once nothing was heard for so long. */
export class Patience {
  constructor(milliseconds) {
    this.milliseconds = milliseconds;
    this.controller = new AbortController();
    this.heard();
  }

  get signal() {
    return this.controller.signal;
  }

  heard() {
    this.end();
    this.timer = setTimeout(() => this.controller.abort(), this.milliseconds);
  }

  end() {
    clearTimeout(this.timer);
  }
}

export function keepToken(token) {
  sessionStorage.setItem(KEPT_AS, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEPT_AS);
}

export const hasToken = () => sessionStorage.getItem(KEPT_AS) !== null;

/** The response to a GET, whose body is still to be read, until the signal says to give up. Raises Refusal. */
export async function open(path, { parameters = {}, headers = {}, signal }) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  const token = sessionStorage.getItem(KEPT_AS);
  const login = token === null ? {} : { Authorization: `Bearer ${token}` };
  let response;
  try {
    response = await fetch(`${BASE}${path}${query && `?${query}`}`, { headers: { ...headers, ...login }, signal });
  } catch {
    throw new Refusal(0, 'The server does not answer: does `stream-app serve` still run?');
  }
  if (!response.ok) throw new Refusal(response.status, await detail(response));
  return response;
}

export async function ask(path, parameters) {
  const patience = new Patience(ANSWER_MS);
  try {
    const response = await open(path, { parameters, signal: patience.signal });
    return await response.json();
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(0, 'The server broke off in the middle of its answer.');
  } finally {
    patience.end();
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
