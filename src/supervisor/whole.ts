/** What all processes together do: their statistics, metrics and readiness, asked at their admin listeners. Supervisor's thread. */
import type { HubStats } from '../api/stats.js';
import { ask, type Reply, type Values } from './ask.js';
import type { HubProcess } from './hub-process.js';
import { MetricsSum } from './metrics-sum.js';
import { countsOf, type ProcessStats, sumStats } from './stats-sum.js';
import type { Supervisor } from './supervisor.js';

/** Who looks at statistics waits no longer for one of the processes. */
const ANSWER_MS = 1000;
/** What changes something may take as long as a reload. */
export const CHANGE_MS = 600_000;

export type WholeStats = HubStats & {
  readonly processes: readonly ProcessStats[];
  /** Processes that were started again since they ended by themselves. */
  readonly processRestarts: number;
};

export class Whole {
  readonly #supervisor: Supervisor;
  readonly #metrics = new MetricsSum();
  /** The last that each has told. */
  readonly #stats = new Map<HubProcess, HubStats>();
  /** What processes have counted that are gone. */
  #gone: HubStats | undefined;
  readonly #startedAt = performance.now();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Those that may be asked, by number. */
  get up(): HubProcess[] {
    return this.#supervisor.processes.filter((one) => one?.state === 'up') as HubProcess[];
  }

  ask(one: HubProcess, method: string, path: string, values: Values, timeoutMs = ANSWER_MS) {
    return ask(one.adminPath, method, path, values, timeoutMs);
  }

  /** What it has counted stays in the sums: the last that it has told, at its end or to who asked. */
  retire(one: HubProcess): void {
    if (one.last !== undefined) {
      this.#metrics.take(one, one.index, one.last.metrics);
      this.#stats.set(one, one.last.stats as HubStats);
    }
    this.#metrics.retire(one);
    const stats = this.#stats.get(one);
    this.#stats.delete(one);
    if (stats === undefined) return;
    const counts = countsOf(stats);
    this.#gone = this.#gone === undefined ? counts : sumStats([this.#gone, counts].map((each) => [0, each]));
  }

  /** Undefined while nobody has ever answered. */
  async stats(): Promise<WholeStats | undefined> {
    const asked = await this.#askAll('/stats');
    for (const [one, reply] of asked) if (reply?.status === 200) this.#stats.set(one, JSON.parse(reply.body));
    const all = [...this.#stats].map(([one, stats]) => [one.index, stats] as const);
    all.sort(([a], [b]) => a - b);
    if (this.#gone !== undefined) all.push([-1, this.#gone]);
    if (all.length === 0) return undefined;
    const { isDraining, restarts } = this.#supervisor;
    return {
      ...sumStats(all),
      state: isDraining ? 'draining' : 'running',
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      processes: asked.map(([one, reply]) => this.#describe(one, reply)),
      processRestarts: restarts,
    };
  }

  async metrics(): Promise<string> {
    const asked = await this.#askAll('/metrics');
    for (const [one, reply] of asked)
      if (reply?.status === 200) this.#metrics.take(one, one.index, reply.body);
    const { restarts } = this.#supervisor;
    const up = asked.map(
      ([{ index }, reply]) => `shardhub_process_up{process="${index}"} ${Number(reply !== undefined)}\n`,
    );
    return [
      this.#metrics.render(),
      '# HELP shardhub_process_up 1 while the process answers its supervisor, else 0\n',
      '# TYPE shardhub_process_up gauge\n',
      ...up,
      '# HELP shardhub_process_restarts_total Processes that were started again since they ended by themselves\n',
      '# TYPE shardhub_process_restarts_total counter\n',
      `shardhub_process_restarts_total ${restarts}\n`,
    ].join('');
  }

  async readiness(): Promise<Reply> {
    const say = (status: number, text: string) => ({
      status,
      type: 'text/plain; charset=utf-8',
      body: `${text}\n`,
    });
    if (this.#supervisor.isDraining) return say(503, 'draining');
    const slots = this.#supervisor.processes;
    const answers = await Promise.all(
      slots.map((one) => (one?.state === 'up' ? this.ask(one, 'GET', '/readyz', {}) : undefined)),
    );
    const missing = [...answers.keys()].filter((index) => answers[index]?.status !== 200);
    if (missing.length === slots.length) return say(503, 'no process serves');
    const names = missing.length === 0 ? '' : `, but these processes do not serve: ${missing.join(', ')}`;
    return say(200, `ready${names}`);
  }

  #describe(one: HubProcess, reply: Reply | undefined): ProcessStats {
    const { index, pid, startedAt, state } = one;
    return {
      process: index,
      pid,
      state: state === 'up' && reply === undefined ? 'silent' : state,
      connections: this.#stats.get(one)?.connections.open ?? 0,
      uptimeMs: Date.now() - startedAt,
    };
  }

  #askAll(path: string): Promise<(readonly [HubProcess, Reply | undefined])[]> {
    const all = [...this.#supervisor.all].sort((a, b) => a.index - b.index);
    return Promise.all(
      all.map(async (one) => {
        const isThere = one.state === 'up' || one.state === 'draining';
        return [one, isThere ? await this.ask(one, 'GET', path, {}) : undefined] as const;
      }),
    );
  }
}
