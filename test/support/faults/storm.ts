/** Load for crash tests: clients that keep a few numbered messages unanswered and check every reply against what they sent. */

import type { Prng } from 'shardhub/testing';
import { WebSocket } from 'ws';

export type Poison = 'exit' | 'uncaught' | 'oom' | 'loop';

const WAYS = ['now', 'async', 'deep', 'items', 'now', 'now'];
const WINDOW = 4;
const LARGE = 'x'.repeat(300_000);
const MEDIUM = 'y'.repeat(2000);

export interface StormReport {
  closedWithPoison: number;
  closedWithout: number;
  wrongCode: number;
  lost: number;
  /** A reply that was not the next one. */
  repeatedOrReordered: number;
  /** Replies to what was sent behind a poison. */
  answeredBehindPoison: number;
  replies: number;
}

export function emptyReport(): StormReport {
  return {
    closedWithPoison: 0,
    closedWithout: 0,
    wrongCode: 0,
    lost: 0,
    repeatedOrReordered: 0,
    answeredBehindPoison: 0,
    replies: 0,
  };
}

export class StormClient {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #random: Prng;
  readonly #report: StormReport;
  readonly #onClosed: () => void;
  /** Sent and not answered, up to the poison. */
  readonly #pending: string[] = [];
  #serial = 0;
  #isStopped = false;
  #isPoisoned = false;
  isClosed = false;

  constructor(url: string, random: Prng, report: StormReport, onClosed: () => void) {
    this.#random = random;
    this.#report = report;
    this.#onClosed = onClosed;
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('message', (data) => this.#onReply(data.toString()));
    this.#socket.on('close', (code) => this.#onClose(code));
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.on('error', reject);
    });
  }

  get isPoisoned(): boolean {
    return this.#isPoisoned;
  }

  get unanswered(): number {
    return this.#pending.length;
  }

  start(): void {
    for (let i = 0; i < WINDOW; i++) this.#send();
  }

  /** Sends nothing new. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Sends a message that ends its worker, and two behind it that nobody may ever see. */
  poison(kind: Poison): void {
    this.#isPoisoned = true;
    this.#socket.send(kind);
    this.#socket.send('behind');
    this.#socket.send('behind');
  }

  terminate(): void {
    this.#isStopped = true;
    this.#socket.terminate();
  }

  #send(): void {
    if (this.#isStopped || this.#isPoisoned || this.#socket.readyState !== WebSocket.OPEN) return;
    const roll = this.#random.float();
    const filling = roll < 0.002 ? LARGE : roll < 0.1 ? MEDIUM : '';
    const text = `${this.#random.pick(WAYS)} ${this.#serial++} ${filling}`;
    this.#pending.push(text);
    this.#socket.send(text);
  }

  #onReply(text: string): void {
    this.#report.replies++;
    if (text === 'behind') this.#report.answeredBehindPoison++;
    else if (text === this.#pending[0]) this.#pending.shift();
    else this.#report.repeatedOrReordered++;
    this.#send();
  }

  #onClose(code: number): void {
    this.isClosed = true;
    if (this.#isStopped && !this.#isPoisoned && code === 1006) return;
    if (this.#isPoisoned) this.#report.closedWithPoison++;
    else this.#report.closedWithout++;
    if (code !== 1011) this.#report.wrongCode++;
    this.#report.lost += this.#pending.length;
    this.#onClosed();
  }
}
