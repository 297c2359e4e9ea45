/**
 * SIGTERM and SIGINT: the first one drains what runs and ends with its exit code, 0 for a hub; a second SIGTERM shortens
 * that to a second, and any other one ends at once.
 */
import { close as closeInspector } from 'node:inspector';
import { constants } from 'node:os';
import { exitWithFailure } from './output.js';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Undefined: threads are left that cannot be ended, for which `process.exit` would wait. */
type ExitCode = number | undefined;

/** A start gets so long to come to its end: then the signal ends it. `process.exit` in a start can abort (V8: IsGraphAsync). */
const START_MS = 1000;

/** What a drain that is told to hurry has left. */
const HURRY_MS = 1000;

let stoppedBy: StopSignal | undefined;
let drain: ((signal: StopSignal) => Promise<ExitCode>) | undefined;
let hurry: ((timeoutMs: number) => void) | undefined;

export function watchStopSignals(): void {
  for (const signal of STOP_SIGNALS) process.on(signal, onStopSignal);
}

/**
 * `close` resolves with the exit code. Before this is called nothing was served, so a signal has nothing to
 * drain.
 *
 * @param shorten lets what closes put nothing off any more, and take at most so long
 * @returns false when a signal came before: it is closed already
 */
export function drainOnStop(
  close: (signal: StopSignal) => Promise<ExitCode>,
  shorten?: (timeoutMs: number) => void,
): boolean {
  drain = close;
  hurry = shorten;
  if (stoppedBy !== undefined) stop(stoppedBy);
  return stoppedBy === undefined;
}

/** As the signal would, unless one came before. */
export function stopAs(signal: StopSignal): void {
  if (stoppedBy === undefined) onStopSignal(signal);
}

/** As a second SIGTERM would. */
export function hurryUp(): void {
  stopAs('SIGTERM');
  onStopSignal('SIGTERM');
}

function onStopSignal(signal: StopSignal): void {
  if (stoppedBy !== undefined) {
    if (signal !== 'SIGTERM' || hurry === undefined) endBy(signal);
    // In this order: what is cut is told so before the end.
    hurry(HURRY_MS);
    hurry = undefined;
    setTimeout(endBy, HURRY_MS, signal);
    return;
  }
  stoppedBy = signal;
  if (drain === undefined) setTimeout(endBy, START_MS, signal);
  else stop(signal);
}

function stop(signal: StopSignal): void {
  endAfter(drain!(signal), signal);
}

/** Not left to the event loop: with `workers: 0` a handler's own timers or sockets could keep it alive. */
export function endAfter(closing: Promise<ExitCode>, signal: StopSignal): void {
  closing.then((code) => exit(code, signal), exitWithFailure);
}

function exit(code: ExitCode, signal: StopSignal): void {
  if (code === undefined) endBy(signal);
  process.exit(code);
}

/** As if nobody had listened to it: whatever its threads are at, the process ends. */
function endBy(signal: StopSignal): never {
  // Node.js would wait for a debugger to leave, whatever signal it sends itself.
  closeInspector();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // The first process of a container gets no such signal. The exit code by which shells tell that one ended a program.
  process.exit(128 + constants.signals[signal]);
}
