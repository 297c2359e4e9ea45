/**
 * Several hub processes on one port: starts them, starts what dies again, drains them all, and replaces one after the other.
 * It knows neither sockets nor handlers. Supervisor's thread.
 */
import type { ChildProcess } from 'node:child_process';
import { type Exit, HubProcess } from './hub-process.js';
import type { Facts, Setup } from './messages.js';

/** Before a process is started again: so long, twice as long after each failure, and at most so long. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** What has been up for so long has not failed to start. */
const STEADY_MS = 30_000;
/** What processes have to end, when one of them could not start. */
const ABANDON_MS = 1000;

export interface SupervisorHost {
  fork(): ChildProcess;
  /** @param port that of the others; undefined for the first one */
  setup(index: number, port: number | undefined): Setup;
  /** Something happened to a one. */
  tell(text: string): void;
  onGone(one: HubProcess): void;
}

export class Supervisor {
  /** It is about to stop: while it waits for load balancers, everything goes on. */
  isDraining = false;
  /** Processes that were started again since they ended by themselves. */
  restarts = 0;
  readonly #host: SupervisorHost;
  /** The one that serves, by number; those that drain are not among them. */
  readonly #slots: (HubProcess | undefined)[] = [];
  readonly #all = new Set<HubProcess>();
  /** In a row, by number. */
  readonly #failures: number[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #count = 0;
  #port: number | undefined;
  #rolling: Promise<void> | undefined;
  #isStopping = false;

  constructor(host: SupervisorHost) {
    this.#host = host;
  }

  /** Those that serve, by number; undefined for one that has ended. */
  get processes(): readonly (HubProcess | undefined)[] {
    return this.#slots;
  }

  /** Those too that are about to serve, or drain. */
  get all(): Iterable<HubProcess> {
    return this.#all;
  }

  /**
   * Starts the first one, and once that is up the others: what is wrong with the options is told once.
   *
   * @returns what the first one told, or how one ended that could not start; then the others have ended too
   */
  async start(count: number): Promise<Facts | Exit> {
    this.#count = count;
    const first = this.#fork(0);
    this.#slots.push(first);
    if (await first.isUp) {
      this.#port = first.facts!.port;
      for (let index = 1; index < count; index++) this.#slots.push(this.#fork(index));
    }
    const processes = this.#slots as HubProcess[];
    const up = await Promise.all(processes.map(({ isUp }) => isUp));
    const failed = processes[up.indexOf(false)];
    if (failed !== undefined) {
      await this.abandon();
      return failed.exited;
    }
    for (const one of processes) this.#watch(one);
    return first.facts!;
  }

  /** Drains all, at the same time. */
  async stop(signal: 'SIGTERM' | 'SIGINT', timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#all].map((one) => one.stop(signal, timeoutMs)));
  }

  /** Ends all, which have hardly begun. */
  abandon(): Promise<void> {
    return this.stop('SIGTERM', ABANDON_MS);
  }

  hurry(): void {
    for (const one of this.#all) one.hurry();
  }

  /** Loads the handlers afresh, in all. */
  reload(): void {
    for (const one of this.#all) one.reload();
  }

  /**
   * Replaces one after the other: a new one is up before the old one takes nothing more, and that has ended before the next
   * is replaced. One that does not start leaves the rest as it is. Called again meanwhile, it begins again when it is done.
   *
   * @param drainMs what each may take to drain
   * @returns whether all were replaced
   */
  async roll(count: number, drainMs: number): Promise<boolean> {
    let hasReplaced = true;
    const before = this.#rolling;
    const rolling = (before ?? Promise.resolve()).then(async () => {
      hasReplaced = await this.#roll(count, drainMs);
    });
    this.#rolling = rolling;
    await rolling;
    if (this.#rolling === rolling) this.#rolling = undefined;
    return hasReplaced;
  }

  async #roll(count: number, drainMs: number): Promise<boolean> {
    const before = this.#count;
    this.#count = count;
    for (let index = 0; index < Math.max(before, count) && !this.#isStopping; index++) {
      const next = index < count ? this.#fork(index) : undefined;
      if (next !== undefined && !(await next.isUp)) {
        this.#count = Math.max(before, index);
        if (!this.#isStopping)
          this.#host.tell(`process ${index} could not be replaced: nothing more has changed`);
        return false;
      }
      const old = this.#slots[index];
      this.#slots[index] = next;
      if (next !== undefined) this.#watch(next);
      await old?.stop('SIGTERM', drainMs);
    }
    this.#slots.length = Math.min(this.#slots.length, count);
    return !this.#isStopping;
  }

  #fork(index: number): HubProcess {
    const one = new HubProcess(this.#host.fork(), this.#host.setup(index, this.#port));
    this.#all.add(one);
    void one.exited.then(() => {
      this.#all.delete(one);
      this.#host.onGone(one);
    });
    return one;
  }

  /** From now on, it is started again when it ends by itself. */
  #watch(one: HubProcess): void {
    const { index } = one;
    void one.exited.then((exit) => {
      if (this.#isStopping || this.#slots[index] !== one) return;
      this.#slots[index] = undefined;
      const wasSteady = one.facts !== undefined && Date.now() - one.startedAt >= STEADY_MS;
      const failures = wasSteady ? 0 : (this.#failures[index] ?? 0);
      this.#failures[index] = failures + 1;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      this.#host.tell(
        `process ${index} (pid ${one.pid}) ended ${howOf(exit)}: it is started again in ${pauseMs} ms`,
      );
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (index >= this.#count || this.#slots[index] !== undefined) return;
        this.restarts++;
        this.#watch((this.#slots[index] = this.#fork(index)));
      }, pauseMs);
      this.#timers.add(timer);
    });
  }
}

function howOf({ code, signal }: Exit): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}
