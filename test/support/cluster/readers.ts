/**
 * Who publishes and who reads while a cluster's parts are killed. Publishers number what they publish and repeat it until
 * it is taken, so they know what everybody has to see; readers come back with their position, whatever happens to them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Position } from 'shardhub';
import type { SubscribeResult } from 'shardhub/worker';
import { ClusterClient } from '../clients/cluster-client.js';
import { WsClient } from '../clients/ws-client.js';

/** URL of a node that may be there. */
export type Nodes = () => string;

const AGAIN_MS = 20;

export class Reader {
  readonly topic: string;
  /** What it saw that cannot be: repeats, and holes that nobody told it of. */
  readonly faults: string[] = [];
  /** How often it was told that it had missed something. */
  told = 0;
  resumed = 0;
  received = 0;
  /** The newest number of each publisher; none after it was told. */
  readonly seen = new Map<string, number>();
  #position: Position | undefined;
  #isOver = false;

  constructor(topic: string, publishers: readonly string[]) {
    this.topic = topic;
    for (const name of publishers) this.seen.set(name, 0);
  }

  /** @returns once it is subscribed for the first time */
  async start(nodes: Nodes): Promise<void> {
    await new Promise<void>((resolve) => void this.#run(nodes, resolve));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #run(nodes: Nodes, onFirst: () => void): Promise<void> {
    while (!this.#isOver) {
      // A node may die in any moment, also in this one.
      await this.#live(nodes(), onFirst).catch(() => sleep(AGAIN_MS));
    }
  }

  async #live(url: string, onFirst: () => void): Promise<void> {
    const client = await WsClient.connect(url);
    const since = this.#position;
    client.send(JSON.stringify({ id: 0, call: 'subscribe', args: [this.topic, since ? { since } : {}] }));
    // What was missed comes before the answer.
    const early: string[] = [];
    for (let text = await client.nextText(); ; text = await client.nextText()) {
      if (!text.startsWith('[0,')) {
        early.push(text);
        continue;
      }
      const [, result] = JSON.parse(text) as [number, SubscribeResult | null];
      if (result === null) return client.socket.terminate();
      this.resumed++;
      if (!result.recovered) this.#tell();
      if (since === undefined || !result.recovered)
        this.#position = { offset: result.offset, epoch: result.epoch };
      break;
    }
    onFirst();
    for (const text of early) this.#take(text);
    for (;;) this.#take(await client.nextText());
  }

  #tell(): void {
    this.told++;
    this.seen.clear();
  }

  #take(text: string): void {
    const { offset, epoch, data, recovered } = JSON.parse(text);
    if (recovered === false) this.#tell();
    else {
      const { by, number } = data as { by: string; number: number };
      const last = this.seen.get(by);
      if (last !== undefined && number !== last + 1)
        this.faults.push(`${this.topic}: ${by} ${number} after ${last}`);
      if (epoch !== this.#position?.epoch)
        this.faults.push(`${this.topic}: another epoch, and nobody said so`);
      this.seen.set(by, number);
      this.received++;
    }
    this.#position = { offset, epoch };
  }
}

export class Publisher {
  readonly name: string;
  readonly topic: string;
  done = 0;
  repeated = 0;
  #client: ClusterClient | undefined;

  constructor(name: string, topic: string) {
    this.name = name;
    this.topic = topic;
  }

  /** Publishes numbers up to one, each as soon as the one before it is taken. */
  async run(nodes: Nodes, last: number): Promise<void> {
    while (this.done < last) {
      try {
        await this.#publish(nodes, this.done + 1);
        this.done++;
      } catch {
        this.repeated++;
        this.#client?.client.socket.terminate();
        this.#client = undefined;
        await sleep(AGAIN_MS);
      }
    }
  }

  async #publish(nodes: Nodes, number: number): Promise<void> {
    this.#client ??= await ClusterClient.connect(nodes());
    const { client } = this.#client;
    const gone = client.closed.then(() => {
      throw new Error('the node is gone');
    });
    const text = JSON.stringify({ by: this.name, number });
    const id = `${this.name} ${number}`;
    await Promise.race([this.#client.call('publish', this.topic, text, { id }), gone]);
  }
}
