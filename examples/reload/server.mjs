// @ts-check
import { createHub } from 'shardhub';

const VERSIONS = ['./versions/1.mjs', './versions/2.mjs'].map((file) => new URL(file, import.meta.url));
let current = 0;

const hub = await createHub({
  port: Number(process.env.PORT ?? 8080),
  path: '/count',
  workers: 2,
  handler: VERSIONS[current],
});

hub.http(async ({ method, url }) => {
  if (method !== 'POST' || new URL(url).pathname !== '/change') return;
  const next = 1 - current;
  try {
    const { pauseMs } = await hub.reload({ handler: VERSIONS[next] });
    current = next;
    return new Response(`version ${next + 1} runs; no message waited longer than ${Math.ceil(pauseMs)} ms\n`);
  } catch (error) {
    // The version before goes on.
    return new Response(`nothing has changed: ${error}\n`, { status: 500 });
  }
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
console.log(`listening on ${hub.wsUrl}`);
