/** Echo services on `ws`, right ones and wrong ones, in the process of the test. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';

/** Answers message `number` (from 0) of a connection. */
export type Answer = (socket: WebSocket, data: Buffer, isBinary: boolean, number: number) => void;

export interface EchoServer {
  readonly url: string;
  readonly server: WebSocketServer;
  /** Messages that came, over all connections. */
  readonly received: () => number;
}

export const echo: Answer = (socket, data, isBinary) => socket.send(data, { binary: isBinary });

/** Echoes, but for message 1 of each connection, with which it does something else. */
export function exceptSecond(instead: Answer): Answer {
  return (socket, data, isBinary, number) => {
    if (number === 1) instead(socket, data, isBinary, number);
    else echo(socket, data, isBinary, number);
  };
}

interface EchoServerOptions extends ServerOptions {
  readonly tls?: boolean;
  readonly onOpen?: (socket: WebSocket) => void;
}

export async function startEchoServer(
  answer: Answer = echo,
  { tls = false, onOpen, ...options }: EchoServerOptions = {},
): Promise<EchoServer> {
  const http = tls ? createTlsServer(certificate()) : createServer();
  const server = new WebSocketServer({ server: http, maxPayload: 1 << 27, ...options });
  let received = 0;
  server.on('connection', (socket) => {
    let number = 0;
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary) => {
      received++;
      answer(socket, data, isBinary, number++);
    });
    onOpen?.(socket);
  });
  const port = await listen(http);
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  return { url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}/`, server, received: () => received };
}

function certificate() {
  const read = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
  return { key: read('key'), cert: read('cert') };
}

/** A server that does as `onRequest` says with the socket of every request, whose text it gets. */
export async function startRawServer(
  onRequest: (socket: Socket, request: string) => void,
): Promise<{ url: string }> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => onRequest(socket, chunk.toString('latin1')));
    onTestFinished(() => void socket.destroy());
  });
  return { url: `ws://127.0.0.1:${await listen(server)}/` };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
