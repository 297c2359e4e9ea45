/** The console page's log: bounded under any flood, and filtered, paused, copied and cleared. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import {
  connect,
  describeInBrowser,
  openPage,
  PATIENT,
  readLog,
  received,
  send,
  startConsole,
} from '../support/console-page.js';
import { fixture } from '../support/servers/hubs.js';

const LIMIT = 1000;
const ROWS_PER_FRAME = 100;
const FLOOD = 20_000;

/** A page whose hub answers `many <n>` with so many messages. */
async function openFlooded(): Promise<Page> {
  const hub = await startConsole({ handler: fixture('sends.mjs'), maxQueueMessages: 100_000 });
  const page = await openPage(hub, { permissions: ['clipboard-read', 'clipboard-write'] });
  await connect(page);
  return page;
}

const filter = (page: Page) => page.getByLabel('Filter', { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const contents = async (page: Page) => (await readLog(page)).map((row) => row[5]);

describeInBrowser('the log of the console page', () => {
  it(`keeps up with ${FLOOD} messages, and never has more than ${LIMIT} of them on the page`, async () => {
    const page = await openFlooded();
    await page.evaluate(`
      globalThis.most = 0;
      globalThis.mostAtOnce = 0;
      new MutationObserver((records) => {
        globalThis.most = Math.max(globalThis.most, document.getElementById('log').childElementCount);
        const added = records.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0);
        globalThis.mostAtOnce = Math.max(globalThis.mostAtOnce, added);
      }).observe(document.getElementById('log'), { childList: true });
      globalThis.before = document.querySelectorAll('*').length;
    `);
    await send(page, 'Text', `many ${FLOOD}`);
    await expect.poll(async () => (await received(page)).at(-1)?.[2], PATIENT).toBe(String(FLOOD - 1));
    await page.getByText(`received ${FLOOD.toLocaleString('en')}`).waitFor();
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(LIMIT);
    expect((await received(page))[0]?.[2]).toBe(String(FLOOD - LIMIT));
    expect(await page.evaluate('globalThis.most')).toBeLessThanOrEqual(LIMIT);
    // One frame's work is bounded, however much came in: what has left the log by then never gets a row.
    expect(await page.evaluate('globalThis.mostAtOnce')).toBeLessThanOrEqual(ROWS_PER_FRAME);
    const nodes = (await page.evaluate(
      `document.querySelectorAll('*').length - globalThis.before`,
    )) as number;
    expect(nodes).toBeLessThan(LIMIT * 10);
    const fromEnd = await page.evaluate(
      `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(document.getElementById('log'))`,
    );
    expect(fromEnd).toBeLessThan(2);
  });

  it('is no live region: only the state of the connection is read out', async () => {
    const page = await openFlooded();
    expect(await page.getByRole('log').getAttribute('aria-live')).toBe('off');
    expect(await page.locator('#state').getAttribute('role')).toBe('status');
  });

  it('shows what passes the filter, by words and by direction', async () => {
    const page = await openFlooded();
    await send(page, 'Text', 'many 30');
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(30);
    await filter(page).fill('2');
    const withTwo = Array.from({ length: 30 }, (_, i) => String(i)).filter((text) => text.includes('2'));
    await page.getByLabel('Direction', { exact: true }).selectOption('received');
    await expect.poll(() => contents(page), PATIENT).toEqual(withTwo);
    await filter(page).fill('no such words');
    await page.getByText('No entry passes the filter.').waitFor();
    await page.getByLabel('Direction', { exact: true }).selectOption('sent');
    await filter(page).fill('MANY');
    await expect.poll(() => contents(page), PATIENT).toEqual(['many 30']);
    // What comes in meanwhile is filtered too.
    await send(page, 'Text', 'many 1');
    await expect.poll(() => contents(page), PATIENT).toEqual(['many 30', 'many 1']);
    await filter(page).fill('');
    await page.getByLabel('Direction', { exact: true }).selectOption('all');
    await expect.poll(async () => (await readLog(page)).length, PATIENT).toBe(34);
  });

  it('stands still while it is paused, and catches up', async () => {
    const page = await openFlooded();
    await button(page, 'Pause').click();
    expect(await button(page, 'Resume').getAttribute('aria-pressed')).toBe('true');
    await send(page, 'Text', 'many 1500');
    await page.getByText('paused: 1,501 new').waitFor(PATIENT);
    expect(await readLog(page)).toHaveLength(1);
    await button(page, 'Resume').click();
    await expect.poll(async () => (await readLog(page)).length, PATIENT).toBe(LIMIT);
    expect((await contents(page)).at(-1)).toBe('1499');
  });

  it('copies what it keeps and shows as text, and clears it', async () => {
    const page = await openFlooded();
    await send(page, 'Text', 'many 2');
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(2);
    await send(page, 'Text', 'a\tb\nc\\');
    await expect.poll(async () => (await contents(page)).at(-1), PATIENT).toBe('a\tb\nc\\');
    await button(page, 'Copy').click();
    await page.getByText('5 entries copied').waitFor();
    const copied = (await page.evaluate('navigator.clipboard.readText()')) as string;
    const lines = copied.split('\n').map((line) => line.split('\t'));
    expect(lines.map((line) => line.slice(1, 4))).toEqual([
      ['event', 'open', ''],
      ['sent', 'text', '6 B'],
      ['received', 'text', '1 B'],
      ['received', 'text', '1 B'],
      ['sent', 'text', '6 B'],
    ]);
    expect(lines.every((line) => line.length === 6 && /^\d\d:\d\d:\d\d\.\d{3}$/.test(line[0]!))).toBe(true);
    expect(lines.map((line) => line[5]).slice(1)).toEqual(['many 2', '0', '1', 'a\\tb\\nc\\\\']);
    await button(page, 'Clear').click();
    expect(await readLog(page)).toEqual([]);
    await page.getByText('Sent 0 (0 B), received 0 (0 B)').waitFor();
    await page.getByText('Nothing yet.').waitFor();
  });
});
