/** `npm run docs:site`, in Debian's chromium: no link leads nowhere, search finds, and nothing is asked of anybody else. */
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { shell } from '../support/processes/packed-app.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { ROOT } from '../support/processes/project-script.js';
import { until } from '../support/until.js';

const CHROMIUM = '/usr/bin/chromium';
const SITE = join(ROOT, 'docs/site');
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves the folder as any server of files does. */
async function serve(): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    try {
      const path = join(SITE, decodeURIComponent(pathname));
      const file = statSync(path).isDirectory() ? join(path, 'index.html') : path;
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(readFileSync(file));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.skipIf(isProgramMissing(CHROMIUM, 'chromium'))(
  'every link of every page leads somewhere, and search finds the page of an option',
  async () => {
    // VitePress itself ends with 1 for a link to a page or a heading that is not there.
    await shell(ROOT, 'npm run docs:site');
    const address = await serve();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const foreign: string[] = [];
    const failed: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith('data:'))
        foreign.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) failed.push(response.url());
    });
    page.on('pageerror', (error) => failed.push(error.message));
    await page.goto(`${address}/docs/`);
    const linksOf = () =>
      page.$$eval('a[href]', (links) => links.map((link) => (link as unknown as { href: string }).href));
    const sidebar = await page.locator('.VPSidebar a').count();
    expect(sidebar).toBeGreaterThan(20);
    const seen = new Set<string>();
    const waiting = [`${address}/docs/`];
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      if (seen.has(url)) continue;
      seen.add(url);
      if (/\.txt$/.test(url)) {
        if (!(await fetch(url)).ok) failed.push(url);
        continue;
      }
      await page.goto(url);
      waiting.push(
        ...(await linksOf())
          .map((link) => link.replace(/#.*/, ''))
          .filter((link) => link.startsWith(address)),
      );
    }
    expect(seen.size).toBeGreaterThan(35);
    expect([...seen].filter((url) => url.endsWith('.txt')).length).toBeGreaterThan(2);

    await page.goto(`${address}/`);
    const input = page.locator('#localsearch-input');
    // Nothing happens before the page's script has run.
    await until('the search', async () => {
      if (!(await input.isVisible())) await page.locator('.DocSearch-Button').click();
      return input.isVisible();
    });
    await input.fill('drainPerSecond');
    const result = page.locator('.VPLocalSearchBox .result').first();
    await result.waitFor();
    await result.click();
    await page.waitForURL(/docs\/.*#/);
    await page.locator('main', { hasText: 'drainPerSecond' }).waitFor();
    expect(failed).toEqual([]);
    expect(foreign).toEqual([]);
  },
  600_000,
);
