/** A hub in a process of its own whose memory, timers and handles can be read, also after it has closed. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { HubOptions, HubStats } from 'shardhub';
import { onTestFinished } from 'vitest';

export interface Level {
  readonly rss: number;
  /** The JavaScript heap of the main thread after a collection, and what is bound to it outside. */
  readonly heap: number;
  readonly external: number;
  /** The kinds of what keeps the process alive, one entry each. */
  readonly resources: string[];
}

export interface MeasuredHub {
  readonly port: number;
  readonly url: string;
  readonly wsUrl: string;
  stats(): Promise<HubStats>;
  /** Peak resident memory so far, in bytes. */
  peakMemory(): Promise<number>;
  /** How many timers keep the process alive; none but the hub's own are in it. */
  timers(): Promise<number>;
  level(): Promise<Level>;
  close(options?: { timeoutMs?: number }): Promise<void>;
  /** Lets go of the process: one that has closed its hub has no reason to live on. */
  leave(): Promise<void>;
  readonly exited: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

/** Starts a hub in a child process. `handler` is given as text: a name or a file: URL. */
export async function startMeasuredHub(options: HubOptions): Promise<MeasuredHub> {
  const settings = { port: 0, workers: 2, logLevel: 'silent', ...options };
  const child = fork(new URL('measured-hub-process.mjs', import.meta.url), [JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--expose-gc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  const first = await Promise.race([once(child, 'message').then(([message]) => message), exited]);
  if (!first.port) throw new Error(`the hub's process did not start: ${first.stderr}`);
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  child.on('message', ({ id, value }: { id: number; value: never }) => {
    waiting.get(id)?.resolve(value);
    waiting.delete(id);
  });
  void exited.then(({ code, signal }) => {
    for (const { reject } of waiting.values())
      reject(new Error(`the hub's process ended: ${code ?? signal} ${stderr}`));
  });
  let serial = 0;
  const call = (name: string, argument?: unknown): Promise<never> =>
    new Promise((resolve, reject) => {
      const id = serial++;
      waiting.set(id, { resolve, reject });
      child.send({ id, name, argument }, (error) => error && reject(error));
    });
  const level = (): Promise<Level> => call('level');
  return {
    ...first,
    stats: () => call('stats'),
    peakMemory: () => call('peakMemory'),
    timers: async () => (await level()).resources.filter((name) => name === 'Timeout').length,
    level,
    close: (closeOptions) => call('close', closeOptions),
    leave: () => call('leave'),
    exited,
  };
}
