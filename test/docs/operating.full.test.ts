/** docs/operating.md: from an empty Debian to a hub that serves, by the commands of the page, in a folder in the place of `/`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { Command } from '../support/processes/command-line.js';
import { packedApp, shell } from '../support/processes/packed-app.js';
import { freePort } from '../support/processes/ports.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { PROMETHEUS, startPrometheus } from '../support/servers/prometheus.js';
import { PROXY_PROGRAMS, startProxy } from '../support/servers/proxy-program.js';
import { until } from '../support/until.js';

const PAGE = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
const [, WALK = ''] = /\n## From an empty Debian[^\n]*\n(.*?)\n## /s.exec(PAGE) ?? [];
const blocks = (kind: string) =>
  [...WALK.matchAll(new RegExp(`^ *\`\`\`${kind}\n(.*?)\`\`\``, 'gms'))].map(([, text]) => text!);
const [INSTALL, UNIT, NGINX, SCRAPE, HEAVIEST, ROLL, CANARY, DRAIN, ...MORE] = blocks('sh');
const [COSTLIEST, SLOWEST, ...MORE_QUERIES] = blocks('promql');

const handler = (version: string) => `export default {
  open: () => undefined,
  async message(connection, message) {
    if (message.text() === 'flood') for (let i = 0; i < 200; i++) connection.send('x'.repeat(65_536));
    else await new Promise((resolve) => setTimeout(resolve, 30));
    return '${version}: ' + message.text();
  },
};`;

const isMissing =
  isProgramMissing(PROMETHEUS, 'prometheus') || isProgramMissing(PROXY_PROGRAMS.nginx, 'nginx');

test.skipIf(isMissing)('install, run, put behind nginx, scrape, find, roll, drain', async () => {
  expect([...MORE, ...MORE_QUERIES]).toEqual([]);
  const { folder, tarball } = await packedApp('');
  const root = join(folder, 'root');
  const port = await freePort();
  const at = (text: string) => text.replaceAll(/(?<![\w.])\/(?=(etc|opt|run)\/)/g, `${root}/`);
  const run = (block = '') =>
    shell(
      root,
      at(block)
        .replace('--omit=dev shardhub', `--omit=dev --prefer-offline ${tarball}`)
        .replace('8080', `${port}`)
        .replaceAll(/^ *systemctl .*$/gm, ''),
    );
  // What Debian's packages have made.
  for (const path of ['etc/systemd/system', 'etc/nginx/conf.d', 'etc/prometheus', 'run/shardhub'])
    mkdirSync(join(root, path), { recursive: true });

  await run(INSTALL);
  writeFileSync(join(root, 'opt/shardhub/handler.mjs'), handler('one'));
  // A canary needs another worker to be compared with.
  const config = join(root, 'etc/shardhub/hub.json');
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), workers: 2 }));
  await run(UNIT);
  const unit = at(readFileSync(join(root, 'etc/systemd/system/shardhub.service'), 'utf8')).replaceAll(
    '%d',
    join(root, 'etc/shardhub'),
  );
  const [, main = '', ...args] = /^ExecStart=(.*)$/m.exec(unit)![1]!.split(' ');
  const env = [...unit.matchAll(/^Environment=([^=]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]);
  const hub = new Command(args, { binary: main, env: Object.fromEntries(env) });
  await hub.started();

  await run(NGINX);
  const proxy = await startProxy('nginx', [port, port], () =>
    readFileSync(join(root, 'etc/nginx/conf.d/shardhub.conf'), 'utf8'),
  );
  const connect = (more = {}) => WsClient.connect(proxy.wsUrl, { rejectUnauthorized: false, ...more });
  const client = await connect();
  const heavy = await connect({ localAddress: '127.0.0.9' });

  await run(SCRAPE);
  const token = readFileSync(join(root, 'etc/prometheus/shardhub-token'), 'utf8');
  const query = await startPrometheus(join(root, 'etc/prometheus'), port, token);
  const slowest = await until('the slowest hook', async () => {
    await client.ask('hello');
    const [first] = await query(COSTLIEST!);
    return first?.metric.hook === 'message' ? first : undefined;
  });
  expect(slowest.metric).toMatchObject({ route: '/ws', hook: 'message' });
  const quantiles = await query(SLOWEST!);
  const ofMessages = quantiles.find(({ metric }) => metric.hook === 'message')!;
  expect(Number(ofMessages.value[1])).toBeGreaterThan(0.025);

  heavy.socket.pause();
  heavy.send('flood');
  await until('the heaviest client', async () => /^.*\n.*127\.0\.0\.9/.test(await run(HEAVIEST)));
  heavy.destroy();

  const roll = async (version: string, command: string) => {
    writeFileSync(join(root, 'opt/shardhub/handler.mjs'), handler(version));
    await run(`${HEAVIEST!.split('\n').slice(0, 2).join('\n')}\n${command}`);
    expect(await client.ask('still connected')).toBe(`${version}: still connected`);
  };
  await roll('two', ROLL!);
  await roll('three', CANARY!.replace('--canary 1', '$& --canary-ms 500'));

  expect(DRAIN).toContain('systemctl stop shardhub');
  hub.kill('SIGTERM');
  expect((await client.closed).code).toBe(1012);
  expect((await hub.exited).code).toBe(0);
});
