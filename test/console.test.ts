/**
 * The console page: its files, and the page itself in Debian's chromium against a hub with two workers.
 * Every browser test also holds that nothing was written to the browser's console and no other host was asked.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { createHub, type Hub, type HubOptions } from 'shardhub';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONSOLE_HEADERS, loadConsoleAssets } from '../src/console/assets.js';

const CHROMIUM = '/usr/bin/chromium';
const isSkipped = !existsSync(CHROMIUM) && process.env.CI !== 'true';
if (isSkipped)
  console.log(`the browser test is skipped: ${CHROMIUM} is missing (on Debian: apt-get install chromium)`);

const SCREENSHOTS = new URL('../test-results/', import.meta.url).pathname;
const PATIENT = { timeout: 30_000 };

describe('the files of the console', () => {
  const assets = loadConsoleAssets({ path: '/ws', version: '1.2.3' });
  const text = (path: string) => new TextDecoder().decode(assets.get(path)?.body);

  it('tell the page its hub', () => {
    expect(JSON.parse(text('/console/config.json'))).toEqual({ path: '/ws', version: '1.2.3' });
    expect(assets.get('/console/config.json')?.type).toBe('application/json');
  });

  it('are complete, and need nothing that the content security policy refuses', () => {
    const html = text('/');
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => `/${match[1]}`);
    expect(links).toEqual(expect.arrayContaining(['/console/console.js', '/console/console.css']));
    for (const link of links) expect([...assets.keys()]).toContain(link);
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/i);
    for (const path of ['/', '/console/console.js', '/console/console.css']) {
      expect(text(path)).not.toMatch(/https?:\/\/|innerHTML|insertAdjacentHTML|document\.write|@import/);
    }
  });
});

describe.skipIf(isSkipped)('the console page in a browser', () => {
  let browser: Browser;
  let hub: Hub;
  const problems: string[] = [];
  const closeAfterEach: Array<() => Promise<unknown>> = [];

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    hub = await startHub();
  });

  afterEach(async () => {
    for (const close of closeAfterEach.splice(0).reverse()) await close();
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await hub?.close();
  });

  function startHub(options: HubOptions = {}): Promise<Hub> {
    return createHub({ console: true, port: 0, workers: 2, logLevel: 'silent', ...options });
  }

  /** Opens the page in a fresh profile; whatever it does wrong ends up in `problems`. */
  async function openPage(from = hub, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    closeAfterEach.push(() => context.close());
    const page = await context.newPage();
    const allowHost = (url: string) => {
      if (new URL(url).host !== new URL(from.url).host) problems.push(`asked another host: ${url}`);
    };
    page.on('request', (request) => allowHost(request.url()));
    page.on('websocket', (socket) => allowHost(socket.url()));
    page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
    page.on('dialog', (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => problems.push(`console ${message.type()}: ${message.text()}`));
    await page.goto(from.url);
    await expect.poll(() => page.getByLabel('WebSocket address').inputValue(), PATIENT).toBe(from.wsUrl);
    return page;
  }

  async function connect(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await waitForState(page, 'Connected');
  }

  async function waitForState(page: Page, words: string): Promise<void> {
    await page.getByRole('status').getByText(words, { exact: true }).waitFor();
  }

  async function send(page: Page, kind: string, typed: string): Promise<void> {
    await page.getByLabel(kind, { exact: true }).check();
    await page.getByLabel('Message').fill(typed);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
  }

  /** The log as the user sees it: time, direction, kind, size, round trip and content of every row. */
  function readLog(page: Page): Promise<string[][]> {
    return page.evaluate(
      `[...document.querySelectorAll('[role=log] > *')].map((row) => [...row.children].map((c) => c.textContent))`,
    );
  }

  /** What came back: kind, size and content. */
  async function received(page: Page): Promise<string[][]> {
    const rows = await readLog(page);
    return rows.filter((row) => row[1] === 'received').map((row) => [row[2]!, row[3]!, row[5]!]);
  }

  it('is served with its security headers, and not at all unless asked for', async () => {
    for (const path of loadConsoleAssets({ path: '', version: '' }).keys()) {
      const response = await fetch(new URL(path, hub.url));
      expect(response.status, path).toBe(200);
      expect(Object.fromEntries(response.headers), path).toMatchObject(
        Object.fromEntries(
          Object.entries(CONSOLE_HEADERS).map(([name, value]) => [name.toLowerCase(), value]),
        ),
      );
    }
    await using plain = await startHub({ console: false });
    expect((await fetch(plain.url)).status).toBe(404);
  });

  it('sends text and gets it back, with time, direction, kind, size and round-trip time', async () => {
    const page = await openPage();
    await waitForState(page, 'Not connected');
    await expect.poll(() => page.locator('#version').textContent(), PATIENT).toMatch(/^\d+\.\d+\.\d+/);
    await connect(page);
    await send(page, 'Text', 'Grüße 👋');
    await expect.poll(() => received(page), PATIENT).toEqual([['text', '12 B', 'Grüße 👋']]);
    const [, sent, back] = await readLog(page);
    expect(sent?.slice(1)).toEqual(['sent', 'text', '12 B', '', 'Grüße 👋']);
    expect(back?.[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
    expect(back?.[4]).toMatch(/^\d+\.\d+ m?s$/);

    await send(page, 'Text', '');
    const large = 'å'.repeat(50_000);
    await send(page, 'Text', large);
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(3);
    const [, empty, cut] = await received(page);
    expect(empty).toEqual(['text', '0 B', '(empty)']);
    expect(cut).toEqual(['text', '97.7 KiB', `${'å'.repeat(2048)}… the first 4,096 of 100,000 bytes`]);

    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await readLog(page)).toEqual([]);
  });

  it('sends binary, as hex or as UTF-8, and shows what comes back as hex and as text', async () => {
    const page = await openPage();
    await connect(page);
    await send(page, 'Binary, hex', '68 69,0x00\nFF:c3a9');
    await send(page, 'Binary, UTF-8', 'é!');
    await send(page, 'Binary, hex', '');
    await expect
      .poll(() => received(page), PATIENT)
      .toEqual([
        ['binary', '6 B', 'hex68 69 00 ff c3 a9texthi·\ufffdé'],
        ['binary', '3 B', 'hexc3 a9 21texté!'],
        ['binary', '0 B', '(empty)'],
      ]);
  });

  it('shows markup in a message as the text that it is', async () => {
    const page = await openPage();
    await connect(page);
    const markup = [
      '<img src=x onerror="globalThis.hacked = true">',
      '<script>globalThis.hacked = true</script>',
      '<b>bold</b> &amp; <a href="javascript:alert(1)">link</a>',
    ];
    for (const text of markup) await send(page, 'Text', text);
    for (const text of markup) await send(page, 'Binary, UTF-8', text);
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(6);
    const contents = (await received(page)).map((row) => row[2]);
    expect(contents.slice(0, 3)).toEqual(markup);
    for (const [i, text] of markup.entries()) expect(contents[3 + i]?.endsWith(`text${text}`)).toBe(true);
    expect(await page.getByRole('log').locator('img, script, b, a').count()).toBe(0);
    expect(await page.evaluate('globalThis.hacked')).toBeUndefined();
  });

  it('says clearly what is wrong with hex bytes, and sends nothing', async () => {
    const page = await openPage();
    await connect(page);
    const error = page.getByRole('alert');
    const cases: Array<[string, RegExp]> = [
      ['zz', /“z” \(character 1\) is not a hex digit/],
      ['00 1g', /“g” \(character 5\) is not a hex digit/],
      ['abc', /“abc” has 3 hex digits, but each byte takes two/],
      ['00 0x', /“0x” has 0 hex digits/],
    ];
    for (const [typed, expected] of cases) {
      await send(page, 'Binary, hex', typed);
      await error.filter({ hasText: expected }).waitFor();
      expect(await page.getByLabel('Message').getAttribute('aria-invalid')).toBe('true');
    }
    expect(await readLog(page)).toHaveLength(1);
    await send(page, 'Binary, hex', '00');
    await expect.poll(() => received(page), PATIENT).toEqual([['binary', '1 B', 'hex00text·']]);
    expect(await error.filter({ hasText: /./ }).count()).toBe(0);
    expect(await page.getByLabel('Message').getAttribute('aria-invalid')).toBe('false');
  });

  it('says what is wrong with an address or a close code', async () => {
    const page = await openPage();
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
    const page = await openPage();
    await connect(page);
    const before = hub.stats().connections.closed['4001'] ?? 0;
    await page.getByText('Close with a code and a reason').click();
    await page.getByLabel('Close code').fill('4001');
    await page.getByLabel('Reason').fill('done here');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await waitForState(page, 'Closed');
    await waitForState(page, 'This page closed the connection: 4001 (private code), reason “done here”.');
    await expect.poll(() => hub.stats().connections.closed['4001'], PATIENT).toBe(before + 1);

    await connect(page);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await waitForState(page, 'Closed');
    await waitForState(page, 'This page closed the connection: 1000 (normal closure).');
  });

  it('shows that the hub went away, with its code', async () => {
    const other = await startHub();
    closeAfterEach.push(() => other.close());
    const page = await openPage(other);
    await connect(page);
    await send(page, 'Text', 'still there');
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(1);
    await other.close();
    await waitForState(page, 'Closed');
    await page.getByRole('status').getByText('The server closed the connection: 1001 (going away)').waitFor();
    const last = (await readLog(page)).at(-1);
    expect(last?.[2]).toBe('close');
    expect(last?.[5]).toContain('1001 (going away)');
    await page.getByLabel('Message').press('Enter');
    await page.getByRole('alert').getByText('Not connected').waitFor();
  });

  it('works by keyboard alone, with the focus always visible', async () => {
    const page = await openPage();
    // Past the last stop the focus leaves the page for the browser, which counts as visible.
    const outline = `(() => {
      const focused = document.activeElement;
      if (focused === document.body) return 'solid';
      const shown = focused.type === 'radio' ? focused.nextElementSibling : focused;
      return getComputedStyle(shown).outlineStyle;
    })()`;
    const isFocused = (selector: string) => page.evaluate(`document.activeElement.matches('${selector}')`);
    const tabTo = async (selector: string) => {
      for (let presses = 0; presses < 15 && !(await isFocused(selector)); presses += 1) {
        await page.keyboard.press('Tab');
        expect(await page.evaluate(outline)).toBe('solid');
      }
      expect(await isFocused(selector), `Tab reaches ${selector}`).toBe(true);
    };
    await tabTo('#url');
    await page.keyboard.press('Enter');
    await waitForState(page, 'Connected');
    await tabTo('input[name=kind]');
    await page.keyboard.press('ArrowRight');
    expect(await page.getByLabel('Binary, UTF-8').isChecked()).toBe(true);
    await page.keyboard.press('ArrowLeft');
    await tabTo('#message');
    await page.keyboard.type('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    await page.keyboard.press('Enter');
    await expect.poll(() => received(page), PATIENT).toEqual([['text', '7 B', 'one\ntwo']]);
    // What was sent is selected: typing replaces it, and Enter alone sends it again.
    await page.keyboard.type('three');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => (await received(page)).map((row) => row[2]), PATIENT)
      .toEqual(['one\ntwo', 'three', 'three']);
    await tabTo('#clear');
    await page.keyboard.press('Space');
    expect(await readLog(page)).toEqual([]);
    await tabTo('#log');
    await tabTo('#connect');
    await page.keyboard.press('Enter');
    await waitForState(page, 'Closed');
  });

  it('keeps up with a flood and shows the last thousand entries', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shardhub-console-'));
    closeAfterEach.push(async () => rmSync(folder, { recursive: true }));
    const file = join(folder, 'flood.mjs');
    writeFileSync(
      file,
      'export default { *message(conn, msg) { for (let i = 1; i <= Number(msg.text()); i++) yield "message " + i; } };',
    );
    const flooder = await startHub({
      handler: pathToFileURL(file),
      path: '/live/flood',
      maxQueueMessages: 100_000,
    });
    closeAfterEach.push(() => flooder.close());
    const page = await openPage(flooder);
    await connect(page);
    await send(page, 'Text', '5000');
    await expect.poll(async () => (await received(page)).at(-1)?.[2], PATIENT).toBe('message 5000');
    const rows = await received(page);
    expect(rows).toHaveLength(1000);
    expect(rows[0]?.[2]).toBe('message 4001');
    await page.getByText('received 5,000').waitFor();
    const fromEnd = await page.evaluate(
      `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(document.getElementById('log'))`,
    );
    expect(fromEnd).toBeLessThan(2);
  });

  it.each<[string, BrowserContextOptions]>([
    ['light', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
    [
      'phone',
      { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
    ],
  ])('fits the screen: %s', async (name, options) => {
    const page = await openPage(hub, options);
    await connect(page);
    await send(page, 'Text', '{"type":"order","id":4711,"note":"before noon, please"}');
    await send(page, 'Binary, UTF-8', 'binary Grüße');
    await send(page, 'Text', `one long word: ${'0123456789'.repeat(60)}`);
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(3);
    await page.screenshot({ path: join(SCREENSHOTS, `console-${name}.png`), fullPage: true });
    const isCut = `[document.documentElement, ...document.querySelectorAll('#log, #log *')]
      .filter((box) => getComputedStyle(box).display !== 'inline' && box.scrollWidth > box.clientWidth)
      .map((box) => box.className)`;
    expect(await page.evaluate(isCut)).toEqual([]);
    const [r, g, b] = (await page.evaluate(
      `getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)`,
    )) as [number, number, number];
    if (options.colorScheme === 'dark') expect(Math.max(r, g, b)).toBeLessThan(64);
    else expect(Math.min(r, g, b)).toBeGreaterThan(192);
  });
});
