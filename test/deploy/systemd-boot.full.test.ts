/** The unit as it is, under the real systemd, by the commands of docs/operating.md. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { freePort } from '../support/processes/ports.js';
import { bootSystemd, cannotBoot } from '../support/processes/systemd.js';
import { until } from '../support/until.js';

const PAGE = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
/** The block of commands with a text in it. */
const blockWith = (text: string) =>
  [...PAGE.matchAll(/^ *```sh\n(.*?)```/gms)]
    .map(([, block]) => block!)
    .find((block) => block.includes(text))!;
const ADMIN = `${process.execPath} /opt/shardhub/node_modules/shardhub/dist/cli/main.js admin`;

test.skipIf(cannotBoot())(
  'under systemd: it is ready, unprivileged, reloads, comes back, and drains',
  async () => {
    const port = await freePort();
    const run = await bootSystemd();
    const install = blockWith('npm install --prefix').replace(/^ *npm .*$/m, '');
    await run(install.replace('"port": 8080', `"port": ${port}, "workers": 1, "drainDelayMs": 0`));
    await run('echo "export default { message: (_, message) => message };" > /opt/shardhub/handler.mjs');
    await run(blockWith('systemctl enable --now shardhub'));

    const show = async (name: string) => (await run(`systemctl show --value -p ${name} shardhub`)).trim();
    const url = `ws://127.0.0.1:${port}/ws`;
    // It has returned, so it is ready: a handshake is answered at once.
    const client = await WsClient.connect(url);
    expect(await client.ask('hello')).toBe('hello');
    expect(await show('StatusText')).toContain(`:${port}/ws`);
    const status = await run(
      `cat /proc/${await show('MainPID')}/status /proc/${await show('MainPID')}/limits`,
    );
    expect(status).toMatch(/^Uid:\t[1-9]/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    // As far as this machine lets it.
    const own = Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))![1]);
    expect(status).toMatch(new RegExp(`^Max open files +${Math.min(1_048_576, own)} `, 'm'));

    await run(`sed -i 's/"trustProxy"/"maxConnections": 1, &/' /etc/shardhub/hub.json`);
    await run('systemctl reload shardhub');
    await until('the end of the reload', async () => (await show('ActiveState')) === 'active');
    await until('the new limit', () =>
      WsClient.connect(url).then(
        ({ destroy }) => void destroy,
        () => true,
      ),
    );
    expect(await client.ask('still there')).toBe('still there');
    const listed = await run(`SHARDHUB_ADMIN_LISTEN=/run/shardhub/admin.sock ${ADMIN} connections --json`);
    expect(listed).toContain('127.0.0.1');

    await run('systemctl kill -s KILL shardhub');
    expect((await client.closed).code).toBe(1006);
    const again = await until('it to come back', () => WsClient.connect(url).catch(() => undefined));
    expect(await show('NRestarts')).toBe('1');

    const stopped = run(blockWith('systemctl stop shardhub'));
    expect((await again.closed).code).toBe(1012);
    await stopped;
    expect([await show('Result'), await show('ExecMainStatus')]).toEqual(['success', '0']);
  },
);
