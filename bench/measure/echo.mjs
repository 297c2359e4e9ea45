/** Echoes over WebSocket, from the load generator of shardhub: it checks every one. */
import { runLoad } from '../../dist/loadgen/index.js';
import { BenchAbort } from '../lib/errors.mjs';
import { CpuMeter } from './cpu.mjs';
import { PeakMeter } from './memory.mjs';

/** What may never happen; `reordered` joins them where a server answers in order. */
const FAULTS = ['lost', 'repeated', 'corrupt', 'unexpected', 'connectFailed', 'closed'];

/**
 * @param {string} url
 * @param {object} load options of `runLoad`
 * @param {import('../servers.mjs').Server} server
 * @param {object} [hooks] of `runLoad`
 * @throws BenchAbort when a connection fell or an echo was wrong
 */
export async function runCheckedLoad(url, load, { mayReorder = false }, hooks) {
  const result = await runLoad({ ...load, url }, hooks);
  const faults = (mayReorder ? FAULTS : [...FAULTS, 'reordered']).filter((kind) => result.errors[kind] > 0);
  if (faults.length > 0) {
    const counts = faults.map((kind) => `${result.errors[kind]} ${kind}`).join(', ');
    throw new BenchAbort(`echoes: ${counts}: ${result.firstError}`);
  }
  if (result.messages === 0) throw new BenchAbort('no message was answered');
  return result;
}

export async function measureEcho({ child, server, row, settings }) {
  const load = { ...row.load, ...windowOf(settings) };
  const meter = new CpuMeter(child);
  const peak = row.tellsMemory ? new PeakMeter(child.pid) : undefined;
  const result = await runCheckedLoad(child.wsUrl, load, server, meter);
  const { p50, p99, p99_9 } = result.latencyMs;
  return {
    messagesPerSecond: result.messagesPerSecond,
    p50,
    p99,
    p99_9,
    ...(await meter.figures()),
    ...peak?.figures(),
    reordered: result.errors.reordered,
    lateSends: result.lateSends,
    clientCores: result.cpu.seconds / result.seconds,
    clientIsBottleneck: Number(result.isBottleneck),
  };
}

/** The measured part of a load, in whole ms. */
export function windowOf({ warmup, seconds }) {
  return { warmupMs: Math.round(warmup * 1000), durationMs: Math.round(seconds * 1000) };
}
