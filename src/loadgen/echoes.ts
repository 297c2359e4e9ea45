/**
 * The receiving half of a connection: frames out of chunks, and every echo against the message that it should
 * be. Echoes come in order and unfragmented from a server that is right, so each is compared in place, header
 * and all, with the one frame that can come next. Only what differs is parsed and classified.
 */
import type { Findings } from './findings.js';
import { FrameFault, type FrameHeader, Opcode, parseFrameHeader, serverHeader, viewOf } from './frames.js';
import { highOf, MIN_SIZE, parseHead, payloadTemplate, toWord } from './message.js';
import type { LatencyRecorder } from './recorder.js';
import type { SendTimes } from './times.js';

/** Up to here words are compared one by one; a call of `memcmp` costs more. */
const MAX_COMPARED_BY_WORD = 256;
const SLACK_BYTES = 65_536;

/** What an echo looks like; the same for all connections of a run. */
export class EchoShape {
  readonly opcode: number;
  readonly size: number;
  readonly headerLength: number;
  readonly frameLength: number;
  /** Connection 0's message 0 as it comes back. */
  readonly frame: Buffer;
  readonly view: DataView;
  readonly payload: Buffer;

  constructor(size: number, binary: boolean) {
    this.opcode = binary ? Opcode.binary : Opcode.text;
    this.size = size;
    const header = serverHeader(this.opcode, size);
    this.payload = payloadTemplate(size);
    this.frame = Buffer.concat([header, this.payload]);
    this.view = viewOf(this.frame);
    this.headerLength = header.length;
    this.frameLength = this.frame.length;
  }
}

/** What the frames that are no echoes ask of the connection. */
export interface ControlFrames {
  onPing(payload: Buffer): void;
  onClose(payload: Buffer): void;
}

export class Echoes {
  /** Messages that were sent: the number of the next one. */
  sent = 0;
  /** Echoes that came, each counted once. */
  received = 0;
  readonly #id: number;
  readonly #idWord: number;
  readonly #shape: EchoShape;
  readonly #findings: Findings;
  readonly #recorder: LatencyRecorder;
  readonly #control: ControlFrames;
  #times: SendTimes;
  /** The message whose echo has to come next. */
  #next = 0;
  #nextHigh = toWord(0);
  /** Messages below `#next` whose echo did not come. */
  #missing: Set<number> | undefined;
  /** The beginning of a frame whose rest is in a later chunk. */
  #held: Buffer = Buffer.alloc(0);
  #heldView = viewOf(this.#held);
  #heldLength = 0;

  constructor(
    id: number,
    shape: EchoShape,
    times: SendTimes,
    recorder: LatencyRecorder,
    findings: Findings,
    control: ControlFrames,
  ) {
    this.#id = id;
    this.#idWord = toWord(id);
    this.#shape = shape;
    this.#times = times;
    this.#recorder = recorder;
    this.#findings = findings;
    this.#control = control;
  }

  /** For an open loop, whose first message is due at a time that is known when all connections are open. */
  set times(times: SendTimes) {
    this.#times = times;
  }

  /** Messages whose echo did not come yet. */
  get outstanding(): number {
    return this.sent - this.#next + (this.#missing?.size ?? 0);
  }

  /**
   * Takes a chunk, which may be overwritten afterwards. Returns how many messages it answers.
   *
   * @throws FrameFault for what ends the connection
   */
  // hot: once per chunk
  read(bytes: Buffer, view: DataView, length: number, now: number): number {
    const before = this.received;
    let at = this.#heldLength > 0 ? this.#completeHeld(bytes, length, now) : 0;
    at = this.#scan(bytes, view, at, length, now);
    if (at < length) this.#hold(bytes, at, length);
    return this.received - before;
  }

