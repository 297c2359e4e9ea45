/** Options that change while a hub runs, and what of a new set of options does. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { OptionName, ResolvedOptions } from '../options/options.js';

/** Read each time that they matter. `rateLimit` is that of new connections. */
export const LIVE_OPTIONS: readonly OptionName[] = [
  'logLevel',
  'origins',
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxConnectionRate',
  'maxInFlight',
  'maxInFlightBytesPerConnection',
  'maxInFlightBytes',
  'maxBufferedBytes',
  'overload',
  'rateLimit',
  'maxSubscriptions',
  'drainDelayMs',
  'drainPerSecond',
  'drainTimeoutMs',
  'drainRetryMs',
];

/** What became of new options. */
export interface OptionChanges {
  /** Options that changed. */
  readonly changed: readonly OptionName[];
  /** Options that differ, and need a restart. */
  readonly needRestart: readonly OptionName[];
}

export function compareOptions(before: ResolvedOptions, after: ResolvedOptions): OptionChanges {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])] as OptionName[];
  const differ = names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  return {
    changed: differ.filter((name) => LIVE_OPTIONS.includes(name)),
    needRestart: differ.filter((name) => !LIVE_OPTIONS.includes(name)),
  };
}
