/** Hubs for tests: on a free port, with two workers, with a log that can be read, and closed after the test even when it fails. */
import { createHub, type Hub, type HubOptions } from 'shardhub';
import { onTestFinished } from 'vitest';
import { engineUnderTest } from '../engines/under-test.mjs';

export interface LogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly details: Record<string, unknown>;
  readonly message: string;
}

export interface TestHub {
  readonly hub: Hub;
  /** Errors and warnings that the hub logged, oldest first. */
  readonly log: LogLine[];
}

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

/** A logger that keeps what it gets. */
export function recordingLogger(log: LogLine[]) {
  const method = (level: LogLine['level']) => (details: object, message: string) => {
    log.push({ level, details: details as Record<string, unknown>, message });
  };
  return Object.fromEntries(LEVELS.map((level) => [level, method(level)])) as unknown as NonNullable<
    HubOptions['logger']
  >;
}

export async function startHub(options: HubOptions = {}): Promise<TestHub> {
  const log: LogLine[] = [];
  const logger = { ...recordingLogger(log), isLevelEnabled: (level: string) => /^(error|warn)$/.test(level) };
  const hub = await createHub({ ...engineUnderTest, port: 0, workers: 2, logger, ...options });
  // A handler that loops forever must not hold up the next test.
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  return { hub, log };
}

/** A handler module of test/fixtures. */
export function fixture(name: string): URL {
  return new URL(`../../fixtures/${name}`, import.meta.url);
}
