/** Hubs in a process of their own: for what can only be seen from outside, such as peak memory and an exit without being told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HubOptions, HubStats } from 'shardhub';
import { onTestFinished } from 'vitest';

/** Linux: the thread is shutting down (include/linux/sched.h). */
const PF_EXITING = 0x4;

export interface HubProcess {
  readonly port: number;
  readonly wsUrl: string;
  stats(): Promise<HubStats>;
  /** Peak resident memory so far, in bytes. */
  peakMemory(): Promise<number>;
  /** Turns of its event loop so far. */
  loops(): Promise<number>;
  /** Stops the process, lets it go on, or ends it. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  /** Closes the hub and lets go of the process, which then has no reason to live on. */
  close(options?: { timeoutMs?: number }): Promise<void>;
  readonly exited: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

/**
 * Starts a hub in a child process. `handler` is given as text: a name or a file: URL. With `usersFromQuery`, users are
 * those of the query `?user=`.
 *
 * @param maxDescriptors how many files and sockets it may have open
 */
export async function startHubProcess(
  options: HubOptions & { readonly usersFromQuery?: boolean },
  maxDescriptors?: number,
): Promise<HubProcess> {
  const child = launch(
    'hub-process.mjs',
    [JSON.stringify({ port: 0, workers: 2, ...options })],
    maxDescriptors,
  );
  const exited = outcome(child);
  const first = await Promise.race([once(child, 'message').then(([message]) => message), exited]);
  if (!first.port) throw new Error(`the hub's process did not start: ${first.stderr}`);
  let serial = 0;
  const call = (name: string, argument?: unknown): Promise<never> => {
    const id = serial++;
    return new Promise((resolve, reject) => {
      const onMessage = (answer: { id: number; value: never }) => {
        if (answer.id !== id) return;
        child.off('message', onMessage);
        resolve(answer.value);
      };
      child.on('message', onMessage);
      child.send({ id, name, argument }, (error) => error && reject(error));
    });
  };
  return {
    ...first,
    stats: () => call('stats'),
    peakMemory: () => call('peakMemory'),
    loops: () => call('loops'),
    signal: (name) => void child.kill(name),
    close: (closeOptions) => call('close', closeOptions),
    exited,
  };
}

/** Runs a script of test/support to its end and returns what it printed as JSON. */
export async function runScript<T>(
  script: string,
  ...args: string[]
): Promise<{ code: number | null; printed: T }> {
  const child = launch(script, args);
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  const { code, stderr } = await outcome(child);
  if (text === '') throw new Error(`${script} printed nothing: ${stderr}`);
  return { code, printed: JSON.parse(text) };
}

function launch(script: string, args: string[], maxDescriptors?: number): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [process.execPath, path, ...args];
  const limit = ['sh', '-c', `ulimit -n ${maxDescriptors}; exec "$@"`, 'sh'];
  const [program = '', ...rest] = maxDescriptors === undefined ? command : [...limit, ...command];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function outcome(child: ChildProcess) {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code: code as number | null, signal: signal as string | null, stderr };
}

/** Threads of this process, or `undefined` where the system does not tell. */
export function threadCount(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return readdirSync('/proc/self/task').filter(isAlive).length;
}

/** False for one that has been joined: the kernel lists it until it has cleared up behind it. */
function isAlive(thread: string): boolean {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    // The flags are the seventh field behind the name, which may have spaces and parentheses in it (proc(5)).
    const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
    return (flags & PF_EXITING) === 0;
  } catch {
    return false;
  }
}
