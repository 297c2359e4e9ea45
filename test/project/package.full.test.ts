/**
 * What users get: the tarball of `npm pack`, installed in an empty folder. It is packed from a copy of the
 * sources, so that the build of this working tree stays as it is.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WsClient } from '../support/clients/ws-client.js';
import { Command, runCommand } from '../support/processes/command-line.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_COPIED = ['node_modules', 'dist', '.git', 'coverage', 'test-results'];
const MIB = 1024 * 1024;
const INSTALL_DEADLINE_MS = 600_000;
const ENGINE_FIX = 'npm install uNetworking/uWebSockets.js#v20.69.0';

interface Installed {
  readonly hasInstallScript?: boolean;
}

const work = mkdtempSync(join(tmpdir(), 'shardhub-package-'));
const app = join(work, 'app');
const engine = join(app, 'node_modules/uWebSockets.js');
const binary = join(app, 'node_modules/.bin/shardhub');
let packed: string[] = [];
let tarballPath = '';
let sizes = { size: 0, unpackedSize: 0 };
let installed = '';

const runFile = promisify(execFile);

/** npm as from a shell: what `npm test` leaves in the environment is about this package, not about that folder. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const isForeign = (name: string) =>
    /^npm_(package|lifecycle|command|config_local_prefix|config_ignore)/.test(name);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)));
  return (await runFile('npm', args, { cwd, env })).stdout;
}

/** Every file below a folder, as paths with forward slashes. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort();
}

function writeApp(name: string, text: string): string {
  writeFileSync(join(app, name), text);
  return name;
}

beforeAll(async () => {
  const source = join(work, 'source');
  cpSync(ROOT, source, { recursive: true, filter: (path) => !NOT_COPIED.includes(basename(path)) });
  symlinkSync(join(ROOT, 'node_modules'), join(source, 'node_modules'), 'dir');
  // As `npm run docs:api` leaves it: no part of the package.
  mkdirSync(join(source, 'docs/api'), { recursive: true });
  writeFileSync(join(source, 'docs/api/index.html'), 'generated');
  const [tarball] = JSON.parse(await npm(source, 'pack', '--json', '--silent', '--pack-destination', work));
  packed = tarball.files.map(({ path }: { path: string }) => path).sort();
  tarballPath = join(work, tarball.filename);
  sizes = tarball;
  mkdirSync(app);
  installed = await npm(app, 'install', '--prefer-offline', '--no-audit', '--no-fund', tarballPath);
}, INSTALL_DEADLINE_MS);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the tarball', () => {
  test('holds the build, the page, the documents and the templates, and nothing else', () => {
    const sources = filesBelow(join(ROOT, 'src')).filter((file) => !file.endsWith('.d.ts'));
    const built = sources.flatMap((file) => {
      const stem = `dist/${file.replace(/\.ts$/, '')}`;
      return [`${stem}.d.ts`, `${stem}.js`, `${stem}.js.map`];
    });
    const vendored = [
      ...readdirSync(join(ROOT, 'scripts/vendor')).map((name) => name.replace('.mjs', '.js')),
      ...['THIRD-PARTY-NOTICES.txt', 'packages.json', 'uplot.css', 'uplot.js'],
    ].map((name) => `dist/vendor/${name}`);
    const page = filesBelow(join(ROOT, 'public')).map((file) => `public/${file}`);
    for (const file of page) expect(file).toMatch(/\.(html|css|js|svg|png|ico)$/);
    const docs = filesBelow(join(ROOT, 'docs'))
      .filter((file) => !/^(api|internals|adr)\//.test(file))
      .map((file) => `docs/${file}`);
    const deploy = filesBelow(join(ROOT, 'deploy')).map((file) => `deploy/${file}`);
    const templates = filesBelow(join(ROOT, 'templates')).map((file) => `templates/${file}`);
    const documents = [
      ...docs,
      ...deploy,
      ...templates,
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'package.json',
    ];
    expect(packed).toEqual([...built, ...vendored, ...page, ...documents].sort());
  });
});

describe('what is installed', () => {
  test('is small but for the engine, and runs no code while it is installed', () => {
    // 1.3 MiB and 4.3 MiB in November 2026.
    expect(sizes.size).toBeLessThan(2 * MIB);
    expect(sizes.unpackedSize).toBeLessThan(7 * MIB);
    const packages = Object.entries<Installed>(
      JSON.parse(readFileSync(join(app, 'node_modules/.package-lock.json'), 'utf8')).packages,
    );
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    expect(Number(/added (\d+) packages/.exec(installed)?.[1])).toBeLessThanOrEqual(22);
    const bundled: { name: string }[] = JSON.parse(
      readFileSync(join(app, 'node_modules/shardhub/dist/vendor/packages.json'), 'utf8'),
    );
    const names = packages.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(names.filter((name) => bundled.some((tool) => tool.name === name))).toEqual([]);
    const notices = readFileSync(
      join(app, 'node_modules/shardhub/dist/vendor/THIRD-PARTY-NOTICES.txt'),
      'utf8',
    );
    for (const { name } of bundled) expect(notices).toContain(`\n${name} `);
    expect(bundled.length).toBeGreaterThan(10);
  });

  test('is all in its bill of materials, bundled packages too', async () => {
    const { components } = JSON.parse(await npm(ROOT, 'run', '--silent', 'sbom'));
    const names = components.map(({ name }: { name: string }) => name);
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const expected = [...Object.keys(dependencies), 'thread-stream', 'ws', 'uplot', 'string-width'];
    expect(names).toEqual(expect.arrayContaining(expected));
    expect(names).not.toContain('vitest');
    const { scripts } = JSON.parse(readFileSync(join(app, 'node_modules/shardhub/package.json'), 'utf8'));
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare)$/.test(name))).toEqual([]);
  });
});

describe('its entry points', () => {
  /** A tool of the project's own. Its exit code is 1 when it has found something, which rejects. */
  const tool = (name: string, ...args: string[]) =>
    runFile(process.execPath, [join(ROOT, 'node_modules', name), ...args], { cwd: join(work, 'source') });

  test('publint has nothing to say', async () => {
    const { stdout } = await tool('publint/src/cli.js', 'run', tarballPath, '--strict');
    expect(stdout).toContain('All good!');
  });

  test('the types are found by every resolution that finds an ES module', async () => {
    const args = [tarballPath, '--profile', 'esm-only', '--format', 'json'];
    const { stdout } = await tool('@arethetypeswrong/cli/dist/index.js', ...args);
    const { analysis, problems } = JSON.parse(stdout);
    expect(Object.keys(analysis.entrypoints)).toEqual(
      expect.arrayContaining(['./worker', './nats', './redis']),
    );
    const ignored = ['CJSResolvesToESM', 'NoResolution'];
    const found = Object.values(problems ?? {}).flat() as { kind: string }[];
    expect(found.filter(({ kind }) => !ignored.includes(kind))).toEqual([]);
  });
});

