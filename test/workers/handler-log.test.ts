/** What handlers say: `worker.log`, `connection.log` and `console` are lines of the hub's log, and stacks are of their source. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHub, type HubOptions } from 'shardhub';
import ts from 'typescript';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { fixture, type LogLine, recordingLogger } from '../support/servers/hubs.js';
import { connectOnShards } from '../support/servers/shards.js';
import { until } from '../support/until.js';

async function start(options: HubOptions = {}) {
  const log: LogLine[] = [];
  const logger = { ...recordingLogger(log), isLevelEnabled: (level: string) => level !== 'debug' };
  const hub = await createHub({
    port: 0,
    workers: 1,
    logger,
    handler: fixture('handler-log.mjs'),
    ...options,
  });
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  const client = await WsClient.connect(hub.wsUrl);
  const id = [...hub.connections()][0]!.id;
  const isOfTheHub = ({ message }: LogLine) => /^(the hub|file descriptors)/.test(message);
  return {
    client,
    where: { shard: 0, connection: id },
    log,
    lines: () => log.filter((line) => !isOfTheHub(line)),
    hub,
  };
}

const STARTED = [
  { level: 'info', message: 'started', details: { at: 'start', shard: 0 } },
  { level: 'info', message: 'printed by start', details: { shard: 0 } },
];

describe.each([1, 0])('with workers: %i', (workers) => {
  test('worker.log writes texts, details and errors, with shard and connection', async () => {
    const { client, where, lines } = await start({ workers });
    expect(await client.ask('log')).toBe('done');
    expect(lines().filter(({ message }) => !message.startsWith('printed'))).toEqual([
      STARTED[0],
      { level: 'info', message: 'a text', details: where },
      {
        level: 'error',
        message: 'an error',
        details: {
          ...where,
          err: { message: 'an error', stack: expect.stringContaining('handler-log.mjs') },
        },
      },
    ]);
  });

  test('details that are no JSON harm nobody, and pass for nothing else', async () => {
    const { client, where, lines } = await start({ workers });
    expect(await client.ask('odd')).toBe('done');
    const [circle, details, large] = lines().slice(-3) as [LogLine, LogLine, LogLine];
    expect(circle.details).toEqual({
      ...where,
      details: expect.stringMatching(/^they cannot be written: .*circular/),
    });
    expect(details.details).toMatchObject({ ...where, n: '1', err: { message: 'inner' } });
    expect(String(large.details.details).length).toBeLessThan(20_000);
  });

  test('connection.log has its connection at any time', async () => {
    const { client, where, lines } = await start({ workers });
    expect(await client.ask('later')).toBe('done');
    expect(lines().at(-1)).toEqual({ level: 'warn', message: 'mine', details: where });
  });
});

describe('console in a worker', () => {
  test('is the log, at the level of its method, whatever levels the log has', async () => {
    const { client, where, lines } = await start();
    expect(await client.ask('print')).toBe('done');
    expect(lines()).toEqual([
      ...STARTED,
      { level: 'info', message: 'printed 1 { a: [ 2 ] }', details: where },
      { level: 'warn', message: 'warned', details: where },
      { level: 'error', message: 'two\nlines', details: where },
      { level: 'debug', message: 'for me', details: where },
      { level: 'info', message: 'group', details: where },
      { level: 'info', message: '  inside', details: where },
    ]);
  });

  test('names no connection where it cannot know it', async () => {
    const { client, lines } = await start();
    expect(await client.ask('later')).toBe('done');
    expect(lines().at(-2)).toEqual({ level: 'info', message: 'nobody knows whose', details: { shard: 0 } });
  });

  test('is read to the end when the thread ends', async () => {
    const { client, where, lines } = await start();
    client.send('exit');
    await client.closed;
    await until('the line', () => lines().some(({ message }) => message === 'the last words'));
    expect(lines().find(({ message }) => message === 'the last words')?.details).toEqual(where);
  });

  test('tells what was printed before a start failed', async () => {
    const log: LogLine[] = [];
    const options = { workers: 1, handler: fixture('handler-log.mjs'), logger: recordingLogger(log) };
    const failing = createHub({ port: 0, ...options, handlerOptions: 'throw' });
    await expect(failing).rejects.toThrow('as it was asked to');
    expect(log).toEqual(expect.arrayContaining(STARTED));
  });
});

describe('across reloads', () => {
  test('a version that is loaded beside the one that serves is heard, also when it fails', async () => {
    const { hub, client, where, lines } = await start();
    await expect(hub.reload({ handlerOptions: 'throw' })).rejects.toThrow('as it was asked to');
    const ofStarts = () =>
      lines().filter(({ message }) => message.includes('start') && !message.includes('cannot'));
    expect(ofStarts()).toEqual([...STARTED, ...STARTED]);
    await hub.reload();
    expect(ofStarts()).toEqual([...STARTED, ...STARTED, ...STARTED]);
    expect(await client.ask('log')).toBe('done');
    expect(lines().at(-1)).toMatchObject({ message: 'an error', details: where });
  });

  test('a worker that is taken back serves over other memory, and is heard over that', async () => {
    const { hub, lines } = await start({ workers: 2 });
    const [[poisoned]] = await connectOnShards(hub, 1);
    const reloading = hub.reload({ canary: 1, canaryMs: 60_000 });
    await expect.poll(() => hub.handlers().map(({ generation }) => generation)).toEqual([2, 1]);
    poisoned!.send('exit');
    await expect(reloading).rejects.toMatchObject({ code: 'ERR_RELOAD' });
    const [[client]] = await connectOnShards(hub, 1);
    const before = lines().length;
    expect(await client!.ask('print')).toBe('done');
    expect(lines()[before]).toMatchObject({ message: 'printed 1 { a: [ 2 ] }', details: { shard: 0 } });
  });
});

test('the stack of an error is of the source, where there is a map to it', async () => {
  const source = `interface Unused {
  readonly nothing: string;
}
export default {
  message(): void {
    throw new Error('on line 6');
  },
};
`;
  const folder = temporaryFolder();
  const options = { inlineSourceMap: true, inlineSources: true, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(source, { compilerOptions: options, fileName: 'handler.ts' });
  const handler = join(folder, 'handler.mjs');
  writeFileSync(handler, outputText);
  expect(outputText.split('\n')[2]).toContain('throw');
  const { client, log } = await start({ handler });
  client.send('');
  await client.closed;
  await until('the line', () => log.some(({ message }) => message.includes('on line 6')));
  const { details } = log.find(({ message }) => message.includes('on line 6'))!;
  expect((details.err as Error).stack).toMatch(/handler\.ts:6:11/);
});
