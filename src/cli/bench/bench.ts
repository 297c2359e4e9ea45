/** `shardhub bench`: one load run, to its report or to a stop signal. */
import { ERROR_KINDS, type LoadOptions, runLoad } from '../../loadgen/index.js';
import { escapeControls, safeJson } from '../terminal/escape.js';
import { print, warn } from '../terminal/output.js';
import { drainOnStop } from '../terminal/stop.js';
import { type BenchOptions, toLoadOptions } from './flags.js';
import { createProgressBar } from './progress.js';
import { formatReport } from './report.js';

const FAILED = 1;

/** Resolves with the exit code: 0 if every echo was right, else 1. */
export function bench(url: URL, options: BenchOptions): Promise<number> {
  const controller = new AbortController();
  const ended = runAndReport(toLoadOptions(url, options), options.json, controller.signal);
  // A stop signal ends the run; what was measured so far is reported.
  drainOnStop(() => {
    controller.abort();
    return ended;
  });
  return ended;
}

async function runAndReport(options: LoadOptions, json: boolean, signal: AbortSignal): Promise<number> {
  const bar = createProgressBar();
  const result = await runLoad(options, { signal, onProgress: bar?.update }).finally(() => bar?.end());
  const threads = Math.min(options.threads ?? 1, result.connections);
  // Tables of nothing would hide the reason. The first connection that fails ends the run.
  const isNothing = result.errors.connectFailed > 0 && result.messages === 0;
  if (json || !isNothing) await print(`${json ? safeJson(result) : formatReport(result, threads)}\n`);
  const what = isNothing ? 'nothing was measured, as a connection failed' : 'first error';
  // The server may have had a say in it.
  if (result.firstError !== undefined) warn(`${what}: ${escapeControls(result.firstError)}`);
  return ERROR_KINDS.some((kind) => result.errors[kind] > 0) ? FAILED : 0;
}
