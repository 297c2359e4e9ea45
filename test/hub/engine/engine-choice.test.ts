/** The option `engine`, and what says which one it is. */
import { createHub, type HubOptions } from 'shardhub';
import { expect, test } from 'vitest';
import { fetchRaw } from '../../support/clients/http-client.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { startHub } from '../../support/servers/hubs.js';

test.each([
  ['uws', 'shed'],
  ['node', 'pause'],
] as const)('engine %s serves, says so, and brings its own default of overload', async (engine, overload) => {
  const { hub } = await startHub({ engine });
  expect(await (await WsClient.connect(hub.wsUrl)).ask('hello')).toBe('hello');
  expect(hub.stats().engine).toEqual({ name: engine });
  expect(JSON.parse(String((await fetchRaw(`${hub.url}/stats`)).body)).engine).toEqual({ name: engine });
  expect(hub.options).toMatchObject({ engine, overload });
});

test.each([
  ['uws', { overload: 'drop' }],
  ['node', { overload: 'pause' }],
] as const)(
  'auto takes uWebSockets.js where it loads and can do what is asked: %s for %j',
  async (name, options) => {
    const { hub } = await startHub({ engine: 'auto', ...options });
    expect(hub.stats().engine).toEqual({ name });
    expect(hub.options).toMatchObject(options);
  },
);

test.each([
  [{ overload: 'pause' }, /option "overload" got "pause".*engine uws.*choose engine "node"/],
  [
    { tls: { key: 'k', cert: 'c', clientCa: 'a' } },
    /option "tls" got clientCa.*engine uws.*choose engine "node"/,
  ],
] as const)('what engine uws cannot do is refused: %j', async (options, message) => {
  await expect(createHub({ engine: 'uws', ...options })).rejects.toMatchObject({
    code: 'ERR_OPTION',
    message: expect.stringMatching(message),
  });
});

test('bun is for a process of Bun: what to do on Node.js is said', async () => {
  await expect(createHub({ engine: 'bun' })).rejects.toMatchObject({
    code: 'ERR_ENGINE_MISSING',
    message: expect.stringMatching(/needs Bun.*choose engine "auto"/),
  });
});

test('what may change while it runs is refused alike, and left out it is the default of the engine', async () => {
  const { hub } = await startHub({ engine: 'uws', overload: 'drop' });
  const same = { ...hub.options, overload: undefined } as HubOptions;
  expect(() => hub.reconfigure({ ...same, overload: 'pause' })).toThrow(/"pause".*engine uws/);
  expect(hub.reconfigure(same)).toEqual({ changed: ['overload'], needRestart: [] });
  expect(hub.options.overload).toBe('shed');
});
