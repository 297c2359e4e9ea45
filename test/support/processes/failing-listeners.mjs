/** A hub with a listener that fails: `throws` or `rejects`; `guarded` in a process that goes on. Prints how its client fared. */
import { createHub } from 'shardhub';
import { WebSocket } from 'ws';
import { engineUnderTest } from '../engines/under-test.mjs';

const [how, guarded] = process.argv.slice(2);
const listeners = {
  throws() {
    throw new Error('thrown by a listener');
  },
  async rejects() {
    throw new Error('rejected by a listener');
  },
};
const caught = [];
if (guarded) process.on('uncaughtException', ({ message }) => caught.push(message));

const hub = await createHub({
  ...engineUnderTest,
  port: 0,
  workers: 1,
  logLevel: 'silent',
  onPong: listeners[how],
});
hub.on('open', listeners[how]);
const client = new WebSocket(hub.wsUrl);
const answers = [];
client.on('open', () => {
  client.pong();
  client.send('hello');
});
client.on('message', (data) => {
  answers.push(data.toString());
  client.close(1000);
});
const [code] = await new Promise((resolve) => client.on('close', (...end) => resolve(end)));
await hub.close();
// Let go of the parent.
process.disconnect?.();
process.stdout.write(JSON.stringify({ caught, answers, code }));
