/** Reads the PROXY protocol's header off a connection before anything else sees it. I/O thread. */
import type { Socket } from 'node:net';
import { readProxyHeader } from './proxy-header.js';

/** A header has so long to come. */
const HEADER_MS = 10_000;

export interface ProxiedHost {
  /**
   * The socket is paused; what came behind the header is in its buffer.
   *
   * @param address of the proxied client; undefined for a connection of the proxy's own
   */
  onConnection(socket: Socket, address: string | undefined): void;
  /** Its header is broken. */
  onBroken(socket: Socket): void;
}

export function takeProxyHeader(socket: Socket, host: ProxiedHost): void {
  let head: Buffer = Buffer.alloc(0);
  const onEnd = (): void => {
    socket.destroy();
  };
  const leave = (): void => {
    clearTimeout(timer);
    socket.off('data', onData).off('end', onEnd).off('close', leave).off('error', ignore);
  };
  const timer = setTimeout(onEnd, HEADER_MS);
  const onData = (bytes: Buffer): void => {
    head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
    const header = readProxyHeader(head);
    if (header === 'more') return;
    if (header === 'bad') {
      host.onBroken(socket);
      socket.destroy();
      return;
    }
    leave();
    socket.pause();
    const { length, address } = header === 'none' ? { length: 0, address: undefined } : header;
    if (head.length > length) socket.unshift(head.subarray(length));
    host.onConnection(socket, address);
  };
  socket.on('data', onData).on('end', onEnd).on('close', leave).on('error', ignore);
}

function ignore(): void {}
