/** What a server proves with that it has read a handshake (RFC 6455 §4.2.2). */
import { createHash } from 'node:crypto';

/** The Sec-WebSocket-Accept for the text of a request. */
export function acceptFor(request: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(request)?.[1] ?? '';
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
