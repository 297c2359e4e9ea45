/** The console page's connection: how it is made, how it ends from either side, and how it comes back. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import {
  connect,
  describeInBrowser,
  messageField,
  openPage,
  PATIENT,
  readLog,
  received,
  send,
  startConsole,
  waitForState,
} from '../support/console-page.js';
import { freePort } from '../support/processes/ports.js';
import { fixture } from '../support/servers/hubs.js';

/** What the browser's console says of a hub that is not there. */
const UNREACHABLE = /ERR_CONNECTION|ERR_INCOMPLETE_CHUNKED|WebSocket connection to .* failed/;

/** Notes what the page says from now on; what it returns waits until it has said something. */
async function listen(page: Page): Promise<(words: RegExp) => Promise<void>> {
  await page.evaluate(`
    globalThis.told = [];
    const text = (id) => document.getElementById(id).textContent;
    new MutationObserver(() => told.push(text('state') + ': ' + text('detail')))
      .observe(document.getElementById('detail'), { childList: true, characterData: true, subtree: true });
  `);
  return (words) =>
    expect.poll(() => page.evaluate('globalThis.told'), PATIENT).toContainEqual(expect.stringMatching(words));
}

describeInBrowser('the connection of the console page', () => {
  it('says what is wrong with an address or a close code', async () => {
    const hub = await startConsole();
    const page = await openPage(hub);
    const error = page.getByRole('alert').filter({ hasText: /./ });
    for (const address of ['', 'localhost:8080/ws', 'ftp://127.0.0.1/']) {
      await page.getByLabel('WebSocket address').fill(address);
      await page.getByRole('button', { name: 'Connect' }).click();
      await error.filter({ hasText: 'must begin with ws:// or wss://' }).waitFor();
    }
    await page.getByLabel('WebSocket address').fill(hub.wsUrl.replace('ws:', 'http:'));
    await connect(page);
    await page.getByText('Close with a code and a reason').click();
    for (const code of ['1001', '2999', '5000', 'x', '3000.5']) {
      await page.getByLabel('Close code').fill(code);
      await page.getByRole('button', { name: 'Close', exact: true }).click();
      await error.filter({ hasText: 'none of the close codes' }).waitFor();
    }
    await page.getByLabel('Close code').fill('1000');
    await page.getByLabel('Reason').fill('é'.repeat(62));
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await error.filter({ hasText: '124 bytes; 123 is the most' }).waitFor();
    await waitForState(page, 'Connected');
  });

  it('closes with a code and a reason, and connects again', async () => {
    const hub = await startConsole();
    const page = await openPage(hub);
    await connect(page);
    await page.getByText('Close with a code and a reason').click();
    await page.getByLabel('Close code').fill('4001');
    await page.getByLabel('Reason').fill('done here');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await waitForState(page, 'Closed');
    await waitForState(page, 'This page closed the connection: 4001 (private code), reason “done here”.');
    await expect.poll(() => hub.stats().connections.closed['4001'], PATIENT).toBe(1);

    await connect(page);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await waitForState(page, 'Closed');
    await waitForState(page, 'This page closed the connection: 1000 (normal closure).');
  });

  it('shows the code and the reason that the server closes with', async () => {
    const page = await openPage(await startConsole({ handler: fixture('sends.mjs') }));
    await connect(page);
    await send(page, 'Text', 'close 4002 enough');
    await waitForState(page, 'Closed');
    await waitForState(page, 'The server closed the connection: 4002 (private code), reason “enough”.');
    expect((await readLog(page)).slice(-2).map((row) => [row[1], row[2], row[5]])).toEqual([
      ['received', 'text', 'last words'],
      ['event', 'close', 'The server closed the connection: 4002 (private code), reason “enough”.'],
    ]);
    await messageField(page).press('Enter');
    await page.getByRole('alert').getByText('Not connected').waitFor();
  });

  it('shows that the hub went away, and stays away unless told otherwise', async () => {
    const hub = await startConsole();
    const page = await openPage(hub, { tolerated: UNREACHABLE });
    await connect(page);
    await hub.close();
    await waitForState(page, 'Closed');
    await waitForState(page, /^The server closed the connection: 1001 \(going away\)/);
  });

  it('comes back by itself after the hub has restarted', async () => {
    // Not one that the system picks: what is left of its connections would keep it for a while.
    const port = await freePort();
    const hub = await startConsole({ port });
    const page = await openPage(hub, { tolerated: UNREACHABLE });
    await page.getByLabel('Reconnect when the connection is lost').check();
    await connect(page);
    const told = await listen(page);
    await hub.close({ code: 1012 });
    await told(
      /^Waiting to reconnect: The server closed the connection: 1012 \(service restart\).* Try 1 in \d+\.\d m?s\.$/,
    );
    // Later tries wait longer.
    await told(/^Waiting to reconnect: .* Try 3 in \d+\.\d+ m?s\.$/);
    await startConsole({ port });
    await waitForState(page, 'Connected');
    await send(page, 'Text', 'back again');
    await expect.poll(async () => (await received(page)).at(-1)?.[2], PATIENT).toBe('back again');
    // What the user closes stays closed.
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await waitForState(page, 'Closed');
    expect(await page.getByRole('button', { name: 'Connect', exact: true }).count()).toBe(1);
    // The statistics come back as well.
    await page.locator('#stats-state[data-state=live]').waitFor(PATIENT);
  });

  it('gives up coming back when it is told to', async () => {
    const hub = await startConsole();
    const page = await openPage(hub, { tolerated: UNREACHABLE });
    await page.getByLabel('Reconnect when the connection is lost').check();
    await connect(page);
    await hub.close();
    // A pause that is long enough to click in.
    await waitForState(page, /Try 4 in \d\.\d\d s\.$/);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await waitForState(page, 'Not trying again.');
    await waitForState(page, 'Closed');
  });

  it('tells of no connection', async () => {
    const hub = await startConsole();
    const page = await openPage(hub, { tolerated: UNREACHABLE });
    await page.getByLabel('Reconnect when the connection is lost').check();
    await page.getByLabel('WebSocket address').fill(`${hub.wsUrl}/not-there`);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await waitForState(page, 'Connection failed');
  });
});
