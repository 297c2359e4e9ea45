/** The files of the console page: complete, small modules, and nothing that the content security policy refuses. */
import { readdirSync, readFileSync } from 'node:fs';
import { createHub } from 'shardhub';
import { describe, expect, it } from 'vitest';
import { CONSOLE_HEADERS, type ConsoleConfig, loadConsoleAssets } from '../../src/hub/http/console-assets.js';
import { startHub } from '../support/servers/hubs.js';

const PUBLIC = new URL('../../public/', import.meta.url);
const CONFIG: ConsoleConfig = { path: '/ws', version: '1.2.3', stats: 'open' };
const MAX_LINES = 300;

const assets = loadConsoleAssets(CONFIG);
const text = (path: string) => new TextDecoder().decode(assets.get(path)?.body);
const scripts = [...assets.keys()].filter((path) => path.endsWith('.js'));

describe('the files of the console', () => {
  it('tell the page its hub', () => {
    expect(JSON.parse(text('/console/config.json'))).toEqual(CONFIG);
    expect(assets.get('/console/config.json')?.type).toBe('application/json');
  });

  it('are all of public/, and the charts of uPlot', () => {
    const served = [...assets.keys()].map((path) => path.replace('/console/', '')).sort();
    const own = readdirSync(PUBLIC).map((file) => (file === 'index.html' ? '/' : file));
    expect(served).toEqual([...own, 'config.json', 'uplot.css', 'uplot.js'].sort());
    expect(text('/console/uplot.js')).toContain('export { uPlot as default }');
  });

  it('link to each other alone, and need nothing that the content security policy refuses', () => {
    const html = text('/');
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => `/${match[1]}`);
    expect(links).toEqual(expect.arrayContaining(['/console/console.js', '/console/console.css']));
    for (const link of links) expect([...assets.keys()]).toContain(link);
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/i);
    for (const path of scripts) {
      const imports = [...text(path).matchAll(/^import .*?'(.*)';$/gm)].map((match) => match[1]);
      for (const target of imports)
        expect(assets.has(`/console/${target?.replace('./', '')}`), target).toBe(true);
    }
    for (const path of assets.keys()) {
      // uPlot is its authors' work: what the page's policy allows it is seen in the browser. An image names its XML.
      if (path.includes('uplot') || path.endsWith('.svg')) continue;
      expect(text(path), path).not.toMatch(
        /https?:\/\/(?!127)|innerHTML|insertAdjacentHTML|document\.write|@import|\beval\b/,
      );
    }
  });

  it(`are modules of less than ${MAX_LINES} lines`, () => {
    const own = readdirSync(PUBLIC).filter((file) => file.endsWith('.js'));
    const lines = own.map(
      (file) => [file, readFileSync(new URL(file, PUBLIC), 'utf8').split('\n').length] as const,
    );
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter(([, count]) => count > MAX_LINES)).toEqual([]);
  });
});

it('the page is served with its security headers, and not at all unless asked for', async () => {
  const { hub } = await startHub({ console: true });
  for (const path of assets.keys()) {
    const response = await fetch(new URL(path, hub.url));
    expect(response.status, path).toBe(200);
    await response.body?.cancel();
    expect(Object.fromEntries(response.headers), path).toMatchObject(
      Object.fromEntries(Object.entries(CONSOLE_HEADERS).map(([name, value]) => [name.toLowerCase(), value])),
    );
  }
  expect(CONSOLE_HEADERS['Content-Security-Policy']).not.toMatch(/unsafe|\*(?!;)|https?:/);
  await using plain = await createHub({ port: 0, workers: 1 });
  expect((await fetch(plain.url)).status).toBe(404);
});

it.each([
  [{}, 'open'],
  [{ statsToken: 'a token of its own'.replaceAll(' ', '-') }, 'token'],
  [{ host: '0.0.0.0' }, 'closed'],
  [{ http: false }, 'none'],
])('with %j the page is told that statistics are %s', async (options, stats) => {
  const { hub } = await startHub({ console: true, ...options });
  expect(await (await fetch(`${hub.url}/console/config.json`)).json()).toMatchObject({ stats });
});
