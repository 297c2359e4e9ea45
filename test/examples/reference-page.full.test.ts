/** The tutorials' page in Debian's chromium, against each server that comes with it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startExample } from '../support/processes/example.js';

const CHROMIUM = '/usr/bin/chromium';
const isSkipped = !existsSync(CHROMIUM) && process.env.CI !== 'true';
if (isSkipped)
  console.log(`the browser test is skipped: ${CHROMIUM} is missing (on Debian: apt-get install chromium)`);

describe.skipIf(isSkipped)('the page', () => {
  let browser: Browser;

  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  });
  afterAll(() => browser?.close());

  test.each([
    ['wrapped-connection', 'Hello <b>world</b>!', 'heartbeat'],
    ['connection-registry', 'Hello <b>world</b>!', undefined],
    ['business-loop', 'Hello <b>world</b>! done', '心跳检查'],
    ['official-echo', 'Hello <b>world</b>!', undefined],
  ])('of %s opens, sends, shows answers as text, and closes', async (name, answer, heartbeat) => {
    const { command, stop } = await startExample(`reference/${name}/server.mjs`);
    const [, url] = /page on (\S+)/.exec(command.stdout) ?? [];
    expect((await fetch(new URL('/elsewhere', url))).status).toBe(404);
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', ({ message }) => problems.push(message));
    await page.goto(url!);
    const sees = (text: string) =>
      page.locator('#output > div').getByText(text, { exact: true }).first().waitFor();

    await page.getByRole('button', { name: 'Open' }).click();
    await sees('OPEN');
    await page.getByRole('textbox', { name: 'message' }).fill('Hello <b>world</b>!');
    await page.getByRole('button', { name: 'Send' }).click();
    await sees('SEND: Hello <b>world</b>!');
    await sees(`RESPONSE: ${answer}`);
    if (heartbeat !== undefined) await sees(`RESPONSE: ${heartbeat}`);
    await page.getByRole('button', { name: 'Close' }).click();
    await sees('CLOSE');
    expect(problems).toEqual([]);
    await page.close();
    await stop();
  });
});
