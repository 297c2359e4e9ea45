/** A thread that generates load: its share of the connections, through all phases of the run. */
import { parentPort, workerData } from 'node:worker_threads';
import { FrameBatch } from './batch.js';
import { Connection, type Shared } from './connection.js';
import { EchoShape } from './echoes.js';
import { Findings } from './findings.js';
import { viewOf } from './frames.js';
import { Meter } from './meter.js';
import { LatencyRecorder } from './recorder.js';
import { Schedule } from './schedule.js';
import { Stop } from './stop.js';
import type { LoadPhase, ThreadNote, ThreadOrder, ThreadReport, ThreadTask } from './thread-messages.js';
import { SentTimes } from './times.js';

const READ_BUFFER_BYTES = 65_536;
/** Handshakes at a time: more would overflow the server's queue of connections to accept. */
const MAX_OPENING = 100;
const PROGRESS_MS = 200;
/** Messages that are not answered when nothing came for so long are lost. */
const SILENCE_MS = 5000;
const DRAIN_POLL_MS = 5;
const CLOSE_TIMEOUT_MS = 1000;

class LoadThread {
  readonly #task: ThreadTask;
  readonly #port = parentPort!;
  readonly #stop = new Stop();
  readonly #findings = new Findings();
  readonly #recorder = new LatencyRecorder();
  readonly #connections: Connection[] = [];
  readonly #started: Promise<number>;
  readonly #meter = new Meter(() => ({
    messages: this.#received,
    sends: this.#schedule?.sends ?? 0,
    lateSends: this.#schedule?.lateSends ?? 0,
    idleTurnsMs: this.#schedule?.idleMs ?? 0,
  }));
  #schedule: Schedule | undefined;
  #phase: LoadPhase = 'open';
  #opened = 0;
  #received = 0;
  /** Closed loop: an answer makes room for the next message. */
  #refills = false;

  constructor(task: ThreadTask) {
    this.#task = task;
    this.#started = new Promise((resolve) => {
      this.#port.on('message', (order: ThreadOrder) => {
        if ('stop' in order) this.#stop.stop();
        else resolve(order.startAt);
      });
    });
  }

  async run(): Promise<void> {
    const progress = setInterval(() => this.#postProgress(), PROGRESS_MS);
    await this.#openAll();
    await this.#load();
    await this.#closeAll();
    clearInterval(progress);
    this.#post({ kind: 'done', report: this.#report() });
    this.#port.close();
  }

  async #openAll(): Promise<void> {
    const { options, firstId, connections } = this.#task;
    const shared = this.#share();
    const beganAt = performance.now();
    let next = firstId;
    const openSome = async () => {
      while (next < firstId + connections && !this.#stop.stopped) {
        const id = next++;
        await this.#stop.sleepUntil(beganAt + (id * options.rampMs) / options.connections);
        if (this.#stop.stopped) return;
        const connection = new Connection(id, new SentTimes(options.inFlight), shared);
        this.#connections[id - firstId] = connection;
        await this.#stop.orStopped(connection.open());
        if (connection.isOpen) this.#opened++;
      }
    };
    await Promise.all(Array.from({ length: Math.min(MAX_OPENING, connections) }, openSome));
  }

  #share(): Shared {
    const { options } = this.#task;
    const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const shape = new EchoShape(options.size, options.binary);
    return {
      options,
      shape,
      batch: new FrameBatch(shape.opcode, shape.payload, options.rate === undefined ? options.inFlight : 64),
      recorder: this.#recorder,
      findings: this.#findings,
      readBuffer,
      readView: viewOf(readBuffer),
      onAnswered: (connection, count, now) => {
        this.#received += count;
        if (this.#refills) connection.send(count, now);
      },
      onBroken: () => {
        this.#stop.stop();
        this.#post({ kind: 'broken' });
      },
    };
  }

  async #load(): Promise<void> {
    const { warmupMs, durationMs } = this.#task.options;
    if (this.#stop.stopped) return;
    this.#post({ kind: 'opened' });
    const startAt = await this.#stop.orStopped(this.#started);
    if (startAt === undefined) return;
    const startsAt = startAt - performance.timeOrigin;
    await this.#stop.sleepUntil(startsAt);
    if (this.#stop.stopped) return;
    this.#phase = 'warmup';
    this.#startSending(startsAt);
    await this.#stop.sleepUntil(startsAt + warmupMs);
    if (!this.#stop.stopped) {
      this.#phase = 'measure';
      this.#recorder.clear();
      this.#meter.begin();
      await this.#stop.sleepUntil(performance.now() + durationMs);
      if (!this.#stop.stopped) this.#schedule?.finish();
      this.#meter.end();
    }
    this.#refills = false;
    this.#schedule?.stop();
    await this.#drain();
  }

  #startSending(startsAt: number): void {
    const { rate, inFlight, connections } = this.#task.options;
    if (rate === undefined) {
      this.#refills = true;
      for (const connection of this.#connections) connection.send(inFlight, performance.now());
      return;
    }
    this.#schedule = new Schedule(this.#connections, connections, rate, startsAt, () => this.#received);
    this.#schedule.start();
  }

  /** Waits for the echoes of what was sent, as long as any come. */
  async #drain(): Promise<void> {
    if (this.#stop.stopped) return;
    this.#phase = 'drain';
    let received = this.#received;
    let heardAt = performance.now();
    while (this.#connections.some(({ echoes }) => echoes.outstanding > 0)) {
      await this.#stop.sleepUntil(performance.now() + DRAIN_POLL_MS);
      if (this.#stop.stopped) return;
      const now = performance.now();
      if (this.#received > received) heardAt = now;
      else if (now - heardAt > SILENCE_MS) break;
      received = this.#received;
    }
    for (const { echoes } of this.#connections) echoes.giveUp();
  }

  async #closeAll(): Promise<void> {
    // A run that was stopped while it opened may have holes.
    const connections = this.#connections.filter((connection) => connection !== undefined);
    const ended = Promise.all(connections.map((connection) => connection.close()));
    const timer = setTimeout(() => {
      for (const connection of connections) connection.destroy();
    }, CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  #report(): ThreadReport {
    const { errors, first } = this.#findings;
    // It was stopped in its warm-up.
    if (this.#phase === 'warmup') this.#recorder.clear();
    return { ...this.#meter.read(), histogram: this.#recorder.encode(), errors, firstError: first };
  }

  #postProgress(): void {
    const { messages, seconds } = this.#meter.read();
    const [phase, opened] = [this.#phase, this.#opened];
    this.#post({ kind: 'progress', progress: { phase, opened, messages, elapsedMs: seconds * 1000 } });
  }

  #post(note: ThreadNote): void {
    this.#port.postMessage(note);
  }
}

await new LoadThread(workerData as ThreadTask).run();
