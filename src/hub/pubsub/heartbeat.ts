/** The application's heartbeat: a message to every connection at a fixed beat, beside the protocol's pings. */
import type { Payload } from '../../api/payload.js';

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly payload: string | Uint8Array;
  /** Send it as a binary frame. */
  readonly binary: boolean;
}

/** A slow peer gets the newest beat only. No topic can have this name. */
const KEY = '';

export class Heartbeat {
  readonly #intervalMs: number;
  readonly #payload: Payload;
  readonly #send: (payload: Payload, key: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeartbeatOptions, send: (payload: Payload, key: string) => void) {
    this.#intervalMs = options.intervalMs;
    const bytes = Buffer.from(options.payload as Uint8Array);
    this.#payload = options.binary ? bytes : bytes.toString('utf8');
    this.#send = send;
  }

  start(): void {
    this.#timer = setInterval(() => this.#send(this.#payload, KEY), this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
