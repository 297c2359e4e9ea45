/**
 * The engine as a server. It turns the engine's sockets and requests into `SocketPort`s
 * and `HttpExchange`s, and copies what the engine lends before its callback returns.
 */
import { HubError } from '../../../api/errors.js';
import type { HandshakeRequest } from '../../../api/handshake-request.js';
import { formatAddress } from '../../../util/address.js';
import { joinTarget } from '../../../util/request-target.js';
import { parseSubprotocols } from '../../admission/subprotocols.js';
import type { Acceptance } from '../../admission/upgrade-result.js';
import type { Engine, EngineServer, EngineServerHost, EngineServerOptions } from '../engine-port.js';
import { type AddressResolver, compileProxyTrust } from '../proxy.js';
import { readTlsFiles, SAFE_CIPHERS } from '../tls.js';
import { Anchor } from './anchor.js';
import { readHeaders, UwsExchange } from './exchange.js';
import { UwsHandshake } from './handshake.js';
import { Listener } from './listener.js';
import { loadEngine } from './load-engine.js';
import { RequestBudget } from './request-budget.js';
import type { Uws, UwsApp, UwsRequest, UwsResponse } from './uws.js';
import { type UserData, UwsPort } from './uws-port.js';

/** More than any message has; a small integer of V8, which a field of every socket holds without a box. */
const NEVER = 0x7fff_ffff;

export class UwsServer implements EngineServer {
  readonly #uws: Uws;
  readonly #host: EngineServerHost;
  readonly #options: EngineServerOptions;
  readonly #listener: Listener;
  readonly #resolveAddress: AddressResolver;
  readonly #budget = new RequestBudget();
  readonly #anchor: Anchor | undefined;
  /** The last one listens; others have connections of a certificate before. */
  readonly #apps: UwsApp[] = [];

  private constructor(
    uws: Uws,
    options: EngineServerOptions,
    host: EngineServerHost,
    anchor: Anchor | undefined,
  ) {
    this.#uws = uws;
    this.#anchor = anchor;
    this.#host = host;
    this.#options = options;
    this.#listener = new Listener(uws, options);
    this.#resolveAddress = compileProxyTrust(options.trustProxy);
    this.#apps.push(this.#makeApp());
  }

  /** @throws HubError `ERR_ENGINE_MISSING`; `ERR_TLS` that names the file */
  static async create(options: EngineServerOptions, host: EngineServerHost): Promise<UwsServer> {
    const uws = await loadEngine();
    if (options.tls !== undefined) await readTlsFiles(options.tls);
    const anchor = options.answersLater ? await Anchor.open(uws) : undefined;
    try {
      return new UwsServer(uws, options, host, anchor);
    } catch (error) {
      anchor?.close();
      throw error;
    }
  }

  listen(): Promise<number> {
    return this.#listener.open(this.#apps.at(-1)!);
  }

  async reloadTls(): Promise<void> {
    const { tls } = this.#options;
    if (tls === undefined) throw new HubError('ERR_TLS', 'there is no certificate to reload: tls is not set');
    await readTlsFiles(tls);
    if (!this.#listener.isOpen) throw new HubError('ERR_HUB_STATE', 'the hub has stopped to listen');
    const before = this.#apps.at(-1)!;
    const next = this.#makeApp();
    this.#listener.move(before, next);
    this.#apps.push(next);
  }

  pauseListening(): void {
    this.#listener.pause();
  }

  async resumeListening(): Promise<void> {
    this.#listener.resume(this.#apps.at(-1)!);
  }

  stopListening(): void {
    this.#listener.close();
  }

  close(): void {
    this.#listener.close();
    for (const app of this.#apps.splice(0)) app.close();
    this.#anchor?.close();
  }

  #makeApp(): UwsApp {
    const app = this.#startApp();
    for (const path of this.#options.paths) this.#serveSockets(app, path, this.#options);
    const { proxyProtocol } = this.#options;
    app.any('/*', (res, req) =>
      this.#guard(res, 'request', () => {
        const headers = readHeaders(req);
        const address = this.#addressOf(res, headers['x-forwarded-for'] ?? '');
        // The engine takes the PROXY protocol's header ahead of every request of a connection, so that the proxy's client
        // could send one of its own with its second: such a connection serves one request, and what came in the same read
        // is not looked at. A proxy may also take such a request for the beginning of a WebSocket, and pass on whatever its client sends.
        const isIsolated = proxyProtocol || /websocket/i.test(headers.upgrade ?? '');
        this.#host.onRequest(new UwsExchange(res, req, headers, address, isIsolated, this.#budget.isSpent()));
      }),
    );
    return app;
  }

