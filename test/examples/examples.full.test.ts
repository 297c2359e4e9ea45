/** Every example as its README runs it: the real program, and a client of somebody else's. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BrowserClient } from '../support/clients/browser-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { runCommand } from '../support/processes/command-line.js';
import { EXAMPLES, startExample } from '../support/processes/example.js';
import { until } from '../support/until.js';

describe('rpc', () => {
  const result = (value: unknown, id: unknown) => ({ jsonrpc: '2.0', result: value, id });
  const failure = (code: number, id: unknown) =>
    expect.objectContaining({ jsonrpc: '2.0', error: expect.objectContaining({ code }), id });
  const call = (method: string, params: unknown, id?: unknown) => ({ jsonrpc: '2.0', method, params, id });

  test('answers calls, batches and mistakes as the specification says', async () => {
    const example = await startExample('rpc/server.mjs');
    const client = await BrowserClient.open(example.wsUrl);
    const ask = async (input: unknown) =>
      JSON.parse(await client.ask(typeof input === 'string' ? input : JSON.stringify(input)));

    expect(await ask(call('add', [19, 23], 1))).toEqual(result(42, 1));
    expect(await ask(call('fib', { n: 20 }, 'a'))).toEqual(result(6765, 'a'));
    expect(await ask(call('hash', { text: 'abc', rounds: 1 }, null))).toEqual(
      result('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', null),
    );

    expect(await ask('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]')).toEqual(
      failure(-32700, null),
    );
    expect(await ask({ jsonrpc: '2.0', method: 1, params: 'bar' })).toEqual(failure(-32600, null));
    expect(await ask({ jsonrpc: '1.0', method: 'add', id: 2 })).toEqual(failure(-32600, 2));
    expect(await ask(call('constructor', [], 3))).toEqual(failure(-32601, 3));
    expect(await ask(call('fib', { n: 'many' }, 4))).toEqual(failure(-32602, 4));
    expect(await ask(call('add', [1], 5))).toEqual(failure(-32602, 5));
    const internal = await ask(call('divide', [1, 0], 6));
    expect(internal).toEqual(failure(-32603, 6));
    expect(JSON.stringify(internal)).not.toContain('zero');
    await until('the error in the log', () => example.command.stderr.includes('Division by zero'));

    expect(await ask([])).toEqual(failure(-32600, null));
    expect(await ask([1, 2])).toEqual([failure(-32600, null), failure(-32600, null)]);
    expect(await ask(Array(101).fill(call('add', [1, 1], 1)))).toEqual(failure(-32600, null));
    const batch = [call('add', [1, 2], 7), call('add', [3, 4]), 'no call', call('nothing', [], 8)];
    expect(await ask(batch)).toEqual([result(3, 7), failure(-32600, null), failure(-32601, 8)]);
  });

  test('notifications are not answered, whatever comes of them', async () => {
    const { wsUrl, stop } = await startExample('rpc/server.mjs');
    const client = await WsClient.connect(wsUrl);
    for (const input of [
      call('add', [1, 2]),
      call('no such method', []),
      call('add', 'no list'.split('')),
      [call('add', [1, 2]), call('add', [3, 4])],
    ])
      client.send(JSON.stringify(input));
    expect(JSON.parse(await client.ask(JSON.stringify(call('add', [5, 6], 'last'))))).toEqual(
      result(11, 'last'),
    );
    expect(client.waiting).toBe(0);
    await client.close();
    await stop();
  });

  test('a short call overtakes one that waits; a pong one that computes', async () => {
    const { wsUrl } = await startExample('rpc/server.mjs');
    const client = await WsClient.connect(wsUrl);
    client.send(JSON.stringify(call('wait', { ms: 2000 }, 'long')));
    client.send(JSON.stringify(call('add', [1, 1], 'short')));
    const ids = (await client.collectTexts(2)).map((text) => JSON.parse(text).id);
    expect(ids).toEqual(['short', 'long']);

    const order: string[] = [];
    client.socket.on('pong', () => order.push('pong'));
    client.send(JSON.stringify(call('hash', { text: 'x', rounds: 1_000_000 }, 'heavy')));
    client.socket.ping();
    order.push(JSON.parse(await client.nextText()).id);
    expect(order).toEqual(['pong', 'heavy']);
  });
});

describe('feed', () => {
  test('sends the quotes of what one subscribed to, without a gap to who keeps up', async () => {
    const { wsUrl, stop } = await startExample('feed/server.mjs', { env: { TICK_MS: '20' } });
    const client = await BrowserClient.open(wsUrl);
    expect(JSON.parse(await client.ask('{"subscribe":["NOBODY"]}')).error).toContain('ACME');
    client.send('{"subscribe":["ACME"]}');
    const quotes: { symbol: string; seq: number }[] = [];
    while (quotes.length < 10) quotes.push(JSON.parse(await client.nextText()));
    expect(new Set(quotes.map(({ symbol }) => symbol))).toEqual(new Set(['ACME']));
    expect(quotes.map(({ seq }) => seq)).toEqual(quotes.map((_, i) => quotes[0]!.seq + i));
    client.send('{"subscribe":["HOOLI"],"unsubscribe":["ACME"]}');
    await until('the other symbol', async () => JSON.parse(await client.nextText()).symbol === 'HOOLI');
    await client.close();
    await stop();
  });

  test('a reader that fell behind goes on with the newest quotes', async () => {
    const { wsUrl, stats, stop } = await startExample('feed/server.mjs', { env: { TICK_MS: '1' } });
    const [slow, other] = [await WsClient.connect(wsUrl), await WsClient.connect(wsUrl)];
    slow.send('{"subscribe":["ACME","GLOBEX","HOOLI","INITECH","UMBRELLA"]}');
    const first = await until('a quote', async () => {
      const quote = JSON.parse(await slow.nextText());
      return quote.symbol === 'ACME' && quote;
    });
    slow.socket.pause();
    await until('quotes that gave way', async () => (await stats()).dropped.conflated > 1000);
    // What is queued for it is one quote of each symbol.
    expect((await stats()).outbound.queuedMessages).toBeLessThanOrEqual(5);
    other.send('{"subscribe":["ACME"]}');
    const newest = JSON.parse(await other.nextText());
    slow.socket.resume();
    let [last, missing] = [first.seq, 0];
    while (last < newest.seq) {
      const { symbol, seq } = JSON.parse(await slow.nextText());
      if (symbol !== 'ACME') continue;
      expect(seq).toBeGreaterThan(last);
      missing += seq - last - 1;
      last = seq;
    }
    // A fifth of what gave way is of this symbol.
    expect(missing).toBeGreaterThan(150);
    await Promise.all([slow.close(), other.close()]);
    await stop();
  });
});

describe('auth', () => {
  async function tokenOf(user: string, env: Record<string, string> = {}): Promise<string> {
    const outcome = await runCommand([`${EXAMPLES}auth/token.mjs`, user], { binary: process.execPath, env });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    return outcome.stdout.trim();
  }
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

  test('a user is known by the token, and told of other connections', async () => {
    const { wsUrl, stop } = await startExample('auth/server.mjs');
    const [ann, ben] = [await tokenOf('ann'), await tokenOf('ben')];
    const first = await WsClient.connect(wsUrl, bearer(ann));
    expect(await first.nextText()).toBe('hello, ann');
    const stranger = await WsClient.connect(wsUrl, bearer(ben));
    expect(await stranger.nextText()).toBe('hello, ben');

    const origin = 'http://localhost:3000';
    const page = await BrowserClient.open(wsUrl, { origin, protocols: [`shardhub.bearer.${ann}`, 'notes'] });
    expect(page.socket.protocol).toBe('notes');
    expect(await page.nextText()).toBe('hello, ann');
    expect(await first.nextText()).toBe('you have connected from 127.0.0.1 as well');
    expect(await page.ask('buy milk')).toBe('ann noted: buy milk');
    expect(await stranger.ask('nothing')).toBe('ben noted: nothing');
    expect([first.waiting, stranger.waiting, page.inbox.length]).toEqual([0, 0, 0]);
    await Promise.all([first.close(), stranger.close(), page.close()]);
    await stop();
  });

  test('nobody else gets in', async () => {
    const secret = { JWT_SECRET: 'a secret that is known to two processes' };
    const { wsUrl, stats } = await startExample('auth/server.mjs', { env: secret });
    await expect(WsClient.connect(wsUrl)).rejects.toThrow('401');
    await expect(WsClient.connect(wsUrl, bearer('no.token.atall'))).rejects.toThrow('401');
    // Signed with another secret.
    await expect(WsClient.connect(wsUrl, bearer(await tokenOf('eve')))).rejects.toThrow('401');
    const token = await tokenOf('ann', secret);
    const foreign = { ...bearer(token), origin: 'http://evil.example' };
    await expect(WsClient.connect(wsUrl, foreign)).rejects.toThrow('403');
    const { rejected } = await stats();
    expect([rejected['upgrade-refused'], rejected['bad-origin']]).toEqual([3, 1]);
    expect(await (await WsClient.connect(wsUrl, bearer(token))).nextText()).toBe('hello, ann');
  });
});

describe('stream', () => {
  test('a slow peer gets every block, and they never lie in memory', async () => {
    const { wsUrl, peakMemory, stats, stop } = await startExample('stream/server.mjs');
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('lots')).toContain('how many blocks');
    const before = peakMemory();
    const BLOCKS = 4000;
    client.send(String(BLOCKS));
    for (let i = 0; i < BLOCKS; i++) {
      const { data, isBinary } = await client.next();
      if (!isBinary || data.byteLength !== 65_536 || data.readUInt32BE() !== i)
        throw new Error(`block ${i} is not there`);
      // It reads in pieces, so that the stream has to wait again and again.
      if (i % 500 !== 0) continue;
      client.socket.pause();
      const waits = async () => {
        const { sent } = (await stats()).messages;
        return sent > 0 && (await stats()).messages.sent === sent;
      };
      await until('the stream to stand still', waits, { everyMs: 50 });
      client.socket.resume();
    }
    expect(await client.nextText()).toBe('done');
    // All of it would be 250 MiB.
    if (before !== undefined) expect(peakMemory()! - before).toBeLessThan(100 * 2 ** 20);
    await client.close();
    await stop();
  });

  test('the generator ends when its peer leaves', async () => {
    const { wsUrl, said } = await startExample('stream/server.mjs');
    const client = await WsClient.connect(wsUrl);
    client.send('1000000');
    await client.collect(3);
    client.destroy();
    const [, made] = await until('its last words', () => /: (\d+) of 1000000 blocks/.exec(said()));
    expect(Number(made)).toBeLessThan(1_000_000);
  });
});

describe('reload', () => {
  test('a client counts on while the version changes, and back', async () => {
    const { wsUrl, url, stop } = await startExample('reload/server.mjs');
    const client = await WsClient.connect(wsUrl);
    const change = async () => (await fetch(`${url}/change`, { method: 'POST' })).text();
    expect(await client.ask('one')).toBe('1: one');
    expect(await change()).toMatch(/^version 2 runs; /);
    expect(await client.ask('two')).toBe('2: TWO (3 letters)');
    expect(await change()).toMatch(/^version 1 runs; /);
    expect(await client.ask('three')).toBe('3: three');
    // While it changes.
    const changing = change();
    for (let i = 4; i < 200; i++) expect(await client.ask('x')).toMatch(new RegExp(`^${i}: `));
    expect(await changing).toMatch(/^version 2 runs; /);
    expect(await client.ask('end')).toMatch(/^200: END /);
    await client.close();
    await stop();
  });
});

describe('chat', () => {
  const join = async (wsUrl: string, room: string, name: string) => {
    const client = await WsClient.connect(`${wsUrl}?room=${room}&name=${name}`);
    return { client, welcome: JSON.parse(await client.nextText()), next: () => nextEvent(client) };
  };
  const nextEvent = async (client: WsClient) => JSON.parse(await client.nextText());

  test('who is in a room sees who comes, speaks and goes, and nothing of other rooms', async () => {
    const { wsUrl, stats, stop } = await startExample('chat/server.mjs');
    // More rooms than workers, so that workers have several.
    const rooms = ['kitchen', 'garden', 'attic', 'cellar', 'porch', 'roof'];
    const folk = [];
    for (const room of rooms) {
      const ann = await join(wsUrl, room, 'ann');
      expect(ann.welcome).toMatchObject({ type: 'welcome', room, people: [{ name: 'ann' }], history: [] });
      const ben = await join(wsUrl, room, 'ben');
      expect(ben.welcome.people).toMatchObject([{ name: 'ann' }, { name: 'ben' }]);
      expect(await ann.next()).toMatchObject({ type: 'join', name: 'ben' });
      folk.push({ room, ann, ben });
    }
    for (const { room, ann } of folk) ann.client.send(`this is the ${room}`);
    for (const { room, ann, ben } of folk) {
      const line = { type: 'message', name: 'ann', text: `this is the ${room}` };
      expect(await ann.next()).toMatchObject(line);
      expect(await ben.next()).toMatchObject(line);
    }
    for (const { ann, ben } of folk) {
      await ben.client.close();
      expect(await ann.next()).toMatchObject({ type: 'leave', name: 'ben' });
      expect(ann.client.waiting).toBe(0);
    }
    expect((await stats()).connections.open).toBe(rooms.length);
    for (const { ann } of folk) await ann.client.close();
    await stop();
  });

  test('who comes late is told the last 50 lines', async () => {
    const { wsUrl } = await startExample('chat/server.mjs');
    const ann = await join(wsUrl, 'kitchen', 'ann');
    for (let i = 0; i < 60; i++) ann.client.send(`line ${i}`);
    for (let i = 0; i < 60; i++) expect(await ann.next()).toMatchObject({ text: `line ${i}` });
    const { welcome } = await join(wsUrl, 'kitchen', 'ben');
    const last = Array.from({ length: 50 }, (_, i) => `line ${i + 10}`);
    expect(welcome.history.map(({ text }: { text: string }) => text)).toEqual(last);
  });
});

describe('embed', () => {
  test('what is posted to the application is pushed to every client', async () => {
    const { wsUrl, command, stop } = await startExample('embed/server.mjs', { env: { APP_PORT: '0' } });
    const [, app] = /application on (\S+)/.exec(command.stdout) ?? [];
    const post = (body: string) => fetch(app!, { method: 'POST', body });
    const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>;
    const [one, two] = [await WsClient.connect(wsUrl), await BrowserClient.open(wsUrl)];
    const order = { item: 'tea', count: 2 };
    // Until both are subscribed: that is the worker's part.
    await until(
      'two who were told',
      async () => (await bodyOf(await post(JSON.stringify(order)))).told === 2,
    );
    expect((await bodyOf(await fetch(app!)))[0]).toEqual({ id: 1, ...order });
    await until('an order at both', () => one.waiting > 0 && two.inbox.length > 0);
    expect(JSON.parse(await one.nextText())).toMatchObject(order);
    expect(JSON.parse(await two.nextText())).toMatchObject(order);

    expect((await post('{"item":"tea"}')).status).toBe(400);
    expect((await post('no JSON')).status).toBe(400);
    expect((await post(' '.repeat(10_001))).status).toBe(413);
    expect((await fetch(app!, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(new URL('/', app))).status).toBe(404);
    await Promise.all([one.close(), two.close()]);
    await stop();
  });
});

describe('the list of examples', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  test.each([
    ['examples/README.md', `${EXAMPLES}README.md`, /^\| \[(\S+)\]\(\1\) \|/gm],
    ['README.md', `${EXAMPLES}../README.md`, /\]\(examples\/(\w+)\)/g],
  ])('of %s is complete', (_, path, row) => {
    const named = [...readFileSync(path, 'utf8').matchAll(row)].map(([, name]) => name);
    expect(named.sort()).toEqual(folders.sort());
  });

  test('each has a README that says how to run it', () => {
    for (const name of folders.filter((folder) => folder !== 'reference'))
      expect(readFileSync(`${EXAMPLES}${name}/README.md`, 'utf8')).toContain(
        `node examples/${name}/server.mjs`,
      );
  });
});
