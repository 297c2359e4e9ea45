/** What a load run should find at a server that is right. */
import { expect } from 'vitest';
import type { LoadResult } from '../../../dist/loadgen/index.js';

export const NO_ERRORS = {
  lost: 0,
  reordered: 0,
  repeated: 0,
  corrupt: 0,
  unexpected: 0,
  connectFailed: 0,
  closed: 0,
};

export function expectRight(result: LoadResult): void {
  expect(result).toMatchObject({ errors: NO_ERRORS });
  expect(result.firstError).toBeUndefined();
  expect(result.messages).toBeGreaterThan(0);
}
