/** The console page's charts and its load: they tell what the hub does, and the token is kept to itself. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { connectMany, WsClient } from '../support/clients/ws-client.js';
import {
  chartValue,
  connect,
  describeInBrowser,
  openPage,
  PATIENT,
  screenshot,
  send,
  startConsole,
  waitForState,
} from '../support/console-page.js';
import { startMeasuredHub } from '../support/servers/measured-hub.js';
import { until } from '../support/until.js';

const TOKEN = 'a+token/of~its.own_and-more=';

const state = (page: Page, name: string) => page.locator(`#stats-state[data-state=${name}]`).waitFor(PATIENT);

/** Waits for a value of a chart. */
async function waitForValue(page: Page, chart: string, series: string, isIt: (value: number) => boolean) {
  await until(`${series} of the chart ${chart}`, async () =>
    isIt((await chartValue(page, chart, series)) ?? Number.NaN),
  );
}

async function startLoad(page: Page, settings: Record<string, number>): Promise<void> {
  for (const [label, value] of Object.entries(settings)) {
    await page.getByLabel(label, { exact: true }).fill(String(value));
  }
  await page.getByRole('button', { name: 'Start' }).click();
}

/** Results of the load by their row. */
async function results(page: Page): Promise<Record<string, string>> {
  return page.evaluate(
    `Object.fromEntries([...document.querySelectorAll('[data-load]')].map((cell) => [cell.dataset.load, cell.textContent]))`,
  );
}

const loadIsOver = (page: Page, words: string | RegExp) =>
  page.locator('#load-state[data-state=done]').filter({ hasText: words }).waitFor(PATIENT);

const LINE_IS_DRAWN = `(() => {
  const canvas = document.querySelector('[data-chart=rate] canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((hex) => parseInt(hex, 16));
  const [line, card] = [rgb('--chart-2'), rgb('--surface')];
  const distance = (a, b) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));
  let isThere = false;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 200 && distance([data[i], data[i + 1], data[i + 2]], line) < 8) isThere = true;
  return isThere && distance(line, card) > 96;
})()`;

describeInBrowser('the statistics on the console page', () => {
  it('move under load, one chart for each figure and one line for each thread', async () => {
    const hub = await startConsole();
    const page = await openPage(hub, { viewport: { width: 1440, height: 1000 } });
    await state(page, 'live');
    await waitForValue(page, 'rate', 'in', (value) => value === 0);
    expect(await page.getByText(/^Engine (uws|node)\./).isVisible()).toBe(true);
    const clients = await connectMany(hub.wsUrl, 6);
    let isOver = false;
    const traffic = Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; !isOver; n++) await client.ask(`${i}:${n}`);
      }),
    );
    await waitForValue(page, 'connections', 'open', (value) => value === 6);
    await waitForValue(page, 'rate', 'in', (value) => value > 0);
    await waitForValue(page, 'rate', 'out', (value) => value > 0);
    await waitForValue(page, 'latency', 'p50', (value) => value > 0);
    expect(await chartValue(page, 'latency', 'p99')).toBeGreaterThanOrEqual(
      (await chartValue(page, 'latency', 'p50'))!,
    );
    await waitForValue(page, 'batch', 'size', (value) => value > 0);
    for (const thread of ['front', 'worker-0', 'worker-1'])
      await waitForValue(page, 'loop', thread, (value) => value >= 0);
    expect(await chartValue(page, 'outbound', 'bytes')).toBe(0);
    expect(await chartValue(page, 'restarts', 'total')).toBe(0);
    expect(await page.locator('[data-chart] canvas').count()).toBe(7);
    isOver = true;
    await traffic;
    await Promise.all(clients.map((client) => client.close()));
    await waitForValue(page, 'rate', 'in', (value) => value === 0);
    await waitForValue(page, 'connections', 'open', (value) => value === 0);
  });

  it('can be read without seeing the charts', async () => {
    const page = await openPage(await startConsole({ workers: 1 }));
    const figure = page.getByRole('figure', { name: 'Messages per second' });
    await expect.poll(() => figure.locator('dl').innerText(), PATIENT).toMatch(/in\s+0\s+out\s+0/);
    expect(await page.locator('.plot:not([aria-hidden=true])').count()).toBe(0);
  });

  it('are streamed while the page is there, and not when it has gone', async () => {
    // No watchdog: it has a timer of its own.
    const hub = await startMeasuredHub({ console: true, handlerTimeoutMs: 0 });
    expect(await hub.timers()).toBe(0);
    const page = await openPage(hub);
    await state(page, 'live');
    expect(await hub.timers()).toBe(1);
    await page.goto('about:blank');
    await until('the timer of the stream to go', async () => (await hub.timers()) === 0);
  });

  it('rest while nobody sees the page', async () => {
    const hub = await startConsole();
    const page = await openPage(hub);
    await waitForValue(page, 'rate', 'in', (value) => value === 0);
    const turn = (isHidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      `);
    await turn(true);
    await state(page, 'hidden');
    const client = await WsClient.connect(hub.wsUrl);
    // A new stream brings what has happened meanwhile.
    await turn(false);
    await state(page, 'live');
    await waitForValue(page, 'connections', 'open', (value) => value === 1);
    await client.close();
  });

  it.each(['light', 'dark'] as const)('stand out from their ground: %s', async (colorScheme) => {
    const hub = await startConsole();
    const page = await openPage(hub, { colorScheme, viewport: { width: 1440, height: 1000 } });
    await connect(page);
    await send(page, 'JSON', '{"type": "order", "id": 4711, "note": "before noon, please"}');
    await send(page, 'Binary, hex', '68 65 6c 6c 6f 20 77 6f 72 6c 64 00 ff');
    await page.getByRole('button', { name: 'Ping' }).click();
    await waitForState(page, /^Echo after/);
    await send(page, 'Text', 'hello from the console');
    await startLoad(page, { Connections: 20, 'Rate (per second)': 500, Seconds: 12, 'Bytes each': 256 });
    await loadIsOver(page, /^Done/);
    await screenshot(page, `console-load-${colorScheme}`);
    // Some pixel of the first chart has the colour of its line, and that is not the colour of the card.
    expect(await page.evaluate(LINE_IS_DRAWN)).toBe(true);
  });

  it('take their token from the address, which forgets it, and keep it for the tab', async () => {
    const hub = await startConsole({ statsToken: TOKEN });
    const page = await openPage(hub, { at: `/#token=${encodeURIComponent(TOKEN)}` });
    await state(page, 'live');
    expect(page.url()).toBe(`${hub.url}/`);
    expect(await page.getByLabel('Token of the statistics').isVisible()).toBe(false);
    await page.reload();
    await state(page, 'live');
    expect(hub.stats().rejected['bad-token']).toBe(0);
  });

  it('ask for the token when they have none, or a wrong one', async () => {
    const hub = await startConsole({ statsToken: TOKEN });
    const page = await openPage(hub, { tolerated: /status of 401/ });
    const field = page.getByLabel('Token of the statistics');
    await field.waitFor();
    expect(hub.stats().rejected['bad-token']).toBe(0);
    await field.fill('something else altogether');
    await field.press('Enter');
    await page.getByRole('alert').getByText('The hub does not take this token').waitFor();
    await field.fill(TOKEN);
    await page.getByRole('button', { name: 'Show' }).click();
    await state(page, 'live');
    expect(await field.isVisible()).toBe(false);
  });

  it.each([
    [{ http: false }, /serves no statistics/],
    [{ host: '0.0.0.0' }, /set its option statsToken/],
  ])('say why there are none with %j, and do not ask', async (options, words) => {
    const hub = await startConsole(options);
    const page = await openPage(hub);
    await page.getByText(words).waitFor();
    expect(hub.stats().rejected).toMatchObject({ 'not-found': 0, 'token-required': 0 });
  });
});

