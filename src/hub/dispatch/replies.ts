/**
 * Applies what a worker's handlers asked for: sends, closes, failures, and the end of each message. I/O thread.
 */
import type { FailureRecord } from '../../api/bad-message.js';
import { decodeClose } from '../../wire/close.js';
import * as Flag from '../../wire/flag.js';
import { connectionId } from '../../wire/id.js';
import type { InboundWriter } from '../../wire/inbound.js';
import { REPLY_HEADER_BYTES } from '../../wire/layout.js';
import { decodePublish, type PublishRecord } from '../../wire/publish.js';
import type { ReplyReader } from '../../wire/replies.js';
import * as Reply from '../../wire/reply-kind.js';
import type { LogRecord } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import { Parts } from './parts.js';

/** What handlers ask of the topics. */
export interface FanOut {
  subscribe(connection: Connection, topic: string): void;
  unsubscribe(connection: Connection, topic: string): void;
  /** `record.data` is not to be read after the call. */
  publish(connection: Connection | undefined, record: PublishRecord, isBinary: boolean): void;
}

export interface ReplySink {
  /** Records of a connection have finished. `connection` is undefined when it has left the table. */
  onDone(connection: Connection | undefined, records: number, bytes: number): void;
  /** A hook failed, or was too late. */
  onFailure(connection: Connection | undefined, failure: FailureRecord): void;
  /** A handler wrote a line. @param id of its connection, of which may be nothing left */
  onLog(id: string | undefined, line: LogRecord): void;
  /** A record waits in the worker and has not begun. */
  onDeferred(connection: Connection, position: number): void;
  /** The oldest record that waited so begins. */
  onBegun(connection: Connection): void;
  /** A handler asks for something; `payload` is its own. */
  onRequest(connection: Connection | undefined, payload: Uint8Array): void;
  /** What the handler keeps of a connection for the worker that takes over; the sink's to keep. */
  onSuspended(connection: Connection, state: Uint8Array): void;
  /** The worker is to be told when there is room for more. */
  onCreditAsked(connection: Connection): void;
}

/** Bytes that one cork gathers before the socket's buffer is looked at again. */
const CORK_BYTES = 64 * 1024;
/** The clock is read once for so many replies, or so many bytes. */
const CLOCK_REPLIES = 32;
const CLOCK_BYTES = 256 * 1024;

export class ReplyApplier {
  readonly #reader: ReplyReader;
  readonly #inbound: InboundWriter;
  readonly #connections: Connections;
  readonly #sink: ReplySink;
  readonly #fanOut: FanOut;
  readonly #parts = new Parts();
  #corked: Connection | undefined;
  /** Bytes since the clock was read. */
  #sinceClock = 0;

  constructor(
    reader: ReplyReader,
    inbound: InboundWriter,
    connections: Connections,
    sink: ReplySink,
    fanOut: FanOut,
  ) {
    this.#reader = reader;
    this.#inbound = inbound;
    this.#connections = connections;
    this.#sink = sink;
    this.#fanOut = fanOut;
  }

