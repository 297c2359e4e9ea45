/** The built-in handler `burn`: keeps a worker busy for so long, then answers with the message. */
import { createHub, HubError } from 'shardhub';
import { describe, expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { startHub } from '../support/servers/hubs.js';

test.each([
  ['burn', 2, 100],
  ['burn:2000', 2, 2000],
  ['burn', 0, 100],
] as const)(
  '%s, workers: %i: answers with the message, after at least %i µs',
  async (handler, workers, us) => {
    const { hub } = await startHub({ handler, workers });
    expect(hub.stats().handler).toBe(handler);
    const client = await WsClient.connect(hub.wsUrl);
    const count = 20;
    const start = performance.now();
    for (let i = 0; i < count; i++) client.send(`${i}`);
    expect(await client.collectTexts(count)).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
    // One connection is on one worker, which does one after the other.
    expect((performance.now() - start) * 1000).toBeGreaterThanOrEqual(count * us);
    client.send(Buffer.from('binary'));
    expect(await client.next()).toEqual({ data: Buffer.from('binary'), isBinary: true });
  },
);

describe('what it does not take', () => {
  test.each([
    ['burn:', '""'],
    ['burn:0', '"0"'],
    ['burn:1.5', '"1.5"'],
    ['burn:fast', '"fast"'],
    ['burn:10000001', '"10000001"'],
    ['burn:100 ', '"100 "'],
  ])('%s', async (handler, got) => {
    const error = await createHub({ port: 0, handler }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(HubError);
    expect(error.code).toBe('ERR_HANDLER_LOAD');
    expect(error.message).toContain(`burn got ${got} but takes µs as an integer from 1 to 10000000`);
  });

  test('others take nothing', async () => {
    const error = await createHub({ port: 0, handler: 'echo:1' }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_HANDLER_LOAD' });
    expect(error.message).toContain('the built-in handler echo takes no argument');
  });
});
