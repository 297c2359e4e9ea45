/** The console page on the admin listener: what only an administrator may do. */
import { expect, it } from 'vitest';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import { describeInBrowser, openPage, PATIENT, startConsole } from '../support/console-page.js';
import { Versions } from '../support/faults/versions.js';

const ADMIN_TOKEN = 'the-token-of-the-admin';
const STATS_TOKEN = 'the-token-of-a-scraper';

describeInBrowser('the page of the admin listener', () => {
  it('reloads the handlers, once it has the token of the administrator', async () => {
    const versions = new Versions();
    const hub = await startConsole({
      handler: versions.file,
      adminListen: '127.0.0.1:0',
      adminToken: ADMIN_TOKEN,
      statsToken: STATS_TOKEN,
    });
    const client = await WsClient.connect(hub.wsUrl);
    expect(await client.ask('a')).toBe('v1 1 a');
    const page = await openPage(
      { url: hub.adminUrl!, wsUrl: hub.wsUrl },
      { at: `/#token=${STATS_TOKEN}`, tolerated: /status of 40[01]/ },
    );
    await page.locator('#stats-state[data-state=live]').waitFor(PATIENT);
    const button = page.getByRole('button', { name: 'Reload handlers' });
    const result = (words: RegExp) => page.locator('#admin').getByText(words).waitFor(PATIENT);

    // Who may look may not change.
    await button.click();
    await result(/Nothing has changed: send the token/);
    await page.evaluate(`sessionStorage.setItem('shardhub-stats-token', '${ADMIN_TOKEN}')`);
    versions.writeSource('export default {');
    await button.click();
    await result(/Nothing has changed: .*Unexpected end of input/);
    expect(await client.ask('b')).toBe('v1 2 b');
    versions.write('v2');
    await button.click();
    await result(/^Generation 3 runs, after .* no message waited longer than/);
    expect(await client.ask('c')).toBe('v2 3 c');
  });

  it('lists connections in pages, looks into one and closes it, publishes, profiles and drains', async () => {
    const hub = await startConsole({
      adminListen: '127.0.0.1:0',
      adminToken: ADMIN_TOKEN,
      topics: { news: { presence: true } },
      upgrade: ({ query }) => ({ data: { userId: query } }),
    });
    const clients = await connectMany(`${hub.wsUrl}?crowd`, 60);
    const ann = await WsClient.connect(`${hub.wsUrl}?ann`);
    for (const connection of hub.connections({ userId: 'ann' })) connection.subscribe('news');
    const page = await openPage({ url: hub.adminUrl!, wsUrl: hub.wsUrl }, { at: `/#token=${ADMIN_TOKEN}` });
    const admin = page.locator('#admin');
    const press = (name: string) => admin.getByRole('button', { name }).click();
    const told = (words: string) => admin.getByText(words, { exact: true }).waitFor(PATIENT);

    await press('List connections');
    await told('50 of 61 connections.');
    await press('More connections');
    await told('61 of 61 connections.');
    await admin.getByLabel('User').fill('ann');
    await press('List connections');
    await told('1 of 1 connections.');
    await press('Look into connection');
    await admin.getByText('"queuedMessages": 0').waitFor(PATIENT);

    await admin.getByLabel('Topic (all').fill('news');
    await admin.getByLabel('What to publish').fill('hello');
    await press('Publish');
    await told('Sent to 1 subscribers.');
    expect(await ann.nextText()).toBe('hello');
    await admin.getByLabel('Topic with presence').fill('news');
    await press('Who is there');
    await told('1 are subscribed to news.');
    await press('Set level');
    await told('The log tells what is info and above.');
    await admin.getByLabel('Shard').fill('0');
    await admin.getByLabel('Seconds').fill('1');
    const [download] = await Promise.all([page.waitForEvent('download'), press('Profile CPU')]);
    expect(download.suggestedFilename()).toBe('worker-0.cpuprofile');

    await press('Close connection');
    expect((await ann.closed).code).toBe(1000);
    await press('Drain');
    await told('Nothing has changed: check that you mean it');
    await admin.getByLabel('I mean it').check();
    await press('Drain');
    expect((await clients[0]!.closed).code).toBe(1012);
  });

  it('is not on the port of clients', async () => {
    const page = await openPage(await startConsole({ adminListen: '127.0.0.1:0', adminToken: ADMIN_TOKEN }));
    expect(await page.locator('#admin').isVisible()).toBe(false);
  });
});