  /**
   * Applies what has been committed, until a point in time (ms of `performance.now()`).
   *
   * @returns false when the time was up before the end
   */
  apply(deadline: number): boolean {
    const reader = this.#reader;
    if (!reader.refresh()) return true;
    let count = 0;
    let inTime = true;
    this.#sinceClock = 0;
    while (inTime && reader.next()) {
      const connection = this.#connections.get(reader.slot, reader.generation);
      if (connection !== undefined && reader.peek(reader.slot, reader.generation)) {
        this.#corked = connection;
        connection.cork(this.#applyRun);
        this.#corked = undefined;
      } else {
        this.#applyOne(connection);
        if (reader.isDone) this.#sink.onDone(connection, 1, reader.doneBytes);
      }
      if (++count < CLOCK_REPLIES && this.#sinceClock < CLOCK_BYTES) continue;
      count = 0;
      this.#sinceClock = 0;
      inTime = performance.now() < deadline;
    }
    reader.release();
    return inTime;
  }

  /** All replies in a row for one connection: what they finish is accounted for once. */
  readonly #applyRun = (): void => {
    const reader = this.#reader;
    const connection = this.#corked!;
    const { slot, generation } = connection;
    let room = CORK_BYTES;
    let records = 0;
    let bytes = 0;
    do {
      this.#applyOne(connection);
      room -= bytesOf(reader);
      if (!reader.isDone) continue;
      records++;
      bytes += reader.doneBytes;
    } while (room > 0 && reader.peek(slot, generation) && reader.next());
    if (records > 0) this.#sink.onDone(connection, records, bytes);
  };

  /** Does what a reply asks for, but for what it finishes. hot: once per reply. */
  #applyOne(connection: Connection | undefined): void {
    const reader = this.#reader;
    this.#sinceClock += bytesOf(reader);
    const { flags } = reader;
    switch (reader.kind) {
      case Reply.Echo:
        connection?.send(this.#inbound.payloadAt(reader.source), (flags & Flag.Binary) !== 0);
        break;
      case Reply.Send:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#send(connection);
        break;
      case Reply.Defer:
        if (connection !== undefined) this.#sink.onDeferred(connection, reader.source);
        break;
      case Reply.Begin:
        if (connection !== undefined) this.#sink.onBegun(connection);
        break;
      case Reply.Credit:
        if (connection !== undefined) this.#sink.onCreditAsked(connection);
        break;
      case Reply.Close: {
        const { code, reason } = decodeClose(reader.view());
        connection?.closeAfterQueue(code, reason);
        break;
      }
      case Reply.Subscribe:
        if (connection !== undefined) this.#fanOut.subscribe(connection, this.#text());
        break;
      case Reply.Unsubscribe:
        if (connection !== undefined) this.#fanOut.unsubscribe(connection, this.#text());
        break;
      case Reply.Publish:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#fanOut.publish(connection, decodePublish(this.#payload()), (flags & Flag.Binary) !== 0);
        break;
      case Reply.Request:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#sink.onRequest(connection, this.#payload().slice());
        break;
      case Reply.Abandon:
        this.#parts.drop();
        break;
      case Reply.Suspended:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#keep(connection);
        break;
      case Reply.Failure:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#fail(connection);
        break;
      case Reply.Log:
        if ((flags & Flag.More) !== 0) this.#parts.add(reader.view(), reader.source);
        else this.#log();
        break;
    }
  }

  #send(connection: Connection | undefined): void {
    // Put together even when nobody is left to get it: the parts must not end up in somebody else's reply.
    const payload = this.#payload();
    connection?.send(payload, (this.#reader.flags & Flag.Binary) !== 0);
  }

  #keep(connection: Connection | undefined): void {
    const state = this.#payload();
    if (connection !== undefined) this.#sink.onSuspended(connection, state.slice());
  }

  #fail(connection: Connection | undefined): void {
    const failure = JSON.parse(this.#text()) as FailureRecord;
    this.#sink.onFailure(connection, failure);
  }

  #log(): void {
    const { slot, generation } = this.#reader;
    const line = JSON.parse(this.#text()) as LogRecord;
    this.#sink.onLog(generation === 0 ? undefined : connectionId(slot, generation), line);
  }

  #text(): string {
    return Buffer.from(this.#payload()).toString('utf8');
  }

  /** The payload at hand, put together when it came in parts; valid until the next one. */
  #payload(): Uint8Array {
    const last = this.#reader.view();
    return this.#parts.isEmpty ? last : this.#parts.finish(last);
  }
}

/** Bytes that a reply sends; an echo sends the message that it finishes, more often than not. */
function bytesOf(reader: ReplyReader): number {
  return REPLY_HEADER_BYTES + (reader.kind === Reply.Echo ? reader.doneBytes : reader.length);
}
