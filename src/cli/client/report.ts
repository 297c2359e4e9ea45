/** What the client tells: lines for people, or one JSON object per event for scripts. Data goes to stdout, the rest to stderr. */
import { escapeControls, safeJson } from '../terminal/escape.js';
import type { Failure } from './failure.js';
import { formatBytes, formatMs, hexdump, showText } from './text.js';

/** Where lines go. */
export interface Sink {
  /** Whether people look at it. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  writeLine(line: string): void;
}

export interface Received {
  readonly data: Buffer;
  readonly isBinary: boolean;
  /** Milliseconds since the message was sent that it is taken to answer, if there is one. */
  readonly rttMs: number | undefined;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
  /** With a close frame from the server. */
  readonly isClean: boolean;
  /** Who began. */
  readonly by: 'client' | 'server';
}

export interface Pinged {
  /** Milliseconds; `undefined` when no pong came. */
  readonly rttMs: number | undefined;
  /** Why it counts as dead. */
  readonly cause?: string;
}

export type Problem = Pick<Failure, 'message' | 'hint' | 'code'>;

export interface Report {
  open(url: URL, subprotocol: string): void;
  message(received: Received): void;
  close(closed: Closed): void;
  error(problem: Problem): void;
  ping(pinged: Pinged): void;
  /** What is no event, for people. */
  note(text: string): void;
}

const MAX_HEX_BYTES = 512;
const MAX_TEXT_ON_TERMINAL = 8192;
const DIM = '2';
const RED = '31';

export class HumanReport implements Report {
  readonly #out: Sink;
  readonly #err: Sink;

  constructor(out: Sink, err: Sink) {
    this.#out = out;
    this.#err = err;
  }

  open(url: URL, subprotocol: string): void {
    const chosen = subprotocol === '' ? '' : `, subprotocol ${subprotocol}`;
    this.note(`connected to ${withoutCredentials(url)}${chosen}`);
  }

  /** On a terminal with time, kind, size and round-trip time; elsewhere the data alone. */
  message({ data, isBinary, rttMs }: Received): void {
    const limit = this.#out.isTerminal ? MAX_TEXT_ON_TERMINAL : Number.POSITIVE_INFINITY;
    const shown = isBinary ? hexdump(data, MAX_HEX_BYTES) : showText(data.toString(), limit);
    this.#out.writeLine(this.#out.isTerminal ? `${this.#head(data, isBinary, rttMs)}${shown}` : shown);
  }

  #head({ length }: Buffer, isBinary: boolean, rttMs: number | undefined): string {
    const facts = [isBinary ? 'binary' : 'text', formatBytes(length)];
    if (rttMs !== undefined) facts.push(formatMs(rttMs));
    const head = paint(this.#out, DIM, `${clock(new Date())} < ${facts.join(', ')}`);
    return head + (isBinary && length > 0 ? '\n' : '  ');
  }

  close(closed: Closed): void {
    this.note(describeClose(closed));
  }

  error({ message, hint }: Problem): void {
    const text = escapeControls(hint === undefined ? message : `${message} (${hint})`);
    this.#err.writeLine(paint(this.#err, RED, `shardhub: ${text}`));
  }

  ping({ rttMs, cause }: Pinged): void {
    this.#out.writeLine(
      rttMs === undefined ? `dead: ${escapeControls(cause ?? '')}` : `alive: ${formatMs(rttMs)}`,
    );
  }

  note(text: string): void {
    this.#err.writeLine(paint(this.#err, DIM, `shardhub: ${escapeControls(text)}`));
  }
}

function describeClose({ code, reason, isClean, by }: Closed): string {
  if (!isClean && by === 'client') return 'closed, but the server did not answer the close frame';
  if (!isClean) return 'the connection was lost: it ended without a close frame (1006)';
  const how = code === 1005 ? 'without a code' : `with ${code}${reason === '' ? '' : ` ${reason}`}`;
  return by === 'client' ? `closed cleanly, ${how}` : `closed by the server, ${how}`;
}

export class JsonReport implements Report {
  readonly #out: Sink;
  /** Errors are told to people as well. */
  readonly #people: Report;

  constructor(out: Sink, err: Sink) {
    this.#out = out;
    this.#people = new HumanReport(out, err);
  }

  open(url: URL, subprotocol: string): void {
    this.#write('open', { url: withoutCredentials(url), subprotocol });
  }

  message({ data, isBinary, rttMs }: Received): void {
    const kind = isBinary ? 'binary' : 'text';
    const content = data.toString(isBinary ? 'base64' : 'utf8');
    this.#write('message', { kind, size: data.length, rttMs: rounded(rttMs), data: content });
  }

  close({ code, reason, isClean, by }: Closed): void {
    this.#write('close', { code, reason, clean: isClean, by });
  }

  error(problem: Problem): void {
    const { code, message, hint } = problem;
    this.#write('error', { code, message, hint });
    this.#people.error(problem);
  }

  ping({ rttMs, cause }: Pinged): void {
    this.#write('ping', { alive: rttMs !== undefined, rttMs: rounded(rttMs), cause });
  }

  note(): void {}

  #write(event: string, facts: object): void {
    this.#out.writeLine(safeJson({ event, time: new Date().toISOString(), ...facts }));
  }
}

/** To a microsecond, which is as far as the clock is worth it. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}

function paint(sink: Sink, style: string, text: string): string {
  return sink.hasColours ? `\u001b[${style}m${text}\u001b[0m` : text;
}

/** Local time to the millisecond. */
function clock(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

function withoutCredentials(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}
