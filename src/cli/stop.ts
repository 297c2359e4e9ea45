/**
 * SIGTERM and SIGINT: the first one drains what runs and ends with its exit code, 0 for a hub; a second one
 * ends at once.
 */
import { constants } from 'node:os';
import { exitWithFailure } from './output.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

let stopping = false;
let drain: (() => Promise<number>) | undefined;

export function watchStopSignals(): void {
  for (const signal of STOP_SIGNALS) process.on(signal, onStopSignal);
}

/**
 * `close` resolves with the exit code. Before this is called nothing was served, so a signal has nothing to
 * drain.
 */
export function drainOnStop(close: () => Promise<number>): void {
  drain = close;
}

function onStopSignal(signal: StopSignal): void {
  // The exit code by which shells tell that a signal ended a program.
  if (stopping) process.exit(128 + constants.signals[signal]);
  stopping = true;
  if (drain === undefined) process.exit(0);
  // Not left to the event loop: with `workers: 0` a handler's own timers or sockets could keep it alive.
  drain().then((code) => process.exit(code), exitWithFailure);
}
