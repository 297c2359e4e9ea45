/**
 * The parts of a hub, put together: what each needs of the others is said here, in one function for each. I/O thread.
 */
import type { EventEmitter } from 'node:events';
import { toError } from '../api/errors.js';
import type { HubEvents } from '../api/events.js';
import type { HandshakeRequest } from '../api/handshake-request.js';
import type { HubStats } from '../api/stats.js';
import type { ResolvedOptions } from '../options/options.js';
import { Counters } from '../telemetry/counters.js';
import { Emitter } from '../telemetry/emitter.js';
import { Log } from '../telemetry/log.js';
import { LoopWatch } from '../telemetry/loop-watch.js';
import { renderMetrics } from '../telemetry/metrics.js';
import { VERSION } from '../util/version.js';
import type { AdminHost } from './admin/admin-host.js';
import { AdminServer, type AdminServerHost } from './admin/admin-server.js';
import {
  type Readiness,
  type Refusal,
  refusal,
  refuseHandshake,
  refuseOrigin,
  refuseUnready,
} from './admission/admission.js';
import { Descriptors } from './admission/descriptors.js';
import { Routes } from './admission/routes.js';
import { type UpgradeHost, Upgrades } from './admission/upgrade.js';
import { ConnectionManager } from './connection-manager.js';
import type { Engine, EngineServer, EngineServerHost } from './engine/engine-port.js';
import { clearSocketPath } from './engine/unix-socket.js';
import type { FittedOptions } from './engine-choice.js';
import { loadConsoleAssets } from './http/console-assets.js';
import type { HttpExchange } from './http/exchange-port.js';
import { type HttpHost, HttpRoutes } from './http/http.js';
import { HttpApp, type HttpAppHost } from './http/http-app.js';
import { refuseStats, statsAccess } from './http/stats-access.js';
import { StatsFeed, type StatsSource } from './http/stats-feed.js';
import { latestOfAll } from './http/whole.js';
import { HandlerWatch } from './pool/handler-watch.js';
import { WorkerChanges } from './worker-changes.js';

/** What the parts need of their hub. */
export interface HubCore {
  readonly options: FittedOptions;
  readonly engine: Engine;
  readonly events: EventEmitter<HubEvents>;
  /** Whether it takes connections and requests. */
  readiness(): Readiness;
  /** True from the first moment of a shutdown, while it may still take some. */
  isDraining(): boolean;
  stats(): HubStats;
  /** @param timeoutMs undefined: as the options say */
  drain(timeoutMs: number | undefined): void;
  state(): string;
}

type Sender = Pick<HandshakeRequest, 'path' | 'remoteAddress'>;

export class HubParts {
  readonly counters = new Counters();
  readonly log: Log;
  readonly emitter: Emitter;
  readonly routes: Routes;
  readonly connections: ConnectionManager;
  readonly upgrades: Upgrades;
  readonly app: HttpApp;
  readonly feed: StatsFeed;
  readonly descriptors: Descriptors;
  readonly loops: LoopWatch;
  /** Undefined without the option `adminListen`. */
  readonly admin: AdminServer | undefined;
  readonly changes: WorkerChanges;
  /** Undefined without the option `watch`. */
  readonly watch: HandlerWatch | undefined;
  /** Undefined until it listens. */
  server: EngineServer | undefined;
  readonly #core: HubCore;
  /** The options as the parts read them, of which some change: an object of its own, that of the hub is frozen. */
  readonly #live: FittedOptions;

