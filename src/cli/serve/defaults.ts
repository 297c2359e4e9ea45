/** What `shardhub serve` takes for granted where the options say nothing. */
import { randomBytes } from 'node:crypto';
import { type HubOptions, isLoopbackHost, resolveOptions } from '../../index.js';
import { ReadableLog } from '../terminal/readable-log.js';

/** Where the output is no terminal there is a load balancer, more often than not, that looks at /readyz now and then. */
const DRAIN_DELAY_MS = 5000;

/** @param token made for this run, when there is none */
export function serveDefaults(token: string | undefined): HubOptions {
  return {
    drainDelayMs: process.stdout.isTTY ? 0 : DRAIN_DELAY_MS,
    ...(token !== undefined && { statsToken: token }),
  };
}

/** Lines for people, on a terminal. @param before what each begins with */
export function loggerDefaults(options: HubOptions, before = ''): HubOptions {
  const { stderr, env } = process;
  if (!stderr.isTTY) return {};
  const write = (line: string) => void stderr.write(before + line);
  return {
    logger: new ReadableLog(resolveOptions(options).logLevel, write, stderr.hasColors() && !env.NO_COLOR),
  };
}

/** Where others can reach the page, its statistics are for whoever has read the start line. */
export function makeStatsToken(options: HubOptions): string | undefined {
  const { console: servesPage, host, http, statsToken } = resolveOptions(options);
  const isNeeded = servesPage && http && statsToken === undefined && !isLoopbackHost(host);
  return isNeeded ? randomBytes(24).toString('base64url') : undefined;
}
