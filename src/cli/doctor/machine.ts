/** What a hub's process finds: limits of the process, of its container, and of the kernel. Where the system does not tell: undefined. */
import { existsSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** There while systemd-timesyncd runs. */
const TIMESYNC = '/run/systemd/timesync';

export interface Machine {
  readonly nodeVersion: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** True when that is the limit of a container. */
  readonly isMemoryLimited: boolean;
  readonly maxDescriptors: number | undefined;
  readonly somaxconn: number | undefined;
  readonly conntrackMax: number | undefined;
  /** Ports from which a proxy on this machine can connect to one address. */
  readonly localPorts: number | undefined;
  readonly clock: Clock;
}

export interface Clock {
  readonly now: Date;
  /** The year of the time zones that came with this Node.js: no clock is right that is before it. */
  readonly notBefore: number;
  /** Whether systemd-timesyncd has set it. */
  readonly isSynchronized: boolean | undefined;
  /** Where the kernel reads the time. */
  readonly source: string | undefined;
}

/** @param cores as the hub counts them */
export function readMachine(cores: number): Machine {
  const limit = number('/sys/fs/cgroup/memory.max');
  const isMemoryLimited = limit !== undefined && limit < totalmem();
  const [first, last] = (read('/proc/sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  const descriptors = read('/proc/self/limits')?.match(/^Max open files\s+(\d+)/m)?.[1];
  return {
    nodeVersion: process.versions.node,
    cores,
    memoryBytes: isMemoryLimited ? limit : totalmem(),
    isMemoryLimited,
    maxDescriptors: descriptors === undefined ? undefined : Number(descriptors),
    somaxconn: number('/proc/sys/net/core/somaxconn'),
    conntrackMax: number('/proc/sys/net/netfilter/nf_conntrack_max'),
    localPorts: last! > first! ? last! - first! + 1 : undefined,
    clock: {
      now: new Date(),
      notBefore: Number.parseInt(process.versions.tz ?? '', 10) || 2025,
      isSynchronized: existsSync(TIMESYNC) ? existsSync(`${TIMESYNC}/synchronized`) : undefined,
      source: read('/sys/devices/system/clocksource/clocksource0/current_clocksource')?.trim(),
    },
  };
}

function number(path: string): number | undefined {
  const value = Number.parseInt(read(path) ?? '', 10);
  return Number.isNaN(value) ? undefined : value;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
