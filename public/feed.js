/**
 * The hub's statistics, as it streams them. Read with fetch instead of an EventSource, which cannot send the token.
 * The stream is open while the page is visible, and only then: the hub measures for nobody else.
 */
import { Backoff } from './reconnect.js';

const STORED_TOKEN = 'shardhub-stats-token';

/** What this tab has been given; undefined before. */
export const storedToken = () => sessionStorage.getItem(STORED_TOKEN) ?? undefined;

/** The token of the page's address, which then forgets it, or the one that this tab has been given before. */
export function takeToken() {
  const [, given] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (given !== undefined) {
    sessionStorage.setItem(STORED_TOKEN, decode(given));
    history.replaceState(null, '', location.pathname + location.search);
  }
  return storedToken();
}

/** A token with a bare per cent sign is taken as it is. */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export class Feed {
  #on;
  #token;
  #abort;
  #backoff = new Backoff();
  #isWanted = false;

  /** @param on `event(event)` for each event of the stream, `state(state, text)`: connecting, live, token, lost, hidden */
  constructor(on) {
    this.#on = on;
    document.addEventListener('visibilitychange', () => this.#look());
  }

  start(token) {
    this.#token = token;
    if (token !== undefined) sessionStorage.setItem(STORED_TOKEN, token);
    this.#isWanted = true;
    this.#close();
    this.#look();
  }

  #look() {
    if (!this.#isWanted) return;
    if (document.hidden) {
      this.#close();
      this.#on.state('hidden', '');
    } else if (this.#abort === undefined) {
      void this.#run();
    }
  }

  #close() {
    this.#backoff.reset();
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #run() {
    const abort = new AbortController();
    this.#abort = abort;
    this.#on.state('connecting', '');
    const problem = await this.#read(abort.signal).catch(() => 'No connection to the hub.');
    // Closed on purpose: whoever did that has said what comes next.
    if (this.#abort !== abort) return;
    this.#abort = undefined;
    if (problem === 'token') {
      this.#isWanted = false;
      this.#on.state('token', 'The hub does not take this token.');
      return;
    }
    this.#on.state('lost', problem);
    this.#backoff.schedule(() => this.#look());
  }

  /** @returns what ended the stream */
  async #read(signal) {
    const headers = this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
    const response = await fetch('stats/stream', { headers, signal, cache: 'no-store' });
    if (response.status === 401) return 'token';
    if (!response.ok) return (await response.text()).trim();
    this.#on.state('live', '');
    let rest = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 'The hub ended the stream.';
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        if (!event.startsWith('data: ')) continue;
        this.#backoff.reset();
        this.#on.event(JSON.parse(event.slice('data: '.length)));
      }
    }
  }
}
