/**
 * The relay: the broker in memory, for processes of one machine. It listens on a Unix socket; whoever may open that is a
 * node. What it passes on and keeps are the encoded messages: it looks into none. Supervisor's thread.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type BrokerHost, type BrokerMessage, type BrokerPublication, MAX_WAITING_BYTES } from '../broker.js';
import { MemoryBroker, MemoryExchange } from '../memory-broker.js';
import { FrameReader, FrameWriter, type Hello, Kind, MAX_MESSAGE_BYTES, RELAY_VERSION } from './frames.js';
import type { Answer, Place, Question, Read } from './questions.js';

/** A node that does not take its answers is sent away when so much waits for it. */
const MAX_STUCK_BYTES = 4 * MAX_WAITING_BYTES;

export interface RelayStats {
  /** Gauge: nodes that are connected. */
  readonly nodes: number;
  /** Gauge: bytes of histories. */
  readonly historyBytes: number;
  /** Messages that were left out since too much waited for their node. */
  readonly dropped: number;
}

export class RelayServer {
  readonly #exchange = new MemoryExchange();
  readonly #server: Server;
  readonly #peers = new Set<Peer>();
  #dropped = 0;

  constructor() {
    this.#server = createServer((socket) => {
      const peer = new Peer(socket, this.#exchange, () => {
        this.#dropped++;
      });
      this.#peers.add(peer);
      socket.on('close', () => this.#peers.delete(peer));
    });
  }

  /** @param path in a folder that others may not enter */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
  }

  stats(): RelayStats {
    const { history } = this.#exchange;
    return { nodes: this.#peers.size, historyBytes: history.bytes, dropped: this.#dropped };
  }

  /** Sends every node away. */
  close(): Promise<void> {
    for (const peer of this.#peers) peer.end();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** A node, as the exchange sees it. */
class Peer implements BrokerHost {
  readonly histories = [];
  node = '';
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #broker: MemoryBroker;
  readonly #onDropped: () => void;
  #isGreeted = false;
  #hasMissed = false;

  constructor(socket: Socket, exchange: MemoryExchange, onDropped: () => void) {
    this.#socket = socket;
    this.#writer = new FrameWriter(socket);
    this.#broker = new MemoryBroker(exchange);
    this.#onDropped = onDropped;
    const reader = new FrameReader((kind, text, bytes) => this.#onFrame(kind, text, bytes));
    socket.on('data', (piece) => {
      if (!reader.read(piece)) socket.destroy();
    });
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => {});
    socket.on('close', () => void this.#broker.close());
  }

  boundsOf(): undefined {}

  end(): void {
    this.#writer.flush();
    this.#socket.destroySoon();
  }

  onMessage(topic: string, { data }: BrokerMessage): void {
    this.#offer(Kind.Plain, topic, data);
  }

  onPublication(topic: string, publication: BrokerPublication, previous: number, epoch: string): void {
    const place: Place = { topic, offset: publication.offset, previous, epoch };
    this.#offer(Kind.Publication, JSON.stringify(place), publication.message.data);
  }

  onSignal(channel: string, bytes: Uint8Array): void {
    this.#offer(Kind.Signal, channel, bytes);
  }

  onState(): void {}
  onResumed(): void {}

  /** hot: once for each node that a publication goes to. */
  #offer(kind: number, text: string, bytes: Uint8Array): void {
    if (this.#hasMissed || this.#writer.waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#hasMissed = true;
      this.#onDropped();
    } else this.#writer.write(kind, text, bytes);
  }

  #onDrain(): void {
    if (!this.#hasMissed) return;
    this.#hasMissed = false;
    this.#writer.write(Kind.Missed, '');
  }

  #onFrame(kind: number, text: string, bytes: Buffer): void {
    if (!this.#isGreeted) {
      this.#onHello(kind, text);
      return;
    }
    switch (kind) {
      case Kind.Plain:
        this.#broker.publish(text, { data: bytes, isBinary: true });
        break;
      case Kind.Signal:
        this.#broker.signal(text, bytes);
        break;
      case Kind.Unfollow:
        this.#broker.unfollow(text);
        break;
      case Kind.Unlisten:
        this.#broker.unlisten(text);
        break;
      case Kind.Ask:
        this.#answer(JSON.parse(text), bytes).catch(() => this.#socket.destroy());
    }
  }

  #onHello(kind: number, text: string): void {
    const hello: Hello = kind === Kind.Hello ? JSON.parse(text) : { version: 0 };
    this.#writer.write(Kind.Hello, JSON.stringify({ version: RELAY_VERSION } satisfies Hello));
    if (hello.version !== RELAY_VERSION || hello.node === undefined) {
      this.end();
      return;
    }
    this.#isGreeted = true;
    this.node = hello.node;
    void this.#broker.start(this);
  }

  /** The memory answers at once: what is asked behind it comes behind it. */
  async #answer(question: Question, bytes: Buffer): Promise<void> {
    const { n } = question;
    const broker = this.#broker;
    if (question.what === 'append') {
      const { topic, bounds, id } = question;
      // A copy: it is kept, and what came with it is not.
      const message = { data: Buffer.from(bytes), isBinary: true };
      this.#tell({ n, position: await broker.append(topic, message, bounds, id) });
    } else if (question.what === 'read') {
      const { topic, bounds, since, limit } = question;
      const { publications, ...rest } = await broker.read(topic, bounds, since, limit);
      // Of the oldest, when those after a position are wanted; else of the newest.
      const isFromOldest = since?.epoch === rest.position.epoch;
      const kept = fitting(publications, isFromOldest);
      const hasMore = rest.hasMore || (isFromOldest && kept.length < publications.length);
      const places = kept.map(({ offset, message }) => ({ offset, length: message.data.length }));
      const read: Read = { ...rest, hasMore, publications: places };
      this.#tell({ n, read }, Buffer.concat(kept.map(({ message }) => message.data)));
    } else {
      if (question.what === 'follow') await broker.follow(question.topic);
      else await broker.listen(question.channel);
      this.#tell({ n });
    }
  }

  #tell(answer: Answer, bytes?: Uint8Array): void {
    this.#writer.write(Kind.Answer, JSON.stringify(answer), bytes);
    if (this.#writer.waitingBytes > MAX_STUCK_BYTES) this.#socket.destroy();
  }
}

/** As many as one answer takes, but at least one. */
function fitting(publications: readonly BrokerPublication[], isFromOldest: boolean): BrokerPublication[] {
  const kept: BrokerPublication[] = [];
  let bytes = 0;
  for (const publication of isFromOldest ? publications : [...publications].reverse()) {
    bytes += publication.message.data.length;
    if (kept.length > 0 && bytes > MAX_MESSAGE_BYTES) break;
    kept.push(publication);
  }
  return isFromOldest ? kept : kept.reverse();
}
