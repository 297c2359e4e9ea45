/** HTTP as a well-behaved client speaks it: `node:http` with promises. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http';

export interface Answer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
  readonly reusedSocket: boolean;
}

/** Any request of `node:http`, with the body that came back. */
export function fetchRaw(
  url: string,
  options: RequestOptions = {},
  ...chunks: (string | Uint8Array)[]
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, async (message) => {
      const parts: Buffer[] = [];
      for await (const part of message) parts.push(part);
      resolve({
        message,
        status: message.statusCode ?? 0,
        type: message.headers['content-type'] ?? '',
        body: Buffer.concat(parts),
        reusedSocket: outgoing.reusedSocket,
      });
    });
    outgoing.once('error', reject);
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
  });
}

/** `POST /echo` with one body. */
export function post(url: string, body: string | Uint8Array, type = 'text/plain'): Promise<Answer> {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  return fetchRaw(`${url}/echo`, { method: 'POST', headers }, body);
}
