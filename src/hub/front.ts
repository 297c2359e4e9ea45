/**
 * The front: the only file that imports uWebSockets.js. It turns the engine's sockets and requests into `SocketPort`s
 * and `HttpExchange`s, and copies what the engine lends before its callback returns.
 */
import { HubError } from '../errors.js';
import type { HandshakeRequest } from '../wire/request.js';
import { formatAddress } from './address.js';
import type { Refusal } from './admission.js';
import { readHeaders, UwsExchange } from './exchange.js';
import type { Peer, SocketPort } from './socket-port.js';
import type { Uws, UwsApp, UwsListenToken, UwsRequest, UwsResponse, UwsSocket } from './uws.js';

/** What the front asks and tells the hub. */
export interface FrontHost {
  /** Decides on a handshake. */
  onHandshake(request: HandshakeRequest): Refusal | undefined;
  /** A WebSocket is open. */
  onOpen(port: SocketPort, request: HandshakeRequest): Peer;
  /** A WebSocket ended in a way that only the engine saw. */
  onEngineClose(text: string): void;
  onRequest(exchange: UwsExchange): void;
  onError(error: unknown, where: string): void;
}

export interface FrontOptions {
  readonly path: string;
  readonly maxPayload: number;
  /** Seconds. */
  readonly idleTimeout: number;
  readonly sendPings: boolean;
  /** Minutes. */
  readonly maxLifetime: number;
}

/** The engine's name for "no other process may listen on this port". */
const LIBUS_LISTEN_EXCLUSIVE_PORT = 1;
const LIBUS_LISTEN_DEFAULT = 0;

const FIX = 'npm install uNetworking/uWebSockets.js#v20.69.0';

/** @throws HubError `ERR_ENGINE_MISSING` when there is no engine for this Node.js */
async function loadEngine(): Promise<Uws> {
  try {
    const module = (await import('uWebSockets.js')) as unknown as { default?: Uws } & Uws;
    return module.default ?? module;
  } catch (thrown) {
    throw new HubError(
      'ERR_ENGINE_MISSING',
      `uWebSockets.js has no binary for this Node.js and platform: install one that has with \`${FIX}\``,
      { cause: thrown },
    );
  }
}

/** A WebSocket as the hub sees it. */
class UwsPort implements SocketPort {
  peer: Peer | undefined;
  /** What the handshake said, until the socket is open. */
  request: HandshakeRequest | undefined;
  socket: UwsSocket | undefined;

  constructor(request: HandshakeRequest) {
    this.request = request;
  }

  send(data: Uint8Array, isBinary: boolean): number {
    return this.socket!.send(data, isBinary);
  }

  ping(payload: Uint8Array): void {
    this.socket!.ping(payload);
  }

  cork(work: () => void): void {
    this.socket!.cork(work);
  }

  bufferedBytes(): number {
    return this.socket!.getBufferedAmount();
  }

  end(code: number, reason: string): void {
    this.socket!.end(code, reason);
  }

  terminate(): void {
    this.socket!.close();
  }
}

/** What the engine keeps for a socket. It copies the properties, so the object with methods is one of them. */
interface UserData {
  readonly port: UwsPort;
}

export class Front {
  readonly #uws: Uws;
  readonly #host: FrontHost;
  readonly #app: UwsApp;
  #token: UwsListenToken | undefined;

