/**
 * What handlers print in worker threads, on its way to the process's stdout and stderr. It is taken from them in any case,
 * so that none of it waits in a worker; what nobody takes from the process is dropped. I/O thread.
 */
import process from 'node:process';
import type { Readable } from 'node:stream';

/** Bytes that wait for a slow reader of stdout, or of stderr. */
const MAX_WAITING_BYTES = 1024 * 1024;

interface Thread {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

const ignore = (): void => {};

/** @param onDropped called for each piece that is dropped */
export function takeOutput(thread: Thread, onDropped: () => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const output = process[name];
    // A pipe, as Node.js has it, waits for the reader, or for good once writing has failed.
    thread[name].unpipe(output);
    thread[name].on('data', (piece: Uint8Array) => {
      if (!output.writable || output.writableLength + piece.length > MAX_WAITING_BYTES) return onDropped();
      output.write(piece, (error) => {
        if (!error) return;
        onDropped();
        // It is about to be an event too. As with `console.log` in the main thread, it ends nothing.
        if (output.listenerCount('error') === 0) output.once('error', ignore);
      });
    });
    thread[name].resume();
  }
}
