/** When a message was sent, until what answers it arrives. */

/** Messages that may wait for an answer. */
const WAITING = 1000;

export class RoundTrips {
  #waiting = [];
  /** True once the server was seen to echo. */
  #echoes = false;

  clear() {
    this.#waiting = [];
    this.#echoes = false;
  }

  start(data, { size }) {
    if (this.#waiting.push({ data, size, at: performance.now() }) > WAITING) this.#waiting.shift();
  }

  /**
   * Milliseconds since the message that `data` answers was sent: the same message, or else the oldest one that
   * waits. A server that was once seen to echo is held to that, so that what it sends unasked counts as no answer.
   */
  end(data, { size }, now) {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    let answered = waiting.findIndex((sent) => sent.size === size && isSame(sent.data, data));
    if (answered >= 0) this.#echoes = true;
    else if (!this.#echoes) answered = 0;
    const sent = waiting.splice(0, answered + 1).at(-1);
    return sent === undefined ? undefined : now - sent.at;
  }
}

/** Whether two messages of one size are the same. */
function isSame(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.every((byte, i) => byte === b[i]);
}
