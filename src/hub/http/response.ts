/** Sends a `Response` of the Fetch standard as the answer to an HTTP request, no faster than the client reads. */
import { STATUS_CODES } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, HubError } from '../../api/errors.js';
import type { HeaderList } from '../../util/headers.js';
import { asBytes } from '../../wire/bytes.js';
import type { HttpExchange, ResponseStream } from './exchange-port.js';

type Chunk = Uint8Array<ArrayBufferLike>;
type Reader = ReadableStreamDefaultReader<Chunk>;

/** Written by the engine, or of the connection and not of the response. */
const RESERVED =
  /^(connection|content-length|date|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;
/** A body up to this size that is there as a whole is sent as one, with its length. */
const WHOLE_BYTES = 1024 * 1024;
/** No content, reset content, not modified. */
const BODILESS = [204, 205, 304];
/** Of the first piece after the client did not keep up: it finds out whether all before has left. */
const PROBE_BYTES = 1024;

/**
 * Resolves when everything has left, or `signal` has aborted: the client is left without a response, or without its end.
 *
 * @param signal aborts when the client is gone, or waited for long enough
 * @param maxGathered bytes of the largest body that is sent where it cannot be sent in pieces
 * @throws HubError `ERR_DATA_TYPE` for what is no response, or cannot be sent; whatever the body's stream fails with
 */
export async function sendResponse(
  exchange: HttpExchange,
  response: Response,
  signal: AbortSignal,
  maxGathered: number,
): Promise<void> {
  const { status, headers } = readHead(response);
  const reader = response.body?.getReader() as Reader | undefined;
  const onAbort = () => void reader?.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', onAbort);
  try {
    if (signal.aborted || exchange.isOver) onAbort();
    else if (exchange.method === 'HEAD' || BODILESS.includes(response.status)) {
      onAbort();
      exchange.respondWithoutBody(status, headers, lengthOf(response, exchange.method));
    } else if (reader === undefined) exchange.respond(status, headers, '');
    else if (exchange.isIsolated) {
      await sendWhole(exchange, status, headers, await gather(reader, maxGathered), signal);
    } else await sendBody(exchange, status, headers, reader, signal);
  } catch (error) {
    reader?.cancel(error).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Resolves when the body has left, or is not waited for any more; then it may not be whole, and nothing is sent. */
function sendWhole(
  exchange: HttpExchange,
  status: string,
  headers: HeaderList,
  body: string | Chunk,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
    exchange.respond(status, headers, body, false, resolve);
  });
}

async function sendBody(
  exchange: HttpExchange,
  status: string,
  headers: HeaderList,
  reader: Reader,
  signal: AbortSignal,
): Promise<void> {
  const first = await readChunk(reader);
  // What comes later is not waited for: the first chunk may be an event.
  const second = first === undefined ? undefined : readChunk(reader);
  second?.catch(() => {});
  const length = first?.byteLength ?? 0;
  const isWhole = first === undefined || (await Promise.race([second, nextTurn(MORE)])) === undefined;
  if ((first?.byteLength ?? 0) !== length) throw bad('a body whose memory was transferred meanwhile');
  if (isWhole && length <= WHOLE_BYTES) {
    await sendWhole(exchange, status, headers, first ?? '', signal);
    return;
  }
  const stream = exchange.stream(status, headers, first!.subarray(0, PROBE_BYTES));
  if (stream === undefined) return;
  try {
    const write = pacedWriter(stream, signal);
    await write(first!.subarray(PROBE_BYTES));
    let chunk = await second;
    while (chunk !== undefined && !signal.aborted) {
      await write(chunk);
      chunk = await readChunk(reader);
    }
    // The client must not take what it has for all there is.
    if (signal.aborted) stream.terminate();
    else stream.end();
  } catch (error) {
    stream.terminate();
    throw error;
  }
}

/** Stands for a chunk that is not there yet. */
const MORE = new Uint8Array(1);

/** What it returns resolves when more may be written, or not any more. */
function pacedWriter(stream: ResponseStream, signal: AbortSignal): (chunk: Chunk) => Promise<void> {
  let wake = (): void => {};
  /** True until the client has taken something of what is buffered, and until it has taken all of it. */
  let mustWait = false;
  let isBehind = false;
  const onWritable = () => {
    mustWait = false;
    wake();
  };
  stream.onWritable(onWritable);
  signal.addEventListener('abort', onWritable);
  return async (chunk) => {
    const { byteLength } = chunk;
    for (let at = 0; at < byteLength; ) {
      if (mustWait)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (signal.aborted) return;
      const end = at + (isBehind ? PROBE_BYTES : stream.pieceBytes);
      isBehind = !stream.write(chunk.subarray(at, end));
      mustWait = isBehind;
      at = end;
    }
  };
}

/** The next chunk that is not empty; undefined at the end. */
async function readChunk(reader: Reader): Promise<Chunk | undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const bytes = asBytes(value);
    if (bytes === undefined) throw bad(`a body with ${describe(value)} but takes Uint8Arrays`);
    if (bytes.byteLength > 0) return bytes;
  }
}

/** The whole body. */
async function gather(reader: Reader, maxBytes: number): Promise<Chunk> {
  const chunks: Chunk[] = [];
  let size = 0;
  for (let chunk = await readChunk(reader); chunk !== undefined; chunk = await readChunk(reader)) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw bad(
        `a body over ${maxBytes} bytes (maxQueueBytes), which cannot be sent in pieces to a proxy (proxyProtocol, Upgrade)`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Duck-typed: an application may bring a `Response` of its own. */
function readHead(response: Response): { status: string; headers: HeaderList } {
  const isResponse = typeof response?.status === 'number' && typeof response.headers?.forEach === 'function';
  if (!isResponse) throw bad(`${describe(response)} but takes a Response or undefined`);
  const { status, statusText } = response;
  if (!(status >= 200 && status <= 599)) throw bad(`the status ${status} but takes 200 to 599`);
  const headers: (readonly [string, string])[] = [];
  response.headers.forEach((value, name) => {
    if (/[\r\n\0]|[^\0-\xff]/.test(name + value))
      throw bad(`a header ${describe(name)} with a line break, or a character of more than one byte`);
    if (!RESERVED.test(name.toLowerCase())) headers.push([name, value]);
  });
  const text = /^[\t\x20-\x7e]+$/.test(statusText) ? statusText : (STATUS_CODES[status] ?? 'Unknown');
  return { status: `${status} ${text}`, headers };
}

/** What a response to HEAD says of the body that it leaves out. */
function lengthOf({ headers }: Response, method: string): number | undefined {
  const length = headers.get('content-length');
  return method === 'HEAD' && length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function bad(what: string): HubError {
  return new HubError('ERR_DATA_TYPE', `the handler of HTTP requests returned ${what}`);
}
