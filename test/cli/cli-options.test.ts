/** Flags, environment and schema say the same: a table over every option, and the help that tells users about them. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listFlags } from '../../src/cli/flags/flags.js';
import { run } from '../../src/cli/program.js';
import { type HubOptions, listOptions, type OptionInfo, resolveOptions } from '../../src/options/options.js';
import { BINARY, runCommand } from '../support/processes/command-line.js';
import { fixture } from '../support/servers/hubs.js';

type Sample = readonly [text: string, value: unknown];

interface Samples {
  /** Valid, and not the default. */
  readonly valid: Sample[];
  readonly invalid: string[];
}

/** Samples of what needs more than the ends of its range. */
const SAMPLES: Record<string, Samples> = {
  host: { valid: [['0.0.0.0', '0.0.0.0']], invalid: [] },
  port: { valid: [['0', 0]], invalid: ['80.5', '0x50', '8e3', ' 80', '99999999999999999999'] },
  path: { valid: [['/live', '/live']], invalid: ['live', '/a b', '/a?b'] },
  handler: {
    valid: [
      ['done', 'done'],
      ['burn:250', 'burn:250'],
      ['a', `${process.cwd()}/a`],
      ['./a.mjs', `${process.cwd()}/a.mjs`],
      ['b/c.mjs', `${process.cwd()}/b/c.mjs`],
      ['/d.mjs', '/d.mjs'],
      ['file:///e.mjs', pathToFileURL('/e.mjs')],
    ],
    invalid: [],
  },
  origins: {
    valid: [
      ['*', '*'],
      ['https://a.example', ['https://a.example']],
      ['https://a.example, https://b.example:8443', ['https://a.example', 'https://b.example:8443']],
    ],
    invalid: ['a.example', 'https://a.example,', '*,https://a.example'],
  },
  unixSocket: { valid: [['/run/hub.sock', '/run/hub.sock']], invalid: ['x'.repeat(104)] },
  trustProxy: {
    valid: [
      ['2', 2],
      ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ],
    invalid: ['101', '1.5', 'localhost', '10.0.0.0/33'],
  },
  affinity: {
    valid: [
      ['path', 'path'],
      ['query:room=lobby', 'query:room=lobby'],
    ],
    invalid: ['room', 'query:'],
  },
  subprotocols: {
    valid: [
      ['chat', ['chat']],
      ['v2, v1', ['v2', 'v1']],
    ],
    invalid: ['a b', 'v1,'],
  },
  engine: { valid: [['node', 'node']], invalid: ['ws'] },
  compression: { valid: [['shared', 'shared']], invalid: ['on'] },
  idleTimeout: { valid: [['120', 120]], invalid: ['4', '9', '964', '-8'] },
  rateLimit: {
    valid: [
      ['messages=100', { messages: 100 }],
      ['bytes=65536, messages=0.5,burst=2', { bytes: 65_536, messages: 0.5, burst: 2 }],
    ],
    invalid: [
      '100',
      'burst=2',
      'messages=',
      'messages=1=2',
      'messages=x',
      'messages=1,messages=2',
      'mesages=1',
    ],
  },
  handlerOptions: {
    valid: [
      ['{"limit":5}', { limit: 5 }],
      ['7', 7],
      [fileURLToPath(fixture('handler-options.json')), { from: 'a file' }],
    ],
    invalid: ['nosuch.json', '{"limit":5'],
  },
  broker: {
    valid: [
      ['nats://a:4222,tls://b', 'nats://a:4222,tls://b'],
      ['rediss://a:7000, valkey://b', 'rediss://a:7000, valkey://b'],
    ],
    invalid: ['redis', 'http://a', 'nats://', 'nats://a,b', 'nats://a,redis://b'],
  },
  brokerCredentialsFile: { valid: [['nats.creds', 'nats.creds']], invalid: [] },
  nodeName: { valid: [['hub 1', 'hub 1']], invalid: ['x'.repeat(101)] },
  topics: {
    valid: [['{"a:*":{"history":{"size":5}}}', { 'a:*': { history: { size: 5 } } }]],
    invalid: ['nosuch.json', '{"a":{"histry":{}}}', '[]'],
  },
  workerEnv: { valid: [['{"TZ":"UTC"}', { TZ: 'UTC' }]], invalid: ['TZ=UTC', '{"TZ":1}', '["TZ"]'] },
  workerExecArgv: { valid: [['--import, tsx', ['--import', 'tsx']]], invalid: ['tsx', '--import,'] },
  overload: { valid: [['drop', 'drop']], invalid: ['close'] },
  ordering: { valid: [['unordered', 'unordered']], invalid: ['parallel'] },
  onHandlerError: { valid: [['ignore', 'ignore']], invalid: ['drop'] },
  inspectWorkers: {
    valid: [
      ['0', 0],
      ['9300', 9300],
    ],
    invalid: ['65536', '-1', 'on'],
  },
  spin: { valid: [], invalid: ['Auto'] },
  drainPerSecond: { valid: [], invalid: ['Auto'] },
  slowConsumer: { valid: [['drop-oldest', 'drop-oldest']], invalid: ['Close', 'drop'] },
  statsToken: {
    valid: [
      ['0123456789abcdef', '0123456789abcdef'],
      ['-._~+/ABCDEFabcdef==', '-._~+/ABCDEFabcdef=='],
    ],
    invalid: ['fifteen-letters', 'with a blank in it', 'x'.repeat(257), 'grüne-wiese-grüne'],
  },
  adminToken: { valid: [['0123456789abcdef', '0123456789abcdef']], invalid: ['fifteen-letters'] },
  adminListen: {
    valid: [
      ['127.0.0.1:9090', '127.0.0.1:9090'],
      ['[::1]:0', '[::1]:0'],
      ['/run/admin.sock', '/run/admin.sock'],
    ],
    invalid: ['9090', 'host', 'host:x', '127.0.0.1:65536', '::1:90', 'admin.sock'],
  },
  logLevel: { valid: [['silent', 'silent']], invalid: ['loud'] },
};

