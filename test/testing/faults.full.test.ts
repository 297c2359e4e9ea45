/** The fault kit: threads that end where a test says, peers that stall, and runs that can be repeated from their seed. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createHub, HubError } from 'shardhub';
import { Faults, type TestOptions, testHandler, type WorkerFault, withFaults } from 'shardhub/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fixture } from '../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';
import { until } from '../support/until.js';

const THREADED = { hub: { workers: 1, maxRestarts: 100 } };

async function run(fault: WorkerFault, handler: string | URL = 'echo', options: TestOptions = {}) {
  const t = await testHandler(handler, { ...THREADED, ...options, faults: [fault] });
  onTestFinished(() => t.stop());
  return t;
}

/** Five messages that are in the ring together, and what comes of them. */
async function sendFive(fault: WorkerFault, handler?: string | URL) {
  const t = await run(fault, handler);
  await Promise.all(['1', '2', '3', '4', '5'].map((text) => t.send(text)));
  const answers: unknown[] = [];
  while (answers.length < 5) {
    try {
      answers.push(await t.next());
    } catch {
      return { answers, closed: (await t.closed).code, stats: t.hub.stats() };
    }
  }
  await until('the replacement', () => t.hub.stats().workerRestarts === 1);
  return { answers, closed: undefined, stats: t.hub.stats() };
}

describe.each(['exit', 'uncaught'] as const)('a worker that ends by %s', (how) => {
  const at = (when: WorkerFault['when']): WorkerFault => ({ message: 3, when, how, shard: 0 });

  test.each(['echo', fixture('async-echo.mjs')])(
    'behind a message, or before it: nobody pays (%s)',
    async (handler) => {
      for (const when of ['before', 'behind'] as const) {
        const { answers, stats } = await sendFive(at(when), handler);
        expect(answers).toEqual(['1', '2', '3', '4', '5']);
        expect(stats).toMatchObject({ workerExits: 1, crashed: 0 });
      }
    },
  );

  test('inside of a message: that is not answered, and its connection pays', async () => {
    const { answers, closed, stats } = await sendFive(at('inside'));
    expect(answers).toEqual(['1', '2']);
    expect(closed).toBe(1011);
    expect(stats).toMatchObject({ workerExits: 1, crashed: 1 });
  });
});

test('a loop is found at its deadline', async () => {
  const fault = new Faults(1).endWorker({ message: 1, when: 'inside', how: 'loop' });
  const t = await run(fault, 'echo', { hub: { ...THREADED.hub, handlerTimeoutMs: 100 } });
  await t.send('never');
  expect(await t.closed).toMatchObject({ code: 1011 });
  expect(t.hub.stats()).toMatchObject({ handlerTimeouts: 1, workerExits: 1 });
});

test('the messages are counted over all lives of a worker, and its handler keeps its options', async () => {
  const faults = new Faults(1);
  const when = 'behind';
  const t = await testHandler(fixture('request.mjs'), {
    hub: { workers: 1 },
    handlerOptions: 'mine',
    faults: [faults.endWorker({ message: 1, when }), faults.endWorker({ message: 2, when })],
  });
  onTestFinished(() => t.stop());
  expect(JSON.parse(String(await t.next()))).toMatchObject({ options: 'mine' });
  for (const restarts of [1, 2]) {
    await t.send('');
    await until('the replacement', () => t.hub.stats().workerRestarts === restarts);
    expect(JSON.parse(String(await t.next()))).toMatchObject({ options: 'mine' });
  }
});

test.each([undefined, 1])(
  'a queue is filled, and drains when the peer reads again (workers: %s)',
  async (workers) => {
    await withFaults(async (faults) => {
      const t = await testHandler('echo', workers === undefined ? {} : { real: true, hub: { workers } });
      onTestFinished(() => t.stop());
      await faults.fillQueue(t);
      expect(t.handle.bufferedBytes).toBeGreaterThan(65_536);
      expect(t.handle.send('behind it')).toBe('queued');
      t.resume();
      while ((await t.next()) !== 'behind it');
      await until('all of it to be read', () => t.handle.bufferedBytes === 0);
    });
  },
);

