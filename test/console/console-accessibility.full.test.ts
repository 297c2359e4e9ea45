/** The console page with a long log, on screens of every width: nothing is squeezed or cut, and everything is reachable. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import {
  connect,
  describeInBrowser,
  openPage,
  screenshot,
  send,
  startConsole,
} from '../support/console-page.js';
import { until } from '../support/until.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LONG = Array.from({ length: 40 }, (_, i) => `line ${i} of a long message`).join('\n');
const BYTES = '00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff '.repeat(20);

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}

describeInBrowser('the console page', () => {
  test.each([1280, 1100, 800, 390])('at %d pixels', async (width) => {
    const page = await openPage(await startConsole({ workers: 1 }), { viewport: { width, height: 900 } });
    await connect(page);
    await send(page, 'Text', LONG);
    await send(page, 'Binary, hex', BYTES);
    await send(page, 'Text', 'short');
    await until('the echoes', async () => (await page.locator('#log .body').count()) >= 7);
    await screenshot(page, `accessibility-${width}`);

    const measured = await page.evaluate<{ characters: number; sideways: number; url: number }>(`(() => {
      const probe = document.querySelector('#log .body').appendChild(document.createElement('span'));
      probe.textContent = '0'.repeat(100);
      probe.style.whiteSpace = 'pre';
      const character = probe.getBoundingClientRect().width / 100;
      probe.remove();
      const { scrollWidth, clientWidth } = document.documentElement;
      const url = document.getElementById('url');
      return {
        characters: document.querySelector('#log .body').clientWidth / character,
        sideways: scrollWidth - clientWidth,
        url: url.scrollWidth - url.clientWidth,
      };
    })()`);
    expect(measured.characters).toBeGreaterThan(width > 400 ? 45 : 40);
    expect(measured).toMatchObject({ sideways: 0, url: 0 });

    const focusable = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#log .body[tabindex="0"]')].map((body) => body.getAttribute('aria-label'))`,
    );
    expect(new Set(focusable)).toEqual(new Set(['Content of the message']));
    // What does not scroll is no stop on the way.
    expect(await page.locator('#log .body:not([tabindex])').count()).toBeGreaterThan(1);

    const { violations } = await page.evaluate<{ violations: Violation[] }>(`${AXE}; axe.run(document)`);
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' '))}`),
    ).toEqual([]);
  });
});