const OPTIONS = listOptions().filter(({ cli }) => cli !== undefined);
const SWITCHES = OPTIONS.filter(({ cli }) => cli?.kind === 'flag');
const VALUED = OPTIONS.filter(({ cli }) => cli?.kind !== 'flag' && cli?.kind !== 'fields');
const FIELDS = OPTIONS.flatMap(({ name, cli }) =>
  Object.entries(cli?.fields ?? {}).map(([field, description]) => ({ name, field, description })),
);
/** `serve` turns the page on; everything else is as in the schema. */
const defaultOf = (name: string) =>
  name === 'console' ? true : resolveOptions()[name as keyof typeof resolveOptions];

/** The ends of the range that an integer option names, and what is just beyond them. */
function samplesOf({ name, takes, fallback }: OptionInfo): Samples {
  const special = SAMPLES[name] ?? { valid: [], invalid: [] };
  const range = takes.match(/^an integer from (\d+) to (\d+) /)?.slice(1);
  if (range === undefined) return special;
  const [min, max] = range.map(Number) as [number, number];
  const ends = range.filter((text) => text !== fallback).map((text) => [text, Number(text)] as const);
  return {
    valid: [...ends, ...special.valid],
    invalid: ['many', '1.5', String(min - 1), String(max + 1), ...special.invalid],
  };
}

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
const flagOf = (name: string) => `--${kebab(name)}`;
const envOf = (name: string) => `SHARDHUB_${kebab(name).replaceAll('-', '_').toUpperCase()}`;

/** The options that `shardhub serve` would start a hub with. */
async function optionsOf(args: string[], env: Record<string, string> = {}): Promise<HubOptions> {
  let got: HubOptions | undefined;
  const code = await run(['node', 'shardhub', 'serve', ...args], env, async (options) => {
    got = options;
  });
  expect(code).toBe(0);
  return got as HubOptions;
}

test('without flags and variables everything is left to the schema, but the page is on', async () => {
  expect(await optionsOf([])).toEqual({ console: true });
  expect(await optionsOf([], { SHARDHUB_PORT: '', OTHER: 'x' })).toEqual({ console: true });
});

test('there is a sample for every option that takes a value', () => {
  const without = VALUED.filter((option) => samplesOf(option).valid.length === 0);
  expect(without).toEqual([]);
});

