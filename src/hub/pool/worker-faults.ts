/** What is counted, logged and told when a hook fails or is late, or a thread is stuck; and what it costs the connection. I/O thread. */
import { url as inspectorUrl } from 'node:inspector';
import type { FailureRecord } from '../../api/bad-message.js';
import { CloseCode } from '../../api/close-codes.js';
import type { ResolvedOptions } from '../../options/options.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Emitter } from '../../telemetry/emitter.js';
import type { Log } from '../../telemetry/log.js';
import type { Connection } from '../connection/connection.js';
import type { Shard } from '../dispatch/shard.js';

export interface WorkerFaultsHost {
  readonly options: ResolvedOptions;
  readonly counters: Counters;
  readonly log: Log;
  readonly emitter: Emitter;
}

export class WorkerFaults {
  readonly #host: WorkerFaultsHost;
  #isDebugged = false;

  constructor(host: WorkerFaultsHost) {
    this.#host = host;
  }

  /** A hook threw or rejected, or its promise took too long. */
  onFailure(shard: Shard, connection: Connection | undefined, failure: FailureRecord): void {
    const { counters, log, options } = this.#host;
    if (failure.closeCode !== undefined && connection !== undefined) {
      this.#onBadMessage(connection, failure.closeCode, failure.message);
      return;
    }
    const where = { shard: shard.index, ...(connection === undefined ? {} : { connection: connection.id }) };
    const isLate = failure.code === 'ERR_HANDLER_TIMEOUT';
    log.error({ ...where, err: failure }, 'a handler failed', failure.message);
    // An HTTP request is told in any case.
    if (isLate || options.onHandlerError === 'close' || connection?.isVirtual) {
      connection?.fail(CloseCode.InternalError, isLate ? 'the handler took too long' : 'the handler failed');
    }
    if (isLate) {
      counters.handlerTimeouts++;
      shard.faults.timeouts++;
      this.#host.emitter.emit('handlerTimeout', { ...where, kind: 'promise' });
    } else {
      counters.handlerErrors++;
      shard.faults.errors++;
      this.#host.emitter.emit('handlerError', { ...where, error: failure });
    }
  }

  /** The client's fault, not the handler's. */
  #onBadMessage(connection: Connection, closeCode: number, reason: string): void {
    const { counters, log } = this.#host;
    counters.invalid['bad-message']++;
    if (log.has('debug')) log.debug({ connection: connection.id, closeCode, reason }, 'a message is bad');
    connection.fail(connection.isVirtual ? CloseCode.InvalidPayload : closeCode, reason);
  }

  /** Threads may be held at a breakpoint: nothing else tells that from a loop. */
  lookForDebugger(): boolean {
    const isDebugged = inspectorUrl() !== undefined;
    if (isDebugged && !this.#isDebugged) {
      this.#host.log.warn({}, 'an inspector is open: no loop of a handler is ended while it is');
    }
    this.#isDebugged = isDebugged;
    return isDebugged;
  }

  onStuck(shard: Shard): void {
    const { counters, log } = this.#host;
    counters.handlerTimeouts++;
    shard.faults.timeouts++;
    log.error({ shard: shard.index }, 'a handler is in a loop: its worker is replaced');
    this.#host.emitter.emit('handlerTimeout', { shard: shard.index, kind: 'loop' });
  }
}
