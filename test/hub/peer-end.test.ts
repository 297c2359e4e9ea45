/** What a hub is told of the end of a peer, and a hub in a worker thread that ends. */
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { RawClient } from '../support/clients/raw-client.js';
import { runScript } from '../support/processes/processes.js';
import { fixture, startHub } from '../support/servers/hubs.js';
import { until } from '../support/until.js';

test.each([
  [1000, 1000],
  [1011, 1011],
  [1012, 1006],
  [1013, 1006],
  [1014, 1006],
  [3000, 1006],
  [3999, 1006],
  [4000, 4000],
  [4999, 4999],
])('a peer’s close with %d is told as %d', async (sent, told) => {
  const { hub } = await startHub({ workers: 0 });
  const codes: number[] = [];
  hub.on('close', (_, code) => void codes.push(code));
  const raw = await RawClient.open(hub.port);
  raw.close(sent, 'x');
  await until('its end', () => codes.length === 1);
  expect(codes).toEqual([told]);
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
