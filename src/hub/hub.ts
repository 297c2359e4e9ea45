/**
 * The hub: puts the parts together and owns their lifecycle. Front end thread.
 *
 * idle → starting → running → draining → stopped
 */
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { CloseCode } from '../close-codes.js';
import { loadConsoleAssets } from '../console/assets.js';
import { HubError } from '../errors.js';
import { Counters } from '../metrics/counters.js';
import { type HubOptions, type Logger, type ResolvedOptions, resolveOptions } from '../options.js';
import { VERSION } from '../version.js';
import type { HandlerSource } from '../wire/lane-task.js';
import type { HandshakeRequest } from '../wire/request.js';
import { hostForUrl } from './address.js';
import { type Readiness, type Refusal, refuseHandshake, refuseOrigin } from './admission.js';
import { Connection, type ConnectionHost } from './connection.js';
import { Connections } from './connections.js';
import type { HubEvents } from './events.js';
import type { UwsExchange } from './exchange.js';
import { Front } from './front.js';
import { Gate } from './gate.js';
import { findHandler } from './handler-source.js';
import { HttpRoutes } from './http.js';
import { HttpPort } from './http-port.js';
import { Linger } from './linger.js';
import { Overload } from './overload.js';
import type { Shard } from './shard.js';
import type { Peer, SocketPort } from './socket-port.js';
import { collectStats, type HubStats } from './stats.js';
import { refuseStats, statsAccess } from './stats-access.js';
import { StatsFeed } from './stats-feed.js';
import { Workers } from './workers.js';

export type HubState = 'idle' | 'starting' | 'running' | 'draining' | 'stopped';

export interface CloseOptions {
  /** How long to wait for messages in flight and outbound queues, in ms. Default: the option `drainTimeoutMs`. */
  readonly timeoutMs?: number;
  /** What clients are told: 1001 (default) the hub shuts down, 1012 it restarts. */
  readonly code?: 1001 | 1012;
}

/** The engine does not say when a closed socket's last bytes have left: they get so long before it is torn down. */
const LINGER_MS = 100;

