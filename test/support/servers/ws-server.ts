/** Servers for tests of clients: the `ws` package, and a bare socket that does what a good server never does. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { acceptFor } from '../protocol/accept.js';
import { until } from '../until.js';

const tlsFixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));

export interface WsServerOptions {
  /** 0, the default, picks a free one. */
  readonly port?: number;
  readonly isSecure?: boolean;
  /** Answers to requests that are no handshakes. */
  readonly onRequest?: RequestListener;
  readonly onConnection?: (socket: WebSocket) => void;
  readonly ws?: ServerOptions;
}

/** Echoes every message unless it is told otherwise. */
export class WsServer {
  readonly port: number;
  readonly url: string;
  /** Handshake requests. */
  readonly requests: IncomingMessage[] = [];
  /** What arrived. */
  readonly received: { data: Buffer; isBinary: boolean }[] = [];
  readonly #sockets = new Set<WebSocket>();
  readonly #closed: { code: number; reason: string }[] = [];
  readonly #stop: () => Promise<void>;

  private constructor(port: number, isSecure: boolean, stop: () => Promise<void>) {
    this.port = port;
    this.url = `${isSecure ? 'wss' : 'ws'}://127.0.0.1:${port}/`;
    this.#stop = stop;
  }

  static async start({ port = 0, isSecure = false, ...options }: WsServerOptions = {}): Promise<WsServer> {
    const http = isSecure
      ? createHttpsServer({ key: tlsFixture('key'), cert: tlsFixture('cert') }, options.onRequest)
      : createHttpServer(options.onRequest);
    const wss = new WebSocketServer({ server: http, ...options.ws });
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
    const server: WsServer = new WsServer((http.address() as AddressInfo).port, isSecure, async () => {
      for (const socket of wss.clients) socket.terminate();
      http.closeAllConnections();
      if (!http.listening) return;
      http.close();
      await once(http, 'close');
    });
    const onConnection = options.onConnection ?? echo;
    wss.on('connection', (socket, request) => {
      server.#adopt(socket, request);
      onConnection(socket);
    });
    onTestFinished(() => server.stop());
    return server;
  }

  #adopt(socket: WebSocket, request: IncomingMessage): void {
    this.requests.push(request);
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => this.received.push({ data: data as Buffer, isBinary }));
    socket.on('close', (code, reason) => this.#closed.push({ code, reason: reason.toString() }));
  }

  /** What arrived, as texts. */
  get texts(): string[] {
    return this.received.map(({ data }) => data.toString());
  }

  /** The first connection. */
  connection(): Promise<WebSocket> {
    return until('a connection', () => [...this.#sockets][0]);
  }

  /** How its connections ended, once one has: its client may be gone before that is known here. */
  async closed(): Promise<{ code: number; reason: string }[]> {
    await until('a connection to end', () => this.#closed.length > 0);
    return this.#closed;
  }

  /** Cuts every connection and frees the port. */
  stop(): Promise<void> {
    return this.#stop();
  }
}

function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** Accepts handshakes and says nothing more, not even to a ping or a close frame; or answers no handshake either. */
export async function startMuteServer({ isHandshakeAnswered = true } = {}): Promise<{
  url: string;
  /** Handshake requests. */
  requests(): number;
  /** Bytes that came after them. */
  received(): number;
}> {
  const sockets = new Set<Socket>();
  let [requests, bytes] = [0, 0];
  const server = createServer((socket) => {
    sockets.add(socket);
    let request: string | undefined = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (request === undefined) {
        bytes += chunk.length;
        return;
      }
      request += chunk.toString('latin1');
      if (!request.includes('\r\n\r\n')) return;
      requests++;
      if (!isHandshakeAnswered) return;
      socket.write(acceptance(request));
      request = undefined;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests: () => requests,
    received: () => bytes,
  };
}

function acceptance(request: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(request)}\r\n\r\n`;
}
