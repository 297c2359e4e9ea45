/** The hub: its parts, and its lifecycle: idle → starting → running → draining → stopped. I/O thread. */
import type { EventEmitter } from 'node:events';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type {
  HistoryOptions,
  HistoryResult,
  Nodes,
  Position,
  PresenceResult,
  PresenceStats,
} from '../api/broker.js';
import { CloseCode } from '../api/close-codes.js';
import type { CloseOptions, CloseUserOptions } from '../api/close-options.js';
import type { HubConnection } from '../api/connection.js';
import { HubError } from '../api/errors.js';
import type { HubEvents } from '../api/events.js';
import type { HttpHandler } from '../api/http.js';
import type { Payload } from '../api/payload.js';
import type { ConnectionFilter, Except, HubPublishOptions } from '../api/publish.js';
import type { HubStats } from '../api/stats.js';
import { type HubOptions, type ResolvedOptions, resolveOptions } from '../options/options.js';
import type { Log } from '../telemetry/log.js';
import { collectStats } from '../telemetry/stats.js';
import { baseUrl } from '../util/address.js';
import { VERSION } from '../util/version.js';
import { checkCloseCode } from '../wire/close.js';
import { type Readiness, unavailable } from './admission/admission.js';
import type { ConnectionManager } from './connection-manager.js';
import { DrainTime } from './drain.js';
import { chooseEngine, type EngineChoice, type FittedOptions, fitOptions } from './engine-choice.js';
import { HubParts } from './hub-parts.js';
import { compareOptions, type OptionChanges } from './live-options.js';
import { Heartbeat } from './pubsub/heartbeat.js';
import type { Registry } from './pubsub/registry.js';
import { ChangingHub } from './worker-changes.js';

/** A hub's states; they go one way. */
export type HubState = 'idle' | 'starting' | 'running' | 'draining' | 'stopped';

/** The engine does not say when a closed socket's last bytes have left: they get so long before it is torn down. */
const LINGER_MS = 100;

/**
 * A hub that runs: {@link createHub} makes one. `Data` is what the upgrade hook returns for a connection.
 *
 * Events are in {@link HubEvents}. `await using` closes it at the end of its block.
 */
export class Hub<Data = unknown> extends ChangingHub<Data> {
  protected readonly parts: HubParts;
  readonly #log: Log;
  readonly #connections: ConnectionManager;
  readonly #registry: Registry;
  readonly #heartbeat: Heartbeat | undefined;
  #options: FittedOptions;
  readonly #choice: EngineChoice;
  #state: HubState = 'idle';
  #port = 0;
  #startedAt = 0;
  #closing: Promise<void> | undefined;
  #drainTime: DrainTime | undefined;
  /** True while it drains and still takes what comes. */
  #isDelayed = false;

  /** Use `createHub`. */
  constructor(choice: EngineChoice) {
    super();
    this.#choice = choice;
    this.#options = choice.options;
    this.parts = new HubParts({
      options: this.#options,
      engine: choice.engine,
      events: this as EventEmitter<HubEvents>,
      readiness: () => this.#readiness(),
      isDraining: () => this.#state === 'draining' || this.#state === 'stopped',
      stats: () => this.stats(),
      drain: (timeoutMs) => void this.close({ code: 1012, ...(timeoutMs !== undefined && { timeoutMs }) }),
      state: () => this.#state,
    });
    this.#log = this.parts.log;
    this.#connections = this.parts.connections;
    this.#registry = this.#connections.registry;
    const { heartbeat, onPing, onPong } = this.options;
    if (heartbeat) this.#heartbeat = new Heartbeat(heartbeat, (...beat) => this.#registry.beat(...beat));
    const events = this as EventEmitter;
    if (onPing !== undefined) events.on('ping', onPing);
    if (onPong !== undefined) events.on('pong', onPong);
  }

  /** All options with their defaults, frozen. */
  get options(): ResolvedOptions {
    return this.#options;
  }

  /** Where it is in its life. */
  get state(): HubState {
    return this.#state;
  }

