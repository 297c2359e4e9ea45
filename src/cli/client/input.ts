/** Where messages come from: flags, a clock, or the lines of a pipe. */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Message by message, with the kind that was asked for. */
export async function* asKind(
  messages: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  isBinary: boolean,
): AsyncGenerator<string | Uint8Array> {
  for await (const message of messages) yield isBinary ? toBytes(message) : toText(message);
}

function toBytes(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? Buffer.from(message) : message;
}

function toText(message: string | Uint8Array): string {
  if (typeof message === 'string') return message;
  if (!isUtf8(message)) throw new Error('a text has to be UTF-8; to send bytes: --binary');
  return Buffer.from(message).toString();
}

/** The current time, so often. A tick that nobody took is left out. */
export async function* clockTexts(everyMs: number, signal: AbortSignal): AsyncGenerator<string> {
  let next = performance.now();
  while (!signal.aborted) {
    next = Math.max(next + everyMs, performance.now());
    await sleep(next - performance.now(), undefined, { signal }).catch(() => {});
    if (!signal.aborted) yield new Date().toISOString();
  }
}

/** The lines of a stream, without their ends (LF or CRLF); an end of line at the end of the stream begins no line. */
export async function* lines(stream: Readable): AsyncGenerator<Uint8Array> {
  let parts: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield withoutReturn(Buffer.concat([...parts, chunk.subarray(from, at)]));
      parts = [];
      from = at + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) yield withoutReturn(Buffer.concat(parts));
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}
