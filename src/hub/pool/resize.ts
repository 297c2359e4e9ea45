/**
 * Another number of workers: all shards hand over at once, and connections change places meanwhile, to as few others as have
 * to. I/O thread.
 */
import { HubError } from '../../api/errors.js';
import { shardOfKey } from '../admission/affinity.js';
import type { Connection } from '../connection/connection.js';
import type { Shard } from '../dispatch/shard.js';
import type { HandedOver } from '../dispatch/shard-worker.js';
import type { ChangeHost, HandOverReport } from './reload.js';
import { endAll, livesOf, Threads } from './threads.js';
import type { Version } from './version.js';

export interface ResizeHost extends ChangeHost {
  readonly connections: Iterable<Connection>;
  makeShard(index: number, version: Version): Shard;
  /** These are the shards from here on. */
  setShards(shards: readonly Shard[]): void;
}

export class Resize {
  readonly #host: ResizeHost;
  readonly #version: Version;
  readonly #threads: Threads;
  #isStopped = false;

  /** @param version with the number of workers */
  constructor(version: Version, host: ResizeHost) {
    this.#version = version;
    this.#host = host;
    this.#threads = new Threads(host);
  }

  /** @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER` when a thread does not come up: nothing has changed then */
  async run(): Promise<HandOverReport> {
    const host = this.#host;
    const version = this.#version;
    const before = host.shards;
    const after = Array.from(
      { length: version.settings.workers },
      (_, i) => before[i] ?? host.makeShard(i, version),
    );
    let handedOver: (HandedOver | undefined)[] = [];
    try {
      for (const shard of after) {
        this.#check();
        this.#threads.keep(shard, await this.#threads.prepare(shard, version));
      }
      for (const { worker } of before) while (worker.state === 'starting') await worker.settled;
      this.#check();
      const since = performance.now();
      handedOver = await Promise.all(before.map((shard) => this.#suspend(shard)));
      this.#check();
      place(host.connections, before, after);
      for (const [i, shard] of after.entries()) {
        const old = handedOver[i];
        const state = old !== undefined && 'state' in old ? old.state : undefined;
        host.setVersion(shard, version);
        shard.worker.takeOver(this.#threads.take(shard), state);
      }
      for (const [i, shard] of before.entries()) {
        const old = handedOver[i];
        if (after.includes(shard) && old !== undefined && 'exit' in old) host.onReplaced(shard);
      }
      host.setShards(after);
      const pauseMs = performance.now() - since;
      await Promise.all(before.map((shard, i) => this.#retire(shard, handedOver[i], after.includes(shard))));
      return { pauseMs };
    } catch (error) {
      await endAll(livesOf(handedOver));
      throw error;
    } finally {
      await this.#threads.drop();
    }
  }

  /** The hub stops: no shard changes any more. */
  stop(): void {
    this.#isStopped = true;
    void this.#threads.drop();
  }

  /** Undefined: its worker is dead already. */
  async #suspend(shard: Shard): Promise<HandedOver | undefined> {
    if (shard.worker.state !== 'up') return undefined;
    shard.latency?.forget();
    return shard.worker.suspend(this.#host.suspendTimeoutMs);
  }

  async #retire(shard: Shard, old: HandedOver | undefined, isKept: boolean): Promise<void> {
    if (old !== undefined && 'life' in old) await shard.worker.retire(old.life, this.#host.reloadTimeoutMs);
    if (!isKept) await shard.worker.kill('there are fewer workers');
  }

  #check(): void {
    if (this.#isStopped) throw new HubError('ERR_HUB_STATE', 'the hub stops');
  }
}

/**
 * Every connection gets its shard: one with a key where the key is now; of the others those move whose shard is gone, or has
 * more than its part.
 */
function place(connections: Iterable<Connection>, before: readonly Shard[], after: readonly Shard[]): void {
  const others: Connection[] = [];
  const counts = new Map(after.map((shard) => [shard, 0]));
  const count = (shard: Shard) => counts.set(shard, counts.get(shard)! + 1);
  for (const connection of connections) {
    if (connection.affinity === undefined) others.push(connection);
    else {
      const shard = after[shardOfKey(connection.affinity, after.length)]!;
      move(connection, before, shard);
      count(shard);
    }
  }
  const keyed = [...counts.values()].reduce((sum, own) => sum + own, 0);
  const part = Math.ceil((keyed + others.length) / after.length);
  const homeless = others.filter((connection) => {
    const shard = after[connection.shard.index];
    if (shard === undefined || counts.get(shard)! >= part) return true;
    count(shard);
    return false;
  });
  for (const connection of homeless) {
    const shard = after.reduce((best, other) => (counts.get(other)! < counts.get(best)! ? other : best));
    move(connection, before, shard);
    count(shard);
  }
}

function move(connection: Connection, before: readonly Shard[], shard: Shard): void {
  const from = before[connection.shard.index]!;
  if (from !== shard) from.moveTo(shard, connection);
}
