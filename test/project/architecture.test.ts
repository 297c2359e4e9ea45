/** Which part of the sources may know which other one, types included. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCycles, type Import, type Module, parseModule, readModules } from '../support/source-graph.js';

const modules = readModules();
const MAX_LINES = 400;
const MAX_FILES = 20;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The rooms from the ground floor up: each may know itself, `api` and `util`, and those that its line names, which stand
 * above it in this list. A source right under `src/` is an entry of the package.
 */
const ROOMS: [room: string, ...others: string[]][] = [
  ['util'],
  ['api'],
  ['broker'],
  ['wire'],
  ['workers', 'wire'],
  ['loadgen'],
  ['auth'],
  ['options'],
  ['telemetry', 'options'],
  ['hub/connection', 'wire', 'telemetry'],
  ['hub/dispatch', 'wire', 'telemetry', 'hub/connection'],
  ['hub/pubsub', 'wire', 'telemetry', 'hub/connection', 'hub/dispatch'],
  ['hub/cluster', 'broker', 'wire', 'hub/connection', 'hub/pubsub'],
  ['hub/admission', 'wire', 'options', 'telemetry'],
  ['hub/pool', 'wire', 'options', 'telemetry', 'hub/connection', 'hub/dispatch', 'hub/admission'],
  ['hub/http', 'wire', 'telemetry', 'hub/connection', 'hub/admission'],
  ['hub/admin', 'wire', 'telemetry', 'hub/connection', 'hub/http'],
  ['hub/engine', 'hub/connection', 'hub/admission', 'hub/http'],
  ['hub/engine/uws', 'hub/connection', 'hub/admission', 'hub/http', 'hub/engine'],
  ['hub/engine/node/http', 'hub/admission', 'hub/http', 'hub/engine'],
  [
    'hub/engine/node',
    'wire',
    'hub/connection',
    'hub/admission',
    'hub/http',
    'hub/engine',
    'hub/engine/node/http',
  ],
  [
    'hub',
    'broker',
    'wire',
    'options',
    'telemetry',
    'hub/connection',
    'hub/pubsub',
    'hub/cluster',
    'hub/admission',
    'hub/pool',
    'hub/engine',
    'hub/engine/uws',
    'hub/engine/node',
    'hub/http',
    'hub/admin',
  ],
  ['testing', 'workers', 'options', 'hub/connection', 'hub/admission', 'hub/engine', 'hub'],
  ['.', 'broker', 'workers', 'auth', 'options', 'hub/admission', 'hub/http', 'hub/pool', 'hub', 'testing'],
  ['supervisor', 'broker', 'hub/engine', 'hub/http', 'hub/admin'],
  ['cli', 'loadgen', '.', 'supervisor'],
];
/** `hub/engine` of `hub/engine/server.ts`; what is inside `cli`, `workers` and `broker` is one room. */
const roomOf = (path: string) => posix.dirname(path).replace(/^(cli|workers|broker)\/.*/, '$1');

/** Every import that a rule forbids, as `from → to`. */
function offences(isForbidden: (from: Module, to: Import) => boolean): string[] {
  return [...modules.values()].flatMap((from) =>
    from.imports.filter((to) => isForbidden(from, to)).map(({ target }) => `${from.path} → ${target}`),
  );
}

/** Modules that import `target`, itself or a path below it. */
function importersOf(target: string): string[] {
  const isIt = (to: Import) => to.target === target || to.target.startsWith(`${target}/`);
  return [...modules.values()].filter(({ imports }) => imports.some(isIt)).map(({ path }) => path);
}

const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const isSource = (target: string) => modules.has(target);

