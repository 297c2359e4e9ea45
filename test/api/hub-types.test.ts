/** What TypeScript makes of the hub's API. Checked by the compiler (`npm run typecheck`). Handlers are in types.test.ts. */
import {
  createHub,
  type ErrorRecord,
  type HandshakeRequest,
  type Hub,
  type HubConnection,
  HubError,
  type HubErrorCode,
  type HubEvents,
  type HubOptions,
  listOptions,
  type OptionName,
  type ResolvedOptions,
  resolveOptions,
  type UpgradeResult,
} from 'shardhub';
import { type JwtData, jwtUpgrade } from 'shardhub/auth';
import { type Connection, defineHandler, type Message, type ReplyValue } from 'shardhub/worker';
import { describe, expect, expectTypeOf, test } from 'vitest';

interface User {
  readonly userId: string;
}

const isUser = (_data: User): void => {};

describe('what a hub knows of its connections', () => {
  // Only types are of interest: none of these hubs is started.
  const start = createHub<User>;
  type UserHub = Awaited<ReturnType<typeof start>>;

  test('is what createHub was told, everywhere', () => {
    expectTypeOf<UserHub>().toEqualTypeOf<Hub<User>>();
    expectTypeOf<ReturnType<UserHub['get']>>().toEqualTypeOf<HubConnection<User> | undefined>();
    expectTypeOf<HubConnection<User>['data']>().toEqualTypeOf<User>();
    expectTypeOf<ReturnType<UserHub['connections']>>().toEqualTypeOf<IterableIterator<HubConnection<User>>>();
    type Where = NonNullable<NonNullable<Parameters<UserHub['connections']>[0]>['where']>;
    expectTypeOf<Parameters<Where>>().toEqualTypeOf<[connection: HubConnection<User>]>();
  });

  test('is found out from the upgrade hook', () => {
    const make = () => createHub({ upgrade: () => ({ data: { userId: 'ann' } }) });
    expectTypeOf(make).returns.resolves.toEqualTypeOf<Hub<{ userId: string }>>();
    const later = () => createHub({ upgrade: async () => ({ data: { seat: 7 } }) });
    expectTypeOf(later).returns.resolves.toEqualTypeOf<Hub<{ seat: number }>>();
    const byToken = () => createHub({ upgrade: jwtUpgrade({ key: 'k', algorithms: ['HS256'] }) });
    expectTypeOf(byToken).returns.resolves.toEqualTypeOf<Hub<JwtData>>();
  });

  test('is unknown without any', () => {
    expectTypeOf(createHub).returns.resolves.toEqualTypeOf<Hub<unknown>>();
    expectTypeOf<HubConnection['data']>().toBeUnknown();
    // @ts-expect-error it has to be looked at first
    const read = (connection: HubConnection) => connection.data.userId;
    expect(read).toBeTypeOf('function');
  });

  test('cannot be changed', () => {
    const write = (connection: HubConnection<User>) => {
      // @ts-expect-error it belongs to the hub
      connection.data = { userId: 'eve' };
    };
    expect(write).toBeTypeOf('function');
  });
});

describe('options', () => {
  test('know what the upgrade hook may return', () => {
    type Hook = NonNullable<HubOptions<User>['upgrade']>;
    expectTypeOf<Parameters<Hook>>().toEqualTypeOf<[request: HandshakeRequest]>();
    // biome-ignore lint/suspicious/noConfusingVoidType: as in UpgradeHook
    expectTypeOf<Awaited<ReturnType<Hook>>>().toEqualTypeOf<UpgradeResult<User> | void>();
    const accepting: HubOptions<User> = { upgrade: () => ({ data: { userId: 'ann' } }) };
    const refusing: HubOptions<User> = { upgrade: async () => ({ reject: 401, headers: { A: ['b'] } }) };
    const silent: HubOptions<User> = { upgrade: () => {} };
    // @ts-expect-error not the data of this hub
    const mistold: HubOptions<User> = { upgrade: () => ({ data: { userId: 7 } }) };
    // @ts-expect-error a status is a number
    const unclear: HubOptions<User> = { upgrade: () => ({ reject: 'no' }) };
    // @ts-expect-error neither does a hook return whether
    const whether: HubOptions<User> = { upgrade: () => true };
    for (const options of [accepting, refusing, silent, mistold, unclear, whether])
      expect(resolveOptions(options).upgrade).toBe(options.upgrade);
  });

  test('know what their functions are called with', () => {
    type Ping = NonNullable<HubOptions<User>['onPing']>;
    type Pong = NonNullable<HubOptions<User>['onPong']>;
    expectTypeOf<Parameters<Ping>>().toEqualTypeOf<HubEvents<User>['ping']>();
    expectTypeOf<Parameters<Pong>>().toEqualTypeOf<HubEvents<User>['pong']>();
    const options: HubOptions<User> = {
      onPing: ({ data }) => isUser(data),
      onPong: ({ data }, _payload, roundTripMs) => {
        isUser(data);
        expectTypeOf(roundTripMs).toEqualTypeOf<number | undefined>();
      },
      origins: (origin, request) => origin === request.headers.origin,
    };
    expect(resolveOptions(options)).toMatchObject(options);
  });

  test('may be left out, be undefined, and hold any bytes', () => {
    const options: HubOptions = {
      port: undefined,
      handler: new URL('file:///h.mjs'),
      heartbeat: { intervalMs: 1000, payload: Buffer.from('beat') },
    };
    expect(resolveOptions(options).port).toBe(8080);
  });

  test('are known by name', () => {
    expectTypeOf<keyof HubOptions>().toEqualTypeOf<OptionName>();
    expectTypeOf<keyof ResolvedOptions>().toEqualTypeOf<OptionName>();
    expectTypeOf(listOptions).returns.items.toHaveProperty('name').toEqualTypeOf<OptionName>();
    // @ts-expect-error no such option
    expect(() => resolveOptions({ prot: 80 })).toThrow('unknown option "prot"');
    // @ts-expect-error text is no number
    expect(() => resolveOptions({ port: '80' })).toThrow('option "port"');
    // @ts-expect-error one of three
    expect(() => resolveOptions({ compression: 'gzip' })).toThrow('option "compression"');
    // @ts-expect-error a certificate needs its key
    expect(() => resolveOptions({ tls: { cert: 'c.pem' } })).toThrow('option "tls"');
  });

  test('are all there once they are resolved, and cannot be changed', () => {
    expectTypeOf<ResolvedOptions['port']>().toBeNumber();
    expectTypeOf<ResolvedOptions['rateLimit']>().exclude<undefined>().toHaveProperty('burst').toBeNumber();
    expectTypeOf<Hub['options']>().toEqualTypeOf<ResolvedOptions>();
    const options = resolveOptions();
    expect(() => {
      // @ts-expect-error it is frozen
      options.port = 1;
    }).toThrow(TypeError);
  });
});

