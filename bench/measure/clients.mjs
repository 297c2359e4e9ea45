/** Starts the clients that need a process of their own. */
import { fileURLToPath } from 'node:url';
import { Child } from '../lib/child.mjs';

/**
 * Runs a client of clients/ for as long as some work takes.
 *
 * @template T
 * @param {string} name
 * @param {(client: Child) => Promise<T>} work
 */
export async function withClient(name, work) {
  const file = fileURLToPath(new URL(`../clients/${name}.mjs`, import.meta.url));
  const client = await Child.start(`client ${name}`, [process.execPath, file]);
  try {
    return await work(client);
  } finally {
    await client.stop();
  }
}