describe('the parts', () => {
  test('every import of a source leads to a source', () => {
    const isRelative = (target: string) => /\.ts$/.test(target) || target.startsWith('.');
    expect(offences((_, { target }) => isRelative(target) && !isSource(target))).toEqual([]);
    // The walk sees what it is about.
    for (const folder of ['hub', 'workers', 'wire', 'cli'])
      expect([...modules.keys()].filter(isIn(folder)).length, folder).toBeGreaterThan(3);
    expect(modules.get('hub/hub-parts.ts')?.imports.length).toBeGreaterThan(10);
  });

  test('every source is in a room, and knows its own and those that its line names', () => {
    const known = new Map(ROOMS.map(([room, ...others]) => [room, [room, 'api', 'util', ...others]]));
    expect([...modules.keys()].filter((path) => !known.has(roomOf(path)))).toEqual([]);
    expect(
      offences(
        ({ path }, { target }) => isSource(target) && !known.get(roomOf(path))?.includes(roomOf(target)),
      ),
    ).toEqual([]);
  });

  test('no room is named before its own line', () => {
    const rooms: string[] = ROOMS.map(([room]) => room);
    const early = ROOMS.flatMap(([room, ...others]) =>
      others
        .filter((other) => rooms.indexOf(other) >= rooms.indexOf(room))
        .map((other) => `${room} → ${other}`),
    );
    expect(early).toEqual([]);
    // And none is named that is not used, or no more.
    const unused = ROOMS.flatMap(([room, ...others]) =>
      others
        .filter(
          (other) =>
            offences(({ path }, { target }) => roomOf(path) === room && roomOf(target) === other).length ===
            0,
        )
        .map((other) => `${room} → ${other}`),
    );
    expect(unused).toEqual([]);
  });

  test('ARCHITECTURE.md lists the same rooms, each below those that it knows', () => {
    const page = readFileSync(`${ROOT}ARCHITECTURE.md`, 'utf8');
    const cells = [...page.matchAll(/^\| (`src\/[^|]*) \|/gm)].map(([, cell]) => cell!);
    const places = cells.flatMap((cell, place) =>
      [...cell.matchAll(/`src\/([^`]+)`/g)].map(([, path]) => {
        const room = path!.endsWith('.ts') ? posix.dirname(path!) : path!;
        return [room, place] as const;
      }),
    );
    const placeOf = new Map(places);
    expect([...placeOf.keys()].sort()).toEqual(ROOMS.map(([room]) => room).sort());
    const below = ROOMS.flatMap(([room, ...others]) =>
      others
        .filter((other) => placeOf.get(other)! >= placeOf.get(room)!)
        .map((other) => `${room} → ${other}`),
    );
    expect(below).toEqual([]);
  });

  test('the command line uses the package as its users do', () => {
    // The options of a load run apart from the rest: `serve` does not load what it does not use.
    const entries = ['index.ts', 'loadgen/index.ts', 'loadgen/options.ts'];
    const isTold = (target: string) => ['cli', 'util', 'supervisor'].some((room) => isIn(room)(target));
    const known = (target: string) => isTold(target) || entries.includes(target);
    expect(
      offences(({ path }, { target }) => isIn('cli')(path) && isSource(target) && !known(target)),
    ).toEqual([]);
  });

  test.each([
    ['client', [] as string[]],
    ['bench', ['loadgen/index.ts', 'loadgen/options.ts']],
  ])('%s is no part of serving: it shares flags, stop signals and complaints with it', (tool, foreign) => {
    const isTool = isIn(`cli/${tool}`);
    const isShared = (path: string) =>
      isIn('cli/flags')(path) || isIn('cli/terminal')(path) || foreign.includes(path);
    expect(
      offences(
        ({ path }, { target }) => isTool(path) && isSource(target) && !isTool(target) && !isShared(target),
      ),
    ).toEqual([]);
    // Loaded by the command line alone, and what runs it only when it is wanted.
    expect(offences(({ path }, { target }) => !isTool(path) && isTool(target))).toEqual([
      `cli/program.ts → cli/${tool}/flags.ts`,
      `cli/program.ts → cli/${tool}/${tool}.ts`,
    ]);
  });

  test('in the client, only its entry knows the process', () => {
    const namers = [...modules.values()].filter(
      ({ path, identifiers }) => isIn('cli/client')(path) && identifiers.has('process'),
    );
    expect(namers.map(({ path }) => path)).toEqual(['cli/client/client.ts']);
  });

  test('nothing imports the package’s index or the command line but the command line', () => {
    const isTop = (target: string) => target === 'index.ts' || isIn('cli')(target);
    expect(offences(({ path }, { target }) => isTop(target) && !isIn('cli')(path))).toEqual([]);
  });

  test('no import leads back to where it came from', () => {
    expect(findCycles(modules)).toEqual([]);
  });
});

describe('what is foreign', () => {
  test.each([
    ['uWebSockets.js', ['hub/engine/uws/load-engine.ts']],
    ['piscina', ['hub/pool/piscina-links.ts']],
    [
      'zod',
      [
        'options/application.ts',
        'options/cluster.ts',
        'options/limits.ts',
        'options/meta.ts',
        'options/options.ts',
        'options/reload.ts',
        'options/server.ts',
      ],
    ],
    ['#vendor/commander', ['cli/program.ts']],
    ['pino', ['telemetry/log.ts']],
    ['#vendor/ws', ['cli/client/connection.ts', 'testing/socket-peer.ts']],
    ['@sinonjs/fake-timers', ['testing/fake-time.ts']],
    ['node:readline', ['cli/client/prompt.ts']],
    ['#vendor/hdr-histogram-js', ['loadgen/recorder.ts']],
    ['#vendor/cli-table3', ['cli/bench/report.ts']],
    ['#vendor/cli-progress', ['cli/bench/progress.ts']],
    ['jose', ['auth/verify.ts']],
    ['@opentelemetry/api', ['otel.ts', 'workers/tracing/otel-tracer.ts']],
    [
      '@nats-io/transport-node',
      [
        'broker/nats/nats-connection.ts',
        'broker/nats/nats-history.ts',
        'broker/nats/nats-options.ts',
        'broker/nats/nats-server.ts',
      ],
    ],
    [
      '@redis/client',
      [
        'broker/redis/access.ts',
        'broker/redis/client-options.ts',
        'broker/redis/open-cluster-link.ts',
        'broker/redis/open-link.ts',
        'broker/redis/redis-options.ts',
      ],
    ],
    ['@nats-io/jetstream', ['broker/nats/nats-history.ts']],
  ])('%s is known to one file', (name, files) => {
    expect(importersOf(name)).toEqual(files);
  });

  test('is declared, where the hub needs it, and bundled where only the command and tests do', () => {
    const nameOf = (target: string) => /^(@[^/]+\/)?[^/]+/.exec(target)![0];
    const foreign = (of: Iterable<Module>) => {
      const targets = [...of].flatMap(({ imports }) => imports.map(({ target }) => target));
      const names = targets.filter((target) => !isSource(target) && !target.startsWith('node:'));
      return [...new Set(names.map((name) => (name.startsWith('#') ? name : nameOf(name))))].sort();
    };
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    const bundled = readdirSync(`${ROOT}scripts/vendor`).map((name) => `#vendor/${name.replace('.mjs', '')}`);
    const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
    expect(foreign(modules.values())).toEqual([...bundled, ...declared].sort());
    // The package's entries, and what its threads start with.
    const entries = [...modules.keys()].filter((path) => !path.includes('/'));
    const reached = new Set([...entries, 'workers/entry.ts', 'workers/local.ts']);
    for (const path of reached)
      for (const { target } of modules.get(path)!.imports) if (isSource(target)) reached.add(target);
    const library = [...reached].map((path) => modules.get(path)!);
    expect(foreign(library)).toEqual(['#vendor/ws', ...declared].sort());
  });

  test('who traces nothing loads nothing for it', () => {
    expect(importersOf('workers/tracing/otel-tracer.ts')).toEqual(['otel.ts']);
    expect(importersOf('otel.ts')).toEqual([]);
  });

  test('the hub is known to the package’s index, and to nobody else', () => {
    // A supervisor's admin listener is a hub's.
    const others = ['hub', 'testing', 'supervisor'];
    const importers = importersOf('hub').filter((path) => !others.some((room) => isIn(room)(path)));
    expect(importers).toEqual(['index.ts']);
  });

  test('the engine is known to the hub that starts it, and to the one that tests have in memory', () => {
    expect(importersOf('hub/engine').filter((path) => !isIn('hub/engine')(path))).toEqual([
      'hub/engine-choice.ts',
      'hub/hub-parts.ts',
      // How a Unix socket's path is made free.
      'supervisor/admin.ts',
      'testing/memory-engine.ts',
    ]);
  });

  test('worker threads are known to the workers and the load generator alone', () => {
    const isThreaded = (path: string) => isIn('workers')(path) || isIn('loadgen')(path);
    expect(importersOf('node:worker_threads').filter((path) => !isThreaded(path))).toEqual([]);
    expect(importersOf('worker_threads')).toEqual([]);
  });

  test('the process belongs to the command line', () => {
    // stdout and stderr are the process's, and so is what is still to be written there when it ends.
    const outputs = ['hub/pool/worker-output.ts', 'telemetry/log-stream.ts'];
    const namers = [...modules.values()].filter(({ identifiers }) => identifiers.has('process'));
    expect(namers.map(({ path }) => path).filter((path) => !isIn('cli')(path))).toEqual(outputs);
    const mayImport = ({ path }: Module, { names }: Import) =>
      isIn('cli')(path) ||
      outputs.includes(path) ||
      (path === 'util/idle-cores.ts' && names.join() === 'cpuUsage') ||
      // The one clock that all threads have.
      (path === 'wire/timings.ts' && names.join() === 'hrtime') ||
      // A Unix socket is its owner's alone from its first moment.
      (path === 'hub/admin/admin-server.ts' && names.join() === 'umask') ||
      (path === 'telemetry/process-figures.ts' && names.join() === 'cpuUsage,memoryUsage,versions') ||
      (path === 'workers/runtime.ts' && names.join() === 'nextTick') ||
      (path === 'hub/pool/piscina-links.ts' && names.join() === 'env') ||
      (path === 'workers/entry.ts' && names.join() === 'setSourceMapsEnabled') ||
      (path === 'testing/faulty-handler.ts' && names.join() === 'exit,nextTick') ||
      (path === 'testing/faults.ts' && names.join() === 'env') ||
      (path === 'workers/dev/tsx.ts' && names.join() === 'env,execArgv,features') ||
      // A load generator has to tell what it cost itself.
      (path === 'loadgen/meter.ts' && names.join() === 'cpuUsage');
    const isProcess = (target: string) => /^(node:)?process$/.test(target);
    expect(offences((from, to) => isProcess(to.target) && !mayImport(from, to))).toEqual([]);
  });

  test('modules with a computed name are imported where threads and handlers are started', () => {
    const computed = [...modules.values()].filter(({ importsComputed }) => importsComputed);
    expect(computed.map(({ path }) => path)).toEqual([
      'cli/serve/config-file.ts',
      'hub/pool/local-link.ts',
      'testing/faulty-handler.ts',
      'workers/dev/tsx.ts',
      'workers/load.ts',
    ]);
  });
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const files = ['src', 'test', 'bench', 'public', 'scripts', 'examples'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|m?js|css|html)$/.test(name))
      .map((name) => `${folder}/${name.replaceAll(sep, '/')}`)
      // Made by scripts: one option after the other, and what was measured.
      .filter((path) => path !== 'src/api/hub-options.ts' && !path.startsWith('bench/results/')),
  );
  const lengths = files.map((path) => [
    path,
    readFileSync(ROOT + path, 'utf8')
      .trimEnd()
      .split('\n').length,
  ]);
  expect(lengths.length).toBeGreaterThan(modules.size);
  expect(lengths.filter(([, lines]) => Number(lines) > MAX_LINES)).toEqual([]);
});