  /** Reads whole frames and returns where the first incomplete one starts. */
  // hot: once per message inside
  #scan(bytes: Buffer, view: DataView, start: number, end: number, now: number): number {
    const { frameLength } = this.#shape;
    let at = start;
    while (at < end) {
      if (end - at >= frameLength && this.#isNext(bytes, view, at)) {
        this.#recorder.record(now - this.#times.of(this.#next));
        this.#expect(this.#next + 1);
        this.received++;
        at += frameLength;
      } else {
        const used = this.#readOther(bytes, at, end, now);
        if (used === 0) break;
        at += used;
      }
    }
    return at;
  }

  // hot: once per message
  #isNext(bytes: Buffer, view: DataView, at: number): boolean {
    const { headerLength, frameLength, frame, view: expected } = this.#shape;
    const head = at + headerLength;
    if (
      view.getInt32(head + 8) !== toWord(this.#next) ||
      view.getInt32(head) !== this.#idWord ||
      view.getInt32(head + 4) !== this.#nextHigh ||
      this.#next >= this.sent ||
      view.getInt16(at) !== expected.getInt16(0)
    ) {
      return false;
    }
    for (let i = 2; i < headerLength; i++) if (bytes[at + i] !== frame[i]) return false;
    const body = headerLength + MIN_SIZE;
    if (frameLength - body > MAX_COMPARED_BY_WORD) {
      return bytes.compare(frame, body, frameLength, at + body, at + frameLength) === 0;
    }
    let i = body;
    for (; i + 4 <= frameLength; i += 4) if (view.getInt32(at + i) !== expected.getInt32(i)) return false;
    for (; i < frameLength; i++) if (bytes[at + i] !== frame[i]) return false;
    return true;
  }

  #expect(number: number): void {
    this.#next = number;
    if ((number & 0xffffff) === 0) this.#nextHigh = toWord(highOf(number));
  }

  /** A frame that is not the echo that comes next: its bytes, or 0 while it is not all there. */
  #readOther(bytes: Buffer, at: number, end: number, now: number): number {
    const header = parseFrameHeader(bytes, at, end);
    if (header === undefined) return 0;
    this.#refuseUnreadable(header);
    const start = at + header.headerLength;
    const frameEnd = start + header.payloadLength;
    if (frameEnd > end) return 0;
    const payload = bytes.subarray(start, frameEnd);
    if (header.opcode === Opcode.ping) this.#control.onPing(payload);
    else if (header.opcode === Opcode.close) {
      this.#control.onClose(payload);
      // Nothing counts behind it (RFC 6455 §5.5.1).
      return end - at;
    } else if (header.opcode !== Opcode.pong) this.#classify(header, payload, now);
    return frameEnd - at;
  }

  #refuseUnreadable({ opcode, isFinal, payloadLength }: FrameHeader): void {
    if (opcode === Opcode.continuation || !isFinal) {
      throw new FrameFault('a reply came in fragments, which this load generator does not put together');
    }
    const limit = 2 * this.#shape.size + SLACK_BYTES;
    if (payloadLength <= limit) return;
    throw new FrameFault(`a message of ${payloadLength} bytes came for one of ${this.#shape.size} bytes`);
  }

  /** Says what is wrong with a message that is not the echo that comes next. */
  #classify({ opcode }: FrameHeader, payload: Buffer, now: number): void {
    const head = parseHead(payload);
    if (head === undefined || head.connection !== this.#id || head.number >= this.sent) {
      const text = `a message of ${payload.length} bytes came that is the echo of no message sent`;
      this.#findings.note('unexpected', () => this.#say(text));
      return;
    }
    const { number } = head;
    const isIntact =
      opcode === this.#shape.opcode &&
      payload.length === this.#shape.size &&
      payload.subarray(MIN_SIZE).equals(this.#shape.payload.subarray(MIN_SIZE));
    if (!isIntact) {
      this.#findings.note('corrupt', () => this.#say(`the echo of message ${number} differs from it`));
    }
    if (number >= this.#next) this.#skipTo(number, now);
    else if (this.#missing?.delete(number)) {
      this.received++;
      this.#findings.note('reordered', () => this.#say(`the echo of message ${number} came too late`));
    } else this.#findings.note('repeated', () => this.#say(`the echo of message ${number} came again`));
  }

  /** The echo of `number` came: those before it are late, or lost. */
  #skipTo(number: number, now: number): void {
    for (let missing = this.#next; missing < number; missing++) (this.#missing ??= new Set()).add(missing);
    this.#recorder.record(now - this.#times.of(number));
    this.#next = number;
    this.#nextHigh = toWord(highOf(number));
    this.#expect(number + 1);
    this.received++;
  }

  /** Counts what will not come any more. */
  giveUp(): void {
    const lost = this.outstanding;
    if (lost === 0) return;
    const [first = this.#next] = this.#missing ?? [];
    this.#findings.note('lost', () => this.#say(`message ${first} was not answered`), lost);
  }

  #say(text: string): string {
    return `connection ${this.#id}: ${text}`;
  }

  /** Completes the held frame from a chunk, and returns where the next frame starts in it. */
  #completeHeld(bytes: Buffer, length: number, now: number): number {
    let at = 0;
    while (at < length) {
      const header = parseFrameHeader(this.#held, 0, this.#heldLength);
      if (header !== undefined) this.#refuseUnreadable(header);
      // Until its header is complete, how long the frame is is not known.
      const total = header && header.headerLength + header.payloadLength;
      const wanted = (total ?? this.#heldLength + 1) - this.#heldLength;
      const end = Math.min(length, at + wanted);
      if (end > at) this.#hold(bytes, at, end, total);
      at = end;
      if (this.#heldLength === total) break;
    }
    const used = this.#scan(this.#held, this.#heldView, 0, this.#heldLength, now);
    if (used > 0) this.#heldLength = 0;
    return at;
  }

  #hold(bytes: Buffer, start: number, end: number, total = this.#shape.frameLength): void {
    const length = this.#heldLength + end - start;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, total));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
      this.#heldView = viewOf(larger);
    }
    bytes.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = length;
  }
}
