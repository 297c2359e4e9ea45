/** Pings that the application sends, and the round trips that they measure. I/O thread. */
import { describe, HubError } from '../../api/errors.js';
import type { Counters } from '../../telemetry/counters.js';
import { Deque } from '../../util/deque.js';
import { asFrame } from '../../wire/frame.js';
import type { Connection } from '../connection/connection.js';
import { memberOf, type PendingPing } from '../connection/member.js';

/** Bytes that a control frame carries (RFC 6455 §5.5). */
const MAX_PAYLOAD_BYTES = 125;
/** Longest time that a pong is waited for. */
const MAX_TIMEOUT_MS = 86_400_000;

export class Pings {
  readonly #counters: Counters;
  #count = 0;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /**
   * Sends a ping and waits for its pong.
   *
   * @param payload at most 125 bytes; by default one that no other ping has
   * @returns the round trip in ms
   */
  async ping(
    connection: Connection,
    payload: string | Uint8Array | undefined,
    timeoutMs: number,
  ): Promise<number> {
    const data = payload === undefined ? this.#uniquePayload() : copyPayload(payload);
    if (data.byteLength > MAX_PAYLOAD_BYTES) {
      const why = `a ping carries at most ${MAX_PAYLOAD_BYTES} bytes (RFC 6455 §5.5), not ${data.byteLength}`;
      throw new HubError('ERR_ARGUMENT', why);
    }
    if (!(timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS)) {
      const why = `timeoutMs takes 1 to ${MAX_TIMEOUT_MS} (ms), not ${describe(timeoutMs)}`;
      throw new HubError('ERR_ARGUMENT', why);
    }
    if (!connection.ping(data)) throw closedError(connection);
    this.#counters.pingsSent++;
    return new Promise((resolve, reject) => {
      // A pong that came in time, while nothing was read, is read first.
      const expire = () =>
        setImmediate(() => {
          // Of a connection that was not read, nothing has come that could have been seen.
          if (connection.isPaused || pending.isHeld) {
            pending.isHeld = connection.isPaused;
            timer = setTimeout(expire, timeoutMs);
          } else this.#expire(connection, pending, timeoutMs);
        });
      let timer = setTimeout(expire, timeoutMs);
      const pending: PendingPing = {
        payload: data,
        sentAt: performance.now(),
        isHeld: connection.isPaused,
        settle(outcome) {
          clearTimeout(timer);
          if (typeof outcome === 'number') resolve(outcome);
          else reject(outcome);
        },
      };
      const member = memberOf(connection);
      member.pings ??= new Deque();
      member.pings.push(pending);
    });
  }

  /** A peer may answer only the newest of several pings (RFC 6455 §5.5.3): those before it are answered with it. */
  onPong(connection: Connection, payload: Uint8Array): number | undefined {
    if (connection.member?.pings === undefined) return undefined;
    const pending = [...connection.member.pings];
    const index = pending.findLastIndex((ping) => ping.payload.equals(payload));
    if (index < 0) return undefined;
    this.#counters.pongsReceived++;
    const now = performance.now();
    for (const ping of pending.slice(0, index + 1)) ping.settle(now - ping.sentAt);
    memberOf(connection).pings =
      index + 1 === pending.length ? undefined : Deque.from(pending.slice(index + 1));
    const roundTripMs = now - pending[index]!.sentAt;
    memberOf(connection).roundTripMs = roundTripMs;
    this.#counters.roundTripSumMs += roundTripMs;
    this.#counters.roundTripMaxMs = Math.max(this.#counters.roundTripMaxMs, roundTripMs);
    return roundTripMs;
  }

  /** It is not read any more. */
  onPaused(connection: Connection): void {
    for (const ping of connection.member?.pings ?? []) ping.isHeld = true;
  }

  onGone(connection: Connection): void {
    const member = connection.member;
    for (const ping of member?.pings ?? []) ping.settle(closedError(connection));
    if (member !== undefined) member.pings = undefined;
  }

  #expire(connection: Connection, expired: PendingPing, timeoutMs: number): void {
    const pings = [...(connection.member?.pings ?? [])];
    if (!pings.includes(expired)) return;
    this.#counters.pingTimeouts++;
    const left = pings.filter((ping) => ping !== expired);
    memberOf(connection).pings = left.length === 0 ? undefined : Deque.from(left);
    const why = `no pong came from the connection ${connection.id} within ${timeoutMs} ms`;
    expired.settle(new HubError('ERR_PING_TIMEOUT', why));
  }

  #uniquePayload(): Buffer {
    const payload = Buffer.allocUnsafe(8);
    payload.writeDoubleBE(++this.#count);
    return payload;
  }
}

function copyPayload(payload: unknown): Buffer {
  const bytes = asFrame(payload)?.bytes;
  if (bytes !== undefined) return Buffer.from(bytes);
  const why = `the payload of a ping is a string or a Uint8Array, not ${describe(payload)}`;
  throw new HubError('ERR_ARGUMENT', why);
}

function closedError(connection: Connection): HubError {
  return new HubError('ERR_CONNECTION_CLOSED', `the connection ${connection.id} is not open any more`);
}
