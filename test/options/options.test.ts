/** The options schema: defaults, bounds, and errors that name the option, what it got and what it takes. */
import { describe, expect, test } from 'vitest';
import { HubError } from '../../src/api/errors.js';
import { type HubOptions, listOptions, resolveOptions } from '../../src/options/options.js';
import { usableCores } from '../../src/util/idle-cores.js';

function refusal(options: object): HubError {
  try {
    resolveOptions(options as HubOptions);
  } catch (error) {
    return error as HubError;
  }
  throw new Error(`accepted ${JSON.stringify(options)}`);
}

describe('defaults', () => {
  test('are filled in when nothing is given', () => {
    expect(resolveOptions()).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      sharePort: false,
      path: '/ws',
      handler: 'echo',
      workers: Math.max(1, Math.ceil(usableCores()) - 1),
      origins: 'same-origin',
      maxPayload: 1_048_576,
      idleTimeout: 60,
      sendPings: true,
      maxLifetime: 0,
      handlerTimeoutMs: 30_000,
      onHandlerError: 'close',
      maxInFlight: 1000,
      engine: 'auto',
      maxConnections: 0,
      slowConsumer: 'close',
      upgradeTimeoutMs: 5000,
      maxPendingUpgrades: 1000,
      subprotocols: [],
      compression: 'off',
      compressionMinBytes: 1024,
      trustProxy: false,
      proxyProtocol: false,
      http: true,
      console: false,
      logLevel: 'warn',
    });
  });

  test('are nothing at all where an option is off unless given', () => {
    expect(resolveOptions().rateLimit).toBeUndefined();
    for (const name of ['logger', 'upgrade', 'affinity', 'tls', 'unixSocket'] as const)
      expect(resolveOptions()[name], name).toBeUndefined();
  });

  test('stand in for undefined, and for nothing else', () => {
    expect(resolveOptions({ port: undefined, handler: undefined })).toEqual(resolveOptions());
    expect(refusal({ port: null }).message).toContain('option "port" got null');
  });

  test('leave what was given untouched', () => {
    const given: HubOptions = {
      port: 1234,
      origins: ['https://example.com'],
      handler: new URL('file:///h.mjs'),
    };
    const before = structuredClone({ ...given, handler: String(given.handler) });
    expect(resolveOptions(given)).toMatchObject(given);
    expect({ ...given, handler: String(given.handler) }).toEqual(before);
  });

  test('come frozen', () => {
    const resolved = resolveOptions({ port: 1 });
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(() => Object.assign(resolved, { port: 2 })).toThrow(TypeError);
  });
});

