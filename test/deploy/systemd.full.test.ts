/** The systemd unit: systemd takes it, and `serve` tells systemd what it is at. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BINARY, Command } from '../support/processes/command-line.js';
import { isProgramMissing } from '../support/processes/programs.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

const UNIT = new URL('../../deploy/systemd/shardhub.service', import.meta.url);
const ANALYZE = '/usr/bin/systemd-analyze';

test.skipIf(isProgramMissing(ANALYZE, 'systemd'))('systemd-analyze verify has nothing to say', () => {
  const folder = temporaryFolder();
  const text = readFileSync(UNIT, 'utf8')
    .replace('/usr/bin/node', process.execPath)
    .replace('/opt/shardhub/node_modules/shardhub/dist/cli/main.js', BINARY);
  const path = join(folder, 'shardhub.service');
  writeFileSync(path, text);
  execFileSync(ANALYZE, ['verify', '--man=no', path], { stdio: 'pipe' });
});

test('serve says when it is ready, reloads and stops', async () => {
  const folder = temporaryFolder();
  const told = join(folder, 'told');
  writeFileSync(told, '');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${told}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: `${folder}:${process.env.PATH}` };
  const command = new Command(['serve', '--port=0', '--workers=1'], { env });
  await command.started();
  const says = (text: string) => until(text, () => readFileSync(told, 'utf8').includes(text));
  await says('--ready');
  command.kill('SIGHUP');
  await says('RELOADING=1');
  command.kill('SIGTERM');
  await says('STOPPING=1');
  expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
});

test('without systemd it tells nobody', async () => {
  const folder = temporaryFolder();
  const command = new Command(['serve', '--port=0', '--workers=1'], { env: { PATH: folder } });
  await command.started();
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
});
