/**
 * The broker of processes that one supervisor has started: everything goes through its relay, over a Unix socket. I/O thread.
 */
import { connect, type Socket } from 'node:net';
import type { Position } from '../../api/broker.js';
import {
  type Broker,
  type BrokerHost,
  type BrokerMessage,
  type BrokerState,
  type BrokerStats,
  type HistoryBounds,
  type HistoryRead,
  MAX_WAITING_BYTES,
  type SendVerdict,
} from '../broker.js';
import { decodeMessage, encodeMessage } from '../codec.js';
import { busy, textOf, tooLarge, unavailable, unusable } from '../faults.js';
import { FrameReader, FrameWriter, type Hello, Kind, MAX_MESSAGE_BYTES, RELAY_VERSION } from './frames.js';
import type { Answer, Asked, Place } from './questions.js';

const NAME = 'relay';
/** Everything that waits for an answer waits so long. */
const ANSWER_MS = 5000;
/** A relay that has sent this node away is asked again so much later: it is on this machine, or its process is gone. */
const RECONNECT_MS = 200;
const GONE = 'the supervisor is gone: this process serves alone';

interface Asking {
  readonly resolve: (answer: AnswerWithBytes) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

type AnswerWithBytes = Answer & { readonly bytes: Buffer };

export class RelayBroker implements Broker {
  readonly name = NAME;
  readonly hasOthers = true;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly #path: string;
  readonly #topics = new Set<string>();
  readonly #channels = new Set<string>();
  readonly #asking = new Map<number, Asking>();
  #asked = 0;
  #host: BrokerHost | undefined;
  #socket: Socket | undefined;
  /** Undefined while there is no relay. */
  #writer: FrameWriter | undefined;
  #state: BrokerState = 'down';
  #foreign = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param path of the relay's socket */
  constructor(path: string) {
    this.#path = path;
  }

  async start(host: BrokerHost): Promise<void> {
    try {
      await this.#connect(host);
    } catch (error) {
      throw unusable(NAME, textOf(error), error);
    }
    this.#host = host;
    this.#setState('up', '');
  }

