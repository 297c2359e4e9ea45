/** What a hub is told of the end of a peer, and a hub in a worker thread that ends. */
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { byEngine } from '../support/engines/under-test.mjs';
import { runScript } from '../support/processes/processes.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

test.each([
  [1000, true],
  [1011, true],
  [1012, false],
  [1013, false],
  [1014, false],
  [3000, false],
  [3999, false],
  [4000, true],
  [4999, true],
])('a peer’s close with %d, which engine uws takes: %s', async (sent, doesUws) => {
  const isTaken = byEngine({ uws: doesUws, node: true });
  const { hub } = await startHub({ workers: 0 });
  const codes: number[] = [];
  hub.on('close', (_, code) => void codes.push(code));
  const raw = await RawClient.open(hub.port);
  raw.close(sent, 'x');
  expect((await raw.readToEnd()).code).toBe(isTaken ? sent : 1005);
  await until('its end', () => codes.length === 1);
  expect(codes).toEqual([isTaken ? sent : 1006]);
});

test('a message with FIN right behind it is processed, and its late reply finds nobody', async () => {
  let questions = 0;
  const asked = createServer((_, response) => {
    questions++;
    response.end('late');
  });
  onTestFinished(() => void asked.close());
  await new Promise<void>((resolve) => asked.listen(0, '127.0.0.1', resolve));
  const { hub } = await startHub({ workers: 1, handler: fixture('asks.mjs') });
  const raw = await RawClient.open(hub.port);
  const { port } = asked.address() as { port: number };
  raw.text(`http://127.0.0.1:${port}/`);
  raw.socket.end();
  expect(await raw.readToEnd()).toMatchObject({ frames: [], code: 1006 });
  await until('the message to be processed', () => questions === 1);
});

test('a hub in a worker thread, closed before the thread ends, leaves the process as it was', async () => {
  expect(await runScript('hub-in-thread.mjs')).toEqual({ code: 0, printed: { echo: 'hello', exit: 0 } });
});
