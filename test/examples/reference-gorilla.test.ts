/** docs/from-gorilla.md: it is complete, names tests that exist, and what no other test shows is shown here. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

/** What gorilla/websocket 1.5 exports for servers and clients, as its reference lists it; constants left out. */
const GORILLA = {
  Upgrader: `Upgrade HandshakeTimeout ReadBufferSize WriteBufferSize WriteBufferPool Subprotocols Error CheckOrigin
    EnableCompression`,
  Conn: `Close CloseHandler EnableWriteCompression LocalAddr NetConn NextReader NextWriter PingHandler PongHandler
    ReadJSON ReadMessage RemoteAddr SetCloseHandler SetCompressionLevel SetPingHandler SetPongHandler SetReadDeadline
    SetReadLimit SetWriteDeadline Subprotocol UnderlyingConn WriteControl WriteJSON WriteMessage WritePreparedMessage`,
  Dialer: `Dial DialContext NetDial NetDialContext NetDialTLSContext Proxy TLSClientConfig HandshakeTimeout
    ReadBufferSize WriteBufferSize WriteBufferPool Subprotocols EnableCompression Jar`,
};

describe('the page', () => {
  const page = readFileSync(new URL('../../docs/from-gorilla.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => /^\| (?!gorilla \|)/.test(line))
    .map(
      (line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()) as [string, string, string],
    );

  test('has a row for each field and method of Upgrader, Conn and Dialer', () => {
    const text = rows.map(([name]) => name).join('\n');
    const missing = Object.entries(GORILLA).flatMap(([type, names]) =>
      names
        .split(/\s+/)
        .map((name) => `\`${type}.${name}\``)
        .filter((name) => !text.includes(name)),
    );
    expect(missing).toEqual([]);
  });

  test('names a test that exists in each row, or says why it has none', () => {
    expect(rows.length).toBeGreaterThan(40);
    for (const row of rows) {
      expect(row).toHaveLength(3);
      const [name, here, shownBy] = row;
      if (shownBy === '') expect(here, name).toMatch(/^not (needed|possible): /);
      else expect(titlesOf(shownBy), name).toContain(shownBy.replace(/^`[\w-]+`: /, ''));
    }
  });

  const TESTS = new URL('../', import.meta.url);
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' });

  /** The titles of tests and groups in the files that a cell names. */
  function titlesOf(cell: string): string[] {
    const [, file] = /^`([\w-]+)`: /.exec(cell) ?? [];
    const isIt = (path: string) => [`${file}.test.ts`, `${file}.full.test.ts`].includes(basename(path));
    const text = files
      .filter(isIt)
      .map((path) => readFileSync(new URL(path, TESTS), 'utf8'))
      .join('\n');
    return [...text.matchAll(/(?:\b(?:test|describe)|\))\(\s*(['`])(.*?)\1,/g)].map(([, , title]) => title!);
  }
});

describe('what no other test shows', () => {
  const start = () => startHub({ handler: fixture('gorilla.mjs') });

  test('ReadMessage and WriteMessage keep the type of a message', async () => {
    const { hub } = await startHub({ handler: 'echo' });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask('text')).toBe('text');
    client.send(Buffer.from('bytes'));
    expect(await client.nextText()).toBe('binary:bytes');
    const [connection] = [...hub.connections()];
    connection!.send('text from the I/O thread');
    connection!.send(Buffer.from('bytes from the I/O thread'));
    expect(await client.nextText()).toBe('text from the I/O thread');
    expect(await client.nextText()).toBe('binary:bytes from the I/O thread');
  });

  test('ReadJSON and WriteJSON', async () => {
    const { hub } = await start();
    const client = await WsClient.connect(hub.wsUrl);
    expect(JSON.parse(await client.ask('{"name":"Zoë"}'))).toEqual({ greeting: 'hello, Zoë' });
  });

  test('Close may be called again and from anywhere: the first one counts', async () => {
    const { hub, log } = await start();
    const client = await WsClient.connect(hub.wsUrl);
    const [connection] = [...hub.connections()];
    const closes: unknown[] = [];
    hub.on('close', (_, code, reason) => closes.push([code, reason]));
    client.send(
      JSON.stringify({
        closes: [
          [4001, 'first'],
          [4002, 'second'],
        ],
      }),
    );
    expect(await client.closed).toEqual({ code: 4001, reason: 'first' });
    await until('the close', () => closes.length > 0);
    connection!.close(4003, 'third');
    expect(connection!.isOpen).toBe(false);
    expect(closes).toEqual([[4001, 'first']]);

    const other = await WsClient.connect(hub.wsUrl);
    const [otherConnection] = [...hub.connections()];
    otherConnection!.close(4004, 'from the I/O thread');
    otherConnection!.close(4005, 'again');
    expect(await other.closed).toEqual({ code: 4004, reason: 'from the I/O thread' });
    expect(log).toEqual([]);
  });
});