describeInBrowser('the load of the console page', () => {
  it('sends so many messages over so many connections, and tells how long the answers took', async () => {
    const hub = await startConsole();
    const page = await openPage(hub, { viewport: { width: 1440, height: 1000 } });
    await startLoad(page, { Connections: 8, 'Rate (per second)': 400, Seconds: 3, 'Bytes each': 100 });
    await waitForValue(page, 'load', 'p50', (value) => value > 0);
    await loadIsOver(page, /^Done\.$/);
    expect(await results(page)).toMatchObject({
      opened: '8',
      failed: '0',
      sent: '1,200',
      answered: '1,200',
      different: '0',
      unasked: '0',
      closed: '0',
      p50: expect.stringMatching(/^\d+\.\d+ m?s$/),
      p99: expect.stringMatching(/^\d+\.\d+ m?s$/),
      max: expect.stringMatching(/^\d+\.\d+ m?s$/),
    });
    const { received, receivedBytes, sent } = hub.stats().messages;
    expect({ received, receivedBytes, sent }).toEqual({ received: 1200, receivedBytes: 120_000, sent: 1200 });
    await expect
      .poll(() => hub.stats().connections, PATIENT)
      .toMatchObject({ opened: 8, open: 0, closed: { 1000: 8 } });
  });

  it('holds as many as 200 connections, and is stopped by hand', async () => {
    const hub = await startConsole();
    const page = await openPage(hub);
    await startLoad(page, { Connections: 200, 'Rate (per second)': 0, Seconds: 60 });
    await until('200 connections', () => hub.stats().connections.open === 200);
    await waitForValue(page, 'connections', 'open', (value) => value === 200);
    await page.getByRole('button', { name: 'Stop' }).click();
    await loadIsOver(page, 'Stopped.');
    await until('no connection', () => hub.stats().connections.open === 0);
  });

  it('says what is out of bounds', async () => {
    const page = await openPage(await startConsole());
    const error = page.getByRole('alert').filter({ hasText: /./ });
    await startLoad(page, { Connections: 201 });
    await error.filter({ hasText: 'Connections: a whole number from 1 to 200.' }).waitFor();
    await startLoad(page, { Connections: 1, 'Rate (per second)': 1.5 });
    await error.filter({ hasText: 'Rate: a whole number from 0 to 20,000.' }).waitFor();
  });

  it('tells answers that are no echo, and connections that the server closes', async () => {
    const page = await openPage(await startConsole({ handler: 'done' }));
    await startLoad(page, { Connections: 2, 'Rate (per second)': 50, Seconds: 1 });
    await loadIsOver(page, /^Done/);
    expect(await results(page)).toMatchObject({ answered: '50', different: '50' });
    const limited = await openPage(await startConsole({ maxPayload: 10 }));
    await startLoad(limited, { Connections: 2, 'Rate (per second)': 50, Seconds: 1 });
    await loadIsOver(limited, /^Done/);
    expect(await results(limited)).toMatchObject({ answered: '0', closed: '2' });
  });
});
