/** Kinds of values that flags take beyond plain text: how each is understood, and what is said of one that is not. */
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { TOKEN as HTTP_TOKEN } from '../../util/http-token.js';

/** A kind of value. `parse` returns `undefined` for a text that is none. */
export interface Kind<T> {
  /** What a valid value is, for error messages. */
  readonly takes: string;
  readonly parse: (text: string) => T | undefined;
}

export interface Header {
  readonly name: string;
  readonly value: string;
}

export interface NamedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const MAX_DURATION_MS = 24 * UNIT_MS.h;

export const TEXT: Kind<string> = { takes: 'a text', parse: (text) => text };

/**
 * `500ms`, `1.5s`, `2m` or `1h`, and a plain number as seconds, in whole milliseconds; `undefined` for anything
 * else, and above 24 hours.
 */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  return ms <= MAX_DURATION_MS ? ms : undefined;
}

/** A duration in milliseconds, from `minMs`; no timer needs more than a day. */
export function duration(minMs: 0 | 1): Kind<number> {
  return {
    takes: `a duration from ${minMs}ms to 24h, such as 500ms, 1.5s, 2m or 1h, or a plain number of seconds`,
    parse: (text) => [parseDuration(text)].find((ms) => ms !== undefined && ms >= minMs),
  };
}

export function integer(min: number, max: number): Kind<number> {
  return {
    takes: `an integer from ${min} to ${max}`,
    parse: (text) => {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** Decimal, neither negative nor in exponential notation. */
export const NUMBER: Kind<number> = {
  takes: 'a number',
  parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined),
};

/** `Name: value` (RFC 9110 §5). What the WebSocket handshake sets itself is refused, and so is Origin, which has a flag. */
export function parseHeader(text: string): Header | undefined {
  const [, name, value] = /^([^:]*):\s*(.*?)\s*$/s.exec(text) ?? [];
  if (name === undefined || value === undefined || isOfHandshake(name)) return undefined;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return { name, value };
  } catch {
    return undefined;
  }
}

function isOfHandshake(name: string): boolean {
  return /^(connection|upgrade|origin|content-length|transfer-encoding|sec-websocket-.*)$/i.test(name);
}

export const HEADER: Kind<Header> = {
  takes: "'Name: value', but for Origin (--origin) and the headers of the handshake itself",
  parse: parseHeader,
};

/** By name in lower case. A name that is given more than once is sent as often, with its values in their order. */
export function mergeHeaders(headers: readonly Header[]): Record<string, string | string[]> {
  const merged = new Map<string, string[]>();
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    merged.set(key, [...(merged.get(key) ?? []), value]);
  }
  // Some headers may be sent once only, and Node.js wants those as a text.
  return Object.fromEntries(
    [...merged].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

/** A subprotocol is a token (RFC 6455 §4.1, RFC 9110 §5.6.2). */
export const TOKEN: Kind<string> = {
  takes: "a name of letters, digits and !#$%&'*+-.^_`|~",
  parse: (text) => (HTTP_TOKEN.test(text) ? text : undefined),
};

/** An origin as browsers send it (RFC 6454 §7), or `null`. */
export const ORIGIN: Kind<string> = {
  takes: 'an origin such as https://example.com, or null',
  parse: (text) =>
    text === 'null' || /^[a-z][a-z0-9+.-]*:\/\/[\x21-\x2e\x30-\x7e]+$/i.test(text) ? text : undefined,
};

/** `localhost:8080/ws`, `[::1]/ws`, `example.com`: a host that can be told from a word, with nothing before it. */
const BARE_ADDRESS = /^(localhost|\[[\da-f:.]+\]|[\w-]+(\.[\w-]+)+|[\w-]+(?=:\d))(:\d+)?([/?]|$)/i;

/**
 * The address of a WebSocket endpoint: `http:` and `https:` count as `ws:` and `wss:`, and a bare address as `ws:`; no
 * fragment (RFC 6455 §3).
 */
export const WEBSOCKET_URL: Kind<URL> = {
  takes: 'an address such as ws://127.0.0.1:8080/ws or wss://example.com/live (ws:// may be left out)',
  parse: (text) => {
    const full = BARE_ADDRESS.test(text) ? `ws://${text}` : text.replace(/^http(?=s?:)/i, 'ws');
    const url = URL.canParse(full) ? new URL(full) : undefined;
    const isValid = url !== undefined && /^wss?:$/.test(url.protocol) && url.hash === '';
    return isValid ? url : undefined;
  },
};

/** The path of a file, which is read at once. */
export const FILE: Kind<NamedFile> = {
  takes: 'the path of a file that can be read',
  parse: (path) => {
    try {
      return { path, bytes: readFileSync(path) };
    } catch {
      return undefined;
    }
  },
};
