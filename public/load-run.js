/**
 * A small load from this page: connections of its own, and messages at a fixed rate over them. A hub answers a
 * connection in order, so the n-th answer on a connection is taken for the answer to its n-th message.
 */
import { Histogram } from './histogram.js';

const TICK_MS = 5;
const REPORT_MS = 500;
/** What one tick sends at most, and what may wait in a socket: the page has to stay answering. */
const MAX_PER_TICK = 2000;
const MAX_BUFFERED = 1024 * 1024;
/** How long answers are waited for at the end. */
const PATIENCE_MS = 5000;

export class LoadRun {
  #settings;
  #onReport;
  #payload;
  #sockets = [];
  #timers = [];
  #turn = 0;
  #startedAt = 0;
  #latency = new Histogram();
  #recent = new Histogram();
  #onEnd;
  counts = { opened: 0, failed: 0, sent: 0, answered: 0, different: 0, unasked: 0, closed: 0 };

  /**
   * @param settings `address`, `connections`, `rate` (messages per second over all of them), `seconds`, `size` (bytes)
   * @param onReport called twice a second with the percentiles of that half second
   */
  constructor(settings, onReport) {
    this.#settings = settings;
    this.#onReport = onReport;
    this.#payload = 'x'.repeat(settings.size);
  }

  /** Milliseconds; of the whole run. */
  get latency() {
    return {
      p50: this.#latency.percentile(0.5),
      p99: this.#latency.percentile(0.99),
      max: this.#latency.max,
    };
  }

  /** Resolves with a text when it is over. */
  async run() {
    const ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    const opening = Array.from({ length: this.#settings.connections }, () => this.#connect());
    void Promise.all(opening).then(() => this.#begin());
    const how = await ended;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { socket } of this.#sockets) {
      socket.onmessage = socket.onclose = socket.onopen = null;
      socket.close(1000);
    }
    this.#report();
    return how;
  }

  stop() {
    this.#onEnd('Stopped.');
  }

  #connect() {
    const socket = new WebSocket(this.#settings.address);
    socket.binaryType = 'arraybuffer';
    const line = { socket, sentAt: [], first: 0 };
    this.#sockets.push(line);
    return new Promise((resolve) => {
      socket.onopen = () => {
        this.counts.opened += 1;
        resolve();
      };
      socket.onmessage = ({ data }) => this.#onAnswer(line, data);
      socket.onclose = () => {
        if (socket.wasOpen) this.counts.closed += 1;
        else this.counts.failed += 1;
        resolve();
      };
      socket.addEventListener('open', () => {
        socket.wasOpen = true;
      });
    });
  }

  #begin() {
    if (this.counts.opened === 0) {
      this.#onEnd('No connection could be opened.');
      return;
    }
    this.#startedAt = performance.now();
    this.#timers.push(
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => this.#report(), REPORT_MS),
    );
  }

  #tick() {
    const { rate, seconds } = this.#settings;
    const elapsed = performance.now() - this.#startedAt;
    const due = Math.floor((Math.min(elapsed, seconds * 1000) * rate) / 1000);
    for (let room = MAX_PER_TICK; room > 0 && this.counts.sent < due; room--) if (!this.#sendOne()) break;
    if (elapsed < seconds * 1000) return;
    const isAnswered = this.counts.answered + this.#lost() >= this.counts.sent;
    if (isAnswered) this.#onEnd('Done.');
    else if (elapsed > seconds * 1000 + PATIENCE_MS) this.#onEnd('Done; not every message was answered.');
  }

  /** Messages of connections that are gone: nobody answers them. */
  #lost() {
    let lost = 0;
    for (const { socket, sentAt, first } of this.#sockets)
      if (socket.readyState === WebSocket.CLOSED) lost += sentAt.length - first;
    return lost;
  }

  /** Over the next connection that takes it; false when none does. */
  #sendOne() {
    const sockets = this.#sockets;
    for (let i = 0; i < sockets.length; i++) {
      const line = sockets[this.#turn++ % sockets.length];
      const { socket } = line;
      if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_BUFFERED) continue;
      line.sentAt.push(performance.now());
      socket.send(this.#payload);
      this.counts.sent += 1;
      return true;
    }
    return false;
  }

  #onAnswer(line, data) {
    if (line.first === line.sentAt.length) {
      this.counts.unasked += 1;
      return;
    }
    const took = performance.now() - line.sentAt[line.first++];
    // What has been answered is forgotten now and then instead of each time.
    if (line.first > 1000) {
      line.sentAt.splice(0, line.first);
      line.first = 0;
    }
    this.counts.answered += 1;
    if (data !== this.#payload) this.counts.different += 1;
    this.#latency.add(took);
    this.#recent.add(took);
  }

  #report() {
    this.#onReport({ p50: this.#recent.percentile(0.5), p99: this.#recent.percentile(0.99) });
    this.#recent.clear();
  }
}
