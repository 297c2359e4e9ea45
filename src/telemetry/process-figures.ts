/** What the process and its threads take of the machine. Where the system does not tell, there is no figure. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpuUsage, memoryUsage, versions } from 'node:process';

export const NODE_VERSION = versions.node;

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly openFds: number | undefined;
  readonly maxFds: number | undefined;
}

export function processFigures(): ProcessFigures {
  const { user, system } = cpuUsage();
  const { rss, heapUsed } = memoryUsage();
  const limit = read('/proc/self/limits')?.match(/^Max open files\s+(\d+)/m)?.[1];
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapBytes: heapUsed,
    openFds: attempt(() => readdirSync('/proc/self/fd').length),
    maxFds: limit === undefined ? undefined : Number(limit),
  };
}

/** CPU time of a thread of this process, by the kernel's number for it. */
export function threadCpuSeconds(threadId: number): number | undefined {
  if (threadId === 0) return undefined;
  const nanos = read(`/proc/self/task/${threadId}/schedstat`)?.split(' ', 1)[0];
  return nanos === undefined ? undefined : Number(nanos) / 1e9;
}

function read(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'latin1'));
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