describe('a run that fails', () => {
  /** Ends somewhere, as the seed says: where is in the error. */
  async function fail({ random, endWorker }: Pick<Faults, 'random' | 'endWorker'>): Promise<never> {
    const fault = endWorker({ message: [2, 30], when: 'inside' });
    const t = await run(fault);
    const peers = [t, await t.connect(), await t.connect()];
    const trace: string[] = [];
    for (;;) {
      const peer = random.int(0, 2);
      const text = `${random.int(0, 1_000_000)}`;
      await peers[peer]!.send(text);
      trace.push(`${peer}:${text}`);
      try {
        expect(await peers[peer]!.next()).toBe(text);
      } catch {
        throw new Error(`ended behind ${trace.join()}`);
      }
    }
  }
  const outcome = (seed?: number) =>
    withFaults((faults) => fail({ random: faults.random, endWorker: (given) => faults.endWorker(given) }), {
      ...(seed === undefined ? {} : { seed }),
    }).catch((error: Error) => error.message);

  test('prints its seed, by which it is repeated to the same end', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => print.mockRestore());
    const first = await outcome();
    const printed = String(print.mock.calls[0]);
    const [, seed] = /seed (\d+): SHARDHUB_FAULT_SEED=\1 repeats it$/.exec(printed)!;
    expect(await outcome(Number(seed))).toBe(first);
    vi.stubEnv('SHARDHUB_FAULT_SEED', seed!);
    expect(await outcome()).toBe(first);
    vi.unstubAllEnvs();
    expect(await outcome(Number(seed) ^ 1)).not.toBe(first);
  });

  test('and one that does not fail prints nothing', async () => {
    const print = vi.spyOn(console, 'error');
    expect(await withFaults(({ seed }) => seed, { seed: 7 })).toBe(7);
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });
});

test.each<[what: string, make: () => unknown, message: RegExp]>([
  ['a seed that is none', () => withFaults(() => {}, { seed: -1 }), /seed got -1 but takes an integer/],
  [
    'a message that there is not',
    async () => new Faults(1).endWorker({ message: 1, when: 'before' }),
    /count from 1/,
  ],
  [
    'a fault without a thread',
    () => testHandler('echo', { faults: [new Faults(1).endWorker({ message: 1 })] }),
    /faults take worker threads/,
  ],
])('%s is refused', async (_, make, message) => {
  await expect(make()).rejects.toThrow(message);
  await expect(make()).rejects.toBeInstanceOf(HubError);
});

describe('a link to a broker', () => {
  const linkTo = async (url: string) => {
    const link = await new Faults(1).linkBroker(url);
    onTestFinished(() => link.close());
    return link;
  };

  test('delays, stalls, cuts and mends what passes, in order', async () => {
    const server = createServer((socket) => socket.pipe(socket).on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const link = await linkTo(
      `redis://ann:secret@127.0.0.1:${(server.address() as { port: number }).port}/1`,
    );
    expect(link.url).toMatch(/^redis:\/\/ann:secret@127\.0\.0\.1:\d+\/1$/);
    const dial = async () => {
      const socket = connect(Number(new URL(link.url).port), '127.0.0.1');
      socket.on('error', () => {});
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      await once(socket, 'connect');
      return { socket, text: () => text };
    };
    const { socket, text } = await dial();
    link.delay([20, 40]);
    const start = performance.now();
    socket.write('a');
    await until('the delayed piece', () => text() === 'a');
    expect(performance.now() - start).toBeGreaterThanOrEqual(40 - 2);
    link.mend();
    link.stall();
    socket.write('b');
    const other = await dial();
    other.socket.write('c');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([text(), other.text()]).toEqual(['a', '']);
    link.mend();
    await until('what waited', () => text() === 'ab' && other.text() === 'c');
    link.cut();
    await Promise.all([once(socket, 'close'), once(other.socket, 'close')]);
    const late = await dial();
    await once(late.socket, 'close');
    link.mend();
    const again = await dial();
    again.socket.write('d');
    await until('the new connection', () => again.text() === 'd');
  });

  test.each(['nats://a:1,nats://b:2', '127.0.0.1:4222', 'http://a'])(
    'takes one server: not %s',
    async (url) => {
      await expect(linkTo(url)).rejects.toThrow(/linkBroker got .* takes the URL of one server/);
    },
  );

  test.skipIf(!hasNatsServer && process.env.CI !== 'true')(
    'cuts a hub from its broker (skipped where there is no nats-server)',
    async () => {
      const server = await NatsServer.start();
      onTestFinished(() => server.stop());
      const link = await linkTo(server.url);
      const hub = await createHub({ port: 0, workers: 0, logLevel: 'silent', broker: { url: link.url } });
      onTestFinished(() => hub.close());
      const is = (state: string) => until(`the state ${state}`, () => hub.stats().cluster.state === state);
      await is('up');
      link.cut();
      await until('the loss', () => hub.stats().cluster.state !== 'up');
      link.mend();
      await is('up');
    },
  );
});
