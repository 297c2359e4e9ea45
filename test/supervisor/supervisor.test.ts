/** The supervisor over processes that are none: when it starts which, and in what order it replaces them. */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ToProcess } from '../../src/supervisor/messages.js';
import { planProcesses } from '../../src/supervisor/plan.js';
import { Supervisor } from '../../src/supervisor/supervisor.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Child extends EventEmitter {
  readonly pid: number;
  connected = true;
  readonly heard: string[] = [];
  signal: string | undefined;

  constructor(pid: number) {
    super();
    this.pid = pid;
  }

  send(message: ToProcess): void {
    this.heard.push(message.type);
  }

  ready(port = 4711): void {
    this.emit('message', { type: 'ready', facts: { port } });
  }

  exit(code: number | null = 0, signal: string | null = null): void {
    this.connected = false;
    this.emit('exit', code, signal);
  }

  kill(signal: string): void {
    this.signal = signal;
    this.exit(null, signal);
  }
}

function supervise() {
  const children: Child[] = [];
  const told: string[] = [];
  const ports: (number | undefined)[] = [];
  const supervisor = new Supervisor({
    fork: () => {
      const child = new Child(children.length + 1);
      children.push(child);
      return child as unknown as ChildProcess;
    },
    setup: (index, port) => {
      ports.push(port);
      return { type: 'start', index, options: {}, folder: '', adminPath: '', wholePath: '' };
    },
    tell: (text) => void told.push(text),
    onGone: () => {},
  });
  return { supervisor, children, told, ports };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

async function start(count: number) {
  const supervised = supervise();
  const { supervisor, children } = supervised;
  const started = supervisor.start(count);
  children[0]!.ready();
  await settle();
  for (const child of children.slice(1)) child.ready();
  await started;
  return supervised;
}

test('the first one is up before the others start, on the port that it has found', async () => {
  const { supervisor, children, ports } = supervise();
  const started = supervisor.start(3);
  expect(children).toHaveLength(1);
  children[0]!.ready(4711);
  await settle();
  expect(children).toHaveLength(3);
  for (const child of children) child.ready();
  expect(await started).toEqual({ port: 4711 });
  expect(ports).toEqual([undefined, 4711, 4711]);
});

test('one that cannot start ends them all, and how it ended is told', async () => {
  const { supervisor, children } = supervise();
  const started = supervisor.start(2);
  children[0]!.ready();
  await settle();
  children[1]!.exit(2);
  await settle();
  expect(children[0]!.heard).toEqual(['start', 'stop']);
  children[0]!.exit(0);
  expect(await started).toEqual({ code: 2, signal: null });
});

test('what dies is started again: later each time, at most 30 s, and at once after it was steady', async () => {
  const { supervisor, children, told } = await start(1);
  const pauses: number[] = [];
  for (let i = 0; i < 11; i++) {
    children.at(-1)!.exit(1);
    await settle();
    pauses.push(Number(told.at(-1)!.match(/in (\d+) ms$/)![1]));
    const before = children.length;
    await vi.advanceTimersByTimeAsync(pauses.at(-1)! - 1);
    expect(children).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(children).toHaveLength(before + 1);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  expect(told[0]).toBe('process 0 (pid 1) ended with code 1: it is started again in 100 ms');
  expect(supervisor.restarts).toBe(11);
  children.at(-1)!.ready();
  await vi.advanceTimersByTimeAsync(30_000);
  children.at(-1)!.exit(null, 'SIGSEGV');
  await settle();
  expect(told.at(-1)).toBe('process 0 (pid 12) ended by SIGSEGV: it is started again in 100 ms');
});

test('a roll replaces one after the other: the new one first, and the old one has ended before the next', async () => {
  const { supervisor, children } = await start(2);
  const rolling = supervisor.roll(3, 1000);
  await settle();
  expect(children).toHaveLength(3);
  expect(children[0]!.heard).toEqual(['start']);
  children[2]!.ready();
  await settle();
  expect(children[0]!.heard).toEqual(['start', 'stop']);
  expect(children).toHaveLength(3);
  children[0]!.exit();
  await settle();
  children[3]!.ready();
  await settle();
  children[1]!.exit();
  await settle();
  children[4]!.ready();
  expect(await rolling).toBe(true);
  expect(supervisor.processes.map((one) => one?.pid)).toEqual([3, 4, 5]);
  expect(supervisor.restarts).toBe(0);
  // Fewer of them.
  const less = supervisor.roll(1, 1000);
  await settle();
  children[5]!.ready();
  for (const child of [children[2]!, children[3]!, children[4]!]) {
    await settle();
    child.exit();
  }
  expect(await less).toBe(true);
  expect(supervisor.processes.map((one) => one?.pid)).toEqual([6]);
});

test('a roll whose first one does not start changes nothing; one that dies meanwhile is started again', async () => {
  const { supervisor, children, told } = await start(2);
  const rolling = supervisor.roll(2, 1000);
  await settle();
  children[0]!.exit(1);
  children[2]!.exit(1);
  expect(await rolling).toBe(false);
  expect(told).toContain('process 0 could not be replaced: nothing more has changed');
  await vi.advanceTimersByTimeAsync(100);
  expect(children).toHaveLength(4);
  children[3]!.ready();
  await settle();
  expect(supervisor.processes.map((one) => one?.pid)).toEqual([4, 2]);
});

test('who does not end in its time is ended; nothing is started again after a stop', async () => {
  const { supervisor, children, told } = await start(2);
  children[1]!.exit(1);
  await settle();
  const stopped = supervisor.stop('SIGTERM', 1000);
  await vi.advanceTimersByTimeAsync(5999);
  expect(children[0]!.signal).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(children[0]!.signal).toBe('SIGKILL');
  await stopped;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(children).toHaveLength(2);
  expect(told).toHaveLength(1);
});

test.each([
  [{ processes: 'auto' }, 2, { processes: 1, workers: 1 }],
  [{ processes: 'auto' }, 8, { processes: 2, workers: 3 }],
  [{ processes: 'auto', workers: 1 }, 8, { processes: 4, workers: 1 }],
  [{ processes: 'auto', workers: 0 }, 1.5, { processes: 1, workers: 0 }],
  [{ processes: 4 }, 8, { processes: 4, workers: 1 }],
  [{ processes: 4 }, 2, { processes: 4, workers: 1 }],
  [{ processes: 2, workers: 5 }, 4, { processes: 2, workers: 5 }],
] as const)('%j on %d cores', (given, cores, plan) => {
  expect(planProcesses(given, cores)).toEqual(plan);
});
