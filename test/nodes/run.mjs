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
const nodeOf = (version) => ({
  name: `Node.js ${version}`,
  package: `node-${platform}-${arch}@${version}`,
  program: join(`node-${platform}-${arch}`, 'bin', 'node'),
});
const RUNTIMES = [
  ...['20', '22', '24', '26']
    .filter((version) => version !== process.versions.node.split('.')[0])
    .map(nodeOf),
  { name: 'Bun', package: 'bun@1.4.5', program: join('bun', 'bin', 'bun.exe'), needsScripts: true },
];
/** Engine node alone: the other one has no binary for every version. */
const CONTRACT = ['commit', 'engine-contract', '-t', 'engine node'];
const NODE_SUITES = [['commit', 'test/hub/engine/node/'], CONTRACT];
/** Bun has its own HTTP in the place of node:http, and its own package `ws`, which the tests of the codec compare with. */
const BUN_SUITES = [CONTRACT, ['engine-node', 'test/hub/echo.test.ts', 'test/hub/http/http-echo.test.ts']];
const vitest = (program, [project, ...filters]) =>
  run(program, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...filters]);

function run(program, args) {
  return spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
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
  const isNode = runtime.name !== 'Bun';
  const isGood =
    (isNode ? NODE_SUITES : BUN_SUITES).every((suite) => vitest(program, suite)) &&
    ['auto', isNode ? 'node' : 'bun'].every((engine) => run(program, ['test/nodes/smoke.mjs', engine]));
  console.log(`${runtime.name}: ${isGood ? 'passed' : 'failed'}`);
  if (!isGood) process.exitCode = 1;
}
