/** Threads that are loaded beside those that serve, until they take over or are not needed. I/O thread. */
import { within } from '../../util/within.js';
import { namesOf } from '../../wire/worker-task.js';
import type { Shard } from '../dispatch/shard.js';
import type { HandedOver } from '../dispatch/shard-worker.js';
import type { WorkerLife } from '../dispatch/worker-life.js';
import type { WorkerLink } from '../dispatch/worker-link.js';
import { readyTimeoutMs, type Version } from './version.js';

export interface ThreadsHost {
  makeLink(shard: number, version: Version): WorkerLink;
}

export class Threads {
  readonly #host: ThreadsHost;
  /** Those that have not taken over. */
  readonly #links = new Set<WorkerLink>();
  /** Of these, those that are ready. */
  readonly #ready = new Map<Shard, WorkerLife>();

  constructor(host: ThreadsHost) {
    this.#host = host;
  }

  /** @throws HubError `ERR_HANDLER_LOAD` or `ERR_WORKER` */
  async prepare(shard: Shard, version: Version): Promise<WorkerLife> {
    const link = this.#host.makeLink(shard.index, version);
    this.#links.add(link);
    const preparing = shard.worker.prepare(link);
    const timeoutMs = readyTimeoutMs(version);
    if (timeoutMs > 0 && !(await within(preparing, timeoutMs))) {
      const names = namesOf(version.handlers);
      await link.kill(`handler ${names} cannot be loaded: not ready in ${timeoutMs} ms`, 'ERR_HANDLER_LOAD');
    }
    const life = await preparing;
    this.#links.delete(link);
    return life;
  }

  keep(shard: Shard, life: WorkerLife): void {
    this.#links.add(life.link);
    this.#ready.set(shard, life);
  }

  /** It takes over now. */
  take(shard: Shard): WorkerLife {
    const life = this.#ready.get(shard)!;
    this.#ready.delete(shard);
    this.#links.delete(life.link);
    return life;
  }

  /** Ends those that are left. */
  async drop(): Promise<void> {
    await Promise.all([...this.#links].map((link) => link.kill('it is not needed')));
  }
}

/** Of the workers that have handed over, those that live. */
export function livesOf(handedOver: readonly (HandedOver | undefined)[]): WorkerLife[] {
  return handedOver.flatMap((old) => (old !== undefined && 'life' in old ? old.life : []));
}

/** The hub has stopped meanwhile: they have no place. */
export async function endAll(lives: readonly WorkerLife[]): Promise<void> {
  await Promise.all(lives.map(({ link }) => link.kill('the hub stops')));
}
