/** Peers that come back whenever they are cut off: one that resumes a topic where it was, and one that publishes until it is told that it has. */
import type { ClusterClient } from './cluster-client.js';

type Connect = () => Promise<ClusterClient>;

/** Tries until there is one. */
async function connected(connect: Connect, isStopped: () => boolean): Promise<ClusterClient | undefined> {
  while (!isStopped()) {
    const client = await connect().catch(() => undefined);
    if (client !== undefined) return client;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return undefined;
}

/** Gives undefined when the connection ends first. */
function orClosed<T>(client: ClusterClient, answer: Promise<T>): Promise<T | undefined> {
  return Promise.race([answer.catch(() => undefined), client.client.closed.then(() => undefined)]);
}

export class ResumingPeer {
  readonly texts: string[] = [];
  readonly offsets: number[] = [];
  connections = 0;
  /** Times that it was told that something cannot be recovered. */
  lost = 0;
  /** Resolves once it is subscribed. */
  readonly started: Promise<void>;
  #since: { offset: number; epoch: string } | undefined;
  #isStopped = false;

  /** @param topic with history, and an envelope */
  constructor(connect: Connect, topic: string) {
    this.started = new Promise((resolve) => void this.#run(connect, topic, resolve));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(connect: Connect, topic: string, onStarted: () => void): Promise<void> {
    for (;;) {
      const client = await connected(connect, () => this.#isStopped);
      if (client === undefined) return;
      this.connections++;
      client.onText = (text) => this.#take(text);
      const isFirst = this.#since === undefined;
      const options = isFirst ? {} : { since: this.#since };
      type Result = { offset: number; epoch: string; recovered: boolean };
      const result = await orClosed(client, client.call<Result>('subscribe', topic, options));
      if (result !== undefined) {
        this.#since ??= { offset: result.offset, epoch: result.epoch };
        if (!isFirst && !result.recovered) this.lost++;
        onStarted();
        await client.client.closed;
      }
      client.client.destroy();
    }
  }

  #take(text: string): void {
    const { offset, epoch, data } = JSON.parse(text);
    this.texts.push(String(data));
    this.offsets.push(offset);
    this.#since = { offset, epoch };
  }
}

export class PublishingPeer {
  /** What it was told to be published, and where. */
  readonly acked: { readonly text: string; readonly offset: number }[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(connect: Connect, topic: string, name: string) {
    this.#done = this.#run(connect, topic, name);
  }

  /** After what has been begun. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#done;
  }

  async #run(connect: Connect, topic: string, name: string): Promise<void> {
    let client: ClusterClient | undefined;
    for (let n = 0; !this.#isStopped; n++) {
      const text = `${name}${n}`;
      // A repeat of the same id is not published again: what was begun is brought to its end.
      for (let position: { offset: number } | undefined; position === undefined; ) {
        client ??= await connected(connect, () => false);
        const answer = client!.call<{ offset: number }>('publish', topic, text, { id: text });
        position = await orClosed(client!, answer);
        if (position !== undefined) this.acked.push({ text, offset: position.offset });
        else if (client!.client.socket.readyState !== client!.client.socket.OPEN) client = undefined;
      }
    }
  }
}
