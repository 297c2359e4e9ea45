/** The option `watch`: a change of a handler's file, or of what it imports, reloads it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { handlerFiles } from '../../../src/hub/pool/handler-files.js';
import { WsClient } from '../../support/clients/ws-client.js';
import { Versions } from '../../support/faults/versions.js';
import { startHub } from '../../support/servers/hubs.js';
import { until } from '../../support/until.js';

test('a change of the handler, or of what it imports, is what answers from then on; a mistake changes nothing', async () => {
  const versions = new Versions();
  const { hub, log } = await startHub({ handler: versions.file, watch: true });
  const client = await WsClient.connect(hub.wsUrl);
  expect(await client.ask('a')).toBe('v1 1 a');
  const answers = (version: string) =>
    until(`answers of ${version}`, async () => (await client.ask('b')).startsWith(`${version} `));
  versions.write('v2');
  await answers('v2');
  versions.label('+');
  await answers('v2+');
  // Beside it, and renamed into its place, as editors do.
  writeFileSync(`${versions.file}.new`, readFileSync(versions.file, 'utf8').replaceAll('v2', 'v3'));
  renameSync(`${versions.file}.new`, versions.file);
  await answers('v3+');
  versions.writeSource('export default {');
  await until('the mistake to be told', () =>
    log.some(({ message }) => message.includes('cannot be loaded')),
  );
  await answers('v3+');
  versions.write('v4');
  await answers('v4+');
  expect(hub.stats().connections.open).toBe(1);
});

test('what a handler consists of: its own files, not packages', () => {
  const versions = new Versions();
  const names = handlerFiles([new URL(`file://${versions.file}`).href]).map((path) =>
    path.replace(/.*\//, ''),
  );
  expect(names).toEqual(['handler.mjs', 'label.mjs', 'barriers.mjs']);
});
