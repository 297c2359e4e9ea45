/**
 * The engine `node`: node:http and node:https accept connections and read requests; a handshake that is let in leaves them,
 * and its socket is a WebSocket of this engine from then on. I/O thread.
 */
import { createServer, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { HubError } from '../../../api/errors.js';
import type { HandshakeRequest } from '../../../api/handshake-request.js';
import { joinTarget } from '../../../util/request-target.js';
import { refusal } from '../../admission/admission.js';
import { parseSubprotocols } from '../../admission/subprotocols.js';
import { respondRefusal } from '../../http/exchange-port.js';
import type { Engine, EngineServer, EngineServerHost, EngineServerOptions } from '../engine-port.js';
import { type AddressResolver, compileProxyTrust, normalizeAddress } from '../proxy.js';
import { agreeOnDeflate } from './deflate-agreement.js';
import { refuseFault, refuseHost } from './http/client-fault.js';
import { HttpConnection } from './http/connection.js';
import { NodeExchange } from './http/exchange.js';
import { NodeHandshake } from './http/handshake.js';
import { refuseSocket } from './http/refuse-socket.js';
import { type NodeRequest, requestClass } from './http/request.js';
import { NodeListener } from './node-listener.js';
import { NodeSockets } from './node-sockets.js';
import { takeProxyHeader } from './proxied-socket.js';
import { certificateOf, loadTls, withTls } from './tls-context.js';

const HTTP_OPTIONS = {
  insecureHTTPParser: false,
  // Asked for by the engine itself, so that it is counted.
  requireHostHeader: false,
  maxHeaderSize: 16 * 1024,
  // As long as the other engine waits: 10 to 12 s.
  headersTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  // A body that comes in pieces; each of them within 10 s.
  requestTimeout: 300_000,
} satisfies ServerOptions;

type HttpServer = Server | TlsServer;

export const nodeEngine: Engine = {
  name: 'node',
  canPause: true,
  load: async () => {},
  async create(options, host) {
    const { tls } = options;
    const secrets = tls && (await loadTls(tls));
    return new NodeServer(options, host, secrets);
  },
};

class NodeServer implements EngineServer {
  readonly #options: EngineServerOptions;
  readonly #host: EngineServerHost;
  readonly #http: HttpServer;
  readonly #listener: NodeListener;
  readonly #resolveAddress: AddressResolver;
  /** Those that have sent a request. */
  readonly #connections = new WeakMap<Socket, HttpConnection>();
  /** What the PROXY protocol said, by the socket that was accepted. */
  readonly #proxied = new WeakMap<Socket, string>();
  readonly #sockets: NodeSockets;
  /** Neither node:http's nor WebSockets: before TLS or the PROXY header is there, between a handshake and its answer. */
  readonly #loose = new Set<Socket>();

  constructor(options: EngineServerOptions, host: EngineServerHost, tls: TlsOptions | undefined) {
    this.#options = options;
    this.#host = host;
    this.#resolveAddress = compileProxyTrust(options.trustProxy);
    this.#sockets = new NodeSockets(options, host);
    this.#http = this.#makeServer(tls);
    this.#listener = new NodeListener(this.#http, options);
  }

  listen(): Promise<number> {
    return this.#listener.open();
  }

  async reloadTls(): Promise<void> {
    const { tls } = this.#options;
    if (tls === undefined) throw new HubError('ERR_TLS', 'there is no certificate to reload: tls is not set');
    const secrets = await loadTls(tls);
    if (!this.#listener.isOpen) throw new HubError('ERR_HUB_STATE', 'the hub has stopped to listen');
    const server = this.#http as Partial<TlsServer>;
    // In Bun there is none.
    if (server.setSecureContext === undefined)
      throw new HubError('ERR_TLS', 'Bun keeps the certificate that it listens with: restart the hub');
    withTls(tls, () => (this.#http as TlsServer).setSecureContext(secrets));
  }

  pauseListening(): void {
    this.#listener.pause();
  }

  resumeListening(): Promise<void> {
    return this.#listener.resume();
  }

  stopListening(): void {
    this.#listener.close();
  }

  close(): void {
    this.#listener.close();
    this.#sockets.close();
    this.#http.closeAllConnections();
    for (const socket of this.#loose) socket.destroy();
    // Its timer.
    this.#http.close();
  }

  #makeServer(secrets: TlsOptions | undefined): HttpServer {
    const { tls, paths, proxyProtocol } = this.#options;
    const options = { ...HTTP_OPTIONS, IncomingMessage: requestClass(paths) };
    const server = secrets
      ? withTls(tls!, () => createTlsServer({ ...options, ...secrets }))
      : createServer(options);
    // All of them: bounded by their size. A header that is left out may be the one that a body's length is in.
    server.maxHeadersCount = 0;
    server.on('request', (req, res) =>
      this.#guard(req.socket, 'request', () => this.#onRequest(req as NodeRequest, res)),
    );
    server.on('upgrade', (req, socket, head) => {
      const bare = socket as Socket;
      this.#guard(bare, 'handshake', () => this.#onUpgrade(req as NodeRequest, bare, head));
    });
    server.on('clientError', (error, socket) => this.#onFault(error, socket as Socket));
    // A connection that could not be accepted is its client's; that descriptors run out is seen elsewhere.
    server.on('error', () => {});
    if (secrets) server.prependListener('connection', (socket) => this.#hold(socket));
    if (proxyProtocol) this.#takeProxyHeaders(server);
    return server;
  }

  /** Puts the PROXY protocol in front of what the server does with a connection. */
  #takeProxyHeaders(server: HttpServer): void {
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.#hold(socket);
      takeProxyHeader(socket, {
        onConnection: (_, address) => {
          if (address !== undefined) this.#proxied.set(socket, address);
          for (const listener of serve) listener.call(server, socket);
          // TLS reads its handle itself.
          if (this.#options.tls === undefined) socket.resume();
        },
        onBroken: () => {
          const text = 'The header of the PROXY protocol is broken.';
          this.#host.onRefused(refusal('bad-request', '400 Bad Request', text), this.#peerOf(socket) ?? '');
        },
      });
    });
  }

  #onRequest(req: NodeRequest, res: ServerResponse): void {
    const { socket } = req;
    let connection = this.#connections.get(socket);
    if (connection === undefined) {
      connection = new HttpConnection(socket, (error) => this.#host.onError(error, 'request'));
      this.#connections.set(socket, connection);
    }
    const peer = this.#peerOf(socket);
    if (!connection.admit() || peer === undefined) return;
    if (req.isLast) connection.closeBehind();
    const address = this.#resolveAddress(peer, req.fields['x-forwarded-for'] ?? '');
    const exchange = new NodeExchange(req, res, connection, address, certificateOf(socket));
    const refused = refuseHost(req.fields.host, req.httpVersion);
    if (refused === undefined) {
      this.#host.onRequest(exchange);
    } else {
      this.#host.onRefused(refused, address);
      respondRefusal(exchange, refused, true);
    }
  }

  #onUpgrade(req: NodeRequest, socket: Socket, head: Buffer): void {
    const { fields, path, query } = req;
    const peer = this.#peerOf(socket);
    const connection = this.#connections.get(socket);
    // Behind a request that waits for its answer, which would be taken for frames.
    if (peer === undefined || connection?.isWaiting || connection?.admit() === false) {
      socket.destroy();
      return;
    }
    const certificate = certificateOf(socket);
    const request: HandshakeRequest = {
      url: joinTarget(path, query),
      path,
      query,
      headers: fields,
      remoteAddress: this.#resolveAddress(peer, fields['x-forwarded-for'] ?? ''),
      subprotocols: parseSubprotocols(fields['sec-websocket-protocol'] ?? ''),
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    };
    const agreement = agreeOnDeflate(fields['sec-websocket-extensions'], this.#options.compression);
    let isOpen = false;
    const handshake = new NodeHandshake(
      socket,
      head,
      request,
      agreement?.response ?? '',
      (acceptance, early) => {
        isOpen = true;
        this.#loose.delete(socket);
        this.#sockets.open(socket, early, acceptance, agreement);
      },
    );
    this.#host.onHandshake(handshake);
    if (!isOpen) this.#hold(socket);
  }

  /** What came is no request. */
  #onFault(error: Error, socket: Socket): void {
    // It has been refused already, and went on.
    if (socket.writableEnded && !socket.destroyed) return;
    const refused = refuseFault(error);
    if (refused === undefined || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    this.#host.onRefused(refused, this.#peerOf(socket) ?? '');
    // An answer here would be taken for that to a request before.
    const connection = this.#connections.get(socket);
    if (connection?.isWaiting && !connection.isAtBody) {
      socket.destroy();
      return;
    }
    this.#hold(socket);
    refuseSocket(socket, refused);
  }

  #hold(socket: Socket): void {
    this.#loose.add(socket);
    socket.once('close', () => this.#loose.delete(socket));
  }

  /** Empty on a Unix socket; undefined when it is gone. */
  #peerOf(socket: Socket): string | undefined {
    const proxied = this.#options.proxyProtocol ? this.#proxied.get(acceptedOf(socket)) : undefined;
    if (proxied !== undefined) return proxied;
    if (this.#options.unixSocket !== undefined) return '';
    return socket.remoteAddress && normalizeAddress(socket.remoteAddress);
  }

  /** An exception that leaves a callback of Node.js ends the process. */
  #guard(socket: Socket, where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#host.onError(error, where);
      socket.destroy();
    }
  }
}

/** The socket that was accepted: the one that TLS runs over keeps it under this name, in every version of Node.js. */
function acceptedOf(socket: Socket): Socket {
  return (socket as { _parent?: Socket })._parent ?? socket;
}
