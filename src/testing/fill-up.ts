/** Peers that do not read, until nothing more is taken for them. I/O thread. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HubConnection } from '../api/connection.js';

const CHUNK = new Uint8Array(512 * 1024);

/** Sends to a peer that is paused until what lies between it and its queue is full. */
export async function fillUp(connection: HubConnection): Promise<void> {
  let before = -1;
  // The kernel grows its buffers for a while: what is buffered has to stay.
  for (;;) {
    const buffered = connection.bufferedBytes;
    if (buffered >= 2 * CHUNK.byteLength && buffered === before) return;
    before = buffered;
    if (buffered < 2 * CHUNK.byteLength) connection.send(CHUNK);
    await sleep(20);
  }
}
