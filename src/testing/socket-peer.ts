/** A peer at the other end of a real socket. Any thread. */
import { once } from 'node:events';
import { WebSocket } from '#vendor/ws';
import type { Payload } from '../api/payload.js';
import type { Peer, PeerEvents } from './peer.js';

/** @throws Error when the handshake is refused (rejection) */
export async function connectSocket(
  url: string,
  subprotocols: readonly string[],
  headers: Readonly<Record<string, string>>,
  events: PeerEvents,
): Promise<Peer> {
  const socket = new WebSocket(url, [...subprotocols], { headers, perMessageDeflate: false });
  socket.on('message', (data: Buffer, isBinary) =>
    events.onMessage(isBinary ? Uint8Array.from(data) : data.toString('utf8')),
  );
  socket.on('close', (code, reason) => events.onClose(code, reason.toString('utf8')));
  await once(socket, 'open');
  socket.on('error', () => {});
  return {
    send: (data: Payload) =>
      new Promise((resolve, reject) => {
        socket.send(data, (error) => (error ? reject(error) : resolve()));
      }),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
    stall: () => socket.pause(),
    resume: () => socket.resume(),
  };
}