  constructor(core: HubCore) {
    const { options, events } = core;
    this.#core = core;
    this.#live = { ...options };
    this.log = new Log(options, this.counters);
    this.emitter = new Emitter(events);
    this.routes = new Routes(options);
    this.changes = new WorkerChanges(this, () => core.state());
    if (options.watch)
      this.watch = new HandlerWatch({
        urls: () => this.routes.handlers.map(({ url }) => url),
        reload: () => this.changes.reload({}),
      });
    const { counters, log, emitter } = this;
    this.connections = new ConnectionManager(this.routes, { options: this.#live, counters, log, emitter });
    this.upgrades = new Upgrades(options, this.#upgradeHost());
    const scheme = options.tls === undefined ? 'http' : 'https';
    this.app = new HttpApp(this.#appHost(), { ...options, scheme });
    this.feed = new StatsFeed(this.#statsSource());
    this.loops = new LoopWatch(this.connections.workers, options.workers);
    const { adminListen } = options;
    if (adminListen !== undefined)
      this.admin = new AdminServer({ ...options, adminListen }, this.#adminServerHost());
    this.descriptors = new Descriptors(counters, log, () => this.server);
  }

  /** Options that may change while the hub runs have other values now. */
  renew(options: Partial<ResolvedOptions>): void {
    Object.assign(this.#live, options);
    this.connections.renewLimits();
    if ('origins' in options) this.routes.renewOrigins(this.#live);
    if (options.topics !== undefined) this.connections.cluster.renewRules(options.topics);
    if (options.logLevel !== undefined && this.log.level !== undefined) this.log.setLevel(options.logLevel);
  }

  /** @see AdminServer.listen */
  async openAdmin(wsUrl: string): Promise<void> {
    await this.admin?.listen(clearSocketPath, wsUrl);
  }

  /** What `GET /metrics` says. */
  metrics(): string {
    const { counters, loops, routes } = this;
    loops.touch();
    return renderMetrics({
      counters,
      loops,
      stats: () => this.#core.stats(),
      isDraining: () => this.#core.isDraining(),
      timings: () => this.connections.workers.timings(),
      routesOfHandlers: routes.handlers.map((_, index) =>
        routes.all.flatMap(({ path, handlerIndex }) => (handlerIndex === index ? path : [])).join(','),
      ),
    });
  }

  /** @see Engine.create */
  async openServer(): Promise<EngineServer> {
    const { options, engine } = this.#core;
    const { all, paths } = this.routes;
    const answersLater = all.some(({ upgrade }) => upgrade !== undefined);
    this.server = await engine.create({ ...options, paths, answersLater }, this.#serverHost());
    return this.server;
  }

  #adminServerHost(): AdminServerHost {
    const host = this.#adminHost();
    const { feed, routes } = this;
    return {
      feed,
      loadPage: (config) => loadConsoleAssets({ path: routes.first.path, version: VERSION, ...config }),
      run: ({ route }, values) => route.run(host, values),
      onChange: host.onChange,
      onError: host.onError,
    };
  }

  #adminHost(): AdminHost {
    const { connections, log } = this;
    return {
      connections: () => connections.all(),
      stats: () => this.#core.stats(),
      metrics: () => this.metrics(),
      unready: () => this.#unready(),
      topics: () => connections.registry.topics(),
      publish: (topic, data) => connections.registry.publishData(topic, data),
      broadcast: (data) => connections.broadcast(data),
      drain: (timeoutMs) => this.#core.drain(timeoutMs),
      handlers: () => this.connections.workers.handlers(),
      reload: (options) => this.changes.reload(options),
      resize: (workers) => this.changes.resize(workers),
      threadOf: (shard) => this.connections.workers.threadOf(shard),
      presence: (topic) => connections.cluster.presence(topic),
      logLevel: () => log.level,
      setLogLevel: (level) => log.setLevel(level),
      onChange: (what, details) => log.warn(details, `an administrator asked for ${what}`),
      onError: (error) => this.#onError(error, 'request of an administrator'),
    };
  }

  #unready(): string | undefined {
    if (this.#core.isDraining()) return 'draining';
    const readiness = this.#core.readiness();
    if (readiness !== 'running') return readiness;
    return this.connections.workers.isServing ? undefined : 'no worker serves';
  }

  #upgradeHost(): UpgradeHost {
    const { connections, routes } = this;
    const { quota, workers } = connections;
    return {
      routeOf: ({ path }) => routes.at(path),
      refuse: (request) =>
        refuseHandshake(request, routes.at(request.path), this.#core.readiness()) ??
        workers.refuseResting() ??
        quota.refuseNext(request.remoteAddress),
      refuseLate: ({ remoteAddress }) => workers.refuseResting() ?? quota.refuse(remoteAddress),
      refuseUnready: () => refuseUnready(this.#core.readiness()),
      place: (acceptance) => connections.place(acceptance),
      onRefused: (request, refused) => this.#onRefused('handshake', request, refused),
      onError: (error) => this.#onError(error, 'decision on a handshake'),
    };
  }

  #appHost(): HttpAppHost {
    return {
      onRefused: (exchange, refused) => this.#onRefused('request', exchange, refused),
      readiness: () => this.#core.readiness(),
      onError: (error) => this.#onError(error, 'handler of HTTP requests'),
    };
  }

  #statsSource(): StatsSource {
    const { workers } = this.connections;
    return {
      get shards() {
        return workers.shards;
      },
      stats: () => latestOfAll() ?? this.#core.stats(),
      sampleLatency: (sampler) => workers.sampleLatency(sampler),
      probe: () => workers.probe(),
      loopDelays: () => workers.loopDelays(),
    };
  }

  #serverHost(): EngineServerHost {
    const { connections, counters, upgrades } = this;
    const http = this.#makeHttp();
    return {
      onHandshake: (port) => upgrades.onHandshake(port),
      onOpen: (port, acceptance) => connections.openConnection(port, acceptance),
      onEngineClose: (text) => counters.countEngineClose(text),
      onRequest: (exchange) => http.handle(exchange),
      onRefused: (refused, remoteAddress) => this.#onRefused('request', { path: '', remoteAddress }, refused),
      onError: (error, where) => {
        counters.rejected['internal-error']++;
        this.#onError(error, where);
      },
    };
  }

  #makeHttp(): HttpRoutes {
    const { options } = this.#core;
    const { console, http, maxPayload, metrics } = options;
    const { first, paths } = this.routes;
    const stats = http ? statsAccess(options) : 'none';
    const assets = console ? loadConsoleAssets({ path: first.path, version: VERSION, stats }) : new Map();
    // `POST /echo` would pass by a hook.
    const echo = http && first.upgrade === undefined;
    return new HttpRoutes(this.#httpHost(), { paths, http, metrics, echo, maxPayload, assets });
  }

  #httpHost(): HttpHost {
    const { app, feed } = this;
    const { workers } = this.connections;
    const { options } = this.#core;
    return {
      app,
      feed,
      onRefused: (exchange, refused) => this.#onRefused('request', exchange, refused),
      readiness: () => this.#core.readiness(),
      isDraining: () => this.#core.isDraining(),
      isListening: () => !this.descriptors.isExhausted,
      resting: () => workers.resting(),
      broker: () => this.connections.cluster.trouble,
      isServing: () => workers.isServing,
      refuseResting: () => workers.refuseResting(),
      metrics: () => this.metrics(),
      stats: () => this.#core.stats(),
      refuseStats: (headers) => refuseStats(headers, options),
      refuseOrigin: (request) => refuseOrigin(request, this.routes.first),
      onEcho: (exchange, request, body, isBinary) => this.#onEcho(exchange, request, body, isBinary),
    };
  }

  #onEcho(exchange: HttpExchange, request: HandshakeRequest, body: Uint8Array, isBinary: boolean) {
    try {
      return this.connections.request(exchange, request, body, isBinary);
    } catch (error) {
      this.#onError(error, 'decision on a request');
      return refusal(
        'upgrade-error',
        '500 Internal Server Error',
        'The server failed to place this request.',
      );
    }
  }

  #onRefused(what: string, { path, remoteAddress }: Sender, { reason, status }: Refusal): void {
    this.counters.rejected[reason]++;
    if (what === 'handshake') this.counters.rejectedHandshakes[reason]++;
    const event = { reason, status, path, remoteAddress };
    if (this.log.has('debug')) this.log.debug(event, `a ${what} was refused`);
    if (what === 'handshake') this.emitter.emit('reject', event);
  }

  #onError(error: unknown, where: string): void {
    this.log.error({ err: error }, `a ${where} failed`);
    if (this.emitter.has('error')) this.emitter.emit('error', toError(error));
  }
}
