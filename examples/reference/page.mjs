// @ts-check
/** The tutorials' page, on / of the hub's own port. */
import { readFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8');

/**
 * @param {string} path of the WebSocket
 * @returns {(request: Request) => Response | undefined}
 */
export function page(path) {
  const html = PAGE.replace('{{.}}', path);
  return (request) => {
    if (new URL(request.url).pathname !== '/') return undefined;
    return new Response(html, { headers: { 'Content-Type': 'text/html; charset=utf-8' } });
  };
}
