/** Runs a handler under a test's hand: a whole hub, in memory or on a free port. I/O thread. */
import type { HubConnection } from '../api/connection.js';
import { type ErrorRecord, HubError, toErrorRecord } from '../api/errors.js';
import type { Handler } from '../api/handler.js';
import type { HandshakeRequest } from '../api/handshake-request.js';
import { findHandler } from '../hub/admission/handler-source.js';
import { chooseEngine, fitOptions } from '../hub/engine-choice.js';
import { Hub } from '../hub/hub.js';
import { type HubOptions, resolveOptions } from '../options/options.js';
import { forgetHandler, registerHandler } from '../util/handler-objects.js';
import { type FakeTime, startFakeTime } from './fake-time.js';
import { Inbox } from './inbox.js';
import { MemoryEngine } from './memory-engine.js';
import type { Peer } from './peer.js';
import { connectSocket } from './socket-peer.js';
import { TestConnection } from './test-connection.js';
import { type LogLine, recordingLogger } from './test-log.js';
import type { FaultyOptions, WorkerFault } from './worker-fault.js';

/** What a client says when it connects, and what is known of it then. */
export interface ConnectOptions {
  /** `connection.data`: what the upgrade hook would have returned. */
  readonly data?: unknown;
  /** Path; that of the hub's first route by default. */
  readonly path?: string;
  /** Query without `?`. */
  readonly query?: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client offers, in its order of preference; default none. */
  readonly subprotocols?: readonly string[];
}

/** How a handler is tested. */
export interface TestOptions extends ConnectOptions {
  /** `worker.options`. */
  readonly handlerOptions?: unknown;
  /** Options of the hub. By default: `workers: 0` in memory, `workers: 1` on a port; no HTTP. */
  readonly hub?: HubOptions;
  /** A real hub on a free port of 127.0.0.1, with worker threads and sockets. Default: false, in memory. */
  readonly real?: boolean;
  /** Ends of worker threads: `faults.endWorker()`. They take worker threads, `hub: { workers: 1 }` or `real`. */
  readonly faults?: readonly WorkerFault[];
  /** Timers, `Date` and `performance.now()` stand still until `advance`. In memory with `workers: 0` only. Default: false. */
  readonly fakeTime?: boolean;
}

/** A handler that is tested, and its first connection. `await using` stops it. */
export class TestHandler<Data = unknown> extends TestConnection<Data> {
  readonly #harness: Harness<Data>;

  /** @internal */
  constructor(peer: Peer, inbox: Inbox, handle: HubConnection<Data>, harness: Harness<Data>) {
    super(peer, inbox, handle);
    this.#harness = harness;
  }

  /** The hub around it: `publish`, `topics`, `stats`, events. */
  get hub(): Hub<Data> {
    return this.#harness.hub;
  }

  /** What the hub, `worker.log` and `connection.log` have logged, oldest first. */
  get log(): readonly LogLine[] {
    return this.#harness.log;
  }

  /** What hooks have thrown, oldest first. */
  get errors(): readonly Error[] {
    return this.#harness.errors;
  }

  /** Opens another connection. @throws HubError `ERR_UPGRADE` when the handshake is refused (rejection) */
  connect(options: ConnectOptions = {}): Promise<TestConnection<Data>> {
    return this.#harness.connect(options, TestConnection<Data>);
  }

  /** Moves time on by so many ms; what is due happens. @throws HubError `ERR_ARGUMENT` without `fakeTime` (rejection) */
  async advance(ms: number): Promise<void> {
    const { time } = this.#harness;
    if (time === undefined)
      throw new HubError('ERR_ARGUMENT', 'time goes by itself: set fakeTime to move it');
    await time.advance(ms);
  }

  /** Closes every connection (1001), runs the handler's `close` and `stop`, and ends all threads. */
  stop(): Promise<void> {
    return this.#harness.stop();
  }

  /** Stops the handler, as `stop` does: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** By this header, which only a test sends, a connection is found in the hub. */
const TICKET = 'x-shardhub-test';

/** What every handshake says (RFC 6455 §4.1), with the key of its example. */
const HANDSHAKE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

type ConnectionClass<C, Data> = new (
  peer: Peer,
  inbox: Inbox,
  handle: HubConnection<Data>,
  harness: Harness<Data>,
) => C;

class Harness<Data> {
  readonly log: LogLine[] = [];
  readonly errors: Error[] = [];
  readonly time: FakeTime | undefined;
  readonly #options: HubOptions;
  #hub: Hub<Data> | undefined;
  readonly #memory: MemoryEngine | undefined;
  readonly #object: URL | undefined;
  readonly #data = new Map<string, unknown>();
  readonly #handles = new Map<string, HubConnection<Data>>();
  /** What was thrown last, by connection. */
  readonly #failures = new Map<string, Error>();
  readonly #peers = new Set<Peer>();
  #serial = 0;

  constructor(handler: string | URL | Handler, options: TestOptions, time: FakeTime | undefined) {
    const { real = false, hub = {} } = options;
    this.time = time;
    this.#memory = real ? undefined : new MemoryEngine();
    this.#object = isModule(handler) ? undefined : registerHandler(handler);
    const source = this.#object ?? (handler as string | URL);
    this.#options = {
      host: '127.0.0.1',
      port: 0,
      workers: real ? 1 : 0,
      http: false,
      // Time may stand still.
      spin: 0,
      logger: recordingLogger(this.log),
      ...(hub.routes === undefined && { handler: source }),
      ...hub,
      ...tested(source, options),
      upgrade: hub.upgrade ?? ((request: HandshakeRequest) => this.#dataOf(request)),
    };
  }

