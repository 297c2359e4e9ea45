/** The CPU that a server spends, as figures. */

/**
 * @param {import('../lib/child.mjs').Child} child
 * @param {() => Promise<{ count: number, seconds: number }>} work what is measured: how much was done in how long
 */
export async function withCpu(child, work) {
  const before = await child.ask('cpu');
  const value = await work();
  const after = await child.ask('cpu');
  return { value, cpu: cpuFigures(before, after, value) };
}

/** CPU between two answers of the command `cpu`: for each message, and as cores (CPU seconds per second). */
export function cpuFigures(before, after, { count, seconds }) {
  const processSeconds = after.process - before.process;
  const ioThreadSeconds = after.ioThread === null ? null : after.ioThread - before.ioThread;
  const per = (cpuSeconds, amount) => (cpuSeconds === null ? null : cpuSeconds / amount);
  return {
    cpuIoThreadMicros: per(ioThreadSeconds, count / 1e6),
    cpuProcessMicros: per(processSeconds, count / 1e6),
    cpuIoThreadCores: per(ioThreadSeconds, seconds),
    cpuProcessCores: per(processSeconds, seconds),
  };
}

/** Of a core: a client that used so much had nothing left to ask for more. */
const BUSY = 0.9;

/** The CPU of this process, as the client. @param {NodeJS.CpuUsage} before of `process.cpuUsage` */
export function clientFigures(before, seconds) {
  const { user, system } = process.cpuUsage(before);
  const clientCores = (user + system) / 1e6 / seconds;
  return { clientCores, clientIsBottleneck: Number(clientCores > BUSY) };
}

/** The server's CPU per message in the measured part: asked at each report of the load generator, first against last. */
export class CpuMeter {
  #child;
  #samples = [];

  constructor(child) {
    this.#child = child;
  }

  /** A hook of `runLoad`. */
  onProgress({ phase, messages, elapsedMs }) {
    if (phase !== 'measure') return;
    const sample = async () => ({ messages, elapsedMs, cpu: await this.#child.ask('cpu') });
    const taken = sample();
    // A server that dies is found by the load.
    taken.catch(() => {});
    this.#samples.push(taken);
  }

  /** None from a part that was too short for two reports. */
  async figures() {
    const samples = await Promise.all(this.#samples);
    const [first, last] = [samples.at(0), samples.at(-1)];
    if (samples.length < 2 || last.messages === first.messages) return {};
    const count = last.messages - first.messages;
    return cpuFigures(first.cpu, last.cpu, { count, seconds: (last.elapsedMs - first.elapsedMs) / 1000 });
  }
}
