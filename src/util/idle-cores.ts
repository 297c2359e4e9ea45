/**
 * How many cores nobody needs: what this process may use and does not, and no more than the machine has idle.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { cpuUsage } from 'node:process';

/** Cores that this process may use: those that it may run on, within the quotas of its control groups. */
export function usableCores(read = readText): number {
  return Math.min(availableParallelism(), cpuQuota(read));
}

/** The least quota of the process's control groups, in cores. */
export function cpuQuota(read = readText): number {
  const quotas = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const isV1 = controllers.split(',').includes('cpu');
    if (!isV1 && controllers !== '') return [];
    const names = path.split('/').filter((name) => name !== '');
    // Each group is bounded by those above it. In a container, the path is of the host and its own is the root.
    return [...names.keys(), names.length].map((depth) => {
      const group = names
        .slice(0, depth)
        .map((name) => `/${name}`)
        .join('');
      return isV1 ? quotaV1(`/sys/fs/cgroup/cpu${group}`, read) : quotaV2(`/sys/fs/cgroup${group}`, read);
    });
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

function quotaV2(folder: string, read: typeof readText): number {
  return coresOf((read(`${folder}/cpu.max`) ?? '').split(' '));
}

function quotaV1(folder: string, read: typeof readText): number {
  return coresOf(['quota', 'period'].map((name) => read(`${folder}/cpu.cfs_${name}_us`) ?? ''));
}

/** Without a quota it is `max`, or -1. */
function coresOf([quota, period]: readonly string[]): number {
  const cores = Number(quota) / Number(period);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export class IdleCores {
  readonly #usable: number;
  #at = performance.now();
  #usedMs = usedMs();
  #idleMs = idleMs();

  /** @param usable as of `usableCores` */
  constructor(usable: number) {
    this.#usable = usable;
  }

  /** The mean since the last time that it was asked for, at `now` (ms of `performance.now()`). It takes about 25 µs. */
  read(now: number): number {
    const passedMs = now - this.#at;
    const [used, idle] = [usedMs(), idleMs()];
    const unused = this.#usable - (used - this.#usedMs) / passedMs;
    const machine = (idle - this.#idleMs) / passedMs;
    this.#at = now;
    this.#usedMs = used;
    this.#idleMs = idle;
    return Number.isNaN(machine) ? unused : Math.min(unused, machine);
  }
}

function usedMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

/** Of all cores together, in steps of 10 ms; NaN where the system does not tell (it does on Linux). */
function idleMs(): number {
  return Number(readText('/proc/uptime')?.split(' ')[1]) * 1000;
}
