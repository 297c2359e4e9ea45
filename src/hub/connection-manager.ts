/**
 * Everything that is connected, from its first moment to its last: the connections, how they are addressed, the workers
 * behind them, and the bounds that they share. I/O thread.
 */
import type { TopicLoss } from '../api/broker.js';
import { CloseCode } from '../api/close-codes.js';
import type { HubEvents } from '../api/events.js';
import type { HandshakeRequest } from '../api/handshake-request.js';
import type { Payload } from '../api/payload.js';
import type { Except } from '../api/publish.js';
import { makeBroker } from '../broker/make-broker.js';
import type { Counters } from '../telemetry/counters.js';
import type { Emitter } from '../telemetry/emitter.js';
import type { Log } from '../telemetry/log.js';
import { Patterns } from '../util/patterns.js';
import { RunClock } from '../util/run-clock.js';
import { encodeHandshake } from '../wire/request.js';
import { keyResting, type Refusal } from './admission/admission.js';
import { Quota } from './admission/quota.js';
import type { Routes } from './admission/routes.js';
import type { Acceptance, UpgradeVerdict } from './admission/upgrade-result.js';
import { Cluster } from './cluster/cluster.js';
import { HandlerRequests } from './cluster/handler-requests.js';
import { Connection } from './connection/connection.js';
import type { ConnectionHost } from './connection/connection-host.js';
import { connectionLimits } from './connection/connection-limits.js';
import { Connections } from './connection/connections.js';
import { Linger } from './connection/linger.js';
import { Overload } from './connection/overload.js';
import { toPayload } from './connection/payload.js';
import { ReadMeter } from './connection/read-meter.js';
import type { SocketPort } from './connection/socket-port.js';
import { closeAtPace, type DrainTime } from './drain.js';
import type { FittedOptions } from './engine-choice.js';
import type { HttpExchange } from './http/exchange-port.js';
import { HttpPort } from './http/http-port.js';
import { Workers } from './pool/workers.js';
import { Registry } from './pubsub/registry.js';

export interface ConnectionManagerHost {
  readonly options: FittedOptions;
  readonly counters: Counters;
  readonly log: Log;
  readonly emitter: Emitter;
}

/** Events about one connection, which is their first argument. */
type ConnectionEvent = 'open' | 'close' | 'drain' | 'shed' | 'ping' | 'pong';
type Rest<Args extends unknown[]> = Args extends [unknown, ...infer Others] ? Others : never;

export class ConnectionManager {
  readonly registry: Registry;
  readonly cluster: Cluster;
  readonly quota: Quota;
  readonly workers: Workers;
  readonly #host: ConnectionManagerHost;
  readonly #routes: Routes;
  readonly #connections = new Connections();
  /** Of what is counted per second. */
  readonly #clock = new RunClock();
  readonly #connectionHost: ConnectionHost<Connection>;
  #onEmpty: (() => void) | undefined;

