/** A reader that takes what it is sent no faster than so many bytes per second: the kernel's buffers fill up behind it. */
import type { RawClient } from './raw-client.js';

export function throttle(client: RawClient, bytesPerSecond: number): void {
  const { socket } = client;
  const start = performance.now();
  let taken = 0;
  let timer: NodeJS.Timeout | undefined;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    const ahead = (taken / bytesPerSecond) * 1000 - (performance.now() - start);
    if (ahead < 1) return;
    socket.pause();
    timer = setTimeout(() => socket.resume(), ahead);
  });
  socket.once('close', () => clearTimeout(timer));
}
