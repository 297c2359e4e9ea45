/**
 * The console page in Debian's chromium. Every page is opened in a fresh profile, and its test fails when something is
 * written to the browser's console, thrown, or asked of another host.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { createHub, type Hub, type HubOptions } from 'shardhub';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { engineUnderTest } from './engines/under-test.mjs';

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SCREENSHOTS = new URL('../../test-results/', import.meta.url).pathname;

/** Far beyond what any machine needs. */
export const PATIENT = { timeout: 40_000 };

const isSkipped = !existsSync(CHROMIUM) && process.env.CI !== 'true';
if (isSkipped)
  console.log(`the browser tests are skipped: ${CHROMIUM} is missing (on Debian: apt-get install chromium)`);

let browser: Browser;

/** A suite of tests that need the browser. */
export function describeInBrowser(name: string, tests: () => void): void {
  describe.skipIf(isSkipped)(name, () => {
    beforeAll(async () => {
      mkdirSync(SCREENSHOTS, { recursive: true });
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    });
    afterAll(() => browser?.close());
    tests();
  });
}

/** A hub with the page, closed after the test. */
export async function startConsole(options: HubOptions = {}): Promise<Hub> {
  const hub = await createHub({
    ...engineUnderTest,
    console: true,
    port: 0,
    workers: 2,
    logLevel: 'silent',
    ...options,
  });
  onTestFinished(() => hub.close({ timeoutMs: 50 }));
  return hub;
}

export interface PageOptions extends BrowserContextOptions {
  /** Complaints of the browser's console that belong to the test. */
  readonly tolerated?: RegExp;
  /** Appended to the hub's address. */
  readonly at?: string;
}

/** Opens the page of a hub. */
export async function openPage(
  hub: Pick<Hub, 'url' | 'wsUrl'>,
  { tolerated, at = '', ...options }: PageOptions = {},
): Promise<Page> {
  const problems: string[] = [];
  const context = await browser.newContext(options);
  onTestFinished(async () => {
    await context.close();
    expect(problems).toEqual([]);
  });
  const page = await context.newPage();
  const allowHost = (url: string) => {
    if (new URL(url).host !== new URL(hub.url).host) problems.push(`asked another host: ${url}`);
  };
  page.on('request', (request) => allowHost(request.url()));
  page.on('websocket', (socket) => allowHost(socket.url()));
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (!tolerated?.test(message.text())) problems.push(`console ${message.type()}: ${message.text()}`);
  });
  await page.goto(hub.url + at);
  await expect.poll(() => page.getByLabel('WebSocket address').inputValue(), PATIENT).toBe(hub.wsUrl);
  return page;
}

export async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await waitForState(page, 'Connected');
}

/** Waits until the page says so, to a screen reader too. */
export async function waitForState(page: Page, words: string | RegExp): Promise<void> {
  await page.getByRole('status').getByText(words, { exact: true }).waitFor(PATIENT);
}

export const messageField = (page: Page) => page.getByLabel('Message', { exact: true });

/** Types a message and sends it as what its label says. */
export async function send(page: Page, kind: string, typed: string): Promise<void> {
  await page.getByLabel(kind, { exact: true }).check();
  await messageField(page).fill(typed);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

/** The log as the user sees it: time, direction, kind, size, round trip and content of every row. */
export function readLog(page: Page): Promise<string[][]> {
  return page.evaluate(
    `[...document.querySelectorAll('[role=log] > *')].map((row) => [...row.children].map((c) => c.textContent))`,
  );
}

/** What came back: kind, size and content. */
export async function received(page: Page): Promise<string[][]> {
  const rows = await readLog(page);
  return rows.filter((row) => row[1] === 'received').map((row) => [row[2]!, row[3]!, row[5]!]);
}

/** The last value of a line of a chart; undefined before there is one. */
export async function chartValue(page: Page, chart: string, series: string): Promise<number | undefined> {
  const value = await page.evaluate(
    `document.querySelector('[data-chart="${chart}"] [data-series="${series}"]')?.dataset.value`,
  );
  return value === undefined || value === '' ? undefined : Number(value);
}

/** For people to look at: test-results/ is not kept in the repository. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