  /** The port that it listens on; 0 on a Unix socket. */
  get port(): number {
    return this.#port;
  }

  /** Where its HTTP routes are. */
  get url(): string {
    return baseUrl('http', this.options, this.#port);
  }

  /** Where its WebSocket endpoint is; with several routes, the first one. */
  get wsUrl(): string {
    return `${baseUrl('ws', this.options, this.#port)}${this.parts.routes.first.path}`;
  }

  /** Where administrators are served (`adminListen`), or undefined: an http: URL, or `unix:` and the path. */
  get adminUrl(): string | undefined {
    return this.parts.admin?.url;
  }

  /** A snapshot of its counters and gauges. */
  stats(): HubStats {
    const identity = {
      state: this.#state,
      uptimeMs: this.#startedAt === 0 ? 0 : Math.round(performance.now() - this.#startedAt),
      handler: this.parts.routes.handlers.map(({ name }) => name).join(', '),
      routes: this.parts.routes.stats(),
      workers: this.#connections.workers.isLocal ? 0 : this.#connections.workers.shards,
      cluster: this.#connections.cluster.stats(),
      engine: this.#choice.about,
    };
    const { openCount, workers } = this.#connections;
    return collectStats(identity, this.parts.counters, openCount, workers.stats());
  }

  /** Its metrics, as Prometheus reads them: what `GET /metrics` says, for an application that serves its own beside them. */
  metrics(): string {
    return this.parts.metrics();
  }

  // The connections

  /** An open connection by its id, or undefined. @throws HubError `ERR_ARGUMENT` for an id that is no string */
  get(id: string): HubConnection<Data> | undefined {
    return this.#registry.get(id) as HubConnection<Data> | undefined;
  }

  /**
   * All open connections that a filter takes; all without one. They may be closed while going through them.
   *
   * @throws HubError `ERR_ARGUMENT` for a filter with a condition that there is not
   */
  connections(filter?: ConnectionFilter<Data>): IterableIterator<HubConnection<Data>> {
    return this.#registry.list(filter as ConnectionFilter) as IterableIterator<HubConnection<Data>>;
  }

  /** The topics that somebody is subscribed to, and how many. */
  topics(): Map<string, number> {
    return this.#registry.topics();
  }

  /**
   * Sends a message to all subscribers of a topic, in every hub of the cluster: a string as a text frame, bytes as a binary
   * frame. It takes its place among the replies to each of them in the order in which the hub accepted them.
   *
   * @typeParam Result `Promise<Position>` for a topic with history
   * @returns for how many connections of this hub it was queued; for a topic with history, a promise of its position, which
   * rejects with `ERR_BROKER_UNAVAILABLE`, `ERR_BROKER_BUSY` or `ERR_TOPIC_PAYLOAD`
   * @throws HubError `ERR_TOPIC`, `ERR_DATA_TYPE`, `ERR_ARGUMENT`
   */
  publish<Result extends number | Promise<Position> = number>(
    topic: string,
    data: Payload,
    options?: HubPublishOptions,
  ): Result {
    return this.#registry.publishData(topic, data, options) as Result;
  }

  /**
   * A part of a topic's history.
   *
   * @throws HubError `ERR_ARGUMENT` for a topic without history, `ERR_TOPIC`, `ERR_BROKER_UNAVAILABLE` (rejections)
   */
  history(topic: string, options?: HistoryOptions): Promise<HistoryResult> {
    return this.#connections.cluster.history(topic, options);
  }

  /**
   * Who is subscribed to a topic, in every hub: what is known, and which hubs have not answered within a second.
   *
   * @throws HubError `ERR_ARGUMENT` for a topic without presence, `ERR_TOPIC` (rejections)
   */
  presence(topic: string): Promise<PresenceResult> {
    return this.#connections.cluster.presence(topic);
  }

  /** How many are: as {@link presence}. */
  presenceStats(topic: string): Promise<PresenceStats> {
    return this.#connections.cluster.presenceStats(topic);
  }

  /** The hubs that are connected by the same broker. */
  get cluster(): Nodes {
    const { cluster } = this.#connections;
    return { nodes: () => cluster.nodes() };
  }

  /**
   * Sends a message to every connection, in every hub.
   *
   * @returns for how many of this hub it was queued
   * @throws HubError `ERR_DATA_TYPE`, `ERR_ARGUMENT`
   */
  broadcast(data: Payload, options: { readonly except?: Except } = {}): number {
    return this.#connections.broadcast(data, options.except);
  }

  /**
   * Sends a message to every connection of a user, in every hub: those whose `data.userId` is this one.
   *
   * @returns for how many of this hub it was queued
   * @throws HubError `ERR_DATA_TYPE`, `ERR_ARGUMENT`
   */
  sendToUser(userId: string | number, data: Payload, options: { readonly except?: Except } = {}): number {
    return this.#connections.sendToUser(userId, data, options.except);
  }

  /**
   * Closes every connection of a user, in every hub, after what has been sent so far.
   *
   * @returns how many of this hub there were
   * @throws HubError `ERR_CLOSE_ARGUMENT`, `ERR_ARGUMENT`
   */
  disconnectUser(userId: string | number, options: CloseUserOptions = {}): number {
    const { code = CloseCode.Normal, reason = '' } = options;
    checkCloseCode(code);
    return this.#connections.disconnectUser(userId, code, String(reason));
  }

  /**
   * Serves HTTP: every request for what the hub does not serve itself is the handler's, as a `Request` of the Fetch
   * standard that is answered with a `Response`. It may be called at any time; a handler takes the place of the one
   * before. What it returns `undefined` for is a 404; when it throws, the client gets a 500 and the hub emits `error`.
   *
   * @throws HubError `ERR_ARGUMENT` for what is no function
   */
  http(handler: HttpHandler): this {
    this.parts.app.use(handler);
    return this;
  }

  /** @internal Listens, then loads the handler in every worker. Once. */
  async start(): Promise<void> {
    if (this.#state !== 'idle')
      throw new HubError('ERR_HUB_STATE', `the hub is ${this.#state}: it starts once`);
    this.#state = 'starting';
    try {
      const server = await this.parts.openServer();
      this.#port = await server.listen();
      await this.parts.openAdmin(this.wsUrl);
      await this.#connections.start();
    } catch (error) {
      await this.#abandon();
      throw error;
    }
    this.#startedAt = performance.now();
    this.#heartbeat?.start();
    this.parts.watch?.start();
    this.parts.descriptors.start(this.options.maxConnections);
    this.#state = 'running';
    const { url, wsUrl, adminUrl } = this;
    const { handler, workers, engine } = this.stats();
    const { maxConnections, maxInFlightBytes, maxBufferedBytes } = this.#options;
    const facts = { handler, workers, engine, maxConnections, maxInFlightBytes, maxBufferedBytes };
    this.#log.info({ version: VERSION, url, wsUrl, adminUrl, ...facts }, 'the hub runs');
  }

  /**
   * Shuts down: says so on `/readyz`, takes no connection any more after `drainDelayMs`, closes one connection after the
   * other (`drainPerSecond`), each once what it has in flight is answered and sent, and ends every thread. Calling it again
   * returns the same promise; with a `timeoutMs`, it hurries what is under way.
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
    if (this.#closing === undefined) this.#closing = this.#shutDown(options);
    else if (timeoutMs !== undefined) this.#drainTime?.hurry(timeoutMs);
    return this.#closing;
  }

  /**
   * Reads the files of the option `tls` again: new connections get the new certificate, open ones stay as they are.
   *
   * @throws HubError `ERR_TLS` when the files are not right, or there is no TLS; `ERR_LISTEN`; `ERR_HUB_STATE`
   * when the hub does not run. The certificate before is still in use then
   */
  async reloadTls(): Promise<void> {
    if (this.#state !== 'running' || this.parts.server === undefined)
      throw new HubError('ERR_HUB_STATE', `the hub is ${this.#state}: it cannot reload its certificate`);
    await this.parts.server.reloadTls();
    this.#log.info({}, 'the certificate was reloaded');
  }

  /**
   * Takes what may change while it runs out of new options: limits, origins, topics, the drain, the level of the log (docs/operating.md
   * has the list). Open connections keep their rate limit; what is over a lower bound is let go as it ends.
   *
   * @returns which options changed, and which differ and need a restart
   * @throws HubError `ERR_OPTION`; nothing has changed then
   */
  reconfigure(options: HubOptions<Data>): OptionChanges {
    const next = fitOptions(resolveOptions(options as HubOptions), this.#choice.engine);
    const changes = compareOptions(this.#options, next);
    const values = Object.fromEntries(changes.changed.map((name) => [name, next[name]]));
    this.#options = Object.freeze({ ...this.#options, ...values });
    this.parts.renew(values);
    this.#log.info(changes, 'the options were read again');
    return changes;
  }

  /** The same as {@link close} without options. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #readiness(): Readiness {
    if (this.#state === 'running' || this.#isDelayed) return 'running';
    return this.#state === 'draining' || this.#state === 'stopped' ? 'draining' : 'starting';
  }

  // Shutdown

  async #shutDown(options: CloseOptions): Promise<void> {
    if (this.#state === 'idle') {
      this.#state = 'stopped';
      return;
    }
    const timeoutMs = options.timeoutMs ?? this.options.drainTimeoutMs;
    const time = (this.#drainTime = new DrainTime(timeoutMs));
    const code = options.code ?? CloseCode.GoingAway;
    const reason = code === CloseCode.ServiceRestart ? 'the server restarts' : 'the server shuts down';
    const delayMs = this.#state === 'running' ? Math.min(this.options.drainDelayMs, timeoutMs / 2) : 0;
    this.#state = 'draining';
    this.parts.emitter.emit('draining');
    this.#log.info({ connections: this.#connections.openCount, delayMs, timeoutMs }, 'the hub drains');
    if (delayMs > 0) {
      this.#isDelayed = true;
      await time.pause(delayMs);
      this.#isDelayed = false;
    }
    this.parts.descriptors.stop();
    this.parts.watch?.close();
    this.parts.server?.stopListening();
    this.parts.feed.close();
    this.parts.loops.stop();
    this.parts.upgrades.refuseAll(unavailable('draining'));
    this.#connections.cluster.leave();
    const [hadConnections, hadRequests] = await Promise.all([
      this.#connections.closeAll(code, reason, time),
      this.parts.app.drain(time.over),
    ]);
    this.#heartbeat?.stop();
    time.end();
    await this.#connections.stop(time.leftMs);
    // A handshake of this very turn is refused at its end.
    await (hadConnections || hadRequests ? delay(LINGER_MS) : nextTurn());
    this.parts.server?.close();
    this.parts.admin?.close();
    this.#state = 'stopped';
    this.#log.info({}, 'the hub has stopped');
    this.#log.flush();
  }

  /** After a failed start: nothing is left running. */
  async #abandon(): Promise<void> {
    this.#state = 'stopped';
    this.parts.server?.stopListening();
    this.parts.feed.close();
    this.parts.admin?.close();
    await this.#connections.kill('the hub did not start');
    this.parts.server?.close();
    this.#log.flush();
  }
}

/**
 * Starts a hub.
 *
 * @returns the hub, once it listens and every worker has loaded its handler
 * @throws HubError `ERR_OPTION`, `ERR_ENGINE_MISSING`, `ERR_TLS`, `ERR_LISTEN` or `ERR_HANDLER_LOAD`; nothing is left running
 */
export async function createHub<Data = unknown>(options: HubOptions<Data> = {}): Promise<Hub<Data>> {
  const hub = new Hub<Data>(await chooseEngine(resolveOptions(options as HubOptions)));
  await hub.start();
  return hub;
}