describe.each(VALUED)('$name', (option) => {
  const { name } = option;
  const { valid, invalid } = samplesOf(option);

  test('means the same as a flag and as a variable', async () => {
    for (const [text, value] of valid) {
      const expected = { console: true, [name]: value };
      expect(await optionsOf([flagOf(name), text])).toEqual(expected);
      expect(await optionsOf([`${flagOf(name)}=${text}`])).toEqual(expected);
      expect(await optionsOf([], { [envOf(name)]: text })).toEqual(expected);
      expect(resolveOptions(expected as HubOptions)).toMatchObject({ [name]: value });
      expect(value).not.toEqual(defaultOf(name));
    }
  });

  test('the flag wins', async () => {
    const [text, value] = valid[0]!;
    const other = invalid[0] ?? 'other';
    expect(await optionsOf([flagOf(name), text], { [envOf(name)]: other })).toMatchObject({ [name]: value });
  });
});

describe.each(SWITCHES)('$name', ({ name }) => {
  const on = flagOf(name);
  const off = `--no-${kebab(name)}`;

  test('can be turned on and off, by a flag and by a variable', async () => {
    expect(await optionsOf([on])).toMatchObject({ [name]: true });
    expect(await optionsOf([off])).toMatchObject({ [name]: false });
    for (const text of ['true', '1'])
      expect(await optionsOf([], { [envOf(name)]: text })).toMatchObject({ [name]: true });
    for (const text of ['false', '0'])
      expect(await optionsOf([], { [envOf(name)]: text })).toMatchObject({ [name]: false });
  });

  test('the flag wins', async () => {
    expect(await optionsOf([on], { [envOf(name)]: 'false' })).toMatchObject({ [name]: true });
    expect(await optionsOf([off], { [envOf(name)]: 'true' })).toMatchObject({ [name]: false });
  });
});

test('inspectWorkers without a value is a port', async () => {
  expect(await optionsOf(['--inspect-workers'])).toMatchObject({ inspectWorkers: 9229 });
  expect(await optionsOf(['--inspect-workers', '--port=0'])).toMatchObject({ inspectWorkers: 9229, port: 0 });
  expect(await optionsOf([], { SHARDHUB_INSPECT_WORKERS: 'true' })).toMatchObject({ inspectWorkers: true });
});

test('tls: a flag and a variable for each field; flags win', async () => {
  const tls = { key: 'k.pem', cert: 'c.pem' };
  const args = ['--tls-key', 'k.pem', '--tls-cert=c.pem'];
  expect(await optionsOf(args)).toEqual({ console: true, tls });
  const env = { SHARDHUB_TLS_KEY: 'other', SHARDHUB_TLS_CERT: 'other', SHARDHUB_TLS_PASSPHRASE: '0123' };
  expect(await optionsOf([], env)).toEqual({
    console: true,
    tls: { key: 'other', cert: 'other', passphrase: '0123' },
  });
  expect(await optionsOf(args, env)).toEqual({ console: true, tls: { ...tls, passphrase: '0123' } });
});

