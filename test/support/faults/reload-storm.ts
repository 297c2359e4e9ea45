/** Load for reloads: clients that keep a few messages unanswered, and an oracle of what each reply has to be. */
import type { Hub } from 'shardhub';
import { type Prng, withFaults } from 'shardhub/testing';
import { expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../until.js';

/** Sends act at once, so in concurrent order they may overtake. */
const WAYS = ['now', 'now', 'now', 'async', 'wait', 'items', 'slowly'];
const SERIAL_WAYS = [...WAYS, 'send'];
const WINDOW = 4;
const LARGE = 'x'.repeat(100_000);
const MEDIUM = 'y'.repeat(3000);

interface Pending {
  readonly text: string;
  readonly sentAt: number;
}

class CountingClient {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #load: CountingLoad;
  readonly #pending: Pending[] = [];
  #sent = 0;
  #answered = 0;

  constructor(url: string, load: CountingLoad) {
    this.#load = load;
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('message', (data) => this.#onReply(data.toString()));
    this.#socket.on('close', (code, reason) => load.onClosed(`${code} ${reason}`));
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.on('error', reject);
    });
  }

  get unanswered(): number {
    return this.#pending.length;
  }

  start(): void {
    for (let i = 0; i < WINDOW; i++) this.#send();
  }

  terminate(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.terminate();
  }

  #send(): void {
    const { random, isOver, ways } = this.#load;
    if (isOver) return;
    const roll = random.float();
    const filling = roll < 0.002 ? LARGE : roll < 0.05 ? MEDIUM : '';
    const text = `${random.pick(ways)} ${this.#sent++} ${filling}`;
    this.#pending.push({ text, sentAt: performance.now() });
    this.#socket.send(text);
  }

  #onReply(reply: string): void {
    const { text, sentAt } = this.#pending.shift() ?? { text: 'nothing', sentAt: 0 };
    if (reply !== `${++this.#answered} ${text}`)
      this.#load.onWrong(`${reply.slice(0, 40)} for ${this.#answered} ${text.slice(0, 40)}`);
    this.#load.onAnswer(performance.now() - sentAt);
    this.#send();
  }
}

const SEED = Number(process.env.SHARDHUB_STORM_SEED ?? 1);

/** Whatever it chooses is chosen again with the seed that a failing run prints. */
export function withSeed(run: (random: Prng) => Promise<void>): Promise<void> {
  return withFaults(({ random }) => run(random), { seed: SEED });
}

/** Many clients whose messages are counted by the handler of test/fixtures/reloads.mjs. */
export class CountingLoad {
  readonly random: Prng;
  readonly ways: readonly string[];
  isOver = false;
  readonly #hub: Hub;
  readonly #clients: CountingClient[] = [];
  readonly #wrong: string[] = [];
  readonly #closed: string[] = [];
  #delays: number[] = [];

  constructor(hub: Hub, random: Prng) {
    this.#hub = hub;
    this.random = random;
    this.ways = hub.options.ordering === 'serial' ? SERIAL_WAYS : WAYS;
    onTestFinished(() => this.#clients.forEach((client) => void client.terminate()));
  }

  /** @param url of the connection of a number */
  async start(count: number, url: (i: number) => string = () => this.#hub.wsUrl): Promise<void> {
    for (let i = 0; i < count; i++) this.#clients.push(new CountingClient(url(i), this));
    await Promise.all(this.#clients.map(({ opened }) => opened));
    for (const client of this.#clients) client.start();
  }

  onAnswer(ms: number): void {
    this.#delays.push(ms);
  }

  onWrong(what: string): void {
    this.#wrong.push(what);
  }

  onClosed(why: string): void {
    this.#closed.push(why);
  }

  /** How long the messages took that were answered since the last time this was asked: ms. */
  takeDelays(): string {
    const sorted = this.#delays.sort((a, b) => a - b);
    this.#delays = [];
    const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
    return `p50 ${at(0.5)} p99 ${at(0.99)} worst ${at(1)} of ${sorted.length}`;
  }

  /** Waits until something has been answered. */
  async someAnswers(): Promise<void> {
    const before = this.#hub.stats().messages.sent;
    await until('answers', () => this.#hub.stats().messages.sent > before + this.#clients.length);
  }

  /** Every message is answered, in order and once, and nobody was closed. */
  async end(): Promise<void> {
    this.isOver = true;
    await until(
      () => `${this.#clients.filter(({ unanswered }) => unanswered > 0).length} clients to be answered`,
      () => this.#closed.length > 0 || this.#clients.every(({ unanswered }) => unanswered === 0),
    );
    expect({ wrong: this.#wrong.slice(0, 5), closed: this.#closed.slice(0, 5) }).toEqual({
      wrong: [],
      closed: [],
    });
    const { connections, messages, handlerErrors, handlerTimeouts, shards } = this.#hub.stats();
    expect({ connections, messages, handlerErrors, handlerTimeouts }).toMatchObject({
      connections: { open: this.#clients.length },
      messages: { inFlight: 0, inFlightBytes: 0 },
      handlerErrors: 0,
      handlerTimeouts: 0,
    });
    expect(shards.reduce((sum, shard) => sum + shard.connections, 0)).toBe(this.#clients.length);
    expect(shards.map(({ inFlight }) => inFlight)).toEqual(shards.map(() => 0));
  }
}
