/** What a load run takes: the one list of its options, their bounds and defaults, for `runLoad` and the command line. */
import { describe, HubError } from '../api/errors.js';
import { TOKEN } from '../util/http-token.js';
import { MIN_SIZE } from './message.js';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Of all connections: when each was sent is kept. */
const MAX_IN_FLIGHT = 50_000_000;

export interface LoadOptions {
  /** Address of an echo service: `ws://` or `wss://`. */
  url: string;
  /** Connections, all open before the first message is sent. 1 to 1 000 000, default 50. */
  connections?: number;
  /**
   * Messages that each connection keeps in flight (closed loop: an echo makes room for the next message).
   * 1 to 1 000 000, default 1. Not used with `rate`.
   */
  inFlight?: number;
  /** Bytes of a message's payload. 12 (it carries its connection and number) to 67 108 864, default 64. */
  size?: number;
  /** Binary messages, else text. Default true. */
  binary?: boolean;
  /** Length of the measured part in ms. 1 to 86 400 000, default 10 000. */
  durationMs?: number;
  /** Load before the measured part, in ms; its figures are dropped. 0 to 86 400 000, default 1000. */
  warmupMs?: number;
  /** Time over which the connections are opened, in ms. 0 to 86 400 000, default 0: as fast as they open. */
  rampMs?: number;
  /**
   * Messages per second over all connections (open loop): they are sent at evenly spaced times whatever the
   * server does, and latency counts from the time at which a message was due. Above 0 to 1e9.
   * Default: none, a closed loop.
   */
  rate?: number;
  /** Threads that generate load; each has its share of the connections. 1 to 256, default 1. */
  threads?: number;
  /** Further headers of the handshake; one with several values is sent once for each. */
  headers?: Record<string, string | readonly string[]>;
  /** Subprotocol that is asked for; the run fails if the server does not choose it. */
  subprotocol?: string;
  /** Origin header of the handshake (RFC 6454 §7), or `null`. Default: none. */
  origin?: string;
  /** Accept any certificate (`wss://`). Default false. */
  insecure?: boolean;
}

export type LoadOptionName = keyof LoadOptions;

/** All options with their defaults. */
export type ResolvedLoadOptions = Required<Omit<LoadOptions, 'rate' | 'subprotocol' | 'origin'>> &
  Pick<LoadOptions, 'rate' | 'subprotocol' | 'origin'>;

interface LoadOptionInfo {
  /** What a valid value is, for error messages. */
  readonly takes: string;
  readonly isValid: (value: unknown) => boolean;
  readonly fallback?: unknown;
}

function integer(min: number, max: number, fallback: number, unit: string): LoadOptionInfo {
  const isValid = (value: unknown) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  return { takes: `an integer from ${min} to ${max} (${unit})`, isValid, fallback };
}

function flag(fallback: boolean): LoadOptionInfo {
  return { takes: 'true or false', isValid: (value) => typeof value === 'boolean', fallback };
}

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Headers that the handshake sets itself (RFC 6455 §4.1). */
const OWN_HEADER = /^(connection|upgrade|origin|content-length|transfer-encoding|sec-websocket-.*)$/i;

export const LOAD_OPTIONS: Readonly<Record<LoadOptionName, LoadOptionInfo>> = {
  url: {
    takes: 'a ws:// or wss:// URL, such as ws://127.0.0.1:8080/ws, without a fragment, user name or password',
    isValid: (value) => typeof value === 'string' && isTarget(value),
  },
  connections: integer(1, 1_000_000, 50, 'connections'),
  inFlight: integer(1, 1_000_000, 1, 'messages per connection'),
  size: integer(MIN_SIZE, 64 * MIB, 64, 'bytes; a message starts with its connection and its number'),
  binary: flag(true),
  durationMs: integer(1, DAY_MS, 10_000, 'ms'),
  warmupMs: integer(0, DAY_MS, 1000, 'ms'),
  rampMs: integer(0, DAY_MS, 0, 'ms'),
  rate: {
    takes: 'a number above 0, up to 1000000000 (messages per second over all connections)',
    isValid: (value) => typeof value === 'number' && value > 0 && value <= 1e9,
  },
  threads: integer(1, 256, 1, 'threads'),
  headers: {
    takes: 'HTTP headers other than those that the handshake sets itself',
    isValid: isHeaders,
    fallback: {},
  },
  subprotocol: {
    takes: 'the name of a subprotocol (an HTTP token)',
    isValid: (value) => typeof value === 'string' && TOKEN.test(value),
  },
  origin: {
    takes: 'an origin such as https://example.com, or null (as a text)',
    isValid: (value) =>
      value === 'null' ||
      (typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[\x21-\x2e\x30-\x7e]+$/i.test(value)),
  },
  insecure: flag(false),
};

function isTarget(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hash, username, password, hostname } = new URL(text);
  return ['ws:', 'wss:'].includes(protocol) && hostname !== '' && hash + username + password === '';
}

function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const isText = (text: unknown) => typeof text === 'string' && HEADER_VALUE.test(text);
  return Object.entries(value).every(
    ([name, text]) => TOKEN.test(name) && !OWN_HEADER.test(name) && [text].flat().every(isText),
  );
}

/**
 * Checks options and fills in the defaults. `undefined` means default; unknown names are refused.
 *
 * @throws HubError `ERR_OPTION` that names each bad option, the value it got and what it takes
 */
export function resolveLoadOptions(options: LoadOptions): ResolvedLoadOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const problems = given.flatMap(([name, value]) => {
    if (!Object.hasOwn(LOAD_OPTIONS, name)) return [`unknown option "${name}"`];
    const { isValid, takes } = LOAD_OPTIONS[name as LoadOptionName];
    return isValid(value) ? [] : [`option "${name}" got ${describe(value)} but takes ${takes}`];
  });
  if (options.url === undefined) problems.push(`option "url" is missing: it takes ${LOAD_OPTIONS.url.takes}`);
  if (problems.length > 0) throw new HubError('ERR_OPTION', problems.join('; '));
  const fallbacks = Object.entries(LOAD_OPTIONS).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[name, fallback]],
  );
  const resolved: ResolvedLoadOptions = { ...Object.fromEntries(fallbacks), ...Object.fromEntries(given) };
  const { connections, inFlight } = resolved;
  if (connections * inFlight > MAX_IN_FLIGHT) {
    const most = Math.floor(MAX_IN_FLIGHT / connections);
    throw new HubError(
      'ERR_OPTION',
      `option "inFlight" got ${inFlight} but takes at most ${most} with ${connections} connections`,
    );
  }
  return Object.freeze(resolved);
}