export class Hub extends EventEmitter<HubEvents> {
  readonly options: ResolvedOptions;
  readonly #counters = new Counters();
  readonly #connections = new Connections();
  readonly #handler: HandlerSource;
  readonly #logger: Logger;
  readonly #workers: Workers;
  readonly #gate: Gate;
  readonly #feed: StatsFeed;
  readonly #connectionHost: ConnectionHost;
  #front: Front | undefined;
  #state: HubState = 'idle';
  #port = 0;
  #startedAt = 0;
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  /** Use `createHub`. */
  constructor(options: HubOptions) {
    super();
    this.options = resolveOptions(options);
    this.#handler = findHandler(this.options.handler);
    this.#logger = this.options.logger ?? pino({ level: this.options.logLevel }, pino.destination(2));
    this.#gate = new Gate(this.options);
    const linger = new Linger(this.options, this.#counters);
    const overload = new Overload(this.options, this.#counters, this.#connections);
    this.#workers = new Workers(this.#handler, {
      options: this.options,
      counters: this.#counters,
      connections: this.#connections,
      logger: this.#logger,
      events: this,
      onForgotten: (connection) => this.#onForgotten(connection),
      relieve: () => overload.relieve(),
    });
    this.#feed = new StatsFeed({
      shards: this.#workers.shards,
      stats: () => this.stats(),
      sampleLatency: (sampler) => this.#workers.sampleLatency(sampler),
      probe: () => this.#workers.probe(),
      loopDelays: () => this.#workers.loopDelays(),
    });
    this.#connectionHost = {
      limits: this.options,
      counters: this.#counters,
      onGone: (connection, code, reason) => this.#onGone(connection, code, reason),
      turn: () => this.#workers.turn.count,
      schedule: () => this.#workers.turn.schedule(),
      relieve: () => overload.relieve(),
      mayLinger: (bytes) => linger.admit(bytes, performance.now()),
      flushSoon: (connection) => this.#workers.turn.flushSoon(connection),
    };
  }

  get state(): HubState {
    return this.#state;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Where its HTTP routes are. */
  get url(): string {
    return `http://${hostForUrl(this.options.host, this.#port)}`;
  }

  /** Where its WebSocket endpoint is. */
  get wsUrl(): string {
    return `ws://${hostForUrl(this.options.host, this.#port)}${this.options.path}`;
  }

  /** A snapshot of its counters and gauges. */
  stats(): HubStats {
    const identity = {
      state: this.#state,
      uptimeMs: this.#startedAt === 0 ? 0 : Math.round(performance.now() - this.#startedAt),
      handler: this.#handler.name,
      workers: this.options.workers,
    };
    return collectStats(identity, this.#counters, this.#gate.open, this.#workers.stats());
  }

  /** @internal Listens, then loads the handler in every worker. Once. */
  async start(): Promise<void> {
    if (this.#state !== 'idle')
      throw new HubError('ERR_HUB_STATE', `the hub is ${this.#state}: it starts once`);
    this.#state = 'starting';
    try {
      this.#front = await this.#makeFront();
      const { host, port, sharePort } = this.options;
      this.#port = await this.#front.listen(host, port, sharePort);
      await this.#workers.start();
    } catch (error) {
      await this.#abandon();
      throw error;
    }
    this.#startedAt = performance.now();
    this.#state = 'running';
  }

  /**
   * Shuts down: takes no connection and no message any more, answers what is in flight, sends what is queued, closes
   * every connection, and ends every thread. Calling it again returns the same promise.
   *
   * @throws HubError `ERR_OPTION` for a `timeoutMs` that `drainTimeoutMs` would not take
   */
  close(options: CloseOptions = {}): Promise<void> {
    const { timeoutMs } = options;
    try {
      if (timeoutMs !== undefined) resolveOptions({ drainTimeoutMs: timeoutMs });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= this.#shutDown(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Parts

  #makeFront(): Promise<Front> {
    const { path, console, http, maxPayload } = this.options;
    const stats = http ? statsAccess(this.options) : 'none';
    const assets = console ? loadConsoleAssets({ path, version: VERSION, stats }) : new Map();
    const routes = new HttpRoutes(
      {
        counters: this.#counters,
        readiness: () => this.#readiness(),
        resting: () => this.#workers.resting(),
        isServing: () => this.#workers.isServing,
        refuseResting: () => this.#workers.refuseResting(),
        stats: () => this.stats(),
        feed: this.#feed,
        refuseStats: (headers) => refuseStats(headers, this.options),
        refuseOrigin: (headers) => refuseOrigin(headers, this.options),
        onEcho: (exchange, headers, body, isBinary) => this.#onEcho(exchange, headers, body, isBinary),
      },
      { path, http, maxPayload, assets },
    );
    return Front.create(this.options, {
      onHandshake: (request) => this.#onHandshake(request),
      onOpen: (port, request) => this.#onOpen(port, request),
      onEngineClose: (text) => this.#onEngineClose(text),
      onRequest: (exchange) => routes.handle(exchange),
      onError: (error, where) => {
        this.#counters.rejected['internal-error']++;
        this.#logger.error({ err: error }, `a ${where} failed`);
      },
    });
  }

  #readiness(): Readiness {
    if (this.#state === 'running') return 'running';
    return this.#state === 'draining' || this.#state === 'stopped' ? 'draining' : 'starting';
  }

  // Connections

  #onHandshake(request: HandshakeRequest): Refusal | undefined {
    const refusal =
      refuseHandshake(request, this.options, this.#readiness()) ??
      this.#workers.refuseResting() ??
      this.#gate.refuse(request.remoteAddress);
    if (refusal !== undefined) this.#counters.rejected[refusal.reason]++;
    return refusal;
  }

  #onOpen(port: SocketPort, request: HandshakeRequest): Peer {
    this.#counters.opened++;
    this.#gate.enter(request.remoteAddress);
    return this.#connect(port, request, false);
  }

  #connect(port: SocketPort, request: HandshakeRequest, isVirtual: boolean): Connection {
    const shard = this.#workers.leastLoaded();
    const { remoteAddress } = request;
    const json = JSON.stringify(request);
    const connection = this.#connections.add((slot, generation) => {
      const origin = { slot, generation, shard, request: json, remoteAddress, isVirtual };
      return new Connection(origin, port, this.#connectionHost);
    });
    shard.open(connection);
    return connection;
  }

  #onGone(connection: Connection, code: number, reason: string): void {
    if (!connection.isVirtual) {
      this.#gate.leave(connection.remoteAddress);
      this.#counters.countClose(code);
    }
    (connection.shard as Shard).gone(connection, code, reason);
  }

  #onForgotten(connection: Connection): void {
    this.#connections.remove(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  /** The engine ended a connection by itself: 1006, and a text that says why. */
  #onEngineClose(text: string): void {
    if (/too big/i.test(text)) this.#counters.invalid['too-large']++;
    else if (/utf-8/i.test(text)) this.#counters.invalid['invalid-utf8']++;
    else if (/timed out/i.test(text)) this.#counters.timedOut++;
    else if (/close payload/i.test(text)) this.#counters.invalid['close-payload']++;
    else if (/invalid/i.test(text)) this.#counters.invalid['protocol-error']++;
  }

  #onEcho(
    exchange: UwsExchange,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    isBinary: boolean,
  ): void {
    const port = new HttpPort(exchange, this.options.maxQueueBytes);
    const { path, query, remoteAddress } = exchange;
    const url = query === '' ? path : `${path}?${query}`;
    const connection = this.#connect(
      port,
      { url, path, query, headers, remoteAddress, subprotocols: [] },
      true,
    );
    port.attach(connection);
    const isIn = connection.accept(body, isBinary);
    if (isIn) connection.closeWhenIdle(CloseCode.Normal, '');
    else connection.closeNow(CloseCode.TryAgainLater, 'overloaded: try again later');
  }

  // Shutdown

  async #shutDown(options: CloseOptions): Promise<void> {
    if (this.#state === 'idle') {
      this.#state = 'stopped';
      return;
    }
    const timeoutMs = options.timeoutMs ?? this.options.drainTimeoutMs;
    const deadline = performance.now() + timeoutMs;
    const code = options.code ?? CloseCode.GoingAway;
    const reason = code === CloseCode.ServiceRestart ? 'the server restarts' : 'the server shuts down';
    this.#state = 'draining';
    this.#front?.stopListening();
    this.#feed.close();
    const hadConnections = this.#connections.size > 0;
    for (const connection of this.#connections) connection.closeWhenIdle(code, reason);
    await this.#empty(timeoutMs);
    for (const connection of this.#connections) connection.closeNow(code, reason);
    const left = Math.max(0, deadline - performance.now());
    await this.#workers.stop(left);
    if (hadConnections) await delay(LINGER_MS);
    this.#front?.close();
    this.#state = 'stopped';
  }

  /** Waits until every connection is gone and has left its worker, at most so long. */
  async #empty(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return;
    const abort = new AbortController();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const late = delay(timeoutMs, undefined, { signal: abort.signal }).catch(() => {});
    await Promise.race([empty, late]);
    abort.abort();
    this.#onEmpty = undefined;
  }

  /** After a failed start: nothing is left running. */
  async #abandon(): Promise<void> {
    this.#state = 'stopped';
    this.#front?.stopListening();
    this.#feed.close();
    await this.#workers.kill('the hub did not start');
    this.#front?.close();
  }
}

/**
 * Starts a hub.
 *
 * @returns the hub, once it listens and every worker has loaded its handler
 * @throws HubError `ERR_OPTION`, `ERR_ENGINE_MISSING`, `ERR_LISTEN` or `ERR_HANDLER_LOAD`; nothing is left running
 */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  const hub = new Hub(options);
  await hub.start();
  return hub;
}
