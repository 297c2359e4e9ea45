/**
 * A request of node:http, with its headers as the hub has them, and the decision whether it is a handshake. node:http
 * takes every request with `Upgrade` for one that leaves HTTP, where somebody listens for any. I/O thread.
 */
import { IncomingMessage } from 'node:http';
import type { Headers } from '../../../http/exchange-port.js';

export class NodeRequest extends IncomingMessage {
  /** Set by the parser, in the base class's constructor first. */
  declare asksForUpgrade: boolean | null | undefined;
  declare cachedFields: Headers | undefined;

  /** True when it leaves HTTP. Read and written by node:http. */
  get upgrade(): boolean {
    return this.asksForUpgrade === true && this.isHandshake();
  }

  set upgrade(isAsked: boolean | null) {
    // At the end of a request it is looked at again.
    if (isAsked !== true || this.asksForUpgrade !== true) this.asksForUpgrade = isAsked;
  }

  /** All headers as UTF-8, names in lower case; those that came twice are joined. */
  get fields(): Headers {
    this.cachedFields ??= joinHeaders(this.rawHeaders);
    return this.cachedFields;
  }

  get path(): string {
    const url = this.url ?? '';
    const mark = url.indexOf('?');
    return mark < 0 ? url : url.slice(0, mark);
  }

  /** Without `?`. */
  get query(): string {
    const url = this.url ?? '';
    const mark = url.indexOf('?');
    return mark < 0 ? '' : url.slice(mark + 1);
  }

  get hasBody(): boolean {
    const { 'content-length': length, 'transfer-encoding': encoding } = this.fields;
    return encoding !== undefined || /[^0]/.test(length ?? '');
  }

  /** Something else may come behind it than requests: a proxy may pass on whatever its client sends. */
  get isLast(): boolean {
    return this.asksForUpgrade === true || /websocket/i.test(this.fields.upgrade ?? '');
  }

  protected isHandshake(): boolean {
    return false;
  }
}

/** @param paths those with a WebSocket endpoint */
export function requestClass(paths: readonly string[]): typeof NodeRequest {
  const endpoints = new Set(paths);
  return class extends NodeRequest {
    // RFC 6455 §4.1; HTTP/1.0 has no upgrades (RFC 9110 §7.8).
    protected override isHandshake(): boolean {
      const isNew = this.httpVersionMajor === 1 && this.httpVersionMinor >= 1;
      if (!isNew || this.method !== 'GET' || !endpoints.has(this.path)) return false;
      return /websocket/i.test(this.fields.upgrade ?? '') && !this.hasBody;
    }
  };
}

/** @param raw names and values in turn, of one byte a character */
function joinHeaders(raw: readonly string[]): Headers {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = decode(raw[i + 1]!);
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

function decode(value: string): string {
  return /[^\0-\x7f]/.test(value) ? Buffer.from(value, 'latin1').toString() : value;
}
