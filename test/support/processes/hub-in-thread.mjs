/** A hub in a worker thread that closes it and ends. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { engineUnderTest } from '../engines/under-test.mjs';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const seen = {};
  worker.on('message', (echo) => {
    seen.echo = echo;
  });
  worker.on('exit', (exit) => console.log(JSON.stringify({ ...seen, exit })));
} else {
  const { createHub } = await import('shardhub');
  const { WebSocket } = await import('ws');
  const hub = await createHub({ ...engineUnderTest, port: 0, workers: 1 });
  const client = new WebSocket(hub.wsUrl);
  client.on('open', () => client.send('hello'));
  client.on('message', async (data) => {
    await hub.close();
    parentPort.postMessage(String(data));
  });
}
