/** Checks what an `upgrade` hook returned, and turns it into what the server answers. Pure. */
import { STATUS_CODES } from 'node:http';
import { describe, HubError } from '../../api/errors.js';
import type { HandshakeRequest } from '../../api/handshake-request.js';
import type { HeaderList } from '../../util/headers.js';
import { TOKEN } from '../../util/http-token.js';
import { encodeHandshake } from '../../wire/request.js';
import type { Refusal } from './admission.js';
import type { Route } from './routes.js';
import { chooseSubprotocol } from './subprotocols.js';

/** A handshake that is let in. */
export interface Acceptance {
  /** With the chosen subprotocol. */
  readonly request: HandshakeRequest;
  readonly data: unknown;
  /** Both, encoded for a worker. */
  readonly encoded: string;
  readonly headers: HeaderList;
  readonly route: Route;
  /** Its key, if it has one: it goes to the worker of all that have the same. */
  readonly affinity?: string;
}

export type UpgradeVerdict =
  | { readonly accept: Acceptance }
  | {
      readonly refuse: Refusal;
      /** For the log. */
      readonly cause?: unknown;
    };

const ACCEPT_KEYS = ['data', 'subprotocol', 'headers'];
const REJECT_KEYS = ['reject', 'body', 'headers', 'cause'];
const TAKES =
  'undefined, an object with data, subprotocol and headers, or one with reject, body, headers and cause';
/** Headers that the handshake and the engine write themselves. */
const RESERVED = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

/** @throws HubError `ERR_UPGRADE` that names what is wrong with the result */
export function judgeResult(result: unknown, request: HandshakeRequest, route: Route): UpgradeVerdict {
  if (result === undefined) return { accept: accept({}, request, route) };
  if (typeof result !== 'object' || result === null) throw bad(`${describe(result)} but takes ${TAKES}`);
  const fields = result as Record<string, unknown>;
  const isRejection = fields.reject !== undefined;
  const known = isRejection ? REJECT_KEYS : ACCEPT_KEYS;
  const unknown = Object.keys(fields).find((key) => !known.includes(key) && fields[key] !== undefined);
  if (unknown !== undefined) throw bad(`the unknown key ${describe(unknown)} but takes ${TAKES}`);
  return isRejection
    ? { refuse: reject(fields), cause: fields.cause }
    : { accept: accept(fields, request, route) };
}

function accept(fields: Record<string, unknown>, request: HandshakeRequest, route: Route): Acceptance {
  const { data } = fields;
  const subprotocol =
    fields.subprotocol === undefined
      ? chooseSubprotocol(route.subprotocols, request.subprotocols)
      : checkSubprotocol(fields.subprotocol, request.subprotocols);
  const chosen = subprotocol === undefined ? request : { ...request, subprotocol };
  const headers = toHeaderList(fields.headers);
  return {
    request: chosen,
    data,
    encoded: encodeHandshake(chosen, data, route.handlerIndex),
    headers,
    route,
  };
}

/** A client takes a subprotocol that it did not offer for an error (RFC 6455 §4.1). */
function checkSubprotocol(chosen: unknown, offered: readonly string[]): string {
  if (typeof chosen === 'string' && offered.includes(chosen)) return chosen;
  const takes = offered.length === 0 ? 'the client offered none' : 'takes one that the client offered';
  // What was offered may carry a token: it does not go into a log.
  throw bad(`the subprotocol ${describe(chosen)} but ${takes}`);
}

function reject({
  reject,
  body = 'This connection was refused.',
  headers,
  cause,
}: Record<string, unknown>): Refusal {
  if (typeof reject !== 'number' || !Number.isInteger(reject) || reject < 400 || reject > 599) {
    throw bad(`reject: ${describe(reject)} but takes an HTTP status from 400 to 599`);
  }
  if (typeof body !== 'string') throw bad(`body: ${describe(body)} but takes a string`);
  const status = `${reject} ${STATUS_CODES[reject] ?? 'Refused'}`;
  const reason = cause !== undefined && reject >= 500 ? 'upgrade-error' : 'upgrade-refused';
  return { reason, status, body, headers: toHeaderList(headers) };
}

function toHeaderList(headers: unknown): HeaderList {
  if (headers === undefined) return [];
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw bad(`headers: ${describe(headers)} but takes an object of names and values`);
  }
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!TOKEN.test(name)) throw bad(`the header name ${describe(name)}, which is none (RFC 9110 §5.1)`);
    if (RESERVED.test(name)) throw bad(`the header ${name}, which is the handshake’s own`);
    return (Array.isArray(value) ? value : [value]).map((item) => [name, checkValue(name, item)] as const);
  });
}

/** A line break in a value would start a header, or a response, of somebody else's making. */
function checkValue(name: string, value: unknown): string {
  if (typeof value === 'string' && /^[\t\x20-\x7e]*$/.test(value)) return value;
  throw bad(`a value of the header ${name} that is not a string of printable ASCII characters`);
}

function bad(what: string): HubError {
  return new HubError('ERR_UPGRADE', `upgrade returned ${what}`);
}
