/**
 * A worker's service to its shard over one pair of rings: from when it begins until it stops or hands over. A thread has
 * one, and another one when what took over from it has gone back. Worker thread.
 */
import { MayLook, Spinner } from '../../util/spinner.js';
import { Arena } from '../../wire/arena.js';
import { parkWorker, step, stir, waitForRecords } from '../../wire/doorbell.js';
import { InboundReader } from '../../wire/inbound.js';
import { RingMemory } from '../../wire/layout.js';
import type { Note, Port, RuntimeSettings, Suspended } from '../../wire/worker-task.js';
import type { Handlers } from '../handlers.js';
import type { LogWriter } from '../log/log-writer.js';
import type { MemoryWatch } from '../memory-watch.js';
import { Runtime } from '../runtime.js';
import { openTimings } from '../watch/measure.js';
import type { Output } from './output.js';
import { suspendAll } from './suspension.js';

export interface SessionHost {
  readonly doorbell: Port;
  readonly settings: RuntimeSettings;
  readonly handlers: Handlers;
  readonly log: LogWriter;
  readonly watch: MemoryWatch | undefined;
  /** A `Stop` record came. */
  onStop(): void;
}

export class Session {
  readonly #host: SessionHost;
  readonly #runtime: Runtime;
  #hasBegun = false;

  constructor(output: Output, host: SessionHost) {
    this.#host = host;
    const { doorbell, settings, handlers, log, watch } = host;
    const { memory, control, replies } = output;
    log.attach(output);
    const spinner = new Spinner(settings.spin, settings.spinGate, MayLook.All, { looks: 0, lookHits: 0 });
    const inbound = new InboundReader(control, new RingMemory(memory.inbound), new Arena(memory.arena));
    const hasRecords = () => inbound.refresh();
    const ring = () => doorbell.postMessage(null);
    const runtimeHost = {
      waitForRecords: () => spinner.look(hasRecords) || waitForRecords(control, inbound),
      park: () => parkWorker(control, inbound),
      stir: () => {
        if (stir(control)) ring();
      },
      step: () => step(control),
      notifyIoThread: () => {
        output.notifyIoThread();
        watch?.look();
      },
      stopped: () => host.onStop(),
    };
    const timings = openTimings(memory, handlers.list.length);
    this.#runtime = new Runtime(
      handlers.list,
      settings,
      inbound,
      replies,
      log,
      runtimeHost,
      handlers.access,
      timings,
    );
  }

  /** @param state what the worker before it has kept */
  async begin(state: Uint8Array | undefined): Promise<void> {
    await this.#host.handlers.resume(state, this.report);
    this.#hasBegun = true;
    this.#runtime.wake();
  }

  wake(): void {
    if (this.#hasBegun) this.#runtime.wake();
  }

  takeNote(note: Note): void {
    this.#runtime.takeNote(note);
  }

  /** Finishes what has begun, and says what is kept for the worker that takes over. */
  async suspend(): Promise<void> {
    const { doorbell, settings, handlers } = this.#host;
    const answer: Suspended = {
      suspended: true,
      state: await suspendAll(this.#runtime, handlers, settings.reloadTimeoutMs),
    };
    doorbell.postMessage(answer);
  }

  /** Something of the handler failed that belongs to no connection. */
  readonly report = (thrown: unknown): void => this.#runtime.report(thrown);
}