  /** @throws HubError as `createHub` does */
  async start(): Promise<void> {
    const options = resolveOptions(this.#options);
    const engine = this.#memory;
    const inMemory = engine && { engine, options: fitOptions(options, engine), about: { name: engine.name } };
    const hub = new Hub<Data>(inMemory ?? (await chooseEngine(options)));
    this.#hub = hub;
    hub.on('open', (handle) => this.#handles.set(handle.request.headers[TICKET] ?? '', handle));
    hub.on('handlerError', ({ connection = '', error }) => {
      const thrown = toError(error);
      this.errors.push(thrown);
      this.#failures.set(connection, thrown);
    });
    await hub.start();
  }

  get hub(): Hub<Data> {
    return this.#hub!;
  }

  async connect<C>(options: ConnectOptions, Class: ConnectionClass<C, Data>): Promise<C> {
    const ticket = String(++this.#serial);
    this.#data.set(ticket, options.data);
    const inbox = new Inbox(() => this.#failures.get(this.#handles.get(ticket)?.id ?? ''));
    const headers = { ...options.headers, [TICKET]: ticket };
    const peer = await this.#dial(options, headers, inbox);
    this.#peers.add(peer);
    return new Class(peer, inbox, this.#handles.get(ticket)!, this);
  }

  async #dial(
    { path, query = '', subprotocols = [] }: ConnectOptions,
    headers: Record<string, string>,
    inbox: Inbox,
  ): Promise<Peer> {
    const url = new URL(this.hub.wsUrl);
    if (path !== undefined) url.pathname = path;
    url.search = query;
    if (this.#memory === undefined) return connectSocket(url.href, subprotocols, headers, inbox);
    const request: HandshakeRequest = {
      url: url.pathname + url.search,
      path: url.pathname,
      query,
      headers: { host: url.host, ...HANDSHAKE, ...headers },
      remoteAddress: '127.0.0.1',
      subprotocols,
    };
    return (await this.#memory.connect(request, inbox)).peer;
  }

  #dataOf({ headers }: HandshakeRequest): { data: unknown } {
    return { data: this.#data.get(headers[TICKET] ?? '') };
  }

  async stop(): Promise<void> {
    this.time?.end();
    for (const peer of this.#peers) peer.resume();
    await this.#hub?.close();
    if (this.#object !== undefined) forgetHandler(this.#object);
  }
}

/**
 * Runs a handler, with a first connection that is open.
 *
 * @param handler its module, as a path or a URL, the name of a built-in one, or the handler itself, which is what an
 * imported module has as its default export (in memory with `workers: 0` only)
 * @throws HubError as `createHub` does; `ERR_ARGUMENT` for what cannot be combined; `ERR_UPGRADE` when the first
 * connection is refused (rejections)
 */
export async function testHandler<Data = unknown>(
  handler: string | URL | Handler,
  options: TestOptions = {},
): Promise<TestHandler<Data>> {
  const isThreaded = (options.hub?.workers ?? (options.real ? 1 : 0)) > 0;
  if (isThreaded && !isModule(handler))
    throw new HubError(
      'ERR_ARGUMENT',
      'a worker thread loads its handler: give the path or the URL of its module',
    );
  if (options.fakeTime && (isThreaded || options.real))
    throw new HubError(
      'ERR_ARGUMENT',
      'fakeTime takes a handler in memory with workers: 0: threads have a clock of their own',
    );
  if (options.data !== undefined && options.hub?.upgrade !== undefined)
    throw new HubError('ERR_ARGUMENT', 'data and hub.upgrade were both given: the hook says what data is');
  if (options.faults?.length && (!isThreaded || options.hub?.routes !== undefined))
    throw new HubError(
      'ERR_ARGUMENT',
      'faults take worker threads and a single path: hub: { workers: 1 }, or real',
    );
  const time = options.fakeTime ? await startFakeTime() : undefined;
  let harness: Harness<Data> | undefined;
  try {
    harness = new Harness<Data>(handler, options, time);
    await harness.start();
    return await harness.connect(options, TestHandler<Data>);
  } catch (error) {
    time?.end();
    await harness?.stop();
    throw error;
  }
}

/** The handler with its options, or the one around it that ends threads. */
function tested(handler: string | URL, { handlerOptions, faults = [], hub }: TestOptions): HubOptions {
  if (faults.length === 0) return handlerOptions === undefined ? {} : { handlerOptions };
  const counts = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (hub?.workers ?? 1));
  const options: FaultyOptions = { url: findHandler(handler).url, options: handlerOptions, faults, counts };
  return { handler: new URL('./faulty-handler.js', import.meta.url), handlerOptions: options };
}

function isModule(handler: unknown): handler is string | URL {
  return typeof handler === 'string' || handler instanceof URL;
}

function toError({ message, stack, code }: ErrorRecord): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  error.stack = stack ?? toErrorRecord(error).stack ?? message;
  return error;
}
