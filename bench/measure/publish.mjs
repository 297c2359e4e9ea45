/** Deliveries of one topic to many subscribers; every subscriber gets every message, once and in order. */
import { BenchAbort } from '../lib/errors.mjs';
import { requireOpenFiles } from '../lib/machine.mjs';
import { clientFigures, withCpu } from './cpu.mjs';
import { Subscribers, TIMEOUT_MS } from './subscribers.mjs';

/**
 * Publishes for so long, with `row.inFlight` messages on their way at any time, and waits for the last delivery. With `row.batch`
 * so many are asked for at a time: asking for each costs more than a fast server does.
 */
function publishFor(child, { batch = 1, ...row }, subscribers, seconds) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const before = subscribers.delivered;
    let published = 0;
    const timer = setTimeout(
      () => subscribers.onProgress(new BenchAbort('deliveries are missing')),
      seconds * 1000 + TIMEOUT_MS,
    );
    const end = (conclude, value) => {
      clearTimeout(timer);
      subscribers.onProgress = () => {};
      conclude(value);
    };
    subscribers.onProgress = (error) => {
      if (error !== undefined) return end(reject, error);
      const elapsed = (performance.now() - start) / 1000;
      const delivered = subscribers.delivered - before;
      if (elapsed < seconds) {
        for (; (published + batch - row.inFlight - 1) * row.subscribers < delivered; published += batch)
          child.ask(`publish ${row.size} ${batch}`).catch((failure) => end(reject, failure));
      } else if (delivered === published * row.subscribers) {
        end(resolve, { count: delivered, seconds: elapsed });
      }
    };
    subscribers.onProgress();
  });
}

export async function measurePublish({ child, row, settings }) {
  requireOpenFiles(row.subscribers);
  const subscribers = new Subscribers(row.size);
  try {
    await subscribers.open(child.port, row.subscribers);
    await publishFor(child, row, subscribers, settings.warmup);
    const cpuBefore = process.cpuUsage();
    const { value, cpu } = await withCpu(child, () => publishFor(child, row, subscribers, settings.seconds));
    return {
      deliveriesPerSecond: value.count / value.seconds,
      ...cpu,
      ...clientFigures(cpuBefore, value.seconds),
    };
  } finally {
    subscribers.close();
  }
}
