/** Answers on a bare socket that has left HTTP, or never was in it, and ends it so that the peer can read the answer. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { type HeaderList, textHeaders } from '../../../../util/headers.js';
import type { Refusal } from '../../../admission/admission.js';

/** So long a peer has to take the answer and end its side: destroyed at once, what it sent unread would reset both. */
const LINGER_MS = 2000;

export function refuseSocket(socket: Socket, { status, headers, body }: Refusal): void {
  const bytes = Buffer.from(`${body}\n`);
  const all: HeaderList = [
    ...textHeaders(headers),
    ['Content-Length', String(bytes.length)],
    ['Connection', 'close'],
    ['Date', new Date().toUTCString()],
  ];
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(Buffer.concat([formatHead(status, all), bytes]));
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** Status line and headers; values are byte strings (RFC 9110 §5.5). */
export function formatHead(status: string, headers: HeaderList): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`, 'latin1');
}
