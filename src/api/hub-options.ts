/**
 * What `createHub` takes. Generated from the options schema: run `npm run docs:options` after a change of it.
 */
import type { AffinityHook } from './affinity.js';
import type { HubBroker } from './broker.js';
import type { PingListener, PongListener } from './events.js';
import type { Logger } from './logger.js';
import type { OriginCheck, UpgradeHook } from './upgrade.js';

/** What `createHub` takes: every option may be left out, and `undefined` means its default. */
export interface HubOptions<Data = unknown> {
  /**
   * What drives the sockets: uws (uWebSockets.js, which needs a binary for this Node.js and platform), node
   * (runs everywhere), bun (node, and only where the process is Bun), or auto: uws where it loads, otherwise
   * node.
   *
   * Takes "auto", "uws", "node" or "bun".
   *
   * Also `--engine <name>` and `SHARDHUB_ENGINE`.
   *
   * @defaultValue `'auto'`
   */
  readonly engine?: 'auto' | 'uws' | 'node' | 'bun' | undefined;
  /**
   * Address to listen on.
   *
   * Takes an IP address or a host name.
   *
   * Also `--host <address>` and `SHARDHUB_HOST`.
   *
   * @defaultValue `'127.0.0.1'`
   */
  readonly host?: string | undefined;
  /**
   * Port to listen on; 0 picks a free one.
   *
   * Takes an integer from 0 to 65535 (port).
   *
   * Also `--port <port>` and `SHARDHUB_PORT`.
   *
   * @defaultValue `8080`
   */
  readonly port?: number | undefined;
  /**
   * Let other processes listen on the same port (SO_REUSEPORT).
   *
   * Takes true or false.
   *
   * Also `--share-port` and `SHARDHUB_SHARE_PORT`.
   *
   * @defaultValue `false`
   */
  readonly sharePort?: boolean | undefined;
  /**
   * Hub processes that share the port, under a supervisor that starts what dies again; auto goes by the cores;
   * for `shardhub serve` on Linux (see docs/processes.md).
   *
   * Takes an integer from 1 to 64 (processes), or "auto".
   *
   * Also `--processes <processes|auto>` and `SHARDHUB_PROCESSES`.
   *
   * @defaultValue none: this process is the hub, without a supervisor
   */
  readonly processes?: number | 'auto' | undefined;
  /**
   * Path of a Unix socket to listen on instead of host and port.
   *
   * Takes a path of at most 103 bytes, in a folder that exists, where nothing is or a socket that nobody
   * listens on.
   *
   * Also `--unix-socket <path>` and `SHARDHUB_UNIX_SOCKET`.
   *
   * @defaultValue none
   */
  readonly unixSocket?: string | undefined;
  /**
   * Paths of PEM files: the private key and the certificate (with its chain).
   *
   * Takes key and cert (paths of PEM files), the passphrase of an encrypted key, and ciphers (names of suites
   * for TLS 1.2, with ":" between them); for certificates of clients, clientCa (path of the PEM file of their
   * authorities) and clientCert ("require", the default, or "request").
   *
   * Also `--tls-key <path>`, `SHARDHUB_TLS_KEY`, `--tls-cert <path>`, `SHARDHUB_TLS_CERT`,
   * `--tls-passphrase <text>`, `SHARDHUB_TLS_PASSPHRASE`, `--tls-client-ca <path>` and
   * `SHARDHUB_TLS_CLIENT_CA`.
   *
   * @defaultValue none
   */
  readonly tls?:
    | {
        /** Path of the private key (PEM): serves https and wss. */
        readonly key: string;
        /** Path of the certificate (PEM), followed by its chain. */
        readonly cert: string;
        /** Of an encrypted private key; better given as a variable. */
        readonly passphrase?: string | undefined;
        /** See {@link HubOptions.tls}. */
        readonly ciphers?: string | undefined;
        /** Path of the authorities (PEM) that sign the certificates which clients have to show. */
        readonly clientCa?: string | undefined;
        /** See {@link HubOptions.tls}. */
        readonly clientCert?: 'require' | 'request' | undefined;
      }
    | undefined;
  /**
   * Take a peer’s address from the header of the PROXY protocol; only behind a proxy that always sends it.
   *
   * Takes true or false.
   *
   * Also `--proxy-protocol` and `SHARDHUB_PROXY_PROTOCOL`.
   *
   * @defaultValue `false`
   */
  readonly proxyProtocol?: boolean | undefined;
  /**
   * Proxies whose X-Forwarded-For is believed: how many stand before the hub, or a list of their addresses and
   * networks.
   *
   * Takes false, an integer from 0 to 100 (proxies), or a list of IP addresses and networks such as
   * 10.0.0.0/8.
   *
   * Also `--trust-proxy <hops|networks>` and `SHARDHUB_TRUST_PROXY`.
   *
   * @defaultValue none
   */
  readonly trustProxy?: number | false | string[] | undefined;
  /**
   * Path of the WebSocket endpoint.
   *
   * Takes a path as clients ask for it: it starts with "/", has none of ? # * : and no "." or ".." between
   * slashes, what is not ASCII or a space is percent-encoded (/caf%C3%A9), and it is not one that the hub
   * serves itself (http, console).
   *
   * Also `--path <path>` and `SHARDHUB_PATH`.
   *
   * @defaultValue `'/ws'`
   */
  readonly path?: string | undefined;
  /**
   * What processes the messages: echo, done, chat, burn (or burn:<µs>), or the path of a module with a default
   * export.
   *
   * Takes the name of a built-in handler, a path, or a file: URL.
   *
   * Also `--handler <name|path>` and `SHARDHUB_HANDLER`.
   *
   * @defaultValue `'echo'`
   */
  readonly handler?: string | URL | undefined;
  /**
   * What the handler’s start is given in every worker (worker.options), as a copy.
   *
   * Takes any value that structuredClone takes: no functions, and no classes but the built-in ones.
   *
   * Also `--handler-options <json|path>` and `SHARDHUB_HANDLER_OPTIONS`.
   *
   * @defaultValue none
   */
  readonly handlerOptions?: unknown;
  /**
   * Several paths, each with a handler of its own, instead of path and handler.
   *
   * Takes an object with at least one path, and for each its handler and, where it departs from the option of
   * that name, {@link HubOptions.handlerOptions}, upgrade, origins, subprotocols and affinity.
   *
   * @defaultValue none
   */
  readonly routes?:
    | Record<
        string,
        {
          /** See {@link HubOptions.routes}. */
          readonly handler: string | URL;
          /** See {@link HubOptions.routes}. */
          readonly handlerOptions?: unknown;
          /** See {@link HubOptions.routes}. */
          readonly upgrade?: UpgradeHook<Data> | undefined;
          /** See {@link HubOptions.routes}. */
          readonly origins?: RegExp | 'same-origin' | '*' | OriginCheck | (string | RegExp)[] | undefined;
          /** See {@link HubOptions.routes}. */
          readonly subprotocols?: string[] | undefined;
          /** See {@link HubOptions.routes}. */
          readonly affinity?: string | AffinityHook<Data> | undefined;
        }
      >
    | undefined;
  /**
   * Worker threads; 0 runs the handler on the I/O thread.
   *
   * Takes an integer from 0 to 256 (threads).
   *
   * Also `--workers <threads>` and `SHARDHUB_WORKERS`.
   *
   * @defaultValue cores less one
   */
  readonly workers?: number | undefined;
  /**
   * Which Origin headers may connect: same-origin, *, or a list of origins.
   *
   * Takes "same-origin", "*", a list of origins as browsers send them, such as https://example.com or
   * https://*.example.com (no path, no ws: or wss:), a RegExp for the whole origin, or a function (origin,
   * request) that returns true or false.
   *
   * Also `--origins <origins>` and `SHARDHUB_ORIGINS`.
   *
   * @defaultValue `'same-origin'`
   */
  readonly origins?: RegExp | 'same-origin' | '*' | OriginCheck | (string | RegExp)[] | undefined;
  /**
   * Decides on a handshake that the hub would let in, and says what is known of the connection (data).
   *
   * Takes a function (request) that returns what to accept or reject with, or a promise of it.
   *
   * @defaultValue none
   */
  readonly upgrade?: UpgradeHook<Data> | undefined;
  /**
   * Longest time that the upgrade hook may take; the handshake is then answered with 503.
   *
   * Takes an integer from 1 to 3600000 (ms).
   *
   * @defaultValue `5000`
   */
  readonly upgradeTimeoutMs?: number | undefined;
  /**
   * Handshakes that may wait for the upgrade hook; more are answered with 503.
   *
   * Takes an integer from 1 to 1000000 (handshakes).
   *
   * @defaultValue `1000`
   */
  readonly maxPendingUpgrades?: number | undefined;
  /**
   * Connections with the same key go to the same worker: path, query:<name> or header:<name>; with =<key>
   * behind it, that stands for a missing one.
   *
   * Takes "path", "query:<name>", "header:<name>", each of the latter with "=<key>" behind it if wanted, or a
   * function (request, data) that returns a string or undefined.
   *
   * Also `--affinity <key>` and `SHARDHUB_AFFINITY`.
   *
   * @defaultValue what a built-in handler brings, or the least loaded worker
   */
  readonly affinity?: string | AffinityHook<Data> | undefined;
  /**
   * Subprotocols in order of preference: the first one that a client offers is chosen.
   *
   * Takes a list of subprotocol names (tokens of RFC 9110).
   *
   * Also `--subprotocols <names>` and `SHARDHUB_SUBPROTOCOLS`.
   *
   * @defaultValue none
   */
  readonly subprotocols?: string[] | undefined;
  /**
   * permessage-deflate: off, shared (no memory for each connection), or dedicated (the last 512 bytes of each
   * are remembered, for about 100 KiB: better for small messages that are alike, worse for large ones).
   *
   * Takes "off", "shared" or "dedicated".
   *
   * Also `--compression <mode>` and `SHARDHUB_COMPRESSION`.
   *
   * @defaultValue `'off'`
   */
  readonly compression?: 'off' | 'shared' | 'dedicated' | undefined;
  /**
   * Messages below are sent uncompressed.
   *
   * Takes an integer from 0 to 268435456 (bytes).
   *
   * Also `--compression-min-bytes <bytes>` and `SHARDHUB_COMPRESSION_MIN_BYTES`.
   *
   * @defaultValue `1024`
   */
  readonly compressionMinBytes?: number | undefined;
  /**
   * Largest message that is taken; a larger one is answered with close code 1009.
   *
   * Takes an integer from 1 to 268435456 (bytes).
   *
   * Also `--max-payload <bytes>` and `SHARDHUB_MAX_PAYLOAD`.
   *
   * @defaultValue `1048576`
   */
  readonly maxPayload?: number | undefined;
  /**
   * A peer that is silent for so long is closed; pinged shortly before; 0 is never.
   *
   * Takes 0, or a multiple of 4 from 8 to 960 (seconds).
   *
   * Also `--idle-timeout <seconds>` and `SHARDHUB_IDLE_TIMEOUT`.
   *
   * @defaultValue `60`
   */
  readonly idleTimeout?: number | undefined;
  /**
   * Ping a silent peer shortly before its idle timeout.
   *
   * Takes true or false.
   *
   * Also `--no-send-pings` and `SHARDHUB_SEND_PINGS`.
   *
   * @defaultValue `true`
   */
  readonly sendPings?: boolean | undefined;
  /**
   * Longest life of a connection; 0 is no limit.
   *
   * Takes an integer from 0 to 240 (minutes).
   *
   * Also `--max-lifetime <minutes>` and `SHARDHUB_MAX_LIFETIME`.
   *
   * @defaultValue `0`
   */
  readonly maxLifetime?: number | undefined;
  /**
   * Longest time that a hook may take: a loop past it gets its thread replaced, a promise its connection
   * closed (1011); for a module to load, at least a second; 0 is no limit.
   *
   * Takes an integer from 0 to 86400000 (ms).
   *
   * Also `--handler-timeout-ms <ms>` and `SHARDHUB_HANDLER_TIMEOUT_MS`.
   *
   * @defaultValue `30000`
   */
  readonly handlerTimeoutMs?: number | undefined;
  /**
   * When handlers are reloaded: how long what has begun may go on before it costs its connection (1011); its
   * shard’s messages wait meanwhile.
   *
   * Takes an integer from 1 to 3600000 (ms).
   *
   * Also `--reload-timeout-ms <ms>` and `SHARDHUB_RELOAD_TIMEOUT_MS`.
   *
   * @defaultValue `5000`
   */
  readonly reloadTimeoutMs?: number | undefined;
  /**
   * For development: reload the handlers when one of their files, or what they import, has changed; packages
   * are not watched.
   *
   * Takes true or false.
   *
   * Also `--watch` and `SHARDHUB_WATCH`.
   *
   * @defaultValue `false`
   */
  readonly watch?: boolean | undefined;
  /**
   * What a hook that throws or rejects costs its connection: close (1011), or ignore.
   *
   * Takes "close" or "ignore".
   *
   * Also `--on-handler-error <policy>` and `SHARDHUB_ON_HANDLER_ERROR`.
   *
   * @defaultValue `'close'`
   */
  readonly onHandlerError?: 'close' | 'ignore' | undefined;
  /**
   * serial: a connection’s next message begins when its previous one has finished; concurrent: some are worked
   * on at a time, replies leave in the order of the messages; unordered: replies leave as they come.
   *
   * Takes "serial", "concurrent" or "unordered".
   *
   * Also `--ordering <order>` and `SHARDHUB_ORDERING`.
   *
   * @defaultValue `'serial'`
   */
  readonly ordering?: 'serial' | 'concurrent' | 'unordered' | undefined;
  /**
   * Messages of one connection that are worked on at a time, unless ordering is serial.
   *
   * Takes an integer from 1 to 10000 (messages).
   *
   * Also `--max-concurrent <messages>` and `SHARDHUB_MAX_CONCURRENT`.
   *
   * @defaultValue `16`
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * How long an idle worker, and the I/O thread while messages are in flight, look for more in a loop before
   * they sleep: less latency for CPU time; auto does so while few messages are in flight, cores are idle and
   * it pays; 0 is off.
   *
   * Takes an integer from 0 to 1000 (µs), or "auto".
   *
   * Also `--spin <µs|auto>` and `SHARDHUB_SPIN`.
   *
   * @defaultValue `'auto'`
   */
  readonly spin?: number | 'auto' | undefined;
  /**
   * Memory that a worker may keep, in its heap and in buffers; one that keeps more ends as if it had crashed;
   * 0 leaves V8’s own limit; see docs/reliability.md.
   *
   * Takes an integer from 0 to 1048576 (MiB).
   *
   * Also `--worker-memory-mb <MiB>` and `SHARDHUB_WORKER_MEMORY_MB`.
   *
   * @defaultValue `0`
   */
  readonly workerMemoryMb?: number | undefined;
  /**
   * Environment variables of the worker threads, beside those of the process.
   *
   * Takes an object of strings, such as { TZ: "UTC" }, and workers that are not 0.
   *
   * Also `--worker-env <json|path>` and `SHARDHUB_WORKER_ENV`.
   *
   * @defaultValue none
   */
  readonly workerEnv?: Record<string, string> | undefined;
  /**
   * Flags of Node.js for the worker threads, instead of those that the process has.
   *
   * Takes a list of flags that a thread may have, such as ["--import", "tsx"], and workers that are not 0.
   *
   * Also `--worker-exec-argv <flags>` and `SHARDHUB_WORKER_EXEC_ARGV`.
   *
   * @defaultValue those of the process
   */
  readonly workerExecArgv?: string[] | undefined;
  /**
   * An inspector for each worker, to attach a debugger to: on this port for the first one, on the next for the
   * second; no deadline of a handler counts then.
   *
   * Takes false, true (9229), or an integer from 0 to 65535 (port; 0 picks free ones), and workers that are
   * not 0.
   *
   * Also `--inspect-workers [port]` and `SHARDHUB_INSPECT_WORKERS`.
   *
   * @defaultValue off
   */
  readonly inspectWorkers?: number | boolean | undefined;
  /**
   * A worker that dies more often within {@link HubOptions.restartWindowMs} rests for
   * {@link HubOptions.restartPauseMs}: its connections are closed (1013) and new ones go to other workers.
   *
   * Takes an integer from 0 to 1000000 (restarts).
   *
   * Also `--max-restarts <restarts>` and `SHARDHUB_MAX_RESTARTS`.
   *
   * @defaultValue `5`
   */
  readonly maxRestarts?: number | undefined;
  /**
   * The time in which the deaths of a worker are counted; see {@link HubOptions.maxRestarts}.
   *
   * Takes an integer from 1 to 86400000 (ms).
   *
   * Also `--restart-window-ms <ms>` and `SHARDHUB_RESTART_WINDOW_MS`.
   *
   * @defaultValue `60000`
   */
  readonly restartWindowMs?: number | undefined;
  /**
   * How long a worker that died too often rests before it is started again; see
   * {@link HubOptions.maxRestarts}.
   *
   * Takes an integer from 1 to 86400000 (ms).
   *
   * Also `--restart-pause-ms <ms>` and `SHARDHUB_RESTART_PAUSE_MS`.
   *
   * @defaultValue `10000`
   */
  readonly restartPauseMs?: number | undefined;
  /**
   * Messages of one connection that are accepted and not finished; see {@link HubOptions.overload}.
   *
   * Takes an integer from 1 to 10000000 (messages).
   *
   * Also `--max-in-flight <messages>` and `SHARDHUB_MAX_IN_FLIGHT`.
   *
   * @defaultValue `1000`
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Messages of one connection that are accepted and not finished; one always fits, however large; see
   * {@link HubOptions.overload}.
   *
   * Takes an integer from 1 to 4294967296 (bytes).
   *
   * Also `--max-in-flight-bytes-per-connection <bytes>` and `SHARDHUB_MAX_IN_FLIGHT_BYTES_PER_CONNECTION`.
   *
   * @defaultValue `16777216`
   */
  readonly maxInFlightBytesPerConnection?: number | undefined;
  /**
   * Messages of all connections that are accepted and not finished; see {@link HubOptions.overload}.
   *
   * Takes an integer from 1 to 68719476736 (bytes).
   *
   * Also `--max-in-flight-bytes <bytes>` and `SHARDHUB_MAX_IN_FLIGHT_BYTES`.
   *
   * @defaultValue `268435456`
   */
  readonly maxInFlightBytes?: number | undefined;
  /**
   * Replies of all connections that their sockets did not take yet; see {@link HubOptions.overload}.
   *
   * Takes an integer from 1 to 68719476736 (bytes).
   *
   * Also `--max-buffered-bytes <bytes>` and `SHARDHUB_MAX_BUFFERED_BYTES`.
   *
   * @defaultValue `268435456`
   */
  readonly maxBufferedBytes?: number | undefined;
  /**
   * Past a bound: shed closes the connection that is over its own, or the heaviest ones until the process is
   * below its bound (1013); drop drops the message or the reply; pause (engine node) reads no more of a
   * connection until half of its bound is free, and sheds for the bound of replies.
   *
   * Takes "shed", "drop" or "pause".
   *
   * Also `--overload <policy>` and `SHARDHUB_OVERLOAD`.
   *
   * @defaultValue pause with engine node, shed with engine uws
   */
  readonly overload?: 'shed' | 'drop' | 'pause' | undefined;
  /**
   * Messages and bytes per second that one connection may send, and the seconds of it that it may save up
   * (burst, default 1); more is closed with 1008; of pings and pongs there may be as many as messages.
   *
   * Takes messages, bytes or both (per second, above 0), and burst (seconds, from 1 to 3600).
   *
   * Also `--rate-limit <messages=n,bytes=n,burst=s>` and `SHARDHUB_RATE_LIMIT`.
   *
   * @defaultValue none
   */
  readonly rateLimit?:
    | {
        /** Messages per second, above 0; default: no limit. */
        readonly messages?: number | undefined;
        /** Bytes of payload per second, above 0; default: no limit. */
        readonly bytes?: number | undefined;
        /** Seconds of it that may be saved up, from 1 to 3600; default: 1. */
        readonly burst?: number | undefined;
      }
    | undefined;
  /**
   * Open connections; more are answered with 503; 0 is no limit.
   *
   * Takes an integer from 0 to 10000000 (connections).
   *
   * Also `--max-connections <connections>` and `SHARDHUB_MAX_CONNECTIONS`.
   *
   * @defaultValue `0`
   */
  readonly maxConnections?: number | undefined;
  /**
   * Open connections of one peer address; more are answered with 503; 0 is no limit; behind a proxy, see
   * {@link HubOptions.trustProxy}.
   *
   * Takes an integer from 0 to 10000000 (connections).
   *
   * Also `--max-connections-per-address <connections>` and `SHARDHUB_MAX_CONNECTIONS_PER_ADDRESS`.
   *
   * @defaultValue `0`
   */
  readonly maxConnectionsPerAddress?: number | undefined;
  /**
   * New connections per second; more are answered with 503; 0 is no limit.
   *
   * Takes an integer from 0 to 10000000 (connections per second).
   *
   * Also `--max-connection-rate <connections-per-second>` and `SHARDHUB_MAX_CONNECTION_RATE`.
   *
   * @defaultValue `0`
   */
  readonly maxConnectionRate?: number | undefined;
  /**
   * A socket that has buffered so much is sent nothing more until it drains; replies then queue.
   *
   * Takes an integer from 1 to 67108864 (bytes).
   *
   * Also `--high-water-mark <bytes>` and `SHARDHUB_HIGH_WATER_MARK`.
   *
   * @defaultValue `65536`
   */
  readonly highWaterMark?: number | undefined;
  /**
   * Bound of a connection’s outbound queue.
   *
   * Takes an integer from 1 to 4294967296 (bytes).
   *
   * Also `--max-queue-bytes <bytes>` and `SHARDHUB_MAX_QUEUE_BYTES`.
   *
   * @defaultValue `16777216`
   */
  readonly maxQueueBytes?: number | undefined;
  /**
   * Bound of a connection’s outbound queue.
   *
   * Takes an integer from 1 to 10000000 (messages).
   *
   * Also `--max-queue-messages <messages>` and `SHARDHUB_MAX_QUEUE_MESSAGES`.
   *
   * @defaultValue `1000`
   */
  readonly maxQueueMessages?: number | undefined;
  /**
   * What happens when an outbound queue is full: close (1008), drop-newest or drop-oldest; conflate keeps only
   * the newest published message of each topic for a peer that does not keep up, and closes when the queue is
   * full all the same.
   *
   * Takes "close", "drop-newest", "drop-oldest" or "conflate".
   *
   * Also `--slow-consumer <policy>` and `SHARDHUB_SLOW_CONSUMER`.
   *
   * @defaultValue `'close'`
   */
  readonly slowConsumer?: 'close' | 'drop-newest' | 'drop-oldest' | 'conflate' | undefined;
  /**
   * Topics that one connection may be subscribed to; one more closes it (1008).
   *
   * Takes an integer from 1 to 1000000 (topics).
   *
   * Also `--max-subscriptions <topics>` and `SHARDHUB_MAX_SUBSCRIPTIONS`.
   *
   * @defaultValue `1000`
   */
  readonly maxSubscriptions?: number | undefined;
  /**
   * A message that every connection is sent at a fixed beat, beside the pings of the protocol.
   *
   * Takes intervalMs (an integer from 100 to 86400000), payload (a string or a Uint8Array, default
   * "heartbeat") and binary (true or false, default false).
   *
   * @defaultValue none
   */
  readonly heartbeat?:
    | {
        /** Time between two messages, in ms, from 100 to 86400000. */
        readonly intervalMs: number;
        /** The message: text or bytes; default: "heartbeat". */
        readonly payload?: string | Uint8Array | undefined;
        /** Send it as a binary frame, not as text (UTF-8); default: false. */
        readonly binary?: boolean | undefined;
      }
    | undefined;
  /**
   * Called with the connection and the payload when a ping arrives (also an event).
   *
   * Takes a function.
   *
   * @defaultValue none
   */
  readonly onPing?: PingListener<Data> | undefined;
  /**
   * Called with the connection, the payload and the round trip (ms) when a pong arrives (also an event).
   *
   * Takes a function.
   *
   * @defaultValue none
   */
  readonly onPong?: PongListener<Data> | undefined;
  /**
   * How long a shutdown still accepts connections while /readyz says 503, so that load balancers look
   * elsewhere; at most half of {@link HubOptions.drainTimeoutMs}.
   *
   * Takes an integer from 0 to 3600000 (ms).
   *
   * Also `--drain-delay-ms <ms>` and `SHARDHUB_DRAIN_DELAY_MS`.
   *
   * @defaultValue 0; 5000 under `shardhub serve` when it does not write to a terminal
   */
  readonly drainDelayMs?: number | undefined;
  /**
   * Connections that a shutdown closes in a second, in random order, idle ones first; more where
   * {@link HubOptions.drainTimeoutMs} would not do; auto spreads them over the time, at least 100.
   *
   * Takes an integer from 1 to 1000000 (connections per second), or "auto".
   *
   * Also `--drain-per-second <connections|auto>` and `SHARDHUB_DRAIN_PER_SECOND`.
   *
   * @defaultValue `'auto'`
   */
  readonly drainPerSecond?: number | 'auto' | undefined;
  /**
   * How long a shutdown takes at most, from its first moment: the delay, messages in flight and outbound
   * queues; then what is left is cut.
   *
   * Takes an integer from 0 to 3600000 (ms).
   *
   * Also `--drain-timeout-ms <ms>` and `SHARDHUB_DRAIN_TIMEOUT_MS`.
   *
   * @defaultValue `25000`
   */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * A shutdown tells each connection, in its close reason, to retry after a random time of up to this; 0 tells
   * nothing.
   *
   * Takes an integer from 0 to 3600000 (ms).
   *
   * Also `--drain-retry-ms <ms>` and `SHARDHUB_DRAIN_RETRY_MS`.
   *
   * @defaultValue `0`
   */
  readonly drainRetryMs?: number | undefined;
  /**
   * Serve /healthz, /readyz, /stats, /stats/stream, /metrics and POST /echo.
   *
   * Takes true or false.
   *
   * Also `--no-http` and `SHARDHUB_HTTP`.
   *
   * @defaultValue `true`
   */
  readonly http?: boolean | undefined;
  /**
   * Count for /metrics, and serve it (part of http).
   *
   * Takes true or false.
   *
   * Also `--no-metrics` and `SHARDHUB_METRICS`.
   *
   * @defaultValue `true`
   */
  readonly metrics?: boolean | undefined;
  /**
   * Serve the console page on / (on by default in `shardhub serve`).
   *
   * Takes true or false.
   *
   * Also `--no-console` and `SHARDHUB_CONSOLE`.
   *
   * @defaultValue `false`
   */
  readonly console?: boolean | undefined;
  /**
   * What /stats, /stats/stream and /metrics ask for (Authorization: Bearer …); needed when host is not a
   * loopback address.
   *
   * Takes a secret of 16 to 256 characters: letters, digits and - . _ ~ + /.
   *
   * Also `--stats-token <token>` and `SHARDHUB_STATS_TOKEN`.
   *
   * @defaultValue none
   */
  readonly statsToken?: string | undefined;
  /**
   * Where administrators are served (see docs/operating.md): an address and a port, or the path of a Unix
   * socket that only its owner may open.
   *
   * Takes host:port, such as 127.0.0.1:9090 or [::1]:9090, or a path that begins with / or ./ and has at most
   * 103 bytes.
   *
   * Also `--admin-listen <host:port|path>` and `SHARDHUB_ADMIN_LISTEN`.
   *
   * @defaultValue none
   */
  readonly adminListen?: string | undefined;
  /**
   * What {@link HubOptions.adminListen} asks for what changes something (Authorization: Bearer …), unless it
   * is a Unix socket; {@link HubOptions.statsToken} opens what only reads.
   *
   * Takes a secret of 16 to 256 characters: letters, digits and - . _ ~ + /.
   *
   * Also `--admin-token <token>` and `SHARDHUB_ADMIN_TOKEN`.
   *
   * @defaultValue none
   */
  readonly adminToken?: string | undefined;
  /**
   * Least severe log line that is written (to stderr, as JSON).
   *
   * Takes "fatal", "error", "warn", "info", "debug", "trace" or "silent".
   *
   * Also `--log-level <level>` and `SHARDHUB_LOG_LEVEL`.
   *
   * @defaultValue `'warn'`
   */
  readonly logLevel?: 'error' | 'fatal' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' | undefined;
  /**
   * A pino-compatible logger that is used instead.
   *
   * Takes an object with the methods error, warn, info and debug.
   *
   * @defaultValue none
   */
  readonly logger?: Logger | undefined;
  /**
   * The server that connects this hub with others: topics, users and presence are then those of all of them;
   * see docs/cluster.md.
   *
   * Takes a URL such as nats://10.0.0.5:4222 or redis://10.0.0.5:6379 (several servers of a cluster separated
   * by commas), an object with url, tls (ca, key, cert), prefix, replicas and raw (true or false), or what
   * natsBroker of shardhub/nats or redisBroker of shardhub/redis makes.
   *
   * Also `--broker <url>` and `SHARDHUB_BROKER`.
   *
   * @defaultValue none
   */
  readonly broker?:
    | string
    | HubBroker
    | {
        /** Nats:// or tls:// (NATS), redis:// or rediss:// (Redis, Valkey; also valkey:// and valkeys://), with a port if it is not the usual one; several servers of a cluster separated by commas. */
        readonly url: string;
        /** For a server with an authority of its own, or one that asks for a certificate. */
        readonly tls?:
          | {
              /** Path of the authority’s certificate (PEM). */
              readonly ca?: string | undefined;
              /** Path of this client’s key (PEM). */
              readonly key?: string | undefined;
              /** Path of this client’s certificate (PEM). */
              readonly cert?: string | undefined;
            }
          | undefined;
        /** What every name on the server begins with, 1 to 32 letters, digits, _ and -: hubs with different ones do not meet; default: sh. */
        readonly prefix?: string | undefined;
        /** Take what other programs publish on the names of topics as it is, see docs/cluster.md; default: false. */
        readonly raw?: boolean | undefined;
        /** Copies of histories in a cluster of NATS servers, from 1 to 5; default: 1. */
        readonly replicas?: number | undefined;
      }
    | undefined;
  /**
   * A file with what the broker asks for: user:password, a password (Redis), NATS credentials (JWT and seed),
   * an NKEY seed, or a token (NATS).
   *
   * Takes the path of a file.
   *
   * Also `--broker-credentials-file <path>` and `SHARDHUB_BROKER_CREDENTIALS_FILE`.
   *
   * @defaultValue none
   */
  readonly brokerCredentialsFile?: string | undefined;
  /**
   * What this hub is called where hubs are listed (cluster.nodes()).
   *
   * Takes a text of 1 to 100 characters.
   *
   * Also `--node-name <name>` and `SHARDHUB_NODE_NAME`.
   *
   * @defaultValue the name of the machine
   */
  readonly nodeName?: string | undefined;
  /**
   * What topics keep and tell, by pattern, in which * stands for any text; the first pattern that fits a topic
   * counts.
   *
   * Takes an object with, for each pattern, history (size, from 1 to 100000, and ttlMs, from 1000 to
   * 2592000000), presence, joinLeave (needs presence), conflate (true or false) and envelope ("json").
   *
   * Also `--topics <json|file>` and `SHARDHUB_TOPICS`.
   *
   * @defaultValue none
   */
  readonly topics?:
    | Record<
        string,
        {
          /** What is kept of it: then publications have positions, and subscribers can resume. */
          readonly history?:
            | {
                /** Publications that are kept, from 1 to 100000. */
                readonly size: number;
                /** How long each is kept, in ms, from 1000 to 2592000000 (30 days); default: 300000. */
                readonly ttlMs?: number | undefined;
              }
            | undefined;
          /** Tell who is subscribed; default: false. */
          readonly presence?: boolean | undefined;
          /** Tell a user’s first and last connection: events join and leave, and frames with an envelope; needs presence; default: false. */
          readonly joinLeave?: boolean | undefined;
          /** A subscriber that does not keep up is sent the newest publication only; default: false. */
          readonly conflate?: boolean | undefined;
          /** Send each publication as a text frame {"topic", "offset", "epoch", "data"}; default: as it was published. */
          readonly envelope?: 'json' | undefined;
        }
      >
    | undefined;
}
