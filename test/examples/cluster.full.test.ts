/** The example of a cluster: a client goes on where it was when its node has died. */
import { expect, onTestFinished, test } from 'vitest';
import { BrowserClient } from '../support/clients/browser-client.js';
import { startExample } from '../support/processes/example.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

test.skipIf(!hasNatsServer)('a client whose node is killed misses nothing on another one', async () => {
  const server = await NatsServer.start();
  onTestFinished(() => server.stop());
  const env = { BROKER: server.url };
  const [first, second] = [
    await startExample('cluster/server.mjs', { env }),
    await startExample('cluster/server.mjs', { env }),
  ];
  const reader = await BrowserClient.open(first.wsUrl);
  const writer = await BrowserClient.open(second.wsUrl);
  expect(JSON.parse(await writer.ask('{"join":"TEA"}')).error).toContain('{"join": room');
  expect(JSON.parse(await reader.ask('{"join":"tea"}'))).toMatchObject({ joined: 'tea', recovered: true });
  const say = (id: string) => writer.ask(JSON.stringify({ say: `message ${id}`, to: 'tea', id }));
  expect(JSON.parse(await say('1'))).toEqual({ said: '1' });
  const { data, offset, epoch } = JSON.parse(await reader.nextText());
  expect(data).toBe('message 1');
  first.command.kill('SIGKILL');
  await first.command.exited;
  // Said twice, as one does who was not answered.
  for (const id of ['2', '3', '3']) expect(JSON.parse(await say(id))).toEqual({ said: id });
  const again = await BrowserClient.open(second.wsUrl);
  again.send(JSON.stringify({ join: 'tea', since: { offset, epoch } }));
  const datas = [JSON.parse(await again.nextText()).data, JSON.parse(await again.nextText()).data];
  expect(datas).toEqual(['message 2', 'message 3']);
  expect(JSON.parse(await again.nextText())).toMatchObject({ joined: 'tea', recovered: true, missed: 2 });
  await Promise.all([again.close(), writer.close()]);
  await second.stop();
});
