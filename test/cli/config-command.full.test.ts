/** A file beside flags and variables, secrets from files, what `config` says of them, and what SIGHUP reads again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HubStats } from 'shardhub';
import { expect, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { Command, runCommand } from '../support/processes/command-line.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { until } from '../support/until.js';

const HANDLER = "export default { message: (_, message) => 'file: ' + message.text() };";

function folderWith(files: Record<string, string>): (name: string) => string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return (name) => join(folder, name);
}

test('flags win over variables, these over the file, and its paths are from its folder', async () => {
  const at = folderWith({
    'hub.json': JSON.stringify({
      $schema: './schema.json',
      port: 1,
      workers: 3,
      path: '/file',
      handler: './shout.mjs',
    }),
    'shout.mjs': HANDLER,
  });
  const env = { SHARDHUB_WORKERS: '2', SHARDHUB_PORT: '2', SHARDHUB_CONFIG: at('hub.json') };
  const { stdout } = await runCommand(['config', 'print', '--json', '--port', '0'], { env });
  const shown = JSON.parse(stdout);
  expect(shown.port).toEqual({ value: 0, source: '--port' });
  expect(shown.workers).toEqual({ value: 2, source: 'SHARDHUB_WORKERS' });
  expect(shown.path).toEqual({ value: '/file', source: at('hub.json') });
  expect(shown.maxPayload).toEqual({ value: 1_048_576, source: 'default' });
  const { wsUrl } = await new Command(['serve', '--port', '0'], { env }).started();
  expect(wsUrl).toMatch(/\/file$/);
  expect(await (await WsClient.connect(wsUrl)).ask('x')).toBe('file: x');
});

test('a module may give what only code can, and secrets come from files and are told nowhere', async () => {
  const at = folderWith({
    'hub.mjs': 'export default { port: 0, workers: 1, origins: (origin) => origin === "https://a.example" };',
    token: 'the-secret-of-the-file\n',
  });
  const env = { SHARDHUB_STATS_TOKEN_FILE: at('token') };
  const shown = await runCommand(['config', 'print', '--config', at('hub.mjs')], { env });
  expect(shown.stdout).toMatch(/^statsToken +"…" +SHARDHUB_STATS_TOKEN$/m);
  expect(shown.stdout + shown.stderr).not.toContain('the-secret');
  const { url, wsUrl } = await new Command(['serve', '--config', at('hub.mjs')], { env }).started();
  const headers = { authorization: 'Bearer the-secret-of-the-file' };
  expect((await fetch(`${url}/stats`, { headers })).status).toBe(200);
  await expect(WsClient.connect(wsUrl, { origin: 'https://b.example' })).rejects.toThrow('403');
  await WsClient.connect(wsUrl, { origin: 'https://a.example' });
});

test.each([
  ['{"prot": 1}', 'hub.json: unknown option "prot"'],
  ['{"port": "x"}', 'hub.json: option "port" got "x" but takes an integer from 0 to 65535 (port)'],
  ['[]', 'hub.json: it is no JSON object'],
  ['{', 'hub.json: '],
])('config check and serve refuse %s alike', async (text, complaint) => {
  const at = folderWith({ 'hub.json': text });
  for (const args of [
    ['config', 'check'],
    ['serve', '--port=0'],
  ]) {
    const { code, stdout, stderr } = await runCommand([...args, '--config', at('hub.json')]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(complaint);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
});

test('config check finds nothing to say, and config schema knows every option', async () => {
  expect(await runCommand(['config', 'check', '--port', '0'])).toMatchObject({
    code: 0,
    stdout: 'the configuration is right\n',
  });
  const schema = JSON.parse((await runCommand(['config', 'schema'])).stdout);
  expect(schema.additionalProperties).toBe(false);
  const shown = JSON.parse((await runCommand(['config', 'print', '--json'])).stdout);
  expect(Object.keys(schema.properties).sort()).toEqual(['$schema', ...Object.keys(shown)].sort());
  expect(schema.properties.port).toMatchObject({
    type: 'integer',
    maximum: 65_535,
    description: expect.any(String),
  });
  expect(JSON.stringify(schema)).not.toContain('"takes"');
});

test('SIGUSR2 loads the handler afresh, in as many workers as the file says by then', async () => {
  const handler = (version: number) => `export default { message: () => '${version}' };`;
  const at = folderWith({ 'hub.json': '{"port":0,"workers":1,"handler":"./h.mjs"}', 'h.mjs': handler(1) });
  const command = new Command(['serve', '--config', at('hub.json')]);
  const { url, wsUrl } = await command.started();
  const client = await WsClient.connect(wsUrl);
  expect(await client.ask('?')).toBe('1');
  const reload = async (words: string) => {
    command.kill('SIGUSR2');
    await until(words, () => command.stderr.includes(words));
    const { shards } = (await (await fetch(`${url}/stats`)).json()) as HubStats;
    return [await client.ask('?'), shards.map(({ generation }) => generation)];
  };
  writeFileSync(at('h.mjs'), handler(2));
  writeFileSync(at('hub.json'), '{"port":0,"workers":3,"handler":"./h.mjs"}');
  expect(await reload('generation 2 runs')).toEqual(['2', [2, 2, 2]]);
  writeFileSync(at('h.mjs'), handler(3));
  expect(await reload('generation 3 runs')).toEqual(['3', [3, 3, 3]]);
  writeFileSync(at('hub.json'), '{"workers":"many"}');
  expect(await reload('nothing has changed: ')).toEqual(['3', [3, 3, 3]]);
});

test('SIGHUP takes limits, origins, topics and the level of the log in place, and says what needs a restart', async () => {
  const options = { port: 0, workers: 1, maxConnections: 1, topics: { 'a:*': {} } };
  const at = folderWith({ 'hub.json': JSON.stringify(options) });
  const command = new Command(['serve', '--config', at('hub.json')]);
  const { wsUrl } = await command.started();
  const first = await WsClient.connect(wsUrl);
  await expect(WsClient.connect(wsUrl)).rejects.toThrow('503');
  const changed = {
    ...options,
    maxConnections: 2,
    origins: ['https://a.example'],
    logLevel: 'info',
    topics: { 'a:*': { presence: true } },
    workers: 2,
  };
  writeFileSync(at('hub.json'), JSON.stringify(changed));
  command.kill('SIGHUP');
  await until('the word', () => command.stderr.includes('shardhub: changed, but needs a restart: workers\n'));
  expect(command.stderr).toMatch(/"changed":\[[^\]]*"topics"[^\]]*\].*the options were read again/);
  await WsClient.connect(wsUrl, { origin: 'https://a.example' });
  await expect(WsClient.connect(wsUrl)).rejects.toThrow('503');
  expect(await first.ask('still there')).toBe('still there');
  writeFileSync(at('hub.json'), '{"maxConnections": "many"}');
  command.kill('SIGHUP');
  await until('a complaint', () => command.stderr.includes('option "maxConnections" got "many"'));
  await expect(WsClient.connect(wsUrl)).rejects.toThrow('503');
});
