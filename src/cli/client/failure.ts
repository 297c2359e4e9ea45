/** Why there is no connection, in words: what went wrong, and what to do about it. */
import { STATUS_CODES } from 'node:http';

export interface Failure {
  readonly message: string;
  readonly hint?: string;
  /** The code of the system, of TLS or of the WebSocket library, `HTTP_403` for a status, or `TIMEOUT`. */
  readonly code: string;
  /** Connecting again would give the same. */
  readonly isFinal: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location?: string;
  /** The begin of the body. */
  readonly body: string;
}

type Words = readonly [message: string, hint: string];

/** What went wrong in the system or in TLS. `host` is the name or address with its port. */
export function describeError(error: Error, url: URL, maxPayload: number): Failure {
  const code = String((error as { code?: unknown }).code ?? 'HANDSHAKE');
  const isCertificate = /^(CERT_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)|SELF_SIGNED/.test(
    code,
  );
  const [message, hint] = isCertificate
    ? certificateProblem(error, code)
    : (systemProblem(code, url) ?? protocolProblem(error, code, url, maxPayload));
  const isFinal = isCertificate || code.startsWith('WS_ERR_') || code === 'HANDSHAKE';
  return { message, ...(hint === '' ? {} : { hint }), code, isFinal };
}

function certificateProblem(error: Error, code: string): Words {
  return [
    `the certificate of the server was not accepted: ${error.message} (${code})`,
    'to connect all the same, to a server that you trust: --insecure',
  ];
}

function systemProblem(code: string, { protocol, hostname, host }: URL): Words | undefined {
  const other = protocol === 'ws:' ? 'wss:' : 'ws:';
  switch (code) {
    case 'ENOTFOUND':
      return [`the name ${hostname} was not found`, 'check its spelling'];
    case 'EAI_AGAIN':
      return [`the name ${hostname} could not be looked up`, 'check the network, then try again'];
    case 'ECONNREFUSED':
      return [`connection refused by ${host}`, 'is the server running, and is this its port?'];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return [`${host} cannot be reached (${code})`, 'check the address and the network'];
    case 'ECONNRESET':
    case 'EPIPE':
      return [`${host} ended the connection during the handshake`, `does it expect ${other}//?`];
    case 'EPROTO':
      return [`${host} does not speak TLS as it should`, 'does it expect ws://?'];
    default:
      if (code.startsWith('ERR_SSL_'))
        return [`${host} does not speak TLS as it should`, 'does it expect ws://?'];
      if (code.startsWith('HPE_'))
        return [`what answers on ${host} does not speak HTTP`, `does it expect ${other}//?`];
      return undefined;
  }
}

function protocolProblem(error: Error, code: string, { host }: URL, maxPayload: number): Words {
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
    return [`the server sent a message of more than ${maxPayload} bytes`, 'to accept it: --max-payload'];
  if (code.startsWith('WS_ERR_')) return [`the server broke the WebSocket protocol: ${error.message}`, ''];
  if (code !== 'HANDSHAKE') return [`the connection to ${host} failed: ${error.message || code}`, ''];
  const hint = /subprotocol/.test(error.message)
    ? 'see --subprotocol'
    : 'is this the address of a WebSocket?';
  return [`the WebSocket handshake failed: ${error.message}`, hint];
}

export function describeTimeout(what: string, timeoutMs: number): Failure {
  return {
    message: `timeout: ${what} within ${timeoutMs / 1000} s`,
    hint: 'to wait longer: --timeout',
    code: 'TIMEOUT',
    isFinal: false,
  };
}

/** What is meant for a browser says nothing in a terminal. */
const IS_HTML = /^\s*<(!doctype html|html)\b/i;

/** An answer other than 101. */
export function describeAnswer({ status, location, body }: HttpAnswer): Failure {
  const parts = [
    `the server answered ${`${status} ${STATUS_CODES[status] ?? ''}`.trim()}`,
    ...(location === undefined ? [] : [`to ${location}`]),
    ...(body.trim() === '' ? [] : [IS_HTML.test(body) ? 'with a page' : `with: ${body.trim()}`]),
  ];
  const hint = hintFor(status);
  const isTransient = status >= 500 || status === 408 || status === 425 || status === 429;
  const isFinal = !isTransient;
  return {
    message: parts.join(' '),
    ...(hint === undefined ? {} : { hint }),
    code: `HTTP_${status}`,
    isFinal,
  };
}

function hintFor(status: number): string | undefined {
  if (status >= 300 && status < 400) return 'redirects are not followed: connect to the new address';
  if (status >= 500 || status === 429) return 'try again later, or let --reconnect do so';
  switch (status) {
    case 401:
      return "log in with --header 'Authorization: …'";
    case 403:
      return 'perhaps it wants another --origin or --header';
    case 200:
    case 404:
    case 405:
    case 426:
      return 'is this the address of a WebSocket?';
    default:
      return undefined;
  }
}
