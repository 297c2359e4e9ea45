/**
 * `npm run test:nodes`: the engine contract suite and the smoke test on the other versions of Node.js, and on Bun. npm
 * carries both; what cannot be had is a line here, and a failure with CI=true.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shardhub-runtimes');
const { platform, arch } = process;
/** Engine node alone: the other one has no binary for every version. */
const CONTRACT = ['commit', 'engine-contract', '-t', 'engine node'];
const CODEC = ['commit', 'test/hub/engine/node/'];
/** A port that is shared, by hubs and by processes of `shardhub serve`: not on Node.js 20. */
const SHARED_PORT = [
  ['engine-node', 'test/hub/startup.test.ts', 'test/hub/engine/tls.test.ts', '-t', 'share'],
  ['full', 'test/supervisor/processes.full.test.ts', '-t', 'of all processes|under load'],
];
/** What is left out of these on Bun, and why, is in test/support/engines/one-engine.ts. */
const BUN_SUITES = [
  CONTRACT,
  [
    'commit',
    'test/hub/pool/crash-storm.test.ts',
    ...['deflate', 'frame-fuzz', 'frame-reader', 'rfc-corpus', 'slow-copies'].map(
      (name) => `test/hub/engine/node/${name}.test.ts`,
    ),
  ],
  ['commit', 'test/hub/engine/node/node-socket.test.ts', '-t', 'by its handle'],
  [
    'engine-node',
    ...['echo', 'drain', 'lifecycle', 'peer-end'].map((name) => `test/hub/${name}.test.ts`),
    ...['http', 'pubsub'].map((folder) => `test/hub/${folder}/`),
    ...['bad-input', 'deflate-offers', 'proxy', 'tls', 'unix-socket'].map(
      (name) => `test/hub/engine/${name}.test.ts`,
    ),
    ...['backpressure', 'limits', 'max-payload', 'pause', 'slow-consumer'].map(
      (name) => `test/hub/connection/${name}.test.ts`,
    ),
    ...['crash-edges', 'crash-moments', 'deadlines', 'reload'].map((name) => `test/hub/pool/${name}.test.ts`),
  ],
];

const nodeOf = (version) => ({
  name: `Node.js ${version}`,
  package: `node-${platform}-${arch}@${version}`,
  program: join(`node-${platform}-${arch}`, 'bin', 'node'),
  suites: [CODEC, CONTRACT, ...(version === '20' ? [] : SHARED_PORT)],
  engine: 'node',
});
const BUN = {
  name: 'Bun',
  package: 'bun@1.4.5',
  program: join('bun', 'bin', 'bun.exe'),
  needsScripts: true,
  suites: BUN_SUITES,
  engine: 'bun',
};
const VERSIONS = ['20', '22', '24', '26'].filter(
  (version) => version !== process.versions.node.split('.')[0],
);
const RUNTIMES = [...VERSIONS.map(nodeOf), BUN];

const vitest = (program, [project, ...filters]) =>
  run(program, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...filters], {
    SHARDHUB_TEST_ENGINE: 'node',
  });

function run(program, args, variables = {}) {
  const env = { ...process.env, ...variables };
  return spawnSync(program, args, { cwd: ROOT, env, stdio: 'inherit' }).status === 0;
}

/** The program, installed where it is not yet; undefined when that fails. */
function find({ name, package: spec, program, needsScripts }) {
  const folder = join(CACHE, spec);
  const path = join(folder, 'node_modules', program);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const flags = [
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `--ignore-scripts=${!needsScripts}`,
  ];
  const { error, status, stderr } = spawnSync('npm', ['install', '--prefix', folder, ...flags, spec], {
    encoding: 'utf8',
  });
  if (status === 0 && existsSync(path)) return path;
  const why = error?.message ?? (stderr.trim().split('\n')[0] || 'npm did not bring it');
  const isRequired = process.env.CI === 'true';
  console.log(`${name} ${isRequired ? 'cannot be had, and CI=true requires it' : 'is left out'}: ${why}`);
  if (isRequired) process.exitCode = 1;
  return undefined;
}

for (const runtime of RUNTIMES) {
  const program = find(runtime);
  if (program === undefined) continue;
  const isGood =
    runtime.suites.every((suite) => vitest(program, suite)) &&
    ['auto', runtime.engine].every((engine) => run(program, ['test/nodes/smoke.mjs', engine]));
  console.log(`${runtime.name}: ${isGood ? 'passed' : 'failed'}`);
  if (!isGood) process.exitCode = 1;
}