test('events have their arguments', () => {
  const listen = (hub: Hub<User>) => {
    hub.on('open', (...args) => expectTypeOf(args).toEqualTypeOf<[connection: HubConnection<User>]>());
    hub.on('close', ({ data }, code, reason) => {
      expectTypeOf(data).toEqualTypeOf<User>();
      expectTypeOf(code).toBeNumber();
      expectTypeOf(reason).toBeString();
    });
    hub.on('pong', (_connection, payload, roundTripMs) => {
      expectTypeOf(payload).toEqualTypeOf<Buffer>();
      expectTypeOf(roundTripMs).toEqualTypeOf<number | undefined>();
    });
    hub.on('reject', ({ reason, status }) => {
      expectTypeOf(reason).extract<'bad-origin'>().toEqualTypeOf<'bad-origin'>();
      expectTypeOf(status).toBeString();
    });
    hub.on('handlerError', ({ error }) => expectTypeOf(error).toEqualTypeOf<ErrorRecord>());
    hub.on('handlerTimeout', ({ kind }) => expectTypeOf(kind).toEqualTypeOf<'loop' | 'promise'>());
    hub.on('workerRest', ({ pauseMs }) => expectTypeOf(pauseMs).toBeNumber());
    // @ts-expect-error a reason comes third
    hub.on('close', (_connection, _code, reason: number) => reason);
  };
  expect(listen).toBeTypeOf('function');
});

test('errors are told apart by their code', () => {
  const error: unknown = new HubError('ERR_OPTION', 'a text');
  if (!(error instanceof HubError)) throw error;
  expectTypeOf(error.code).toEqualTypeOf<HubErrorCode>();
  expectTypeOf<HubErrorCode>().extract<'ERR_LISTEN' | 'ERR_TLS'>().toEqualTypeOf<'ERR_LISTEN' | 'ERR_TLS'>();
  expectTypeOf<string>().not.toExtend<HubErrorCode>();
  // @ts-expect-error no such code
  expect(error.code === 'ERR_OPTIONS').toBe(false);
});

test('a handler has the data of the hub that it is for', () => {
  const handler = defineHandler<{ seen: number }, User>({
    open(connection) {
      expectTypeOf(connection).toEqualTypeOf<Connection<{ seen: number }, User>>();
      connection.state = { seen: 0 };
      // @ts-expect-error it belongs to the hub
      connection.data = { userId: 'eve' };
    },
    message: ({ state, data }) => `${data.userId}: ${++state.seen}`,
  });
  expect(handler.message).toBeTypeOf('function');
});

test('what a hook returns is sent', () => {
  expectTypeOf<string | Uint8Array | Buffer | ArrayBuffer | Message>().toExtend<ReplyValue>();
  expectTypeOf<undefined | null>().toExtend<ReplyValue>();
  expectTypeOf<string[] | Set<Uint8Array> | Generator<string>>().toExtend<ReplyValue>();
  expectTypeOf<AsyncGenerator<string | undefined>>().toExtend<ReplyValue>();
  expectTypeOf<number>().not.toExtend<ReplyValue>();
  expectTypeOf<boolean>().not.toExtend<ReplyValue>();
  expectTypeOf<number[]>().not.toExtend<ReplyValue>();
  expectTypeOf<{ text: string }>().not.toExtend<ReplyValue>();
});
