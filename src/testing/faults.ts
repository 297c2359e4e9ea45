/** Faults that a test wants, all from one seed: what a run did can be done again. Any thread. */
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { HubError } from '../api/errors.js';
import { BrokerLink } from './broker-link.js';
import { fillUp } from './fill-up.js';
import { Prng } from './prng.js';
import type { TestConnection } from './test-connection.js';
import type { WorkerFault } from './worker-fault.js';

/** The variable that repeats a run. */
const SEED_VARIABLE = 'SHARDHUB_FAULT_SEED';
const MAX_SEED = 2 ** 32 - 1;

/** What is left out is chosen; `message` may be a range. */
export interface WorkerFaultOptions extends Partial<Omit<WorkerFault, 'message'>> {
  /** Which message of the worker, from 1; of two numbers, one between them is drawn from the seed. */
  readonly message: number | readonly [min: number, max: number];
}

/** Faults of one run, all drawn from its seed. */
export class Faults {
  /** What a run is repeated from. */
  readonly seed: number;
  /** For whatever else a run chooses: all of it has to come from here, if it is to be repeated. */
  readonly random: Prng;

  /** Made by {@link withFaults}. */
  constructor(seed: number) {
    this.seed = seed;
    this.random = new Prng(seed);
  }

  /**
   * The end of a worker's thread, for `testHandler(…, { faults })`. By default it exits, at a moment that is chosen, on shard 0.
   *
   * @throws HubError `ERR_ARGUMENT` for a message that there is not
   */
  endWorker({ message, when, how = 'exit', shard = 0 }: WorkerFaultOptions): WorkerFault {
    const at = typeof message === 'number' ? message : this.random.int(...message);
    const chosen = when ?? this.random.pick(at > 1 ? ['before', 'inside', 'behind'] : ['inside', 'behind']);
    if (!Number.isInteger(at) || at < (chosen === 'before' ? 2 : 1))
      throw new HubError(
        'ERR_ARGUMENT',
        `a worker cannot end ${chosen} message ${at}: messages count from 1`,
      );
    return { message: at, when: chosen, how, shard };
  }

  /** Stalls a peer, and sends to it until its outbound queue begins to fill. */
  async fillQueue(connection: TestConnection): Promise<void> {
    connection.stall();
    await fillUp(connection.handle);
  }

  /**
   * A way to a broker's server that can be slowed down, stalled and cut: a hub whose `broker.url` is the link's goes by it.
   * Delays are drawn from the seed.
   *
   * @param url of one server, like `nats://127.0.0.1:4222`
   * @throws HubError `ERR_ARGUMENT` for another (rejections)
   */
  linkBroker(url: string): Promise<BrokerLink> {
    return BrokerLink.open(url, this.random);
  }
}

/**
 * Runs a test with faults. When it fails, its seed is printed; with that in the variable `SHARDHUB_FAULT_SEED`, or as `seed`,
 * the next run makes the same choices.
 *
 * @throws whatever `run` does; HubError `ERR_ARGUMENT` for a seed that is none (rejections)
 */
export async function withFaults<T>(
  run: (faults: Faults) => T | Promise<T>,
  options: { readonly seed?: number } = {},
): Promise<T> {
  const given = options.seed ?? env[SEED_VARIABLE];
  const seed = given === undefined || given === '' ? randomInt(MAX_SEED) : Number(given);
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED)
    throw new HubError('ERR_ARGUMENT', `a seed got ${given} but takes an integer from 0 to ${MAX_SEED}`);
  try {
    return await run(new Faults(seed));
  } catch (error) {
    console.error(`shardhub/testing: this run had the seed ${seed}: ${SEED_VARIABLE}=${seed} repeats it`);
    throw error;
  }
}