test(`no room has more than ${MAX_FILES} files`, () => {
  const counts = new Map<string, number>();
  for (const path of modules.keys()) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});

describe('the walk itself', () => {
  test.each([
    "import { x } from './b.js';",
    "import type { X } from './b.js';",
    "import './b.js';",
    "export * from './b.js';",
    "export type { X } from './b.js';",
    "const b = await import('./b.js');",
    "type X = import('./b.js').X;",
  ])('sees %s', (text) => {
    expect(parseModule('a.ts', text).imports.map(({ target }) => target)).toEqual(['b.ts']);
  });

  test('tells a global from a member of the same name', () => {
    const names = (text: string) => parseModule('a.ts', text).identifiers.has('process');
    for (const text of ['process.exit()', 'const { env } = process;', 'globalThis.process', '({ process })'])
      expect(names(text), text).toBe(true);
    for (const text of ['x.process()', '({ process: 1 })', 'class X { process() {} }', '// process'])
      expect(names(text), text).toBe(false);
  });

  test('finds a cycle', () => {
    const texts = {
      'a.ts': "import './b.js'",
      'b.ts': "import type {} from './c.js'",
      'c.ts': "import './b.js'",
    };
    const parsed = Object.entries(texts).map(([path, text]) => [path, parseModule(path, text)] as const);
    expect(findCycles(new Map(parsed))).toEqual(['b.ts → c.ts → b.ts']);
  });
});