describe('installed in an empty folder', () => {
  test('the binary serves the page and an echo', async () => {
    const command = new Command(['serve', '--port', '0'], { binary, cwd: app });
    const { url, wsUrl } = await command.started();
    expect(await (await WsClient.connect(wsUrl)).ask('from the package')).toBe('from the package');
    expect(await (await fetch(`${url}/`)).text()).toMatch(/<html/i);
    expect(await (await fetch(`${url}/console/uplot.js`)).text()).toContain('uPlot');
    command.kill('SIGTERM');
    expect(await command.exited).toMatchObject({ code: 0, stderr: '' });
  });

  test('every command runs, and so does a test of a handler over real sockets', async () => {
    const hub = new Command(['serve', '--port=0', '--admin-listen=./admin.sock'], { binary, cwd: app });
    const { wsUrl } = await hub.started();
    const run = async (...args: string[]) => (await runFile(binary, args, { cwd: app })).stdout;
    expect(await run('bench', wsUrl, '-d', '200ms', '--warmup=0ms', '-c', '2')).toContain('p99');
    expect(await run('client', wsUrl, '--send=hello')).toContain('hello');
    expect(await run('admin', 'handlers', '--admin=./admin.sock')).toContain('echo');
    expect(await run('config', 'print')).toContain('maxPayload');
    expect(JSON.parse(await run('config', 'schema'))).toHaveProperty('properties.maxPayload');
    expect(await run('config', 'check')).toContain('right');
    expect((await runCommand(['doctor'], { binary, cwd: app })).stdout).toContain('Node.js');
    await run('init', 'made');
    expect(readdirSync(join(app, 'made'))).toContain('package.json');
    const script = writeApp(
      'over-sockets.mjs',
      `import { testHandler } from 'shardhub/testing';
       const connection = await testHandler('echo', { real: true });
       await connection.send('hello');
       console.log(await connection.next());
       await connection.stop();`,
    );
    expect(await runFile(process.execPath, [script], { cwd: app })).toMatchObject({ stdout: 'hello\n' });
  });

  test('CommonJS has it by import(), and by require() on a Node.js that can', async () => {
    const { require_module: canRequire = false } = process.features as { require_module?: boolean };
    const required = canRequire ? "require('shardhub')" : 'hub';
    const script = writeApp(
      'from-commonjs.cjs',
      `import('shardhub').then((hub) => console.log(typeof hub.createHub, ${required}.createHub === hub.createHub));`,
    );
    const { stdout, stderr } = await runFile(process.execPath, [script], { cwd: app });
    expect({ stdout, stderr }).toEqual({ stdout: 'function true\n', stderr: '' });
  });

  test('a handler module of the user finds the package', async () => {
    const handler = writeApp(
      'shout.mjs',
      `import { defineHandler } from 'shardhub/worker';
       export default defineHandler({ message: (conn, msg) => msg.text().toUpperCase() });`,
    );
    const { wsUrl } = await new Command(['serve', '--port=0', '--handler', handler], {
      binary,
      cwd: app,
    }).started();
    expect(await (await WsClient.connect(wsUrl)).ask('quiet')).toBe('QUIET');
  });

  test('a hub is embedded with createHub', async () => {
    const script = writeApp(
      'embed.mjs',
      `import { createHub } from 'shardhub';
       const hub = await createHub({ port: 0, workers: 1, handler: 'done' });
       const answer = await fetch(hub.url + '/echo', { method: 'POST', body: 'work' });
       console.log(await answer.text());
       await hub.close();`,
    );
    expect(await runFile(process.execPath, [script], { cwd: app })).toMatchObject({ stdout: 'work done\n' });
  });

  test('its types compile under strict rules, libraries included, and refuse what is wrong', async () => {
    writeApp('consumer.mts', CONSUMER);
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable'],
      module: 'NodeNext',
      typeRoots: [join(ROOT, 'node_modules/@types')],
      types: ['node'],
    };
    writeApp('tsconfig.json', JSON.stringify({ compilerOptions, files: ['consumer.mts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const complaints = await runFile(process.execPath, [tsc, '-p', app], { cwd: app }).then(
      ({ stdout }) => stdout,
      ({ stdout }) => stdout,
    );
    expect(complaints).toBe('');
  });

  test.each([
    ['the package', engine],
    ['every binary', join(engine, 'dist/bin')],
  ])('without %s of an engine that is asked for it says how to get it', async (_, missing) => {
    const away = join(work, 'away');
    renameSync(missing, away);
    onTestFinished(() => renameSync(away, missing));
    const outcome = await runCommand(['serve', '--port', '0', '--engine', 'uws'], { binary, cwd: app });
    expect(outcome).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(outcome.stderr).toMatch(/^shardhub: [^\n]+\n$/);
    expect(outcome.stderr).toContain(ENGINE_FIX);
  });
});

const CONSUMER = `
import { type Hub, HubError, type HubOptions, type HubStats, createHub, listOptions, resolveOptions } from 'shardhub';
import { jwtUpgrade } from 'shardhub/auth';
import { defineHandler } from 'shardhub/worker';

const byToken = jwtUpgrade({ key: 'x'.repeat(32), algorithms: ['HS256'] });
export const withToken: HubOptions = { upgrade: byToken, origins: (origin) => origin.endsWith('.example') };
export const typed: Promise<Hub<{ userId: string }>> = createHub({ upgrade: () => ({ data: { userId: 'ann' } }) });
export const whoami = defineHandler<unknown, { userId: string }>({ message: (conn) => conn.data.userId });
// @ts-expect-error: not the data of this hub
export const mistold: HubOptions<{ userId: string }> = { upgrade: () => ({ data: { userId: 7 } }) };

export default defineHandler({
  open(conn) {
    const path: string = conn.request.path;
    conn.state = { path };
  },
  async message(conn, msg) {
    const bytes: Uint8Array = msg.bytes;
    conn.send(bytes);
    return msg.isBinary ? msg : msg.text();
  },
  close(conn, code, reason) {
    const parts: [number, string] = [code, reason];
    conn.close(1000, String(parts));
  },
});

export async function serve(): Promise<number> {
  const options: HubOptions = { port: 0, handler: new URL('./consumer.mjs', import.meta.url) };
  await using hub: Hub = await createHub(options);
  const stats: HubStats = hub.stats();
  await hub.close({ timeoutMs: 1000 });
  return hub.port + stats.workers + resolveOptions(options).maxPayload + listOptions().length;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof HubError ? error.code : undefined;
}

// @ts-expect-error: no such option
export const misspelt: HubOptions = { prot: 1 };
// @ts-expect-error: text is no number
export const mistyped: HubOptions = { port: '8080' };
// @ts-expect-error: no such hook
export const unhooked = defineHandler({ mesage: () => undefined });
`;