  #startApp(): UwsApp {
    const { tls } = this.#options;
    if (tls === undefined) return this.#uws.App();
    const { key, cert, passphrase, ciphers = SAFE_CIPHERS } = tls;
    const secret = passphrase === undefined ? {} : { passphrase };
    try {
      return this.#uws.SSLApp({ key_file_name: key, cert_file_name: cert, ssl_ciphers: ciphers, ...secret });
    } catch (thrown) {
      const text = `tls: the engine does not take the key ${key}, the certificate ${cert} and the ciphers ${ciphers}`;
      throw new HubError('ERR_TLS', text, { cause: thrown });
    }
  }

  #addressOf(res: UwsResponse, forwarded: string): string {
    const proxied = this.#options.proxyProtocol ? res.getProxiedRemoteAddress() : undefined;
    const bytes = proxied?.byteLength ? proxied : res.getRemoteAddress();
    return this.#resolveAddress(formatAddress(new Uint8Array(bytes)), forwarded);
  }

  #serveSockets(app: UwsApp, path: string, options: EngineServerOptions): void {
    app.ws<UserData>(path, {
      // A message up to twice the limit is seen by the hub, which answers 1009; the engine ends what is larger
      // without a close frame.
      maxPayloadLength: options.maxPayload * 2,
      idleTimeout: options.idleTimeout,
      // The engine takes a timeout of 0 with automatic pings for one of 256 seconds.
      sendPingsAutomatically: options.sendPings && options.idleTimeout > 0,
      maxLifetime: options.maxLifetime,
      // No limit here: the hub stops sending at its high-water mark and queues in its own memory.
      maxBackpressure: 0,
      closeOnBackpressureLimit: false,
      compression: this.#compression(options.compression),
      upgrade: (res, req, context) => this.#guard(res, 'handshake', () => this.#upgrade(res, req, context)),
      open: (socket) => {
        const { port, early: acceptance } = socket;
        port.socket = socket;
        socket.early = undefined;
        const listener = this.#host.onOpen(port, acceptance as Acceptance);
        const { early } = socket as { early: readonly [number, string] | undefined };
        if (early === undefined) socket.listener = listener;
        else listener.onClose(...early);
      },
      // hot: once per message.
      message: (socket, message, isBinary) => {
        const bytes = new Uint8Array(message);
        // `length`, never `byteLength`: V8 inlines the one and calls a function for the other.
        socket.listener!.onMessage(bytes, 0, bytes.length, 0, isBinary);
      },
      ping: (socket, payload) => socket.listener!.onPing(new Uint8Array(payload)),
      pong: (socket, payload) => socket.listener!.onPong(new Uint8Array(payload)),
      drain: (socket) => socket.listener!.onDrain(),
      close: (socket, code, message) => this.#onClose(socket, code, message),
    });
  }

  #upgrade(res: UwsResponse, req: UwsRequest, context: unknown): void {
    const { compression, compressionMinBytes } = this.#options;
    const compressFrom = compression === 'off' ? NEVER : compressionMinBytes;
    const request = this.#readRequest(res, req);
    const makeData = (acceptance: Acceptance) => ({
      port: new UwsPort(compressFrom),
      listener: undefined,
      early: acceptance,
    });
    this.#host.onHandshake(new UwsHandshake(res, context, request, makeData, compression, this.#corkAnother));
  }

  /** Runs work inside a cork of some other socket. False when there is none, and nothing was run. */
  readonly #corkAnother = (work: () => void): boolean => this.#anchor?.cork(work) ?? false;

  #compression(mode: EngineServerOptions['compression']): number {
    const uws = this.#uws;
    switch (mode) {
      case 'off':
        return uws.DISABLED;
      case 'shared':
        return uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR;
      case 'dedicated':
        // The engine's present builds take a window of 512 bytes whichever of the eight is asked for.
        return uws.DEDICATED_COMPRESSOR_32KB | uws.DEDICATED_DECOMPRESSOR_32KB;
    }
  }

  /** Copies everything out of a request, which is the engine's again when its callback returns. */
  #readRequest(res: UwsResponse, req: UwsRequest): HandshakeRequest {
    const path = req.getUrl();
    const query = req.getQuery() ?? '';
    const headers = readHeaders(req);
    return {
      url: joinTarget(path, query),
      path,
      query,
      headers,
      remoteAddress: this.#addressOf(res, headers['x-forwarded-for'] ?? ''),
      subprotocols: parseSubprotocols(headers['sec-websocket-protocol'] ?? ''),
    };
  }

  #onClose(socket: UserData, code: number, message: ArrayBuffer): void {
    const { port, listener } = socket;
    const text = message.byteLength === 0 ? '' : Buffer.from(message).toString('utf8');
    if (code === 1006 && text !== '') this.#host.onEngineClose(text);
    // After the close event the engine's socket throws on every call.
    port.socket = undefined;
    if (listener === undefined) socket.early = [code, text];
    else listener.onClose(code, text);
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

export const uwsEngine: Engine = {
  name: 'uws',
  canPause: false,
  load: async () => void (await loadEngine()),
  create: UwsServer.create,
};
