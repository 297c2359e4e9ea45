/** What node:http does not take for a request, as a refusal that is counted. Pure. */
import { type Refusal, refusal } from '../../../admission/admission.js';

const FAULTS: Readonly<Record<string, readonly [status: string, body: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are over 16384 bytes in all.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'The extensions of chunks are over 16384 bytes.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to come.'],
};

/** Undefined for a fault of the connection, which has nobody to read an answer. */
export function refuseFault({ code = '' }: NodeJS.ErrnoException): Refusal | undefined {
  const known = FAULTS[code];
  if (known !== undefined) return refusal('bad-request', ...known);
  if (!code.startsWith('HPE_')) return undefined;
  return refusal('bad-request', '400 Bad Request', 'This is no request of HTTP/1.1 (RFC 9112).');
}

/** The refusal of a request that does not say for which host it is (RFC 9112 §3.2), or undefined. */
export function refuseHost(host: string | undefined, httpVersion: string): Refusal | undefined {
  const isThere = host !== undefined || httpVersion === '1.0';
  if (isThere && !host?.includes(',')) return undefined;
  return refusal('bad-request', '400 Bad Request', 'A request has one Host header (RFC 9112 §3.2).');
}
