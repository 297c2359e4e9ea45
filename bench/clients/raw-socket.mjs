/** A WebSocket client with nothing to it: a TCP socket that has shaken hands, and the bytes that come. */
import { connect } from 'node:net';
import { BenchAbort } from '../lib/errors.mjs';

/** Every socket reads into this one: what a callback is given is gone when it returns. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = '\r\n\r\n';

const handshake = (port) =>
  [
    'GET /ws HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    END_OF_HEAD.slice(2),
  ].join('\r\n');

/**
 * Opens a WebSocket.
 *
 * @param {number} port on 127.0.0.1
 * @param {{ onBytes(bytes: Buffer): void, onClose(): void }} listener frames as they come, in pieces; `onClose` after
 *   the handshake only
 * @returns {Promise<import('node:net').Socket>} once it is open
 */
export function openSocket(port, listener) {
  return new Promise((resolve, reject) => {
    let head = '';
    const onHead = (bytes) => {
      head += bytes.toString('latin1');
      const end = head.indexOf(END_OF_HEAD);
      if (end === -1) return;
      if (!head.startsWith('HTTP/1.1 101 ')) {
        reject(new BenchAbort(`no handshake: ${head.slice(0, head.indexOf('\r\n'))}`));
        socket.destroy();
        return;
      }
      const rest = Buffer.from(head.slice(end + END_OF_HEAD.length), 'latin1');
      isOpen = true;
      resolve(socket);
      if (rest.length > 0) listener.onBytes(rest);
    };
    let isOpen = false;
    const callback = (length, buffer) => {
      const bytes = buffer.subarray(0, length);
      if (isOpen) listener.onBytes(bytes);
      else onHead(bytes);
      return true;
    };
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback },
    });
    socket.once('connect', () => socket.write(handshake(port)));
    socket.on('error', (error) => reject(new BenchAbort(error.message)));
    socket.once('close', () => {
      reject(new BenchAbort('a connection fell in its handshake'));
      if (isOpen) listener.onClose();
    });
  });
}

/** Opens many, some at a time: a listen backlog is short. */
export async function openSockets(count, open) {
  const AT_ONCE = 100;
  const sockets = [];
  while (sockets.length < count) {
    const some = Math.min(AT_ONCE, count - sockets.length);
    const first = sockets.length;
    sockets.push(...(await Promise.all(Array.from({ length: some }, (_, i) => open(first + i)))));
  }
  return sockets;
}

/** A ping frame with up to 125 bytes; the mask is zero, which leaves the payload as it is. */
export function pingFrame(payload) {
  return Buffer.concat([Buffer.from([0x89, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