  constructor(routes: Routes, host: ConnectionManagerHost) {
    const { options, counters } = host;
    this.#host = host;
    this.#routes = routes;
    this.quota = new Quota(options, this.#clock);
    this.registry = new Registry(this.#connections, counters, options);
    this.cluster = this.#makeCluster();
    const requests = this.#makeRequests();
    const linger = new Linger(options, counters);
    const overload = new Overload(options, counters, this.#connections);
    this.workers = new Workers(routes.handlers, {
      ...host,
      connections: this.#connections,
      fanOut: this.registry,
      onRequest: (...request) => requests.handle(...request),
      onForgotten: (connection) => this.#onForgotten(connection),
      relieve: () => overload.relieve(),
    });
    const { turn } = this.workers;
    this.#connectionHost = {
      limits: connectionLimits(options),
      counters,
      onGone: (connection, code, reason, isByHub) => this.#onGone(connection, code, reason, isByHub),
      meter: new ReadMeter(turn),
      clock: this.#clock,
      onPaused: (connection) => {
        overload.addPaused(connection);
        this.registry.pings.onPaused(connection);
      },
      relieve: () => overload.relieve(),
      mayLinger: (bytes) => linger.admit(bytes, performance.now()),
      flushSoon: (connection) => turn.flushSoon(connection),
      onDrained: (connection) => this.#emit('drain', connection),
      onShed: (connection, reason) => this.#emit('shed', connection, reason),
      onPing: (connection, payload) => this.#onPing(connection, payload),
      onPong: (connection, payload) => this.#onPong(connection, payload),
    };
  }

  /**
   * Finds the worker of a handshake that is accepted.
   *
   * @throws HubError `ERR_AFFINITY`, or whatever the function `affinity` throws
   */
  place(acceptance: Acceptance): UpgradeVerdict {
    const affinity = acceptance.route.affinity?.(acceptance.request, acceptance.data);
    if (affinity === undefined) return { accept: acceptance };
    const { isResting } = this.workers.shardOf(affinity).worker;
    return isResting ? { refuse: keyResting() } : { accept: { ...acceptance, affinity } };
  }

  /** A WebSocket is open. */
  openConnection(port: SocketPort, acceptance: Acceptance): Connection {
    this.#host.counters.opened++;
    this.quota.admit(acceptance.request.remoteAddress);
    acceptance.route.connections++;
    const connection = this.#connect(port, acceptance, false);
    this.registry.add(connection);
    this.#emit('open', connection);
    return connection;
  }

  /**
   * Runs the body of an HTTP request through a worker; the exchange is answered with the replies.
   *
   * @returns a refusal, when nothing was run
   * @throws as {@link place}
   */
  request(
    exchange: HttpExchange,
    request: HandshakeRequest,
    body: Uint8Array,
    isBinary: boolean,
  ): Refusal | undefined {
    const { first: route } = this.#routes;
    const encoded = encodeHandshake(request, undefined, route.handlerIndex);
    const verdict = this.place({ request, data: undefined, encoded, headers: [], route });
    if ('refuse' in verdict) return verdict.refuse;
    const port = new HttpPort(exchange, this.#host.options.maxQueueBytes);
    const connection = this.#connect(port, verdict.accept, true);
    port.attach(connection);
    const isIn = connection.accept(body, isBinary);
    if (isIn) connection.closeWhenIdle(CloseCode.Normal, '');
    else connection.closeNow(CloseCode.TryAgainLater, 'overloaded: try again later');
    return undefined;
  }

  /**
   * Closes every connection at its turn, once what it has in flight is answered, or at the end of the time. @returns false
   * when there was none
   */
  async closeAll(code: number, reason: string, time: DrainTime): Promise<boolean> {
    if (this.#connections.size === 0) return false;
    const { drainPerSecond, drainRetryMs } = this.#host.options;
    const reasonOf = () =>
      drainRetryMs === 0 ? reason : `${reason}: retry in ${Math.round(Math.random() * drainRetryMs)} ms`;
    const empty = this.#empty();
    await closeAtPace([...this.#connections], drainPerSecond, time, (connection) =>
      connection.closeWhenIdle(code, reasonOf()),
    );
    await time.within(empty);
    this.#onEmpty = undefined;
    for (const connection of this.#connections) connection.closeNow(code, reasonOf());
    return true;
  }

  /** All of the table, in its order: open ones, and those that have not left their workers. */
  all(): Iterable<Connection> {
    return this.#connections;
  }

  /** Some options have other values now. */
  renewLimits(): void {
    Object.assign(this.#connectionHost.limits, connectionLimits(this.#host.options));
    this.quota.renewRate();
  }

  /** How many WebSockets are open. */
  get openCount(): number {
    return this.quota.open;
  }

  /** Connects to the broker, and starts the workers: as {@link Workers.start} does. */
  async start(): Promise<void> {
    await this.cluster.start();
    await this.workers.start();
  }

  /** Ends the workers: as {@link Workers.stop} does. */
  async stop(timeoutMs: number): Promise<void> {
    this.#clock.stop();
    await this.workers.stop(timeoutMs);
    await this.cluster.close();
  }

  /** As {@link Workers.kill} does. */
  async kill(reason: string): Promise<void> {
    this.#clock.stop();
    await this.workers.kill(reason);
    await this.cluster.close();
  }

  /** Settles when the last connection is gone and has left its worker. There is one. */
  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #connect(
    port: SocketPort,
    { request, encoded, data, route, affinity }: Acceptance,
    isVirtual: boolean,
  ): Connection {
    const { workers } = this;
    const shard = affinity === undefined ? workers.leastLoaded() : workers.shardOf(affinity);
    const { remoteAddress } = request;
    const connection = this.#connections.add((slot, generation) => {
      // One literal: a spread takes 4 µs here, and what it makes is slow to read.
      const origin = {
        slot,
        generation,
        shard,
        affinity,
        request: encoded,
        data,
        route,
        remoteAddress,
        isVirtual,
      };
      return new Connection(origin, port, this.#connectionHost);
    });
    shard.openConnection(connection);
    return connection;
  }

  #onGone(connection: Connection, code: number, reason: string, isByHub: boolean): void {
    if (!connection.isVirtual) {
      this.quota.release(connection.remoteAddress);
      connection.route.connections--;
      const { counters } = this.#host;
      counters.countClose(code, isByHub);
      counters.connectionSeconds.observe((performance.now() - connection.openedAt) / 1000);
      this.registry.remove(connection);
      if (this.#host.log.has('debug')) this.#tellEnd(connection, code, reason, isByHub ? 'hub' : 'peer');
      this.#emit('close', connection, code, reason);
    }
    connection.shard.connectionGone(connection, code, reason);
  }

  #makeCluster(): Cluster {
    const { registry } = this;
    const { options, emitter, log } = this.#host;
    const cluster = new Cluster(makeBroker(options), {
      rules: new Patterns(options.topics),
      nodeName: options.nodeName,
      connections: () => this.openCount,
      find: (id) => registry.find(id),
      deliver: (topic, frame, except) => registry.deliver(topic, frame, except),
      isSubscribed: (connection, topic) => registry.isSubscribed(connection, topic),
      topics: () => registry.topics().keys(),
      subscribers: (topic) => registry.subscribers(topic),
      subscribe: (connection, topic) => registry.subscribe(connection, topic),
      unsubscribe: (connection, topic) => registry.unsubscribe(connection, topic),
      sendToAll: (data, isBinary) => registry.sendFrame(undefined, data, isBinary),
      sendToUser: (userId, data, isBinary) => registry.sendFrame(userId, data, isBinary),
      disconnectUser: (...user) => registry.disconnectUser(...user),
      onState: (state, reason) => {
        emitter.emit('broker', state, reason);
        if (state !== 'up') log.warn({ state, reason }, 'the broker is not up');
      },
      onJoin: (topic, userId) => emitter.emit('join', topic, userId),
      onLeave: (topic, userId) => emitter.emit('leave', topic, userId),
      onLost: (loss) => this.#onLost(loss),
    });
    if (cluster.isNeeded) registry.connect(cluster);
    return cluster;
  }

  /** Subscribers have missed what is not kept any more: their handlers are told, the application, and the log. */
  #onLost(loss: TopicLoss): void {
    const { topic, offset, epoch } = loss;
    const bytes = Buffer.from(JSON.stringify(loss));
    // What waits for a handler is bounded, this too; who is not read for a while may be over the bound of messages.
    const maxInFlight = 2 * this.#connectionHost.limits.maxInFlight;
    // Copied: who is shed is subscribed to nothing any more.
    for (const connection of [...this.registry.subscribers(topic)])
      if (connection.isOpen && !connection.shard.tellLost(connection, bytes, maxInFlight))
        connection.shed('in-flight', CloseCode.TryAgainLater, 'too many messages in flight');
    this.#host.emitter.emit('topicLost', topic, { offset, epoch });
    this.#host.log.warn(loss, 'subscribers of a topic have missed what is not kept any more');
  }

  /** What handlers ask for. */
  #makeRequests(): HandlerRequests {
    const { registry, cluster } = this;
    return new HandlerRequests({
      cluster,
      publish: (...publication) => registry.publishRecord(...publication),
      sendToUser: (userId, data) => this.sendToUser(userId, data),
      disconnectUser: (...user) => this.disconnectUser(...user),
    });
  }

  // In every hub of the cluster; what is returned is of this one.

  /** @see Hub.broadcast */
  broadcast(data: Payload, except?: Except): number {
    const { bytes, isBinary } = toPayload(data);
    this.cluster.sendToAll(bytes, isBinary);
    return this.registry.broadcast(data, except);
  }

  /** @see Hub.sendToUser */
  sendToUser(userId: string | number, data: Payload, except?: Except): number {
    const count = this.registry.sendToUser(userId, data, except);
    const { bytes, isBinary } = toPayload(data);
    this.cluster.sendToUser(String(userId), bytes, isBinary);
    return count;
  }

  /** @see Hub.disconnectUser */
  disconnectUser(userId: string | number, code: number, reason: string): number {
    const count = this.registry.disconnectUser(userId, code, reason);
    this.cluster.disconnectUser(String(userId), code, reason);
    return count;
  }

  /** The one line of a connection. */
  #tellEnd(connection: Connection, code: number, reason: string, by: 'hub' | 'peer'): void {
    const { id, remoteAddress, route, shard, member, openedAt } = connection;
    const durationMs = Math.round(performance.now()) - openedAt;
    const where = { remoteAddress, path: route.path, userId: member?.userId, shard: shard.index };
    this.#host.log.debug({ connection: id, ...where, durationMs, code, by, reason }, 'a connection closed');
  }

  #onForgotten(connection: Connection): void {
    this.#connections.remove(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #onPing(connection: Connection, payload: Uint8Array): void {
    if (this.#host.emitter.has('ping')) this.#emit('ping', connection, Buffer.from(payload));
  }

  #onPong(connection: Connection, payload: Uint8Array): boolean {
    const roundTripMs = this.registry.pings.onPong(connection, payload);
    if (this.#host.emitter.has('pong')) this.#emit('pong', connection, Buffer.from(payload), roundTripMs);
    return roundTripMs !== undefined;
  }

  #emit<Name extends ConnectionEvent>(
    name: Name,
    connection: Connection,
    ...rest: Rest<HubEvents[Name]>
  ): void {
    const { emitter } = this.#host;
    if (connection.isVirtual || !emitter.has(name)) return;
    emitter.emit(name, ...([this.registry.handleOf(connection), ...rest] as unknown as HubEvents[Name]));
  }
}
