/** A listener that throws, or an async one that rejects, is an uncaught exception of the application; the hub goes on. */
import { describe, expect, test } from 'vitest';
import { runScript } from '../support/processes/processes.js';

describe.each([
  ['throws', 'thrown by a listener'],
  ['rejects', 'rejected by a listener'],
])('a listener that %s', (how, message) => {
  test('ends the process', async () => {
    await expect(runScript('failing-listeners.mjs', how)).rejects.toThrow(message);
  });

  test('harms nobody where the application catches it', async () => {
    expect(await runScript('failing-listeners.mjs', how, 'guarded')).toEqual({
      code: 0,
      printed: { caught: [message, message], answers: ['hello'], code: 1000 },
    });
  });
});
