/** What reaches a handler from outside: `worker.options`, and the environment and the flags of its thread. */
import { describe, expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';

const handler = fixture('handler-options.mjs');

async function ask(url: string, path = '/ws', text = ''): Promise<unknown> {
  const client = await WsClient.connect(new URL(path, url).href);
  return JSON.parse(await client.ask(text));
}

describe.each([1, 0])('handlerOptions with workers: %i', (workers) => {
  test('are given to start as a copy, of when the hub was made', async () => {
    const handlerOptions = { at: [1] };
    const { hub } = await startHub({ workers, handler, handlerOptions });
    handlerOptions.at.push(2);
    expect(await ask(hub.wsUrl)).toMatchObject({ options: { at: [1] } });
    expect(hub.options.handlerOptions).toEqual({ at: [1] });
    if (workers === 0) return;
    const victim = await WsClient.connect(hub.wsUrl);
    victim.send('exit');
    await victim.closed;
    expect(await ask(hub.wsUrl)).toEqual({ started: 1, options: { at: [1] } });
  });

  test('are undefined when they are not given', async () => {
    const { hub } = await startHub({ workers, handler });
    expect(await ask(hub.wsUrl)).not.toHaveProperty('options');
  });

  test('may be given for each path: what has options of its own is a module of its own', async () => {
    const routes = {
      '/a': { handler, handlerOptions: { is: 'a' } },
      '/b': { handler, handlerOptions: { is: 'b' } },
      '/c': { handler, handlerOptions: { is: 'a' } },
      '/d': { handler },
    };
    const { hub } = await startHub({ workers, routes, handlerOptions: null });
    const told = await Promise.all(Object.keys(routes).map((path) => ask(hub.wsUrl, path)));
    const options = told.map((one) => (one as { options: unknown }).options);
    expect(options).toMatchObject([{ is: 'a' }, { is: 'b' }, { is: 'a', changed: true }, null]);
  });
});

test('a CommonJS module, which Node.js loads once, is refused several', async () => {
  const routes = { '/a': { handler: fixture('handler-options.cjs') } };
  const both = { ...routes, '/b': { ...routes['/a'], handlerOptions: 1 } };
  await expect(startHub({ routes: both })).rejects.toMatchObject({
    code: 'ERR_HANDLER_LOAD',
    message: expect.stringContaining('an ES module'),
  });
});

test('what cannot be cloned is refused: its name is told, and nothing of the rest', async () => {
  const handlerOptions = { secret: 'hunter2', limit: () => 7 };
  const message = expect.stringMatching(
    /"handlerOptions" got "…" but takes any value that structuredClone takes.*: \(\) => 7 could not be cloned/,
  );
  await expect(startHub({ handlerOptions })).rejects.toMatchObject({ code: 'ERR_OPTION', message });
  const routes = { '/a': { handler, handlerOptions } };
  await expect(startHub({ routes })).rejects.toMatchObject({ code: 'ERR_OPTION', message });
});

describe('a thread', () => {
  test('has the variables of the process and its own, and flags of its own', async () => {
    const workerExecArgv = ['--no-warnings'];
    const { hub } = await startHub({ workers: 1, handler, workerEnv: { HUE: 'green' }, workerExecArgv });
    expect(await ask(hub.wsUrl, '/ws', 'where')).toEqual(['green', workerExecArgv]);
    expect(process.env).not.toHaveProperty('HUE');
  });

  test('that Node.js does not make with these flags says so', async () => {
    const start = startHub({ handler, workerExecArgv: ['--nosuch'] });
    await expect(start).rejects.toThrow(/--nosuch/);
  });

  test.each([{ workerEnv: {} }, { workerExecArgv: [] }])('is needed for %o', async (options) => {
    const name = Object.keys(options)[0];
    const start = startHub({ workers: 0, ...options });
    await expect(start).rejects.toThrow(`options "workers" (0) and "${name}" were both given`);
  });
});
