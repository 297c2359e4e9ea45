/** NATS: core subjects for plain topics and signals, JetStream for history. One connection. I/O thread. */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Position } from '../../api/broker.js';
import { within } from '../../util/within.js';
import type { HistoryBounds, HistoryRead } from '../broker.js';
import { textOf, unusable } from '../faults.js';
import type { OnBytes, OnStored, ServerHost, ServerPort } from '../remote/server-port.js';
import type { NatsHistory } from './nats-history.js';
import type { NatsBrokerOptions } from './nats-options.js';
import { Subjects } from './subjects.js';

const NAME = 'nats';
const DEFAULT_MAX_BYTES = 1024 * 1024;

export class NatsServerPort implements ServerPort {
  readonly name = NAME;
  readonly names: Subjects;
  readonly #settings: NatsBrokerOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  #host: ServerHost | undefined;
  #connection: NatsConnection | undefined;
  #history: NatsHistory | undefined;
  #syncing: Promise<void> | undefined;

  constructor(settings: NatsBrokerOptions) {
    this.#settings = settings;
    this.names = new Subjects(settings.prefix);
  }

  get maxMessageBytes(): number {
    return this.#connection?.info?.max_payload ?? DEFAULT_MAX_BYTES;
  }

  async connect(host: ServerHost): Promise<void> {
    const { connectToNats, NatsHistory } = await loadClient();
    const connection = await connectToNats(this.#settings, `shardhub ${host.node}`);
    this.#host = host;
    this.#connection = connection;
    this.#history = new NatsHistory(connection, this.names, this.#settings);
    try {
      for (const bounds of host.histories) await this.#history.open(bounds);
    } catch (error) {
      if (this.#isOurs) await connection.close();
      throw unusable(NAME, `JetStream, which topics with history need: ${textOf(error)}`, error);
    }
    this.#watch(connection, host).catch((error) => host.onDown(textOf(error)));
  }

  async close(timeoutMs: number): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || connection.isClosed()) return;
    if (!this.#isOurs) for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    const leaving = this.#isOurs ? connection.drain() : connection.flush();
    await within(
      leaving.catch(() => {}),
      timeoutMs,
    );
    if (this.#isOurs) await connection.close();
  }

  /** False for one that the application has made. */
  get #isOurs(): boolean {
    return this.#settings.connection === undefined;
  }

  subscribe(name: string, onBytes: OnBytes): Promise<unknown> {
    this.#subscribe(name, ({ data }) => onBytes(data));
    return this.#sync();
  }

  async subscribeStored(topic: string, bounds: HistoryBounds, onStored: OnStored): Promise<unknown> {
    const history = this.#history!;
    this.#subscribe(this.names.live(topic, bounds), ({ data, headers }) => {
      const offset = Number(headers?.get('Nats-Sequence'));
      const previous = Number(headers?.get('Nats-Last-Sequence'));
      // What somebody else sends there has no place in the stream.
      if (offset > 0 && previous >= 0) onStored(data, offset, previous, history.epochOf(bounds));
      else this.#host?.onForeign();
    });
    await this.#sync();
    return history.open(bounds);
  }

  unsubscribe(name: string): void {
    this.#subscriptions.get(name)?.unsubscribe();
    this.#subscriptions.delete(name);
  }

  send(name: string, bytes: Uint8Array): void {
    this.#connection!.publish(name, bytes);
  }

  async confirm(): Promise<void> {
    await this.#connection?.flush();
  }

  append(topic: string, bytes: Uint8Array, bounds: HistoryBounds, id: string | undefined): Promise<Position> {
    return this.#history!.append(topic, bytes, bounds, id);
  }

  read(
    topic: string,
    bounds: HistoryBounds,
    since: Position | undefined,
    limit: number,
  ): Promise<HistoryRead> {
    return this.#history!.read(topic, bounds, since, limit);
  }

  #subscribe(subject: string, onMessage: (message: Msg) => void): void {
    const connection = this.#connection;
    if (connection === undefined || this.#subscriptions.has(subject)) return;
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) onMessage(message);
    };
    this.#subscriptions.set(subject, connection.subscribe(subject, { callback }));
  }

  /** Resolves once the server has everything that was asked for before: one question for all that ask at the same time. */
  #sync(): Promise<void> {
    this.#syncing ??= Promise.resolve().then(() => {
      this.#syncing = undefined;
      return this.#connection?.flush();
    });
    return this.#syncing;
  }

  async #watch(connection: NatsConnection, host: ServerHost): Promise<void> {
    for await (const { type } of connection.status()) {
      if (this.#connection !== connection) return;
      // The client sends what it has before it leaves a connection: where nothing passes any more, it would never leave it.
      if (type === 'staleConnection') socketOf(connection)?.destroy?.();
      if (type === 'disconnect') host.onDown('the connection to it is lost');
      if (type !== 'reconnect') continue;
      // It may be another server, or one that has lost what it had.
      this.#history!.forget();
      // What was subscribed is subscribed again by the client; behind this, it is.
      this.#sync().then(
        () => host.onUp(),
        () => {},
      );
    }
    if (this.#connection === connection) host.onDown('the connection to it was closed, and not by the hub');
  }
}

interface MaybeSocket {
  /** Not there on a WebSocket, which the application may have given. */
  destroy?(): void;
}

/** The client gives no way to it. */
function socketOf(connection: NatsConnection): MaybeSocket | undefined {
  const { protocol } = connection as { protocol?: { transport?: { socket?: MaybeSocket } } };
  return protocol?.transport?.socket;
}

/** Whoever uses no NATS need not have its client. @throws HubError `ERR_BROKER` */
async function loadClient() {
  try {
    const [connection, history] = await Promise.all([
      import('./nats-connection.js'),
      import('./nats-history.js'),
    ]);
    return { ...connection, ...history };
  } catch (error) {
    const packages = '@nats-io/transport-node @nats-io/jetstream';
    throw unusable(NAME, `its client is not installed: npm install ${packages}`, error);
  }
}