describe('what is refused', () => {
  test('an unknown name, by name', () => {
    const error = refusal({ prot: 80 });
    expect(error).toBeInstanceOf(HubError);
    expect(error).toMatchObject({ code: 'ERR_OPTION', message: 'unknown option "prot"' });
  });

  test('everything that is wrong, in one go', () => {
    const { message } = refusal({ port: -1, workers: 1.5, nonsense: true });
    for (const part of ['option "port"', 'option "workers"', 'unknown option "nonsense"'])
      expect(message).toContain(part);
  });

  test('what is wrong in topics, by its pattern and its name', () => {
    const refused = (rule: object) => refusal({ topics: { fine: {}, 'chat:*': rule } }).message;
    const where = 'option "topics", pattern "chat:*"';
    expect(refused({ histry: {} })).toContain(`${where}: unknown option "histry"`);
    expect(refused({ history: { sise: 1, size: 1 } })).toContain(`${where}: unknown option "history.sise"`);
    expect(refused({ history: { size: 0 } })).toContain(`${where} "history.size": `);
    expect(refused({ joinLeave: true })).toContain(`${where} "joinLeave": needs presence: true`);
    expect(resolveOptions({ topics: { a: { history: { size: 1 } } } }).topics.a).toEqual({
      history: { size: 1, ttlMs: 300_000 },
      presence: false,
      joinLeave: false,
      conflate: false,
    });
  });

  test.each<[string, unknown[], RegExp]>([
    ['port', [-1, 65_536, 1.5, '80', Number.NaN], /from 0 to 65535/],
    ['workers', [-1, 257, 0.5, '2'], /from 0 to 256/],
    ['maxPayload', [0, 268_435_457, -5, 10.5], /from 1 to 268435456/],
    ['idleTimeout', [-4, 1, 4, 7, 9, 10, 961, 964, 8.5, '60'], /0, or a multiple of 4 from 8 to 960/],
    ['maxLifetime', [-1, 241, 2.5], /from 0 to 240 \(minutes\)/],
    ['path', ['ws', '', '/a b', '/a?b', '/a#b', '/*', '/:id'], /a path as clients ask for it/],
    ['handler', ['', 7, {}], /built-in handler/],
    [
      'origins',
      [
        ...['example.com', [], ['example.com'], ['https://a.b/path'], 5],
        ...[['https://*'], ['https://a*.example.com'], ['https://*.*.com'], ['*'], ['https://a.b c'], [7]],
      ],
      /"same-origin"/,
    ],
    ['upgrade', ['./hook.js', {}, true], /a function/],
    ['upgradeTimeoutMs', [0, 3_600_001], /from 1 to 3600000 \(ms\)/],
    ['maxPendingUpgrades', [0, 1_000_001], /from 1 to 1000000/],
    ['topics', [7, 'chat', []], /an object with, for each pattern/],
    ['engine', ['ws', 1], /"auto", "uws", "node" or "bun"/],
    ['compression', [true, 'gzip'], /"off", "shared" or "dedicated"/],
    ['compressionMinBytes', [-1], /from 0 to/],
    ['handlerTimeoutMs', [-1, 86_400_001, 1.5], /from 0 to 86400000 \(ms\)/],
    ['onHandlerError', ['throw', null], /"close" or "ignore"/],
    ['spin', [-1, 1001, 0.5, 'on', '50'], /from 0 to 1000 \(µs\), or "auto"/],
    ['workerMemoryMb', [-1, 1_048_577], /from 0 to 1048576/],
    ['maxRestarts', [-1, 1_000_001], /from 0 to 1000000/],
    ['restartWindowMs', [0], /from 1 to 86400000/],
    ['restartPauseMs', [0], /from 1 to 86400000/],
    ['maxInFlight', [0, 10_000_001], /from 1 to 10000000/],
    ['maxInFlightBytesPerConnection', [0], /from 1 to/],
    ['maxInFlightBytes', [0], /from 1 to/],
    ['maxBufferedBytes', [0], /from 1 to/],
    ['overload', ['close', 1], /"shed", "drop" or "pause"/],
    [
      'rateLimit',
      [{}, { burst: 2 }, { messages: 0 }, { bytes: -1 }, { messages: 1, burst: 0.5 }, { m: 1 }, 7],
      /messages, bytes or both/,
    ],
    ['maxConnections', [-1, 10_000_001], /from 0 to 10000000/],
    ['maxConnectionsPerAddress', [-1, 0.5], /from 0 to 10000000/],
    ['maxConnectionRate', [-1, '5'], /from 0 to 10000000/],
    ['slowConsumer', ['drop', true], /"close", "drop-newest", "drop-oldest" or "conflate"/],
    ['maxSubscriptions', [0, 1_000_001], /from 1 to 1000000/],
    [
      'heartbeat',
      [true, {}, { intervalMs: 99 }, { intervalMs: 1000, payload: 7 }, { intervalMs: 1000, binary: 1 }],
      /intervalMs \(an integer from 100 to 86400000\)/,
    ],
    ['onPing', ['ping', {}], /a function/],
    ['onPong', [5], /a function/],
    ['highWaterMark', [0, 67_108_865], /from 1 to 67108864/],
    ['maxQueueBytes', [0, -1], /from 1 to/],
    ['maxQueueMessages', [0, 10_000_001], /from 1 to 10000000/],
    ['drainTimeoutMs', [-1, 3_600_001], /from 0 to 3600000/],
    ['drainPerSecond', [0, 1_000_001, 'fast'], /from 1 to 1000000 .*, or "auto"/],
    ['sendPings', ['yes', 1], /true or false/],
    ['logLevel', ['loud'], /"fatal"/],
    ['logger', [{}, console.log, { error() {} }], /methods error, warn, info and debug/],
  ])('%s out of its range, with name, value and range', (name, values, takes) => {
    for (const value of values) {
      const { code, message } = refusal({ [name]: value });
      expect(code).toBe('ERR_OPTION');
      expect(message).toContain(`option "${name}" got `);
      expect(message).toMatch(takes);
    }
  });
});

test('a bad token is refused without telling it: errors end up in logs', () => {
  const message = refusal({ statsToken: 'hunter2' }).message;
  expect(message).toMatch(/^option "statsToken" got "…" but takes a secret of 16 to 256 characters/);
});

test.each<[keyof HubOptions, unknown[]]>([
  ['port', [0, 1, 65_535]],
  ['workers', [0, 1, 256]],
  ['maxPayload', [1, 268_435_456]],
  ['idleTimeout', [0, 8, 12, 956, 960]],
  ['maxLifetime', [0, 1, 240]],
  ['path', ['/', '/ws', '/a/b.c-d_e~']],
  [
    'origins',
    [
      ...['*', 'same-origin', ['https://example.com', 'http://localhost:3000'], /https:\/\/.*/],
      ...[['https://*.example.com', /x/], () => true],
    ],
  ],
  ['trustProxy', [false, 0, 100, ['10.0.0.0/8', '::1', 'fd00::/8']]],
  [
    'rateLimit',
    [
      { messages: 0.5, burst: 1 },
      { bytes: 1e12, burst: 3600 },
      { messages: 5, bytes: 5, burst: 2 },
    ],
  ],
  ['maxRestarts', [0]],
  ['maxInFlight', [1]],
  ['logger', [console]],
])('%s is taken at the edges of its range', (name, values) => {
  for (const value of values) expect(resolveOptions({ [name]: value })[name]).toEqual(value);
});

test('every option is listed with a description, what it takes, and its default', () => {
  const listed = listOptions();
  const defaults = resolveOptions();
  expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(defaults)));
  expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
  for (const { name, description, takes, fallback } of listed) {
    // Some options have no default: they are off unless given.
    const value = defaults[name];
    expect(fallback, name).toBe(value === undefined ? undefined : String(value));
    expect(description, name).toMatch(/\S/);
    expect(takes, name).toMatch(/\S/);
  }
});
