/** What may go wrong with a hub of these options on this machine, and what to do about each. Pure. */
import type { ResolvedOptions } from '../../index.js';
import type { Machine } from './machine.js';

export interface Finding {
  readonly name: string;
  /** What was found, in one line. */
  readonly found: string;
  /** What to do; none when all is well. */
  readonly advice?: string;
}

type Check = (options: ResolvedOptions, machine: Machine) => Finding | undefined;

const MIB = 1024 * 1024;
/** What a worker's rings may come to, its heap left aside. */
const RINGS_MIB = 36;
/** Descriptors for everything else. */
const RESERVE = 64;

/** Read by way of the kernel and of a chip. */
const SLOW_CLOCKS = ['hpet', 'acpi_pm', 'jiffies', 'refined-jiffies'];

export const DESCRIPTORS = 'file descriptors';

const CHECKS: readonly Check[] = [
  (_, { nodeVersion }) => {
    const major = Number.parseInt(nodeVersion, 10);
    const advice = major % 2 === 1 ? 'use an even version: only these are kept up for long' : undefined;
    return finding('Node.js', nodeVersion, major < 20 ? 'install version 20 or newer' : advice);
  },
  ({ maxConnections }, { maxDescriptors }) => {
    if (maxDescriptors === undefined) return undefined;
    const found = `${maxDescriptors}, for ${maxConnections || 'any number of'} connections`;
    const needed = (maxConnections || 1000) + RESERVE;
    const advice = `each connection takes one: raise the limit (ulimit -n, LimitNOFILE=) to ${needed} or more, or lower maxConnections`;
    return finding(DESCRIPTORS, found, maxDescriptors < needed ? advice : undefined);
  },
  ({ workers, processes }, { cores }) => {
    const count = countOf(processes);
    const each = `${workers === 1 ? '1 worker' : `${workers} workers`} and the I/O thread`;
    const found = `${cores}, for ${processes === undefined ? each : `${each} in each of ${count} processes`}`;
    const best = Math.max(1, Math.floor(cores / count) - 1);
    const what = count > cores / 2 ? 'processes or workers to less' : `workers to ${best}`;
    const advice = `more threads than cores take turns: set ${what}`;
    return finding('cores', found, workers * count > 2 * cores ? advice : undefined);
  },
  (options, { memoryBytes, isMemoryLimited }) => {
    const { maxInFlightBytes, maxBufferedBytes, workers, workerMemoryMb } = options;
    const each =
      Math.round((maxInFlightBytes + maxBufferedBytes) / MIB) + workers * (RINGS_MIB + workerMemoryMb);
    const most = each * countOf(options.processes);
    const has = Math.round(memoryBytes / MIB);
    const found = `${has} MiB${isMemoryLimited ? ' (the container’s limit)' : ''}; the bounds may come to ${most} MiB`;
    const advice =
      'lower maxInFlightBytes, maxBufferedBytes or workers, or the process is killed at the worst moment';
    return finding('memory', found, most > 0.8 * has ? advice : undefined);
  },
  (_, { somaxconn }) => {
    if (somaxconn === undefined) return undefined;
    const advice = 'a burst of new connections is refused by the kernel: sysctl net.core.somaxconn=4096';
    return finding('listen backlog (somaxconn)', String(somaxconn), somaxconn < 512 ? advice : undefined);
  },
  ({ maxConnections }, { conntrackMax }) => {
    if (conntrackMax === undefined) return undefined;
    const advice = `connections beyond it are dropped without a word: sysctl net.netfilter.nf_conntrack_max=${2 * maxConnections}`;
    return finding(
      'connection tracking',
      String(conntrackMax),
      conntrackMax < maxConnections ? advice : undefined,
    );
  },
  ({ maxConnections, trustProxy, proxyProtocol, unixSocket }, { localPorts }) => {
    const isProxied = (Boolean(trustProxy) || proxyProtocol) && unixSocket === undefined;
    if (localPorts === undefined || !isProxied) return undefined;
    const advice =
      'a proxy on one address has no more connections to one port: let it use several addresses, or a Unix socket, or widen net.ipv4.ip_local_port_range';
    return finding('ports of a proxy', String(localPorts), localPorts < maxConnections ? advice : undefined);
  },
  (_, { clock: { now, notBefore, isSynchronized, source } }) => {
    const found = `${now.toISOString()}${source === undefined ? '' : `, from ${source}`}`;
    return finding('clock', found, clockAdvice(now, notBefore, isSynchronized, source));
  },
];

/** Each process has bounds and workers of its own. */
function countOf(processes: ResolvedOptions['processes']): number {
  return typeof processes === 'number' ? processes : 1;
}

/** Tokens are judged by the clock, and logs and histories of several hubs are compared by it. */
function clockAdvice(now: Date, notBefore: number, isSynchronized?: boolean, source?: string) {
  if (now.getUTCFullYear() < notBefore)
    return 'it is wrong, so tokens are taken that have expired, or none at all: set it, and keep it right by NTP';
  if (isSynchronized === false)
    return 'systemd-timesyncd has not set it yet: look at timedatectl, as tokens and the times in logs go wrong with it';
  if (source !== undefined && SLOW_CLOCKS.includes(source))
    return 'each look at it is a system call of a microsecond or more, and there are many: boot with clocksource=tsc if the machine can';
  return undefined;
}

export function examine(options: ResolvedOptions, machine: Machine): Finding[] {
  return CHECKS.flatMap((check) => check(options, machine) ?? []);
}

function finding(name: string, found: string, advice: string | undefined): Finding {
  return { name, found, ...(advice !== undefined && { advice }) };
}
