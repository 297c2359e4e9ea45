/** node:http with one `piscina.run()` per request. */
import { createServer } from 'node:http';
import { Piscina } from 'piscina';
import { announce } from './support/control.mjs';

const maxThreads = Number(process.argv[2] ?? 1);
const pool = new Piscina({
  filename: new URL('./support/echo-task.mjs', import.meta.url).href,
  minThreads: maxThreads,
  maxThreads,
});

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.once('end', async () => response.end(await pool.run(Buffer.concat(parts))));
});
server.listen(0, '127.0.0.1', () => announce(server.address().port));
