/** HTTP/1.1 over a bare socket: requests as exact bytes, answers parsed. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { ByteReader } from '../protocol/byte-reader.js';

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An open connection that does not outlive its test. @param address a TCP port, or the path of a Unix socket */
export async function dial(address: number | string): Promise<{ socket: Socket; reader: ByteReader }> {
  const socket =
    typeof address === 'string'
      ? connect(address)
      : connect({ host: '127.0.0.1', port: address, noDelay: true });
  const reader = new ByteReader(socket);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, reader };
}

/** Reads one answer; the body is empty for a 101. */
export async function readResponse(reader: ByteReader, hasBody = true): Promise<RawResponse> {
  const head = (await reader.takeThrough('\r\n\r\n')).toString('latin1');
  const [statusLine = '', ...lines] = head.trimEnd().split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(statusLine.split(' ')[1] ?? 0);
  const bodyless = !hasBody || status === 101;
  return { status, headers, body: bodyless ? '' : await readBody(reader, headers) };
}

async function readBody(reader: ByteReader, headers: Record<string, string>): Promise<string> {
  if (headers['transfer-encoding'] !== 'chunked') {
    const length = headers['content-length'];
    const body = length === undefined ? await reader.takeRest() : await reader.take(Number(length));
    return body?.toString() ?? '';
  }
  const parts: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt((await reader.takeThrough('\r\n')).toString(), 16);
    const part = await reader.take(size + 2);
    if (!part || size === 0) return Buffer.concat(parts).toString();
    parts.push(part.subarray(0, size));
  }
}

/** Sends a request as it is and reads the answer. */
export async function rawRequest(port: number, request: string | Uint8Array): Promise<RawResponse> {
  const { socket, reader } = await dial(port);
  socket.write(request);
  const response = await readResponse(reader, !request.toString().startsWith('HEAD '));
  socket.destroy();
  return response;
}
