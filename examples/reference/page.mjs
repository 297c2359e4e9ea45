// @ts-check
/** The tutorials' page, on a port of its own: PAGE_PORT, or the one after the WebSocket's. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const PAGE = readFileSync(new URL('./page.html', import.meta.url), 'utf8');

/** @param {{ host: string, port: number }} address of the WebSocket */
export async function servePage({ host, port }) {
  /** @type {string | undefined} */
  let wsUrl;
  const server = createServer((request, response) => {
    if (request.url !== '/') return response.writeHead(404).end('The page is on /.\n');
    if (wsUrl === undefined) return response.writeHead(503).end('The server is starting.\n');
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    return response.end(PAGE.replace('{{.}}', wsUrl));
  });
  server.listen(Number(process.env.PAGE_PORT ?? (port === 0 ? 0 : port + 1)), host);
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://${host}:${address.port}`,
    /** @param {string} url where its script connects to */
    connectTo(url) {
      wsUrl = url;
    },
    close: () => server.close(),
  };
}
