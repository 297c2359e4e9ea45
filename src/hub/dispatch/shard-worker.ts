/**
 * The place of a shard's worker: who has it, who stands by, and how it goes from one to the next, because the worker has died or
 * because it hands over. I/O thread.
 */
import { HubError, type HubErrorCode } from '../../api/errors.js';
import type { HandlerInfo } from '../../api/reload.js';
import type { ShardState } from '../../api/stats.js';
import { within } from '../../util/within.js';
import { CONTROL_BYTES } from '../../wire/layout.js';
import type { HandlerHooks } from '../../wire/worker-task.js';
import type { Connection } from '../connection/connection.js';
import type { CreditEntry } from '../connection/connection-record.js';
import type { InboundQueue } from './inbound-queue.js';
import type { Rings } from './rings.js';
import { UNKNOWN_HOOKS, WorkerLife } from './worker-life.js';
import type { WorkerExit, WorkerLink } from './worker-link.js';

/** A worker that was told to hand over, and has not by its deadline, gets so long before it counts as stuck. */
const STUCK_MS = 500;

/** A worker that has handed over, and what it keeps for the next one; or why it ended before it could. */
export type HandedOver =
  | { readonly life: WorkerLife; readonly state: Uint8Array | undefined }
  | { readonly exit: WorkerExit };

/** What it needs of its shard. */
export interface ShardWorkerHost {
  readonly index: number;
  readonly queue: InboundQueue;
  makeLink(): WorkerLink;
  makeRings(): Rings;
  /** Its connections. */
  own(): Iterable<Connection & CreditEntry>;
  schedule(): void;
  /** Applies all replies. */
  applyAll(): void;
  /** What was handed over to it is not taken any more. */
  onFenced(): void;
  /** It is in a loop: its thread is about to be ended. */
  onStuck(): void;
  /** It did not stop in time and was ended. */
  onLateStop(): void;
  /** It has ended by itself, and costs these connections. */
  onExit(exit: WorkerExit, victims: readonly Connection[]): void;
}

export class ShardWorker {
  readonly #host: ShardWorkerHost;
  #state: ShardState = 'down';
  #isResting = false;
  #isHandingOver = false;
  #isLate = false;
  #life: WorkerLife | undefined;
  /** One that has handed over and may have to take over again. */
  #standby: WorkerLife | undefined;
  #control = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES)) as Int32Array;
  #hooks = UNKNOWN_HOOKS;
  #loaded: HandlerInfo | undefined;
  #starts = 0;
  #starting: Promise<void> = Promise.resolve();

  constructor(host: ShardWorkerHost) {
    this.#host = host;
  }

  get state(): ShardState {
    return this.#state;
  }

  /** True from too many crashes until a worker serves again. */
  get isResting(): boolean {
    return this.#isResting && this.#state !== 'up';
  }

  /** True from when the worker is to hand over until another one has taken over. */
  get isHandingOver(): boolean {
    return this.#isHandingOver;
  }

  /** The worker of now; undefined while there is none, and from when one has handed over until the next takes over. */
  get life(): WorkerLife | undefined {
    return this.#life;
  }

  /** The words that are shared with it. */
  get control(): Int32Array {
    return this.#control;
  }

  get hooks(): HandlerHooks {
    return this.#hooks;
  }

  /** What the worker runs, or the last one that there was; undefined before the first. */
  get loaded(): HandlerInfo | undefined {
    return this.#loaded;
  }

  /** Times that another worker has served. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /** Resolves when no worker is starting. */
  get settled(): Promise<void> {
    return this.#starting;
  }

  /** @see Shard.start */
  start(): Promise<void> {
    const starting = this.#start();
    this.#starting = starting.catch(() => {});
    return starting;
  }

