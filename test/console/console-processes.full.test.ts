/** The console page of `serve --processes`: whichever process answers, it shows them all. */
import { expect, it } from 'vitest';
import { chartValue, describeInBrowser, openPage, PATIENT, screenshot } from '../support/console-page.js';
import { Supervised } from '../support/processes/supervised.js';
import { until } from '../support/until.js';

describeInBrowser('the console page of several processes', () => {
  it('shows the whole, also while one of them is started again', async () => {
    const hubs = await Supervised.start(2);
    // Requests that were on their way to a process that is killed.
    const tolerated = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to load resource/;
    const page = await openPage(hubs.started, { tolerated });
    await page.locator('#stats-state[data-state=live]').waitFor(PATIENT);
    const clients = await hubs.connectToEach(2);
    const waitForOpen = (count: number) =>
      until(`${count} connections`, async () => (await chartValue(page, 'connections', 'open')) === count);
    await waitForOpen(2);
    // A line for the worker of each.
    const threads = await page.evaluate(
      `[...document.querySelectorAll('[data-series]')].map(({ dataset }) => dataset.series)`,
    );
    expect(threads).toEqual(expect.arrayContaining(['worker-0', 'worker-1']));
    await screenshot(page, 'console-processes');
    const [killed, survivor] = [...clients.keys()];
    process.kill(killed!, 'SIGKILL');
    await waitForOpen(1);
    const other = await hubs.connectToEach(2);
    expect(other.has(survivor!)).toBe(true);
    await waitForOpen(3);
  });
});
