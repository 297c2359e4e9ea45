/** The opening handshake of a client (RFC 6455 §4.1), as text on a socket. */
import { createHash, randomBytes } from 'node:crypto';
import type { ResolvedLoadOptions } from './options.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_RESPONSE_BYTES = 65_536;
const END_OF_HEAD = '\r\n\r\n';

export class HandshakeFault extends Error {}

export class Handshake {
  readonly request: string;
  readonly #accept: string;
  readonly #subprotocol: string | undefined;
  #received: Buffer = Buffer.alloc(0);

  constructor({ url, headers, subprotocol, origin }: ResolvedLoadOptions) {
    const { host, pathname, search } = new URL(url);
    const key = randomBytes(16).toString('base64');
    const own: Record<string, string | undefined> = {
      Host: Object.keys(headers).some((name) => name.toLowerCase() === 'host') ? undefined : host,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': key,
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Protocol': subprotocol,
      Origin: origin,
    };
    const lines = Object.entries({ ...own, ...headers }).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((text) => `${name}: ${text}`),
    );
    this.request = [`GET ${pathname}${search} HTTP/1.1`, ...lines].join('\r\n') + END_OF_HEAD;
    this.#accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    this.#subprotocol = subprotocol;
  }

  /**
   * Takes what arrived. Returns the bytes behind the response's head once that is complete and right.
   *
   * @throws HandshakeFault that says what is wrong with the response
   */
  receive(chunk: Buffer): Buffer | undefined {
    this.#received = Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) {
      if (this.#received.length > MAX_RESPONSE_BYTES) throw new HandshakeFault('the response has no end');
      return undefined;
    }
    this.#check(this.#received.toString('latin1', 0, end));
    return this.#received.subarray(end + END_OF_HEAD.length);
  }

  #check(head: string): void {
    const [status = '', ...lines] = head.split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      // A header that is repeated is a list (RFC 9110 §5.3).
      headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
    }
    if (!/^HTTP\/1\.1 101\b/.test(status)) {
      throw new HandshakeFault(`the server answered ${JSON.stringify(status.slice(0, 80))} instead of 101`);
    }
    const upgrade = headers.get('upgrade')?.toLowerCase();
    const tokens =
      headers
        .get('connection')
        ?.toLowerCase()
        .split(/\s*,\s*/) ?? [];
    if (upgrade !== 'websocket' || !tokens.includes('upgrade')) {
      throw new HandshakeFault('the response does not upgrade to websocket');
    }
    if (headers.get('sec-websocket-accept') !== this.#accept) {
      throw new HandshakeFault('the Sec-WebSocket-Accept of the response is wrong');
    }
    if (headers.has('sec-websocket-extensions')) {
      throw new HandshakeFault('the server chose an extension that was not offered');
    }
    const chosen = headers.get('sec-websocket-protocol');
    if (chosen !== this.#subprotocol) {
      const wanted = this.#subprotocol ?? 'none';
      throw new HandshakeFault(`the server chose subprotocol ${chosen ?? 'none'} instead of ${wanted}`);
    }
  }
}
