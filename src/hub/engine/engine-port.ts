/**
 * What an engine is: sockets, handshakes, HTTP requests and listeners, as the hub needs them. Types only; the contract is
 * the prose, and the engine contract suite holds every engine to it. All of it happens on the I/O thread.
 *
 * - **Handshakes.** Every request for a WebSocket at one of `paths` comes as a `HandshakePort`, with all that the request
 *   says copied. It is answered once, at once or later; a peer that has gone before is told to whoever deferred it.
 * - **Sockets.** `onOpen` comes once for each accepted handshake, before any message, and returns the listener of that
 *   socket. Messages come whole, in order, one call each; text has been checked as UTF-8. Pings are answered by the engine.
 *   `SocketListener.onClose` comes once for each socket, whoever ended it, and nothing comes after it: inside `end` and
 *   `terminate` when the hub ends it; with the code of the peer's close frame, or 1006 without one.
 * - **Bytes that are lent.** What a listener gets is valid during the call; what a port is given is not read after it.
 * - **Callbacks may call back.** A listener may send, cork, end and terminate inside of any of its calls, but nothing in a
 *   cork ends the socket.
 * - **Bounds.** A peer that sends more than twice `maxPayload` in a message, or breaks the protocol, is ended by the engine.
 *   What `send` could not write is buffered without a limit of the engine's: `bufferedBytes` tells how much, and
 *   `onDrain` that it got less.
 * - **Time.** Idle peers are pinged (`sendPings`) and ended after `idleTimeout`, and everybody after `maxLifetime`, by the
 *   engine alone.
 * - **HTTP.** All other requests come as an `HttpExchange`, and are answered in the order in which they came.
 * - **Nothing is thrown** out of an engine's callbacks: what a host throws goes to `onError`, and costs its own peer only.
 */
import type { Refusal } from '../admission/admission.js';
import type { HandshakePort } from '../admission/upgrade.js';
import type { Acceptance } from '../admission/upgrade-result.js';
import type { SocketListener, SocketPort } from '../connection/socket-port.js';
import type { HttpExchange } from '../http/exchange-port.js';
import type { Compression } from './deflate-offer.js';
import type { ProxyTrust } from './proxy.js';
import type { TlsFiles } from './tls.js';

export type EngineName = 'uws' | 'node';

export interface Engine {
  readonly name: EngineName;
  /** Its sockets can stop to be read: `SocketPort.pause`. */
  readonly canPause: boolean;
  /** @throws HubError `ERR_ENGINE_MISSING` when it does not run here; the text has the command that mends it */
  load(): Promise<void>;
  /**
   * Makes a server that does not listen yet.
   *
   * @throws HubError `ERR_ENGINE_MISSING`; `ERR_TLS` that names the file
   */
  create(options: EngineServerOptions, host: EngineServerHost): Promise<EngineServer>;
}

export interface EngineServer {
  /**
   * Starts to listen.
   *
   * @returns the port; 0 for a Unix socket
   * @throws HubError `ERR_LISTEN` that names the address, when it is in use or not this machine's
   */
  listen(): Promise<number>;
  /**
   * Reads the files of `tls` again, for connections from now on.
   *
   * @throws HubError `ERR_TLS` or `ERR_LISTEN`; the certificate before is still in use then
   */
  reloadTls(): Promise<void>;
  /** Takes no connection until it is resumed; those that are open stay. */
  pauseListening(): void;
  /** @throws HubError `ERR_LISTEN` when the place has been taken */
  resumeListening(): Promise<void>;
  /** Takes no connection any more; those that are open stay. */
  stopListening(): void;
  /** Ends every socket that is left, without a close frame. */
  close(): void;
}

/** What a server asks and tells the hub. */
export interface EngineServerHost {
  /** Decides on a handshake, at once or later. */
  onHandshake(port: HandshakePort): void;
  /** A WebSocket is open. */
  onOpen(port: SocketPort, acceptance: Acceptance): SocketListener;
  /** The engine itself has ended a WebSocket, for a reason that it tells no peer. */
  onEngineClose(text: string): void;
  onRequest(exchange: HttpExchange): void;
  /** The engine itself has refused what is no request, or nobody's in particular. */
  onRefused(refusal: Refusal, remoteAddress: string): void;
  onError(error: unknown, where: string): void;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly sharePort: boolean;
  /** Instead of host and port. */
  readonly unixSocket?: string | undefined;
}

export interface EngineServerOptions extends ListenOptions {
  /** Paths with a WebSocket endpoint. */
  readonly paths: readonly string[];
  /** Handshakes may be answered later than they come. */
  readonly answersLater: boolean;
  readonly tls?: TlsFiles | undefined;
  readonly compression: Compression;
  /** Bytes. */
  readonly compressionMinBytes: number;
  readonly trustProxy: ProxyTrust;
  /** Take a peer's address from the PROXY protocol's header. */
  readonly proxyProtocol: boolean;
  /** Bytes. */
  readonly maxPayload: number;
  /** Seconds. */
  readonly idleTimeout: number;
  readonly sendPings: boolean;
  /** Minutes. */
  readonly maxLifetime: number;
}
