/**
 * The console page's files, read into memory once while the hub starts, and the headers that they are
 * served with. Front end thread; pure apart from reading public/, so a request never touches the disk.
 */
import { readFileSync } from 'node:fs';

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
const PUBLIC = new URL('../../public/', import.meta.url);

/** Request path, file under public/, Content-Type. */
const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/console/console.js', 'console.js', 'text/javascript; charset=utf-8'],
  ['/console/console.css', 'console.css', 'text/css; charset=utf-8'],
  ['/console/favicon.svg', 'favicon.svg', 'image/svg+xml'],
] as const;

/**
 * Reads the page.
 *
 * @returns the files by request path
 * @throws the file system's error when a file is missing, which means a broken installation
 */
export function loadConsoleAssets({ path, version }: ConsoleConfig): Map<string, ConsoleAsset> {
  const assets = new Map<string, ConsoleAsset>();
  for (const [requestPath, file, type] of FILES) {
    assets.set(requestPath, { body: readFileSync(new URL(file, PUBLIC)), type });
  }
  const config = new TextEncoder().encode(JSON.stringify({ path, version }));
  assets.set('/console/config.json', { body: config, type: 'application/json' });
  return assets;
}
