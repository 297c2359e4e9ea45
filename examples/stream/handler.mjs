// @ts-check
import { defineHandler } from 'shardhub/worker';

const BLOCK_BYTES = 64 * 1024;
const MAX_BLOCKS = 1_000_000;

export default defineHandler({
  /** A number of blocks: each one begins with its own number (uint32, big-endian). */
  async *message(connection, message) {
    const wanted = Number(message.text());
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_BLOCKS) {
      yield `send how many blocks you want: 1 to ${MAX_BLOCKS}`;
      return;
    }
    let made = 0;
    try {
      while (made < wanted) yield await readBlock(made++);
      yield 'done';
    } finally {
      console.log(`${connection.id}: ${made} of ${wanted} blocks`);
    }
  },
});

/**
 * Stands for a row of a database, or a part of a file.
 *
 * @type {(number: number) => Promise<Uint8Array>}
 */
async function readBlock(number) {
  const block = Buffer.alloc(BLOCK_BYTES, number & 0xff);
  block.writeUInt32BE(number);
  return block;
}
