/** One of the processes that a supervisor has started: where it is in its life. Supervisor's thread. */
import type { ChildProcess } from 'node:child_process';
import type { Facts, FromProcess, Setup, ToProcess } from './messages.js';

/** `starting` → `up` → `draining` → `gone`. */
export type ProcessState = 'starting' | 'up' | 'draining' | 'gone';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long it has, after what a drain may take, before it is ended. */
const GRACE_MS = 5000;
/** What a process that is to hurry has: its own second, and the time to be heard. */
const HURRY_MS = 2000;

export class HubProcess {
  readonly index: number;
  readonly startedAt = Date.now();
  /** False: it ended before it was up. */
  readonly isUp: Promise<boolean>;
  readonly exited: Promise<Exit>;
  state: ProcessState = 'starting';
  facts: Facts | undefined;
  /** The last that it has told of itself. */
  last: Extract<FromProcess, { type: 'last' }> | undefined;
  readonly adminPath: string;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, setup: Setup) {
    this.index = setup.index;
    this.adminPath = setup.adminPath;
    this.#child = child;
    // What cannot be told any more is no fault: how it ends is seen.
    child.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.state = 'gone';
        resolve({ code, signal });
      });
      // It could not even be started.
      child.once('error', () => child.pid === undefined && resolve({ code: 1, signal: null }));
    });
    this.isUp = new Promise((resolve) => {
      child.on('message', (message: FromProcess) => {
        if (message.type === 'last') this.last = message;
        if (message.type !== 'ready' || this.state !== 'starting') return;
        this.facts = message.facts;
        this.state = 'up';
        resolve(true);
      });
      void this.exited.then(() => resolve(false));
    });
    this.#tell(setup);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Drains it, and ends it should that take too long. Resolves when it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGINT', timeoutMs: number): Promise<Exit> {
    if (this.state === 'gone') return this.exited;
    this.state = 'draining';
    this.#tell({ type: 'stop', signal, timeoutMs });
    return this.#endAfter(timeoutMs + GRACE_MS);
  }

  /** Shortens what `stop` has begun. */
  hurry(): void {
    this.#tell({ type: 'hurry' });
    void this.#endAfter(HURRY_MS);
  }

  reload(): void {
    if (this.state === 'up') this.#tell({ type: 'reload' });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #endAfter(ms: number): Promise<Exit> {
    const timer = setTimeout(() => this.kill(), ms);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(message: ToProcess): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}
