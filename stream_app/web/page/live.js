/** What is stored while the page is open, as it comes: server-sent events, read by fetch so that a token can be sent. */

import { Patience, open } from './api.js';

/** The server sends a comment each 15 s: a stream that is silent for longer has no living end. */
const SILENT_MS = 35_000;
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Follows new contexts for ever, and goes on after the last one when the server was away. `told(header)` is called for
 * each, `heard(live, resumed)` when the stream begins, whether after the last event or anew, and when it ends. Returns
 * where the token is refused.
 */
export async function follow(told, heard) {
  let last = null;
  let pause = SHORTEST_PAUSE_MS;
  for (;;) {
    const patience = new Patience(SILENT_MS);
    try {
      const headers = last === null ? {} : { 'Last-Event-ID': last };
      const response = await open('/events', { headers, signal: patience.signal });
      heard(true, last !== null);
      pause = SHORTEST_PAUSE_MS;
      for await (const event of events(response.body, patience)) {
        if (event.id) last = event.id;
        if (event.event === 'context') told(JSON.parse(event.data));
      }
    } catch (error) {
      if (error.status === 401) return;
      if (error.status === 422) last = null; // no event's id, as this server writes them
    } finally {
      patience.end();
    }
    heard(false, false);
    await new Promise((over) => setTimeout(over, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

/** The events of a stream, each an object with what it has of event, data and id. Whatever comes is told to the patience. */
async function* events(body, patience) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      patience.heard();
      const parts = (text + value).split(/\r\n\r\n|\n\n|\r\r/);
      text = parts.pop();
      yield* parts.map(fields);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function fields(part) {
  const event = {};
  for (const line of part.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^(\w+):? ?(.*)$/.exec(line) ?? [];
    if (name) event[name] = event[name] === undefined ? value : `${event[name]}\n${value}`;
  }
  return event;
}
