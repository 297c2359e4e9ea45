/** Hubs for tests: on a free port, with two workers, with a log that can be read, and closed after the test even when it fails. */
import { createHub, type Hub, type HubOptions } from 'shardhub';
import { onTestFinished } from 'vitest';
import { type LogLine, recordingLogger } from '../../../src/testing/test-log.js';
import { engineUnderTest } from '../engines/under-test.mjs';

export { type LogLine, recordingLogger };

export interface TestHub {
  readonly hub: Hub;
  /** Errors and warnings that the hub logged, oldest first. */
  readonly log: LogLine[];
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
