/** The command line of the benchmarks. */
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROWS } from '../rows.mjs';
import { addServer, SERVERS } from '../servers.mjs';
import { SWEEPS } from '../sweeps.mjs';

const HELP = {
  rounds: 'measurements of each server in each row',
  seconds: 'length of a measured window',
  warmup: 'seconds before it, dropped',
  rows: 'rows or points of curves by name or by the beginning of it, separated by commas (default: all rows)',
  servers: 'servers by name, separated by commas (default: all of a row)',
  workers: 'worker threads, where a row does not say',
  control: 'file of a control of your own, measured in every echo row',
  out: 'folder for the results',
  images: 'folder for the charts as SVG files (default: none)',
};

/** More than two workers and the generator would want more cores than the targets are about. */
const MAX_WORKERS = 2;
const DEFAULTS = {
  rounds: '5',
  seconds: '5',
  warmup: '2',
  workers: String(Math.min(MAX_WORKERS, Math.max(1, availableParallelism() - 1))),
  out: 'bench/results',
};

const CURVES = [...new Set(SWEEPS.map(({ sweep }) => sweep.id))];
const ROW_NAMES = [...ROWS.map(({ id }) => id), ...CURVES].join(', ');

/** A mistake of whoever typed the command. */
export class UsageError extends Error {}

/**
 * @param {string[]} args
 * @param {Partial<typeof DEFAULTS & { rows: string }>} [defaults] of one of the commands
 * @returns {{ help: string } | { rows: object[], settings: import('./runner.mjs').Settings, out: string, images?: string }}
 * @throws UsageError
 */
export function readOptions(args, defaults = {}) {
  const fallbacks = { ...DEFAULTS, ...defaults };
  const values = parse(args);
  if (values.help) return { help: helpText(fallbacks) };
  const { rows, servers, control, out, images, ...rest } = { ...fallbacks, ...values };
  const echoRows = control === undefined ? [] : addControl(control);
  return {
    rows: pickRows(rows).map((row) =>
      row.id.startsWith('echo-') ? { ...row, servers: [...row.servers, ...echoRows] } : row,
    ),
    settings: {
      rounds: number('rounds', rest.rounds, { min: 1, isInteger: true }),
      seconds: number('seconds', rest.seconds, { min: 0.05 }),
      warmup: number('warmup', rest.warmup, { min: 0.05 }),
      workers: number('workers', rest.workers, { min: 1, isInteger: true }),
      servers: pickServers(servers),
    },
    out: resolve(out),
    images: images === undefined ? undefined : resolve(images),
  };
}

function parse(args) {
  const options = Object.fromEntries(Object.keys(HELP).map((name) => [name, { type: 'string' }]));
  try {
    return parseArgs({ args, options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function number(name, text, { min, isInteger = false }) {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && Number.isFinite(value) && (!isInteger || Number.isInteger(value)))
    return value;
  throw new UsageError(
    `--${name} got "${text}" but takes ${isInteger ? 'an integer' : 'a number'} from ${min}`,
  );
}

function pickRows(text) {
  if (text === undefined) return ROWS;
  return [...new Set(text.split(',').flatMap(rowsNamed))];
}

function rowsNamed(name) {
  const all = [...ROWS, ...SWEEPS];
  const exact = all.filter(({ id }) => id === name);
  if (exact.length > 0) return exact;
  const found = all.filter(({ id }) => name !== '' && id.startsWith(name));
  if (found.length > 0) return found;
  throw new UsageError(`there is no row "${name}"; the rows are ${ROW_NAMES}`);
}

function pickServers(text) {
  if (text === undefined) return undefined;
  const names = text.split(',');
  const unknown = names.find((name) => !Object.hasOwn(SERVERS, name));
  if (unknown === undefined) return names;
  throw new UsageError(`there is no server "${unknown}"; the servers are ${Object.keys(SERVERS).join(', ')}`);
}

/** @returns {string[]} the name of the added server */
function addControl(file) {
  const name = basename(file).replace(/\.[^.]*$/, '');
  if (Object.hasOwn(SERVERS, name)) throw new UsageError(`there is a server "${name}": rename ${file}`);
  addServer(name, resolve(file));
  return [name];
}

function helpText(fallbacks) {
  const lines = Object.entries(HELP).map(([name, text]) => {
    const fallback = fallbacks[name] === undefined ? '' : ` (default: ${fallbacks[name]})`;
    return `  --${name.padEnd(9)} ${text}${fallback}`;
  });
  return [...lines, '', `rows: ${ROW_NAMES}`, `servers: ${Object.keys(SERVERS).join(', ')}`].join('\n');
}
