/**
 * What every process beside the runner does: it prints one line of JSON once it is ready, with the port of a server,
 * answers commands, one line each on stdin, with one line of JSON, and ends on SIGTERM or when the runner is gone.
 * The runner's side is lib/child.mjs.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** CPU time so far, in seconds. */
export function cpu() {
  const { user, system } = process.cpuUsage();
  return { process: (user + system) / 1e6, ioThread: mainThreadSeconds() };
}

/** Linux alone tells it: the first figure of schedstat is the time on a core in nanoseconds. */
function mainThreadSeconds() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
  } catch {
    return null;
  }
}

/** Memory after a collection, in bytes. */
async function memory() {
  if (global.gc === undefined) throw new Error('started without --expose-gc');
  // What finalizers let go of is for the next collection.
  for (let i = 0; i < 4; i++) {
    global.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * Tells the runner that this process is ready.
 *
 * @param {number} [port] of a server
 * @param {Record<string, (...args: string[]) => unknown>} [commands] what it can do, beside telling its CPU and memory
 */
export function announce(port, commands = {}) {
  const known = { cpu, memory, ...commands };
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const [name, ...args] = line.split(' ');
    try {
      print((await known[name](...args)) ?? {});
    } catch (error) {
      print({ failed: error.message });
    }
  });
  print({ port });
}

/** Tells the runner that this control cannot run here, and why. */
export function leaveOut(reason) {
  process.stdout.write(`${JSON.stringify({ leftOut: reason })}\n`, () => process.exit());
}

process.once('SIGTERM', () => process.exit());
process.stdin.once('end', () => process.exit());
