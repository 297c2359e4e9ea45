/** The programs of the tutorials, driven as the tutorials' own clients do. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BrowserClient } from '../support/clients/browser-client.js';
import { WsClient } from '../support/clients/ws-client.js';
import { client, startClient } from '../support/processes/client-command.js';
import { Command, runCommand } from '../support/processes/command-line.js';
import { EXAMPLES, startExample } from '../support/processes/example.js';
import { until } from '../support/until.js';

const start = (name: string, options?: Parameters<typeof startExample>[1]) =>
  startExample(`reference/${name}/server.mjs`, options);

describe('wrapped-connection', () => {
  test('echoes between heartbeats, to each client', async () => {
    const { wsUrl, stop } = await start('wrapped-connection');
    expect(new URL(wsUrl).pathname).toBe('/ws');
    const clients = [await BrowserClient.open(wsUrl), await BrowserClient.open(wsUrl)];
    for (const one of clients) one.send('Hello world!');
    const enough = () => clients.every(({ inbox }) => inbox.length >= 3);
    await until('an echo and two heartbeats for each', enough);
    for (const one of clients) {
      expect(one.inbox.filter((text) => text !== 'heartbeat')).toEqual(['Hello world!']);
      expect(await one.close(1000)).toMatchObject({ code: 1000 });
    }
    await stop();
  });

  test('1,000 messages fit between a client and the handler, and come back in order', async () => {
    const { wsUrl } = await start('wrapped-connection');
    const client = await WsClient.connect(wsUrl);
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    for (const text of sent) client.send(text);
    const got: string[] = [];
    while (got.length < sent.length) {
      const text = await client.nextText();
      if (text !== 'heartbeat') got.push(text);
    }
    expect(got).toEqual(sent);
  });

  test('a client that vanishes, or one that closes twice, harms nobody', async () => {
    const { wsUrl, stats, stop } = await start('wrapped-connection');
    const [rude, hasty, calm] = [
      await WsClient.connect(wsUrl),
      await WsClient.connect(wsUrl),
      await WsClient.connect(wsUrl),
    ];
    rude.send('unheard');
    rude.destroy();
    hasty.socket.close(1000);
    expect(await hasty.close(1000)).toMatchObject({ code: 1000 });
    await until('both to be gone', async () => (await stats()).connections.open === 1);
    expect(['still here', 'heartbeat']).toContain(await calm.ask('still here'));
    await calm.close();
    await stop();
  });

  test('a page from anywhere may connect, as in the document', async () => {
    const { wsUrl } = await start('wrapped-connection');
    for (const origin of ['null', 'http://elsewhere.example']) {
      const page = await BrowserClient.open(wsUrl, { origin });
      expect(['hello', 'heartbeat']).toContain(await page.ask('hello'));
    }
  });
});

describe('connection-registry', () => {
  test('each connection has an id, and each change says how many are online', async () => {
    const { wsUrl, command, stop } = await start('connection-registry');
    expect(new URL(wsUrl).pathname).toBe('/send');
    const first = await WsClient.connect(wsUrl);
    const second = await WsClient.connect(wsUrl);
    await second.close(1001);
    await first.close(1000);
    const changes = () => [...command.stdout.matchAll(/^(\S+) has (come|gone \(\d+\)), online: (\d+)$/gm)];
    await until('four changes', () => changes().length === 4);
    const [one, two] = changes().map(([, id]) => id);
    expect(one).not.toBe(two);
    expect(changes().map(([, ...change]) => change)).toEqual([
      [one, 'come', '1'],
      [two, 'come', '2'],
      [two, 'gone (1001)', '1'],
      [one, 'gone (1000)', '0'],
    ]);
    await stop();
  });

  test('the kind of a message is kept, and what is said is logged', async () => {
    const { wsUrl, said } = await start('connection-registry');
    const page = await BrowserClient.open(wsUrl, { origin: 'null' });
    expect(await page.ask('Hello "world"!')).toBe('Hello "world"!');
    page.send(Uint8Array.of(1, 2, 3));
    const echo = (await page.next()) as Blob;
    expect(new Uint8Array(await echo.arrayBuffer())).toEqual(Uint8Array.of(1, 2, 3));
    await until('the log', () => /says "Hello \\"world\\"!"\n.* says 3 bytes\n/.test(said()));
  });

  test('512 bytes are the limit of a message', async () => {
    const { wsUrl } = await start('connection-registry');
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('x'.repeat(512))).toBe('x'.repeat(512));
    client.send('x'.repeat(513));
    expect((await client.closed).code).toBe(1009);
  });

  test('a silent peer is pinged; one that answers stays, one that does not is dropped', async () => {
    const { wsUrl, stats } = await start('connection-registry', { env: { IDLE_TIMEOUT: '8' } });
    const alive = await WsClient.connect(wsUrl);
    const dead = await WsClient.connect(wsUrl, { autoPong: false });
    const pings = once(alive.socket, 'ping');
    expect((await dead.closed).code).toBe(1006);
    await pings;
    expect((await stats()).connections).toMatchObject({ open: 1, timedOut: 1 });
    expect(await alive.ask('still here')).toBe('still here');
  });

  test('each connection is pinged at a fixed beat, and closed when no pong comes in time', async () => {
    const { wsUrl } = await start('connection-registry', { env: { PING_MS: '200', PONG_MS: '5000' } });
    const alive = await WsClient.connect(wsUrl);
    const dead = await WsClient.connect(wsUrl, { autoPong: false });
    for (let i = 0; i < 3; i++) await once(alive.socket, 'ping');
    expect(await dead.closed).toEqual({ code: 1008, reason: 'no pong' });
    expect(await alive.ask('still here')).toBe('still here');
  });

  test('-addr says where it listens, as in Go', async () => {
    for (const args of [['-addr', '127.0.0.1:1'], ['-addr=127.0.0.1:1'], ['--addr', 'localhost:1']]) {
      const { wsUrl, stop } = await start('connection-registry', { args });
      // PORT goes before its port, so that a test gets a free one.
      expect(new URL(wsUrl).hostname).toBe(args.join('=').split('=')[1]!.split(':')[0]);
      await stop();
    }
    const path = `${EXAMPLES}reference/connection-registry/server.mjs`;
    const outcome = await runCommand([path, '-addr', 'nowhere'], { binary: process.execPath });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('-addr takes host:port, such as 127.0.0.1:6666, not nowhere');
  });
});

describe('business-loop', () => {
  test('answers "<text> done" in binary, with a binary heartbeat in between', async () => {
    const { wsUrl, stop } = await start('business-loop');
    expect(new URL(wsUrl).pathname).toBe('/ws');
    const page = await BrowserClient.open(wsUrl, { origin: 'null' });
    for (const text of ['Hello!', '你好']) page.send(text);
    await until('two answers and a heartbeat', () => page.inbox.length >= 3);
    // The document's page reads them with a FileReader, which takes nothing but Blobs.
    const texts = await Promise.all(page.inbox.map((blob) => (blob as Blob).text()));
    expect(texts.filter((text) => text !== '心跳检查')).toEqual(['Hello! done', '你好 done']);
    expect(texts).toContain('心跳检查');
    await page.close();
    await stop();
  });
});

describe('upgrader-and-conn', () => {
  test('says pong in the type of the message', async () => {
    const { wsUrl } = await start('upgrader-and-conn');
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('anything')).toBe('pong');
    client.send(Buffer.from('ping'));
    expect(await client.nextText()).toBe('binary:pong');
  });

  test('its client sends ping again and again, and closes cleanly at Ctrl-C', async () => {
    const { wsUrl, said, stats, stop } = await start('upgrader-and-conn');
    const args = [`${EXAMPLES}reference/upgrader-and-conn/client.mjs`, wsUrl, '50'];
    const dialer = new Command(args, { binary: process.execPath });
    await until('two answers', () =>
      dialer.stdout.includes('received message: pong\nreceived message: pong\n'),
    );
    dialer.kill('SIGINT');
    expect(await dialer.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
    await until('the log', () => said().includes('received binary message "ping"\n'));
    await until('the close', async () => (await stats()).connections.closed[1000] === 1);
    await stop();
  });

  test('"Server is alive"', async () => {
    const { wsUrl } = await start('upgrader-and-conn');
    const outcome = await client([wsUrl, '--ping', '--timeout', '5s']);
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/^alive: /) });
  });
});

describe('official-echo', () => {
  test('echoes each message as the kind that it was, and logs it', async () => {
    const { wsUrl, said, stop } = await start('official-echo');
    expect(wsUrl).toMatch(/^ws:\/\/localhost:\d+\/echo$/);
    const client = await WsClient.connect(wsUrl);
    expect(await client.ask('Hello world!')).toBe('Hello world!');
    client.send(Buffer.from([1, 2]));
    expect(await client.nextText()).toBe('binary:\u0001\u0002');
    await until('the log', () => said().includes('recv: "Hello world!"\nrecv: 2 bytes\n'));
    await client.close();
    await stop();
  });

  test('a page of another host may not connect', async () => {
    const { wsUrl } = await start('official-echo');
    await expect(WsClient.connect(wsUrl, { origin: 'http://evil.example' })).rejects.toThrow('403');
  });

  test('the client for the command line: a ticker, and a clean close at Ctrl-C', async () => {
    const { wsUrl, said, stop } = await start('official-echo', { args: ['-addr', '127.0.0.1:8080'] });
    const ticking = startClient([wsUrl, '--every', '50ms']);
    await until('three echoes', () => ticking.stdout.split('\n').length > 3);
    ticking.kill('SIGINT');
    const { code, stdout, stderr } = await ticking.exited;
    expect([code, stderr]).toEqual([0, expect.stringContaining('closed cleanly, with 1000')]);
    for (const time of stdout.trimEnd().split('\n')) {
      expect(new Date(time).getTime()).not.toBeNaN();
      await until('its log', () => said().includes(`recv: "${time}"\n`));
    }
    await stop();
  });
});

test('each program has a README that names its document and says how to run it', () => {
  const titles: Record<string, string> = {
    'wrapped-connection': '封装websocket',
    'connection-registry': 'WebSocket编程',
    'business-loop': 'websocket demo',
    'upgrader-and-conn': 'gorilla/websocket',
    'official-echo': 'Golang实现WebSocket通信',
  };
  const folders = readdirSync(`${EXAMPLES}reference`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.sort()).toEqual(Object.keys(titles).sort());
  const list = readFileSync(`${EXAMPLES}reference/README.md`, 'utf8');
  for (const name of folders) {
    const text = readFileSync(`${EXAMPLES}reference/${name}/README.md`, 'utf8');
    expect(text).toContain(titles[name]);
    expect(text).toContain(`node examples/reference/${name}/server.mjs`);
    expect(list).toContain(`| [${name}](${name}) | ${titles[name]} |`);
  }
});
