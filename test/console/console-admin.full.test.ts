/** The console page on the admin listener: what only an administrator may do. */
import { expect, it } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
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

  it('is not on the port of clients', async () => {
    const page = await openPage(await startConsole({ adminListen: '127.0.0.1:0', adminToken: ADMIN_TOKEN }));
    expect(await page.locator('#admin').isVisible()).toBe(false);
  });
});
