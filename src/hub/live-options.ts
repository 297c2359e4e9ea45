/** Options that change while a hub runs, and what of a new set of options does. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { engineOf } from '../broker/make-broker.js';
import type { OptionName, ResolvedOptions } from '../options/options.js';

/**
 * What `topics` says changes in place, but not which of them have a history, which handlers were told when they started; nor that
 * there are rules at all; nor how long a history on NATS is, where other bounds are another stream.
 */
function canChangeTopics(before: ResolvedOptions, after: ResolvedOptions): boolean {
  const isShared = before.broker !== undefined;
  const rules = [before.topics, after.topics].map((topics) => Object.entries(topics));
  if (!isShared && rules.some((entries) => entries.length === 0)) return false;
  const isNats = engineOf(before.broker) === 'nats';
  const [was, is] = rules.map((entries) => {
    const told = entries.map(([pattern, { history }]) => [pattern, isNats ? history : history !== undefined]);
    // Behind the last with a history none is needed to tell that a topic has none.
    return told.slice(0, entries.findLastIndex(([, { history }]) => history !== undefined) + 1);
  });
  return isDeepStrictEqual(was, is);
}

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
  const isLive = (name: OptionName) =>
    name === 'topics' ? canChangeTopics(before, after) : LIVE_OPTIONS.includes(name);
  return { changed: differ.filter(isLive), needRestart: differ.filter((name) => !isLive(name)) };
}
