/**
 * The console page's files, read into memory once while the hub starts, and the headers that they are
 * served with. I/O thread; pure apart from reading the files, so a request never touches the disk.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One file of the page, as it is answered. */
export interface ConsoleAsset {
  readonly body: Uint8Array;
  /** The Content-Type. */
  readonly type: string;
}

/** What the page must know of its hub. */
export interface ConsoleConfig {
  /** Path of the WebSocket endpoint. */
  readonly path: string;
  readonly version: string;
  /** Whether the hub serves statistics: to anybody, with a token, to nobody, or not at all. */
  readonly stats: 'open' | 'token' | 'closed' | 'none';
  /** On the admin listener alone: the WebSocket endpoint, which is not below the page there. */
  readonly url?: string;
}

/**
 * Sent with every file of the page. The policy allows nothing but the page's own files, and WebSocket
 * connections anywhere, since the user may type any address.
 */
export const CONSOLE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const;

/** public/ sits beside both src/ and dist/, in the repository and in the published package. */
const PUBLIC = fileURLToPath(new URL('../../../public/', import.meta.url));

/** The page's own files below /console/; its index is at the root. */
const FILES = [
  'admin.js',
  'admin-ask.js',
  'admin-connections.js',
  'console.js',
  'connection.js',
  'dom.js',
  'encodings.js',
  'feed.js',
  'format.js',
  'histogram.js',
  'json-error.js',
  'load-run.js',
  'load.js',
  'log.js',
  'plot.js',
  'reconnect.js',
  'round-trips.js',
  'rows.js',
  'send.js',
  'statistics.js',
  'console.css',
  'controls.css',
  'log.css',
  'statistics.css',
  'admin.css',
  'favicon.svg',
] as const;

/** uPlot, which draws the charts: scripts/vendor.mjs puts it there. */
const VENDOR = fileURLToPath(new URL('../../../dist/vendor/', import.meta.url));
const UPLOT_FILES = ['uplot.js', 'uplot.css'] as const;

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Reads the page.
 *
 * @returns the files by request path
 * @throws the file system's error when a file is missing, which means a broken installation
 */
export function loadConsoleAssets(config: ConsoleConfig): Map<string, ConsoleAsset> {
  const assets = new Map<string, ConsoleAsset>();
  const add = (requestPath: string, file: string) =>
    assets.set(requestPath, { body: readFileSync(file), type: TYPES[file.split('.').at(-1)!]! });
  add('/', join(PUBLIC, 'index.html'));
  for (const name of FILES) add(`/console/${name}`, join(PUBLIC, name));
  for (const name of UPLOT_FILES) add(`/console/${name}`, join(VENDOR, name));
  const body = new TextEncoder().encode(JSON.stringify(config));
  assets.set('/console/config.json', { body, type: 'application/json' });
  return assets;
}
