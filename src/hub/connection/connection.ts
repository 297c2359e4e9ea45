/**
 * One connection on the I/O thread: its state, its place in a shard, and what it is sent.
 *
 * States go one way: open → ending (takes no message any more, still sends) → closing (sends nothing any more) → gone.
 */
import { CloseCode } from '../../api/close-codes.js';
import type { ShedReason } from '../../api/reasons.js';
import type { SendStatus } from '../../api/send-status.js';
import { RECORD_OVERHEAD } from '../../telemetry/counters.js';
import { truncateReason } from '../../wire/close.js';
import type { ConnectionHost, ConnectionOrigin } from './connection-host.js';
import { ConnectionRecord } from './connection-record.js';
import { ConnectionState, type Ending } from './connection-state.js';
import { EngineBuffer } from './engine-buffer.js';
import { isOverBound, mayResume } from './in-flight.js';
import { dispose, type EnqueueVerdict, OutboundQueue, type QueuedMessage } from './outbound.js';
import { RateLimiter } from './rate-limit.js';
import { SendVerdict, type SocketListener, type SocketPort } from './socket-port.js';

export class Connection extends ConnectionRecord<Connection> implements SocketListener {
  readonly #port: SocketPort;
  readonly #host: ConnectionHost<Connection>;
  #queue: OutboundQueue | undefined;
  #engine = EngineBuffer.EMPTY;
  readonly #limiter: RateLimiter | undefined;
  #isCorked = false;
  #ending: Ending | undefined;
  /** True from when its queue has overflowed until that is told. */
  #hasOverflowed = false;
  #isPaused = false;

  constructor(origin: ConnectionOrigin<Connection>, port: SocketPort, host: ConnectionHost<Connection>) {
    super(origin);
    this.#port = port;
    this.#host = host;
    this.#limiter = host.limits.rateLimit && new RateLimiter(host.limits.rateLimit, host.clock);
  }

  /** Bytes of replies that the kernel did not take yet: in the queue, and in the engine as of the last look. */
  get bufferedBytes(): number {
    return this.#engine.bytes + this.queuedBytes;
  }

  /** Messages in its outbound queue, and their bytes. */
  get queuedMessages(): number {
    return this.#queue?.length ?? 0;
  }

  get queuedBytes(): number {
    return this.#queue?.bytes ?? 0;
  }

  /** True when nothing is queued and the engine's buffer is below the high-water mark. */
  get hasSpace(): boolean {
    return this.currentState < ConnectionState.Closing && !this.#engine.isBlocked && !this.#queue?.length;
  }

  /** The same, with what each reply costs beside its own. */
  get outboundWeight(): number {
    return this.bufferedBytes + this.queuedMessages * RECORD_OVERHEAD;
  }

  // What the socket says