  private constructor(uws: Uws, options: FrontOptions, host: FrontHost) {
    this.#uws = uws;
    this.#host = host;
    this.#app = uws.App();
    this.#serveSockets(options);
    this.#app.any('/*', (res, req) =>
      this.#guard(res, 'request', () => host.onRequest(new UwsExchange(res, req))),
    );
  }

  static async create(options: FrontOptions, host: FrontHost): Promise<Front> {
    return new Front(await loadEngine(), options, host);
  }

  /**
   * Starts to listen.
   *
   * @returns the port
   * @throws HubError `ERR_LISTEN` that names the address, when it is in use or not this machine's
   */
  listen(host: string, port: number, isShared: boolean): Promise<number> {
    const mode = isShared ? LIBUS_LISTEN_DEFAULT : LIBUS_LISTEN_EXCLUSIVE_PORT;
    return new Promise((resolve, reject) => {
      this.#app.listen(host, port, mode, (token) => {
        if (token) {
          this.#token = token;
          resolve(this.#uws.us_socket_local_port(token));
          return;
        }
        const why = 'the port is in use, or the address is not one of this machine';
        reject(new HubError('ERR_LISTEN', `cannot listen on ${host} port ${port}: ${why}`));
      });
    });
  }

  /** Takes no connection any more; those that are open stay. */
  stopListening(): void {
    if (this.#token !== undefined) this.#uws.us_listen_socket_close(this.#token);
    this.#token = undefined;
  }

  /** Ends every socket that is left, without a close frame. */
  close(): void {
    this.#token = undefined;
    this.#app.close();
  }

  #serveSockets(options: FrontOptions): void {
    this.#app.ws<UserData>(options.path, {
      // A message up to twice the limit is seen by the hub, which answers 1009; the engine ends what is larger
      // without a close frame.
      maxPayloadLength: options.maxPayload * 2,
      idleTimeout: options.idleTimeout,
      // The engine takes a timeout of 0 with automatic pings for one of 8 seconds.
      sendPingsAutomatically: options.sendPings && options.idleTimeout > 0,
      maxLifetime: options.maxLifetime,
      // No limit here: the hub stops sending at its high-water mark and queues in its own memory.
      maxBackpressure: 0,
      closeOnBackpressureLimit: false,
      compression: this.#uws.DISABLED,
      upgrade: (res, req, context) => this.#guard(res, 'handshake', () => this.#upgrade(res, req, context)),
      open: (socket) => {
        const { port } = socket.getUserData();
        port.socket = socket;
        port.peer = this.#host.onOpen(port, port.request!);
        port.request = undefined;
      },
      message: (socket, message, isBinary) => socket.getUserData().port.peer!.onMessage(message, isBinary),
      ping: (socket, payload) => socket.getUserData().port.peer!.onPing(payload),
      pong: (socket, payload) => socket.getUserData().port.peer!.onPong(payload),
      drain: (socket) => socket.getUserData().port.peer!.onDrain(),
      close: (socket, code, message) => this.#onClose(socket.getUserData().port, code, message),
    });
  }

  #upgrade(res: UwsResponse, req: UwsRequest, context: unknown): void {
    const key = req.getHeader('sec-websocket-key');
    const protocol = req.getHeader('sec-websocket-protocol');
    const extensions = req.getHeader('sec-websocket-extensions');
    const request = readHandshake(res, req, protocol);
    const refusal = this.#host.onHandshake(request);
    if (refusal !== undefined) {
      respond(res, refusal);
      return;
    }
    // No subprotocol is chosen: the answer has none (RFC 6455 §4.2.2).
    const data: UserData = { port: new UwsPort(request) };
    res.upgrade(data, key, '', extensions, context);
  }

  #onClose(port: UwsPort, code: number, message: ArrayBuffer): void {
    const text = Buffer.from(message).toString('utf8');
    if (code === 1006 && text !== '') this.#host.onEngineClose(text);
    // After the close event the engine's socket throws on every call.
    port.socket = undefined;
    port.peer?.onClose(code, text);
    port.peer = undefined;
  }

  /** An exception that leaves an engine callback ends the process. */
  #guard(res: UwsResponse, where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#host.onError(error, where);
      res.close();
    }
  }
}

function respond(res: UwsResponse, refusal: Refusal): void {
  res.cork(() => {
    res.writeStatus(refusal.status);
    for (const [name, value] of refusal.headers) res.writeHeader(name, value);
    res.writeHeader('Content-Type', 'text/plain; charset=utf-8');
    res.end(`${refusal.body}\n`);
  });
}

/** Copies everything out of a request, which is the engine's again when its callback returns. */
function readHandshake(res: UwsResponse, req: UwsRequest, protocol: string): HandshakeRequest {
  const path = req.getUrl();
  const query = req.getQuery() ?? '';
  return {
    url: query === '' ? path : `${path}?${query}`,
    path,
    query,
    headers: readHeaders(req),
    remoteAddress: formatAddress(new Uint8Array(res.getRemoteAddress())),
    subprotocols: protocol
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}
