/** The console page in a browser: messages out and back, what is wrong with one, the keyboard, and every screen. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import {
  connect,
  describeInBrowser,
  messageField,
  openPage,
  PATIENT,
  readLog,
  received,
  screenshot,
  send,
  startConsole,
  waitForState,
} from '../support/console-page.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

/** The complaint about what was typed. */
const complaint = (page: Page) => page.getByRole('alert').filter({ hasText: /./ });

describeInBrowser('messages on the console page', () => {
  it('sends text and gets it back, with time, direction, kind, size and round-trip time', async () => {
    const page = await openPage(await startConsole());
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
    const page = await openPage(await startConsole());
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

  it('sends a file as one binary message', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'bytes.bin');
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);
    writeFileSync(file, bytes);
    const hub = await startConsole();
    const page = await openPage(hub);
    await connect(page);
    await page.getByLabel('Binary, file', { exact: true }).check();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await complaint(page).filter({ hasText: 'Choose a file first' }).waitFor();
    await page.getByLabel('File', { exact: true }).setInputFiles(file);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(1);
    const [back] = await received(page);
    expect(back).toEqual(['binary', '68.4 KiB', expect.stringMatching(/^hex00 01 02 03 04/)]);
    expect(hub.stats().messages.receivedBytes).toBe(bytes.length);
    expect(await complaint(page).count()).toBe(0);
  });

  it('shows markup in a message as the text that it is', async () => {
    const page = await openPage(await startConsole());
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

  it('checks JSON before it sends it, and shows where it stops being JSON', async () => {
    const page = await openPage(await startConsole());
    await connect(page);
    const typed = '{"a": [1, 2],\n "b": nope}';
    await send(page, 'JSON', typed);
    await complaint(page)
      .filter({ hasText: 'line 2, column 7 (character 21): expected a value, but found “n”' })
      .waitFor();
    expect(await messageField(page).getAttribute('aria-invalid')).toBe('true');
    // The cursor is there.
    const selection =
      '(({ selectionStart, selectionEnd }) => [selectionStart, selectionEnd])(document.activeElement)';
    expect(await page.evaluate(selection)).toEqual([20, 21]);
    expect(await readLog(page)).toHaveLength(1);
    await send(page, 'JSON', typed.replace('nope', 'null'));
    await expect
      .poll(() => received(page), PATIENT)
      .toEqual([['text', '25 B', '{"a": [1, 2],\n "b": null}']]);
    expect(await complaint(page).count()).toBe(0);
  });

  it('says clearly what is wrong with hex bytes, and sends nothing', async () => {
    const page = await openPage(await startConsole());
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
      expect(await messageField(page).getAttribute('aria-invalid')).toBe('true');
    }
    expect(await readLog(page)).toHaveLength(1);
    await send(page, 'Binary, hex', '00');
    await expect.poll(() => received(page), PATIENT).toEqual([['binary', '1 B', 'hex00text·']]);
    expect(await error.filter({ hasText: /./ }).count()).toBe(0);
    expect(await messageField(page).getAttribute('aria-invalid')).toBe('false');
  });

  it('measures an echo where a browser cannot send a ping, and says so', async () => {
    const page = await openPage(await startConsole());
    const ping = page.getByRole('button', { name: 'Ping' });
    expect(await ping.isDisabled()).toBe(true);
    await connect(page);
    await ping.click();
    await waitForState(page, /^Echo after \d+\.\d ms\.$/);
    await page.getByText('A browser cannot send a protocol ping').waitFor();
  });
});

describeInBrowser('the console page', () => {
  it('works by keyboard alone, with the focus always visible', async () => {
    const page = await openPage(await startConsole());
    // Past the last stop the focus leaves the page for the browser, which counts as visible.
    const outline = `(() => {
      const focused = document.activeElement;
      if (focused === document.body) return 'solid';
      const shown = focused.type === 'radio' ? focused.nextElementSibling : focused;
      return getComputedStyle(shown).outlineStyle;
    })()`;
    const isFocused = (selector: string) => page.evaluate(`document.activeElement.matches('${selector}')`);
    const tabTo = async (selector: string) => {
      for (let presses = 0; presses < 40 && !(await isFocused(selector)); presses += 1) {
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
    expect(await page.getByLabel('JSON').isChecked()).toBe(true);
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
    await tabTo('#ping');
    await page.keyboard.press('Enter');
    await waitForState(page, /^Echo after/);
    await tabTo('#filter');
    await page.keyboard.type('one');
    await expect
      .poll(async () => (await readLog(page)).map((row) => row[1]), PATIENT)
      .toEqual(['sent', 'received']);
    await tabTo('#filter-direction');
    await page.keyboard.type('received');
    await expect.poll(async () => (await readLog(page)).map((row) => row[1]), PATIENT).toEqual(['received']);
    await tabTo('#pause');
    await page.keyboard.press('Space');
    expect(await page.getByRole('button', { name: 'Resume' }).getAttribute('aria-pressed')).toBe('true');
    await tabTo('#clear');
    await page.keyboard.press('Space');
    expect(await readLog(page)).toEqual([]);
    await tabTo('#log');
    await tabTo('#load-seconds');
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await page.locator('#load-state:is([data-state=running], [data-state=done])').waitFor(PATIENT);
    await tabTo('#load-start');
    await page.locator('#load-state[data-state=done]').waitFor(PATIENT);
    await tabTo('#connect');
    await page.keyboard.press('Enter');
    await waitForState(page, 'Closed');
  });

  it.each<[string, BrowserContextOptions]>([
    ['light', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
    [
      'phone',
      { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
    ],
  ])('fits the screen: %s', async (name, options) => {
    const page = await openPage(await startConsole(), options);
    await connect(page);
    await send(page, 'Text', '{"type":"order","id":4711,"note":"before noon, please"}');
    await send(page, 'Binary, UTF-8', 'binary Grüße');
    await send(page, 'Text', `one long word: ${'0123456789'.repeat(60)}`);
    await expect.poll(async () => (await received(page)).length, PATIENT).toBe(3);
    await screenshot(page, `console-${name}`);
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