  /** hot: once per message. */
  onMessage(source: Uint8Array, start: number, end: number, mask: number, isBinary: boolean): void {
    const { counters, limits } = this.#host;
    const length = end - start;
    if (!this.#mayGoOn(length, false)) return;
    if (this.currentState !== ConnectionState.Open) {
      counters.dropped.draining++;
      return;
    }
    if (length > limits.maxPayload) {
      counters.invalid['too-large']++;
      this.closeWhenIdle(CloseCode.MessageTooBig, `message over ${limits.maxPayload} bytes`);
      return;
    }
    this.accept(source, isBinary, start, end, mask);
  }

  /** Takes a message; false when it did not get in. The source is not read after the call. hot */
  accept(source: Uint8Array, isBinary: boolean, start = 0, end = source.length, mask = 0): boolean {
    const { counters, limits } = this.#host;
    const length = end - start;
    const isOver = isOverBound(this, length, limits);
    if (isOver || counters.inFlightWeight + length + RECORD_OVERHEAD > limits.maxInFlightBytes) {
      if (limits.overload === 'pause' && this.#port.canPause) this.#pause();
      else if (!this.#makeSpace(isOver)) return false;
    }
    counters.received++;
    counters.receivedBytes += length;
    this.shard.pushMessage(this, source, start, end, mask, isBinary);
    return true;
  }

  /** A bound is passed. True when the message may enter all the same. */
  #makeSpace(isOwnBound: boolean): boolean {
    const { counters, limits } = this.#host;
    if (limits.overload !== 'drop' && !isOwnBound) {
      this.#host.relieve();
      if (this.currentState === ConnectionState.Open) return true;
    }
    counters.dropped.overload++;
    if (limits.overload !== 'drop' && isOwnBound)
      this.shed('in-flight', CloseCode.TryAgainLater, 'too many messages in flight');
    return false;
  }

  /** True while its peer is not read, since too much of it is in flight. */
  get isPaused(): boolean {
    return this.#isPaused && this.currentState < ConnectionState.Closing;
  }

  /** The message that passes a bound gets in, and is the last one. */
  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#host.counters.readPauses++;
    this.#port.pause();
    this.#host.onPaused(this);
  }

  /** Reads it again, if it may be. True when it is not paused any more. */
  resume(): boolean {
    if (!this.isPaused) return true;
    if (!mayResume(this, this.#host.limits, this.#host.counters)) return false;
    this.#isPaused = false;
    this.#port.resume();
    return true;
  }

  onPing(payload: Uint8Array): void {
    if (!this.#mayGoOn(payload.length, true)) return;
    this.#host.onPing(this, payload);
    // Pongs go past the hub into the engine's buffer: a peer that pings and does not read must not fill it.
    this.#checkBuffer();
    if (this.#engine.isFlooded())
      this.shed('pings', CloseCode.PolicyViolation, 'slow consumer: too many pings');
  }

  onPong(payload: Uint8Array): void {
    if (!this.#host.onPong(this, payload)) this.#mayGoOn(payload.length, true);
  }

  /** Counts a message, or a ping or pong that nobody asked for. False when that was too much; a flood is cut off. hot */
  #mayGoOn(bytes: number, isControl: boolean): boolean {
    if (this.currentState >= ConnectionState.Closing) return true;
    const isOver = this.#host.meter.isOver(this, bytes, isControl);
    if (!isOver && (this.#limiter === undefined || this.#limiter.allow(bytes, isControl))) return true;
    if (isOver) this.shed('flood', CloseCode.TryAgainLater, 'overloaded: too much at once', true);
    else {
      this.#host.counters.invalid['rate-limit']++;
      this.cut = true;
      this.closeNow(CloseCode.PolicyViolation, 'rate limit');
    }
    return false;
  }

  onDrain(): void {
    // Not inside the engine's callback: a partly written send of 16 KiB or more made there can stall for good.
    this.#host.flushSoon(this);
  }

  onClose(code: number, reason: string): void {
    if (this.currentState === ConnectionState.Gone) return;
    // A socket that the hub tore down tells no code: the one that was meant is what happened.
    const own = this.currentState === ConnectionState.Closing ? this.#ending : undefined;
    this.currentState = ConnectionState.Gone;
    this.#host.meter.forget(this);
    this.#dropQueue();
    this.#engine = this.#engine.see(0, this.#host.limits.highWaterMark, this.#host.counters);
    this.#host.onGone(this, own?.code ?? code, own?.reason ?? reason, own !== undefined);
  }

  // What it is sent

  /** Sends or queues a reply. The bytes are not read after the call. hot: once per reply. */
  send(data: Uint8Array, isBinary: boolean): SendStatus {
    if (!this.#mayAccept(data)) return 'dropped';
    if (!this.#engine.isBlocked && (this.#queue === undefined || this.#queue.length === 0)) {
      this.#write(data, isBinary, false);
      return this.#engine.isBlocked ? 'queued' : 'accepted';
    }
    const queue = this.#openQueue(data.length);
    if (queue === undefined) return 'dropped';
    const status = this.#onQueued(queue.enqueueCopy(data, isBinary));
    // Behind what was published in this turn it waits for the turn's end, not for the peer.
    return status === 'queued' && !this.#engine.isBlocked ? 'accepted' : status;
  }

  /** Queues a message for the next turn: it shares the message with others, and its write with what else is queued. */
  post(message: QueuedMessage): boolean {
    if (!this.#mayAccept(message.data)) return false;
    const queue = this.#openQueue(message.data.length);
    if (queue === undefined) return false;
    const status = this.#onQueued(queue.enqueue(message, this.#engine.isBlocked));
    if (status === 'queued' && !this.#engine.isBlocked) this.#host.flushSoon(this);
    return status === 'queued';
  }

  /** The queue, with what it holds sent first if one turn would overflow that of a peer that keeps up. */
  #openQueue(bytes: number): OutboundQueue | undefined {
    if (!this.#engine.isBlocked && this.#queue?.isFull(bytes)) {
      if (this.#isCorked) this.#sendQueued();
      else this.flush();
      if (this.currentState >= ConnectionState.Closing) return undefined;
    }
    return (this.#queue ??= new OutboundQueue(this.#host.limits, this.#host.counters));
  }

  /** Sends a ping (RFC 6455 §5.5.2). False when the connection is not open any more. */
  ping(payload: Uint8Array): boolean {
    if (this.currentState >= ConnectionState.Closing) return false;
    this.#port.ping(payload);
    return true;
  }

  /** False, and counted, when nothing can be sent. hot */
  #mayAccept(data: Uint8Array): boolean {
    if (this.currentState < ConnectionState.Closing) return this.#mayBuffer(data);
    this.#host.counters.dropped['connection-gone']++;
    return false;
  }

  /** False, and counted, when it is to be dropped for the process's bound: each socket's buffer has a copy of its own. hot */
  #mayBuffer(data: Uint8Array): boolean {
    const { counters, limits } = this.#host;
    const isOver =
      limits.overload === 'drop' && counters.outboundWeight + data.length > limits.maxBufferedBytes;
    if (isOver) counters.dropped.overload++;
    return !isOver;
  }

  /** Runs `work`, which sends several replies, with as few writes as possible. */
  cork(work: () => void): void {
    if (this.currentState === ConnectionState.Gone) {
      work();
      return;
    }
    this.#isCorked = true;
    try {
      this.#port.cork(work);
    } finally {
      this.#isCorked = false;
    }
    // Inside a cork the engine's verdicts are optimistic.
    this.#checkBuffer();
    this.settle();
    if (this.wantsCredit) this.shard.grantCredit(this);
  }

  /** Sends what is queued, as far as the socket takes it. */
  flush(): void {
    if (this.currentState === ConnectionState.Gone) return;
    const waiting = this.#queue?.length ?? 0;
    // A peer that keeps up is not looked at before it is sent one message more.
    if (waiting !== 1 || this.#engine.bytes > 0) this.#checkBuffer();
    if (!this.#engine.isBlocked && waiting > 1) this.cork(() => this.#sendQueued());
    else {
      if (!this.#engine.isBlocked && waiting === 1) this.#sendQueued();
      this.settle();
    }
    if (this.wantsCredit) this.shard.grantCredit(this);
    if (!this.#engine.isBehind || this.#engine.isBlocked || (this.#queue?.length ?? 0) > 0) return;
    this.#host.counters.outboundWaitSeconds.observe(this.#engine.catchUp());
    if (this.currentState < ConnectionState.Closing) this.#host.onDrained(this);
  }

  // How it ends

  /** Closes after everything that has been sent so far; messages that have not entered the ring are dropped. */
  closeAfterQueue(code: number, reason: string): void {
    this.cut = true;
    this.shard.dropMessages(this);
    this.#end({ code, reason, whenIdle: false });
  }

  /** Takes no message any more, and closes once those that it has are answered and sent. */
  closeWhenIdle(code: number, reason: string): void {
    this.#end({ code, reason, whenIdle: true });
  }

  /** Closes at once; what is queued is dropped. */
  closeNow(code: number, reason: string): void {
    if (this.currentState >= ConnectionState.Closing) return;
    this.#startClosing(code, reason);
    this.settle();
  }

  /** Closes for a fault after what has been sent so far; messages that have not entered the ring are dropped. */
  fail(code: number, reason: string): void {
    if (this.currentState >= ConnectionState.Closing) return;
    this.cut = true;
    this.shard.dropMessages(this);
    this.currentState = ConnectionState.Ending;
    // A code that has been decided stays, unless it waits for answers that will not come.
    if (this.#ending === undefined || this.#ending.whenIdle) this.#ending = { code, reason, whenIdle: false };
    this.settle();
  }

  /** Closes at once to free memory. A peer that does not read could not see a close frame: it is cut off. */
  shed(why: ShedReason, code: number, reason: string, mustCutOff = false): void {
    if (this.currentState === ConnectionState.Gone) {
      this.shard.dropMessages(this);
      return;
    }
    this.#host.counters.shed++;
    this.#host.counters.shedFor[why]++;
    this.#host.onShed(this, reason);
    this.cut = true;
    const isStalled = this.#engine.bytes > this.#host.limits.highWaterMark;
    // Whoever heard that it is shed may have closed it.
    if (!(mustCutOff || isStalled) || this.#isCorked || this.currentState >= ConnectionState.Closing)
      this.closeNow(code, reason);
    else {
      this.#startClosing(code, reason);
      this.#port.terminate();
    }
  }

  #startClosing(code: number, reason: string): void {
    this.#dropQueue();
    this.currentState = ConnectionState.Closing;
    this.#ending = { code, reason, whenIdle: false };
  }

  /** Ends the socket if it is to end and nothing holds it back. */
  settle(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#isCorked || this.currentState === ConnectionState.Gone) return;
    if (this.#hasOverflowed) this.#host.onShed(this, ending.reason);
    this.#hasOverflowed = false;
    // Once it is closing, nothing is waited for: also when a cork put the end off.
    const atOnce = this.currentState === ConnectionState.Closing;
    if (!atOnce && (this.queuedMessages > 0 || (ending.whenIdle && this.inFlight > 0))) return;
    const left = this.#port.bufferedBytes();
    // The engine would cut a socket that is ended with a backlog after some seconds.
    if (left > 0 && !atOnce) return;
    this.currentState = ConnectionState.Closing;
    if (left > 0 && !this.#host.mayLinger(left)) this.#port.terminate();
    else this.#port.end(ending.code, truncateReason(ending.reason));
  }

  #end(ending: Ending): void {
    // What the handler asks for goes before a drain, which only waits for it.
    const mayReplace =
      this.currentState === ConnectionState.Ending && this.#ending?.whenIdle && !ending.whenIdle;
    if (this.currentState !== ConnectionState.Open && !mayReplace) return;
    this.currentState = ConnectionState.Ending;
    this.#ending = ending;
    this.settle();
  }

  #onQueued(verdict: EnqueueVerdict): SendStatus {
    const { counters, limits } = this.#host;
    // Where all are blocked nothing is to be sent, and no turn would look at the bound of the process.
    if (counters.outboundWeight > limits.maxBufferedBytes) this.#host.flushSoon(this);
    if (verdict !== 'overflow') return verdict;
    counters.dropped['slow-consumer'] += this.#queue!.clear() + 1;
    this.cut = true;
    this.#startClosing(CloseCode.PolicyViolation, 'slow consumer: the outbound queue is full');
    this.#hasOverflowed = true;
    // Later: whoever hears of it may publish, to others that are as slow, from within this very publish.
    if (!this.#isCorked) this.#host.flushSoon(this);
    return 'dropped';
  }

  #dropQueue(): void {
    this.#host.counters.dropped['connection-gone'] += this.#queue?.clear() ?? 0;
    this.#queue = undefined;
  }

  #write(data: Uint8Array, isBinary: boolean, isShared: boolean): void {
    const counters = this.#host.counters;
    counters.sent++;
    counters.sentBytes += data.length;
    if (this.#port.send(data, isBinary, isShared) !== SendVerdict.Sent && !this.#isCorked)
      this.#checkBuffer();
  }

  #checkBuffer(): void {
    if (this.currentState === ConnectionState.Gone) return;
    const { limits, counters } = this.#host;
    this.#engine = this.#engine.see(this.#port.bufferedBytes(), limits.highWaterMark, counters);
  }

  #sendQueued(): void {
    const queue = this.#queue!;
    let room = this.#host.limits.highWaterMark;
    for (let message = queue.shift(); message !== undefined; message = room > 0 ? queue.shift() : undefined) {
      if (this.#mayBuffer(message.data)) this.#write(message.data, message.isBinary, !message.isOwn);
      room -= message.data.length;
      dispose(message);
    }
    if (queue.length > 0) this.#host.flushSoon(this);
  }
}
