/** What the doctor finds on a machine that is short of something, and that it finds nothing on one that is not. */
import { expect, test } from 'vitest';
import { examine } from '../../src/cli/doctor/checks.js';
import { describeEngine } from '../../src/cli/doctor/engine.js';
import type { Machine } from '../../src/cli/doctor/machine.js';
import { type HubOptions, resolveOptions } from '../../src/options/options.js';

const GIB = 1024 ** 3;
const CLOCK = { now: new Date(), notBefore: 2025, isSynchronized: true, source: 'tsc' };
const FIT: Machine = {
  nodeVersion: '22.11.0',
  cores: 4,
  memoryBytes: 8 * GIB,
  isMemoryLimited: false,
  maxDescriptors: 1_048_576,
  somaxconn: 4096,
  conntrackMax: 262_144,
  localPorts: 28_232,
  clock: CLOCK,
};

function advice(options: HubOptions, machine: Partial<Machine>): Record<string, string> {
  const findings = examine(resolveOptions({ workers: 3, ...options }), { ...FIT, ...machine });
  return Object.fromEntries(
    findings.flatMap((one) => (one.advice === undefined ? [] : [[one.name, one.advice]])),
  );
}

test('nothing on a machine that is fit, nor where the system does not tell', () => {
  expect(advice({ maxConnections: 100_000 }, {})).toEqual({});
  const unknown = { maxDescriptors: undefined, somaxconn: undefined, conntrackMax: undefined };
  expect(
    advice(
      { maxConnections: 100_000, trustProxy: 1 },
      {
        ...unknown,
        localPorts: undefined,
        clock: { ...CLOCK, isSynchronized: undefined, source: undefined },
      },
    ),
  ).toEqual({});
});

test.each<[HubOptions, Partial<Machine>, string, RegExp]>([
  [{}, { nodeVersion: '18.20.0' }, 'Node.js', /20 or newer/],
  [{}, { nodeVersion: '23.1.0' }, 'Node.js', /even version/],
  [{ maxConnections: 5000 }, { maxDescriptors: 1024 }, 'file descriptors', /to 5064 or more/],
  [{}, { maxDescriptors: 1024 }, 'file descriptors', /ulimit -n/],
  [{ workers: 9 }, {}, 'cores', /set workers to 3/],
  [{}, { memoryBytes: GIB / 2, isMemoryLimited: true }, 'memory', /lower maxInFlightBytes/],
  [{}, { somaxconn: 128 }, 'listen backlog (somaxconn)', /somaxconn=4096/],
  [{ maxConnections: 300_000 }, {}, 'connection tracking', /nf_conntrack_max=600000/],
  [{}, { clock: { ...CLOCK, now: new Date('2024-12-31') } }, 'clock', /it is wrong/],
  [{}, { clock: { ...CLOCK, isSynchronized: false } }, 'clock', /timedatectl/],
  [{}, { clock: { ...CLOCK, source: 'hpet' } }, 'clock', /clocksource=tsc/],
  [{ maxConnections: 30_000, trustProxy: 1 }, {}, 'ports of a proxy', /several addresses/],
])('%j on %j: %s', (options, machine, name, what) => {
  const found = advice(options, machine);
  expect(Object.keys(found)).toEqual([name]);
  expect(found[name]).toMatch(what);
});

test.each<[string, string | undefined, HubOptions, boolean, string]>([
  ['uws', undefined, {}, false, 'uws, as it loads here'],
  ['node', undefined, { engine: 'node' }, false, 'node, as asked for'],
  ['node', undefined, {}, true, 'node, as this is Bun'],
  ['node', 'there is no binary: `npm install x`', {}, false, 'node, as there is no binary: `npm install x`'],
  ['node', undefined, { overload: 'pause' }, false, 'node, as the other one cannot do overload "pause"'],
  [
    'node',
    undefined,
    { tls: { clientCa: 'ca' } as never },
    false,
    'node, as the other one cannot do tls.clientCa',
  ],
])('the engine and why: %s, %s, %j, Bun: %s', (name, advice, options, isBun, found) => {
  expect(describeEngine({ name, ...(advice === undefined ? {} : { advice }) }, options, isBun)).toBe(found);
});
