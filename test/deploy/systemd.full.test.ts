/** The systemd unit: systemd takes it, and `serve` tells systemd what it is at. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { BINARY, Command, runCommand } from '../support/processes/command-line.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

const UNIT = new URL('../../deploy/systemd/shardhub.service', import.meta.url);
const ANALYZE = '/usr/bin/systemd-analyze';
const NOTIFY = '/usr/bin/systemd-notify';

test.skipIf(isProgramMissing(ANALYZE, 'systemd'))('systemd-analyze verify has nothing to say', () => {
  const folder = temporaryFolder();
  const text = readFileSync(UNIT, 'utf8')
    .replace('/usr/bin/node', process.execPath)
    .replace('/opt/shardhub/node_modules/shardhub/dist/cli/main.js', BINARY);
  const path = join(folder, 'shardhub.service');
  writeFileSync(path, text);
  execFileSync(ANALYZE, ['verify', '--man=no', path], { stdio: 'pipe' });
});

/** systemd's end of the socket: prints each datagram as a line. Perl, which every Debian has; Node.js has no such sockets. */
const LISTENER = `use Socket; $| = 1;
  socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($ARGV[0])) or die; print "bound\\n";
  while (defined(recv(S, $_, 4096, 0))) { s/\\n/ /g; print "$_\\n" }`;

async function listenAsSystemd(folder: string) {
  const socket = join(folder, 'notify');
  const listener = spawn('perl', ['-e', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void listener.kill());
  const lines: string[] = [];
  createInterface(listener.stdout).on('line', (line) => lines.push(line));
  await until('the socket', () => lines.length === 1);
  const told = () => lines.slice(1).filter((line) => !line.startsWith('BARRIER'));
  return { socket, told };
}

const WAYS = {
  'a signal': async (command: Command) => void command.kill('SIGTERM'),
  'an administrator': async (_: Command, env: Record<string, string>) => {
    expect(await runCommand(['admin', 'drain'], { env })).toMatchObject({ code: 0 });
  },
};

test.skipIf(isProgramMissing(NOTIFY, 'systemd')).each(Object.entries(WAYS))(
  'serve says when it is ready, reloads and stops, by %s, as systemd hears it',
  async (_, stop) => {
    const folder = temporaryFolder();
    const { socket, told } = await listenAsSystemd(folder);
    const env = { NOTIFY_SOCKET: socket, SHARDHUB_ADMIN_LISTEN: join(folder, 'admin.sock') };
    const handler = join(folder, 'handler.mjs');
    // Its own timer keeps no process that has stopped.
    writeFileSync(handler, 'setInterval(() => {}, 1000);\nexport default { message: () => undefined };');
    const command = new Command(['serve', '--port=0', '--workers=0', '--handler', handler], { env });
    const { wsUrl } = await command.started();
    const hears = (count: number) => until(`message ${count}`, () => told().length === count);
    await hears(1);
    const before = process.hrtime.bigint() / 1000n;
    command.kill('SIGHUP');
    await hears(3);
    await stop(command, env);
    await hears(4);
    expect(told()).toEqual([
      `READY=1 STATUS=${wsUrl}`,
      expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/),
      'READY=1',
      'STOPPING=1',
    ]);
    const since = BigInt(/\d+$/.exec(told()[1]!)![0]);
    expect(since >= before && since <= process.hrtime.bigint() / 1000n).toBe(true);
    const { code, stderr } = await command.exited;
    // What an administrator asks for is in the log.
    expect([code, stderr.replace(/^.*"asked":.*\n/m, '')]).toEqual([0, '']);
  },
);

test('the end of a reload is told after its beginning, however long that takes to be told', async () => {
  const folder = temporaryFolder();
  const [told, go] = [join(folder, 'told'), join(folder, 'go')];
  writeFileSync(told, '');
  execFileSync('mkfifo', [go]);
  const script = `case "$1" in RELOADING*) read _ < ${go};; esac\necho "$1" >> ${told}`;
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: `${folder}:${process.env.PATH}` };
  const command = new Command(['serve', '--port=0', '--workers=1', '--log-level=info'], { env });
  await command.started();
  command.kill('SIGHUP');
  await until('the reload', () => command.stderr.includes('the options were read again'));
  // Meanwhile a process of its own that did not wait for it has said that all is ready.
  for (let i = 0; i < 3; i++) execFileSync(process.execPath, ['-e', '']);
  writeFileSync(go, 'go\n');
  const lines = () => readFileSync(told, 'utf8').trim().split('\n');
  await until('the end of it', () => lines().length === 3);
  expect(lines()).toEqual(['--ready', 'RELOADING=1', '--ready']);
});

test('without systemd it tells nobody', async () => {
  const folder = temporaryFolder();
  const command = new Command(['serve', '--port=0', '--workers=1'], { env: { PATH: folder } });
  await command.started();
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
});
