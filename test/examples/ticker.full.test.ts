/** The example of a ticker: prices of a backend that is no hub, on any node, also after one has died. */
import { expect, onTestFinished, test } from 'vitest';
import { BrowserClient } from '../support/clients/browser-client.js';
import { Command } from '../support/processes/command-line.js';
import { EXAMPLES, startExample } from '../support/processes/example.js';
import { hasNatsServer, NatsServer } from '../support/servers/nats-server.js';
import { until } from '../support/until.js';

if (!hasNatsServer && process.env.CI === 'true') throw new Error('nats-server is not installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');

interface Tick {
  readonly topic: string;
  readonly offset: number;
  readonly epoch: string;
  readonly data: { readonly price: number };
}

test.skipIf(!hasNatsServer)(
  'who watches gets the newest price at once, and what follows, on any node',
  async () => {
    const server = await NatsServer.start();
    onTestFinished(() => server.stop());
    const env = { BROKER: server.url };
    const [first, second] = [
      await startExample('ticker/server.mjs', { env }),
      await startExample('ticker/server.mjs', { env }),
    ];
    const startMarket = () =>
      new Command([`${EXAMPLES}ticker/market.mjs`], {
        binary: process.execPath,
        env: { ...env, TICK_MS: '20' },
      });
    const tickOf = async (client: BrowserClient) => JSON.parse(await client.nextText()) as Tick;
    const market = startMarket();
    const clients = [await BrowserClient.open(first.wsUrl), await BrowserClient.open(second.wsUrl)] as const;
    expect(JSON.parse(await clients[0].ask('{"watch":["NOBODY"]}')).error).toContain('"watch"');
    for (const client of clients) client.send('{"watch":["ACME"]}');
    const ticks: [Tick[], Tick[]] = [[], []];
    /** As a client does: what is not newer than what it has, it ignores. */
    const take = (all: Tick[], tick: Tick) => tick.offset > (all.at(-1)?.offset ?? 0) && all.push(tick);
    for (const [i, client] of clients.entries()) {
      while (ticks[i]!.length < 5) take(ticks[i]!, await tickOf(client));
      expect(ticks[i]!.every(({ topic, data }) => topic === 'price:ACME' && data.price > 0)).toBe(true);
    }
    market.kill('SIGINT');
    expect(await market.exited).toMatchObject({ code: 0, stderr: '' });
    first.command.kill('SIGKILL');
    await first.command.exited;
    // The market is closed: the newest price is told all the same.
    const late = await BrowserClient.open(second.wsUrl);
    late.send('{"watch":["ACME"]}');
    const newest = await tickOf(late);
    await until('it on the other connection', () => {
      for (const text of clients[1].inbox.splice(0)) take(ticks[1], JSON.parse(String(text)));
      return ticks[1].at(-1)!.offset >= newest.offset;
    });
    expect(ticks[1].at(-1)).toEqual(newest);
    await Promise.all([late.close(), clients[1].close()]);
    await second.stop();
  },
);
