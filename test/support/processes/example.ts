/** A program of examples/ in a process of its own, on ports that the system chooses. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HubStats } from 'shardhub';
import { expect } from 'vitest';
import { Command } from './command-line.js';

export const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

export interface Example {
  readonly wsUrl: string;
  /** Where the hub's HTTP routes are. */
  readonly url: string;
  readonly command: Command;
  stats(): Promise<HubStats>;
  /** What its handlers have written with `console.log`: lines of the hub's log. */
  said(): string;
  /** Peak resident memory so far, in bytes; undefined where the system does not tell. */
  peakMemory(): number | undefined;
  /** Ends it as Ctrl-C does, and expects that it ends well. */
  stop(): Promise<void>;
}

/** What the engine says of a handshake that is answered later while no WebSocket is open (docs/handshake.md). */
const ENGINE_NOTE = /^Warning: uWS\.HttpResponse writes must be made from within a corked callback\..*\n/gm;

/** A line of the hub's log at the level info. */
const SAID = /^\{"level":30,.*\}\n/gm;

/** @param path of the program, below examples/ */
export async function startExample(
  path: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<Example> {
  const command = new Command([`${EXAMPLES}${path}`, ...args], {
    binary: process.execPath,
    env: { PORT: '0', ...env },
  });
  const { wsUrl } = await command.started();
  const url = new URL(wsUrl).origin.replace(/^ws/, 'http');
  return {
    wsUrl,
    url,
    command,
    stats: async () => (await (await fetch(`${url}/stats`)).json()) as HubStats,
    said: () => saidIn(command.stderr),
    peakMemory: () => peakMemoryOf(command.child.pid),
    stop: async () => {
      command.kill('SIGINT');
      const { code, stderr } = await command.exited;
      const complaints = stderr.replaceAll(ENGINE_NOTE, '').replaceAll(SAID, '');
      expect({ code, stderr: complaints }).toEqual({ code: 0, stderr: '' });
    },
  };
}

function saidIn(stderr: string): string {
  const lines = stderr.match(SAID) ?? [];
  return lines.map((line) => `${(JSON.parse(line) as { msg: string }).msg}\n`).join('');
}

function peakMemoryOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
