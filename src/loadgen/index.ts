/** The load generator: load on an echo service, every echo checked. */
export { ERROR_KINDS, type ErrorKind, type LoadErrors } from './findings.js';
export type { LoadOptions } from './options.js';
export type { LatencySummary } from './recorder.js';
export type { LoadResult } from './result.js';
export { type LoadHooks, type LoadProgress, runLoad } from './run.js';
export type { LoadPhase } from './thread-messages.js';
