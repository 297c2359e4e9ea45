/**
 * One life of a shard's worker: its thread, and the rings that the shard shares with it. It may stand by before it serves, and
 * after it has handed over. I/O thread.
 */
import { parkIoThread, WorkerSleep, wakeWorker } from '../../wire/doorbell.js';
import type { HandlerHooks } from '../../wire/worker-task.js';
import type { Rings } from './rings.js';
import type { WorkerExit, WorkerLink } from './worker-link.js';

export interface WorkerLifeHost {
  /** Replies are there. */
  onDoorbell(life: WorkerLife): void;
  applyReplies(): void;
  onExit(life: WorkerLife, exit: WorkerExit): void;
}

/** What a worker is told of until it has said which hooks its handlers have. */
export const UNKNOWN_HOOKS: HandlerHooks = { open: true, close: true, topicLost: [], resume: false };

export class WorkerLife {
  readonly link: WorkerLink;
  readonly #host: WorkerLifeHost;
  #rings: Rings;
  #hooks = UNKNOWN_HOOKS;
  #exit: WorkerExit | undefined;
  #loadedAt = new Date();
  /** Rings that are not those of its task. */
  #isRenewed = false;

  constructor(link: WorkerLink, rings: Rings, host: WorkerLifeHost) {
    this.link = link;
    this.#rings = rings;
    this.#host = host;
  }

  get rings(): Rings {
    return this.#rings;
  }

  get hooks(): HandlerHooks {
    return this.#hooks;
  }

  /** When its handlers were loaded. */
  get loadedAt(): Date {
    return this.#loadedAt;
  }

  /** Why its thread has ended; undefined while it has not. */
  get exit(): WorkerExit | undefined {
    return this.#exit;
  }

  /** Before it is up, lines for the log are all that it says. @throws as {@link WorkerLink.start} does */
  async start(isStandby: boolean): Promise<void> {
    const events = {
      onDoorbell: () => this.#host.onDoorbell(this),
      applyReplies: () => this.#host.applyReplies(),
      onExit: (exit: WorkerExit) => {
        this.#exit = exit;
        this.#host.onExit(this, exit);
      },
    };
    if (isStandby) parkIoThread(this.#rings.control, false);
    this.#hooks = await this.link.start(this.#rings.memory, events, isStandby);
    this.#loadedAt = new Date();
  }

  /** True when it slept. hot: once per batch */
  wake(): boolean {
    const before = wakeWorker(this.#rings.control);
    if (before === WorkerSleep.Parked) this.link.notify();
    return before !== WorkerSleep.Awake;
  }

  /** It has handed over and is to serve again: over new rings, since the old ones hold what others have had. */
  renew(rings: Rings): void {
    this.#rings = rings;
    this.#isRenewed = true;
  }

  /** Its thread has ended, and all that it has said is applied: its rings are for another one. */
  giveBackRings(): void {
    if (!this.link.isAbandoned) this.#rings.giveBack();
  }

  /** It serves from here on. @param state what the worker before has kept */
  begin(state: Uint8Array | undefined): void {
    this.link.handOver!.begin(state, this.#isRenewed ? this.#rings.memory : undefined);
  }

  /** What it says while it does not serve: lines for the log, what it publishes, and that its `stop` has failed. */
  applyLate(): void {
    do {
      this.#rings.apply(Number.POSITIVE_INFINITY);
      parkIoThread(this.#rings.control, false);
    } while (this.#rings.replies.refresh());
  }
}