describe('refusals by the real binary', () => {
  const rounds = Math.max(...VALUED.map((option) => samplesOf(option).invalid.length));

  test('every bad value is refused with the name of its flag, what it got and what it takes', async () => {
    for (let round = 0; round < rounds; round++) {
      const bad = badValues(round);
      const args = bad.map(({ name, text }) => `${flagOf(name)}=${text}`);
      const { code, stdout, stderr } = await runCommand(['serve', ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr.trimEnd()).toBe(`shardhub: ${complaints(bad, flagOf)}`);
    }
  });

  test('and with the name of its variable', async () => {
    for (let round = 0; round < rounds; round++) {
      const bad = badValues(round);
      const env = Object.fromEntries(bad.map(({ name, text }) => [envOf(name), text]));
      const { code, stdout, stderr } = await runCommand(['serve'], { env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr.trimEnd()).toBe(`shardhub: ${complaints(bad, envOf)}`);
    }
  });

  interface BadValue {
    readonly name: string;
    readonly takes: string;
    readonly text: string;
  }

  function badValues(round: number): BadValue[] {
    return VALUED.flatMap((option) => {
      const text = samplesOf(option).invalid[round];
      return text === undefined
        ? []
        : [{ name: option.name, takes: option.cli?.takes ?? option.takes, text }];
    });
  }

  function complaints(bad: BadValue[], spell: (name: string) => string): string {
    // Neither a token is told, nor what may hold one.
    const isSecret = ({ name, text }: BadValue) => name.endsWith('Token') || /^[{[]/.test(text);
    return bad
      .map((value) => ({ ...value, text: isSecret(value) ? '…' : value.text }))
      .map(({ name, takes, text }) => `${spell(name)} got ${JSON.stringify(text)} but takes ${takes}`)
      .join('; ');
  }
});

describe('shardhub serve --help', () => {
  const stdout = execFileSync(process.execPath, [BINARY, 'serve', '--help'], { encoding: 'utf8' });
  const text = stdout.replaceAll(/\s+/g, ' ');

  test.each(VALUED)(
    '$name: flag, unit, description, default and variable',
    ({ name, cli, description, takes, fallback, fallbackText = fallback || 'none' }) => {
      expect(text).toContain(
        `${flagOf(name)} ${cli?.bare === undefined ? `<${cli?.value}>` : `[${cli.value}]`} ${description} takes ${cli?.takes ?? takes} default: ${fallbackText}, env: ${envOf(name)} `,
      );
    },
  );

  test.each(SWITCHES)(
    '$name: the flag that departs from the default, and the variable',
    ({ name, description }) => {
      const isOn = defaultOf(name) === true;
      const usage = isOn ? `--no-${kebab(name)} do not ` : `${flagOf(name)} `;
      expect(text).toContain(
        `${usage}${description} default: ${isOn ? 'on' : 'off'}, env: ${envOf(name)}=true|false `,
      );
    },
  );

  test.each(FIELDS)('$name.$field: flag, description and variable', ({ name, field, description }) => {
    const flag = kebab(`${name}-${field}`);
    expect(text).toMatch(new RegExp(`--${flag} <\\w+> ${description.replaceAll(/[()]/g, '\\$&')} takes`));
    expect(text).toContain(`default: none, env: ${envOf(flag)} `);
  });

  test('names nothing that is not in the schema', () => {
    const named = [...stdout.matchAll(/^ {2}(--\S+)/gm)].map(([, flag]) => flag!.replace('--no-', '--'));
    const flags = OPTIONS.flatMap(({ name, cli }) =>
      cli?.fields === undefined
        ? [flagOf(name)]
        : Object.keys(cli.fields).map((field) => flagOf(`${name}-${field}`)),
    );
    expect(named).toEqual([...flags, '--config']);
  });
});

describe('what is said of a wrong value can be done on a command line', () => {
  test.each(listFlags())('$usage', ({ takes, help }) => {
    expect(`${takes}\n${help}`).not.toMatch(/function|RegExp|object|\bURL\b(?! of)|take(s|n) false/);
  });

  test.each([
    ['--rate-limit 10', /--rate-limit got "10" but takes .* such as messages=100,burst=2/],
    [
      '--tls-key a.pem',
      /^shardhub: --tls-key needs --tls-cert \(or SHARDHUB_TLS_CERT\) beside it, the path of a PEM file$/m,
    ],
    ['--tls-cert a.pem', /--tls-cert needs --tls-key \(or/],
    ['--tls-passphrase a', /--tls-passphrase needs --tls-key .*; --tls-passphrase needs --tls-cert/],
    ['--tls-key= --tls-cert=a.pem', /--tls-key got "" but takes the path of a PEM file$/m],
    ['--share-port=yes', /--share-port takes no value; its opposite is --no-share-port/],
    ['--no-console=1', /--no-console takes no value; its opposite is --console/],
    [
      '--upgrade-timeout-ms 4',
      /--upgrade-timeout-ms is no flag: upgradeTimeoutMs is an option of createHub alone/,
    ],
    ['--nosuch 4', /unknown option '--nosuch'/],
  ])('serve %s', async (args, message) => {
    const { code, stderr } = await runCommand(['serve', ...args.split(' ')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});
