/** WebSockets of engine `node` without a hub: a server of node:http in front, and whoever listens to them as a test wants. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { SocketListener, SocketPort } from '../../../src/hub/connection/socket-port.js';
import { agreeOnDeflate } from '../../../src/hub/engine/node/deflate-agreement.js';
import { NodeSockets, type SocketOptions } from '../../../src/hub/engine/node/node-sockets.js';
import { acceptFor } from '../protocol/accept.js';

export interface SocketsInput {
  readonly options?: Partial<SocketOptions>;
  readonly compression?: 'off' | 'shared' | 'dedicated';
  /** Sockets are read as node:http has them. */
  readonly isPlain?: boolean;
  /** What is called of a listener, beside taking notes. */
  readonly listen?: (port: SocketPort) => Partial<SocketListener>;
}

/** Of one socket, in order. */
export interface Served {
  readonly port: SocketPort;
  readonly closed: [code: number, reason: string][];
  readonly messages: Buffer[];
  pings: number;
  drains: number;
}

export async function startSockets({ options, compression = 'off', isPlain, listen }: SocketsInput = {}) {
  const served: Served[] = [];
  const engineCloses: string[] = [];
  const errors: unknown[] = [];
  const all = {
    maxPayload: 100_000,
    compressionMinBytes: 0,
    idleTimeout: 0,
    sendPings: true,
    maxLifetime: 0,
  };
  const sockets = new NodeSockets(
    { ...all, ...options },
    {
      onOpen: (port) => {
        const one: Served = { port, closed: [], messages: [], pings: 0, drains: 0 };
        served.push(one);
        const more = listen?.(port);
        return {
          onMessage: (source, start, end, mask, isBinary) => {
            const payload = Buffer.from(source.subarray(start, end));
            for (let i = 0; i < payload.length; i++) payload[i]! ^= mask >>> (8 * (i & 3));
            one.messages.push(payload);
            if (more?.onMessage) more.onMessage(source, start, end, mask, isBinary);
            else port.send(payload, isBinary);
          },
          onPing: () => one.pings++,
          onPong: () => {},
          onDrain: () => {
            one.drains++;
            more?.onDrain?.();
          },
          onClose: (...end) => one.closed.push(end),
        };
      },
      onEngineClose: (text) => engineCloses.push(text),
      onError: (error) => errors.push(error),
    },
  );
  const server = createServer();
  server.on('upgrade', ({ headers }, socket: Socket, head) => {
    const agreement = agreeOnDeflate(headers['sec-websocket-extensions'], compression);
    const extensions = agreement === undefined ? '' : `Sec-WebSocket-Extensions: ${agreement.response}\r\n`;
    const accept = acceptFor(`sec-websocket-key: ${headers['sec-websocket-key']}`);
    const lines = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${extensions}`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    if (isPlain)
      Object.assign((socket as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
    sockets.open(socket, head, {} as never, agreement);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    sockets.close();
    return new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(async () => void (await close()));
  const { port } = server.address() as AddressInfo;
  return { port, served, engineCloses, errors, close, url: `ws://127.0.0.1:${port}/ws` };
}