  close(): Promise<void> {
    this.#host = undefined;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    const writer = this.#writer;
    this.#onGone();
    if (socket === undefined || writer === undefined) return Promise.resolve();
    writer.flush();
    return new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.setTimeout(ANSWER_MS, () => socket.destroy());
      socket.destroySoon();
    });
  }

  stats(): BrokerStats {
    return { waitingBytes: this.#writer?.waitingBytes ?? 0, foreign: this.#foreign };
  }

  async follow(topic: string): Promise<void> {
    this.#topics.add(topic);
    await this.#ask({ what: 'follow', topic });
  }

  unfollow(topic: string): void {
    this.#topics.delete(topic);
    this.#writer?.write(Kind.Unfollow, topic);
  }

  publish(topic: string, message: BrokerMessage): SendVerdict {
    const node = this.#host?.node;
    return node === undefined ? 'away' : this.#send(Kind.Plain, topic, encodeMessage(node, message));
  }

  async append(
    topic: string,
    message: BrokerMessage,
    bounds: HistoryBounds,
    id: string | undefined,
  ): Promise<Position> {
    const payload = encodeMessage(this.#up().node, message);
    if (payload.length > MAX_MESSAGE_BYTES) throw tooLarge(NAME, payload.length, MAX_MESSAGE_BYTES);
    const { position } = await this.#ask({ what: 'append', topic, bounds, id }, payload);
    return position!;
  }

  async read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    const { read, bytes } = await this.#ask({ what: 'read', topic, bounds, since, limit });
    let at = 0;
    const publications = read!.publications.flatMap(({ offset, length }) => {
      const decoded = decodeMessage(bytes.subarray(at, (at += length)));
      return decoded === undefined ? [] : [{ offset, ...decoded }];
    });
    return { ...read!, publications };
  }

  async listen(channel: string): Promise<void> {
    this.#channels.add(channel);
    await this.#ask({ what: 'listen', channel });
  }

  unlisten(channel: string): void {
    this.#channels.delete(channel);
    this.#writer?.write(Kind.Unlisten, channel);
  }

  signal(channel: string, bytes: Uint8Array): SendVerdict {
    return this.#send(Kind.Signal, channel, bytes);
  }

  /** hot: once for each plain publication. */
  #send(kind: number, text: string, bytes: Uint8Array): SendVerdict {
    const writer = this.#writer;
    if (writer === undefined) return 'away';
    if (bytes.length > MAX_MESSAGE_BYTES) return 'too-large';
    if (writer.waitingBytes + bytes.length > MAX_WAITING_BYTES) return 'busy';
    writer.write(kind, text, bytes);
    return 'sent';
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE`, `ERR_BROKER_BUSY` (rejections) */
  async #ask(asked: Asked, bytes?: Uint8Array): Promise<AnswerWithBytes> {
    this.#up();
    const writer = this.#writer!;
    if (writer.waitingBytes + (bytes?.length ?? 0) > MAX_WAITING_BYTES) throw busy(NAME);
    const n = ++this.#asked;
    return new Promise<AnswerWithBytes>((resolve, reject) => {
      const timer = setTimeout(() => this.#onLate(n), ANSWER_MS).unref();
      this.#asking.set(n, { resolve, reject, timer });
      writer.write(Kind.Ask, JSON.stringify({ n, ...asked }), bytes);
    });
  }

  #onLate(n: number): void {
    const why = `no answer within ${ANSWER_MS} ms`;
    if (this.#state === 'up') this.#setState('degraded', why);
    this.#asking.get(n)?.reject(unavailable(NAME, why));
    this.#asking.delete(n);
  }

  #onAnswer(answer: AnswerWithBytes): void {
    if (this.#state === 'degraded') this.#setState('up', '');
    const asking = this.#asking.get(answer.n);
    if (asking === undefined) return;
    clearTimeout(asking.timer);
    this.#asking.delete(answer.n);
    asking.resolve(answer);
  }

  /** @throws HubError `ERR_BROKER_UNAVAILABLE` */
  #up(): BrokerHost {
    if (this.#host === undefined) throw unavailable(NAME, 'it is closed');
    if (this.#writer === undefined) throw unavailable(NAME, GONE);
    return this.#host;
  }

  /** Resolves once the relay has answered the greeting. */
  #connect(host: BrokerHost): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#path);
      const writer = new FrameWriter(socket);
      const timer = setTimeout(
        () => socket.destroy(new Error(`no answer within ${ANSWER_MS} ms`)),
        ANSWER_MS,
      );
      let why = new Error('the relay has closed the connection');
      const onHello = (hello: Hello): void => {
        clearTimeout(timer);
        if (hello.version === RELAY_VERSION) {
          this.#writer = writer;
          resolve();
          return;
        }
        const theirs = `the supervisor speaks version ${hello.version} of the relay's protocol`;
        socket.destroy(new Error(`${theirs}, this process version ${RELAY_VERSION}: restart the supervisor`));
      };
      const reader = new FrameReader((kind, text, bytes) => {
        if (kind === Kind.Hello) onHello(JSON.parse(text));
        else this.#onFrame(kind, text, bytes);
      });
      this.#socket = socket;
      socket.on('data', (piece) => {
        if (!reader.read(piece)) socket.destroy(new Error('what came from the relay makes no sense'));
      });
      socket.on('error', (error) => {
        why = error;
      });
      socket.on('close', () => {
        clearTimeout(timer);
        reject(why);
        if (this.#socket === socket) this.#onClosed();
      });
      writer.write(Kind.Hello, JSON.stringify({ version: RELAY_VERSION, node: host.node } satisfies Hello));
    });
  }

  #onFrame(kind: number, text: string, bytes: Buffer): void {
    switch (kind) {
      case Kind.Plain: {
        const decoded = decodeMessage(Buffer.from(bytes));
        if (decoded === undefined) this.#foreign++;
        else this.#host?.onMessage(text, decoded.message);
        break;
      }
      case Kind.Publication:
        this.#onPublication(JSON.parse(text), bytes);
        break;
      case Kind.Signal:
        this.#host?.onSignal(text, bytes);
        break;
      case Kind.Answer:
        this.#onAnswer({ ...(JSON.parse(text) as Answer), bytes });
        break;
      case Kind.Missed:
        this.#host?.onResumed();
        break;
      default:
        this.#foreign++;
    }
  }

  #onPublication({ topic, offset, previous, epoch }: Place, bytes: Buffer): void {
    // A copy: it is kept, and what came with it is not.
    const decoded = decodeMessage(Buffer.from(bytes));
    if (decoded === undefined) this.#foreign++;
    else this.#host?.onPublication(topic, { offset, ...decoded }, previous, epoch);
  }

  #onClosed(): void {
    this.#onGone();
    if (this.#host === undefined) return;
    this.#setState('down', GONE);
    this.#reconnectSoon(this.#host);
  }

  /** Nobody answers any more. */
  #onGone(): void {
    this.#socket = undefined;
    this.#writer = undefined;
    for (const { reject, timer } of this.#asking.values()) {
      clearTimeout(timer);
      reject(unavailable(NAME, GONE));
    }
    this.#asking.clear();
  }

  #reconnectSoon(host: BrokerHost): void {
    this.#timer = setTimeout(() => {
      this.#connect(host).then(
        () => this.#resume(),
        () => {},
      );
    }, RECONNECT_MS).unref();
  }

  async #resume(): Promise<void> {
    const topics = [...this.#topics].map((topic) => this.#ask({ what: 'follow', topic }));
    const channels = [...this.#channels].map((channel) => this.#ask({ what: 'listen', channel }));
    try {
      await Promise.all([...topics, ...channels]);
    } catch {
      // It is away again: the next one asks all anew.
      return;
    }
    this.#setState('up', '');
    this.#host?.onResumed();
  }

  #setState(state: BrokerState, reason: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#host?.onState(state, reason);
  }
}