  async #start(): Promise<void> {
    if (this.#state !== 'down' && this.#state !== 'resting') {
      throw new HubError('ERR_HUB_STATE', `a shard that is ${this.#state} cannot start`);
    }
    const standby = this.takeStandby();
    if (standby !== undefined) return this.takeOver(standby);
    const life = this.#makeLife(this.#host.makeLink());
    this.#life = life;
    this.#control = life.rings.control;
    this.#state = 'starting';
    try {
      await life.start(false);
    } catch (error) {
      // What its handlers have written to the log.
      this.#host.applyAll();
      this.#fellDown();
      throw error;
    }
    if (this.isStopped) throw new HubError('ERR_HUB_STATE', 'the hub stops');
    this.#adopt(life);
  }

  get isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #fellDown(): void {
    if (this.#state === 'starting') this.#state = 'down';
  }

  /** @see Shard.stop */
  async stop(timeoutMs: number): Promise<void> {
    const life = this.#life;
    if (this.#state !== 'up' || this.#isHandingOver || life === undefined) return this.kill('the hub stops');
    this.#host.queue.enqueueStop();
    this.#host.queue.flush();
    life.wake();
    this.#state = 'stopped';
    await Promise.all([this.#end(life, timeoutMs), this.dropStandby(timeoutMs)]);
    // The handler's `stop` may have failed.
    this.#host.applyAll();
  }

  async #end({ link }: WorkerLife, timeoutMs: number): Promise<void> {
    if (await within(link.finished(), timeoutMs)) return;
    await link.kill('it did not stop in time');
    this.#host.onLateStop();
  }

  /** Ends it, for good. */
  async kill(reason: string): Promise<void> {
    this.#state = 'stopped';
    await Promise.all([this.#life?.link.kill(reason), this.#standby?.link.kill(reason)]);
  }

  /** False when it has stopped. */
  rest(): boolean {
    if (this.isStopped) return false;
    this.#state = 'resting';
    this.#isResting = true;
    return true;
  }

  /** Ends its thread, which is replaced. @param code of the error when it was about to start */
  replace(reason: string, code: HubErrorCode): void {
    void this.#life?.link.kill(reason, code);
  }

  // Handing over

  /**
   * Loads the handlers in a thread that stands by, to take over from the worker of now.
   *
   * @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER`; nothing has changed then
   */
  async prepare(link: WorkerLink): Promise<WorkerLife> {
    const life = this.#makeLife(link);
    try {
      await life.start(true);
    } finally {
      this.#applyLate(life);
    }
    return life;
  }

  /**
   * Lets the worker finish what it has begun, and takes the rest back; messages wait from here on, until `takeOver`.
   *
   * @param timeoutMs what has begun gets so long, and then costs its connection; 0 is no limit
   */
  async suspend(timeoutMs: number): Promise<HandedOver> {
    const life = this.#life!;
    const { link, rings } = life;
    const port = link.handOver!;
    this.#isHandingOver = true;
    const taken = rings.handOver();
    this.#host.onFenced();
    this.#host.queue.pause(taken, port.note);
    const suspended = port.suspend();
    this.#host.schedule();
    // The hooks that suspend may take as long as those that finish.
    const over = Promise.race([suspended, link.finished()]);
    if (timeoutMs === 0) await over;
    else if (!(await within(over, 2 * timeoutMs + STUCK_MS))) {
      this.#host.onStuck();
      await link.kill('a hook did not finish in time');
    }
    if (life.exit !== undefined) return { exit: life.exit };
    const { state } = await suspended;
    this.#host.applyAll();
    this.#life = undefined;
    this.#detach(true);
    this.#applyLate(life);
    return { life, state };
  }

  /** A worker that stands by serves from here on. @param state what the one before has kept */
  takeOver(life: WorkerLife, state?: Uint8Array): void {
    if (this.isStopped) throw new HubError('ERR_HUB_STATE', 'the hub stops');
    life.begin(state);
    this.#adopt(life);
    // It has died since it was ready.
    if (life.exit !== undefined) this.#onExit(life, life.exit);
  }

  /** The worker that has handed over may have to take over again. */
  keepStandby(life: WorkerLife): void {
    if (life.exit === undefined) this.#standby = life;
  }

  /** The worker that had handed over, to take over again. */
  takeStandby(): WorkerLife | undefined {
    const life = this.#standby;
    this.#standby = undefined;
    life?.renew(this.#host.makeRings());
    return life;
  }

  /** It is not needed any more. */
  async dropStandby(timeoutMs: number): Promise<void> {
    const life = this.#standby;
    this.#standby = undefined;
    if (life !== undefined) await this.retire(life, timeoutMs);
  }

  /** Ends a worker that has handed over. */
  async retire(life: WorkerLife, timeoutMs: number): Promise<void> {
    life.link.handOver!.end();
    await this.#end(life, timeoutMs);
    this.#applyLate(life);
    life.giveBackRings();
  }

  /** True while what a worker says is applied that has handed over, or stands by. */
  get isLate(): boolean {
    return this.#isLate;
  }

  #applyLate(life: WorkerLife): void {
    this.#isLate = true;
    try {
      life.applyLate();
    } finally {
      this.#isLate = false;
    }
  }

  #makeLife(link: WorkerLink): WorkerLife {
    return new WorkerLife(link, this.#host.makeRings(), {
      // Never work here: a local runtime notifies from inside a handler, and a port delivers many notes in a row.
      onDoorbell: (life) => {
        if (life === this.#life) this.#host.schedule();
        else this.#applyLate(life);
      },
      applyReplies: () => this.#host.applyAll(),
      onExit: (life, exit) => this.#onExit(life, exit),
    });
  }

  #adopt(life: WorkerLife): void {
    this.#life = life;
    this.#control = life.rings.control;
    this.#hooks = life.hooks;
    this.#loaded = { shard: this.#host.index, ...life.link.loaded, loadedAt: life.loadedAt };
    this.#state = 'up';
    this.#isResting = false;
    this.#isHandingOver = false;
    this.#starts++;
    this.#host.queue.attach(life.rings.inbound);
    this.#host.queue.resume([...this.#host.own()], life.hooks);
  }

  /** It has ended without being asked to: what was finished is applied, what had begun costs its connections. */
  #onExit(life: WorkerLife, exit: WorkerExit): void {
    if (life === this.#standby) this.#standby = undefined;
    if (life !== this.#life) this.#applyLate(life);
    if (this.#state !== 'up' || life !== this.#life) return;
    // First of all: a thread that was left behind may come back, and must not begin what another one is going to get.
    const taken = life.rings.close();
    this.#host.onFenced();
    this.#host.applyAll();
    // What it goes on to say concerns nobody.
    this.#life = undefined;
    this.#state = 'down';
    this.#host.queue.pause(taken);
    this.#host.onExit(exit, this.#detach(false));
    life.giveBackRings();
  }

  #detach(isHandOver: boolean): Connection[] {
    const own = [...this.#host.own()];
    for (const connection of own) connection.wantsCredit = false;
    return this.#host.queue.detach(own, isHandOver);
  }
}
