/** What TypeScript makes of handlers. Checked by the compiler (`npm run typecheck`). */
import {
  type Connection,
  defineHandler,
  type Handler,
  type SendResult,
  type SendStatus,
} from 'shardhub/worker';
import { expectTypeOf, test } from 'vitest';

interface Session {
  seen: number;
}

test('the state is what the handler says, in every hook', () => {
  const handler = defineHandler<Session, { userId: string }>({
    open(connection) {
      expectTypeOf(connection).toEqualTypeOf<Connection<Session, { userId: string }>>();
      connection.state = { seen: 0 };
      // @ts-expect-error it is not a Session
      connection.state = { seen: 'many' };
    },
    message(connection, message) {
      expectTypeOf(connection.state.seen).toBeNumber();
      expectTypeOf(connection.data.userId).toBeString();
      expectTypeOf(message.json()).toBeUnknown();
      return message;
    },
    close(connection, code, reason) {
      expectTypeOf(connection.state).toEqualTypeOf<Session>();
      expectTypeOf(code).toBeNumber();
      expectTypeOf(reason).toBeString();
    },
  });
  expectTypeOf(handler).toEqualTypeOf<Handler<Session, { userId: string }>>();
});

test('the options that start gets have the type that the handler says', () => {
  defineHandler<Session, unknown, { limit: number }>({
    start(worker) {
      expectTypeOf(worker.options.limit).toBeNumber();
    },
    message: () => {},
  });
  defineHandler({
    start(worker) {
      expectTypeOf(worker.options).toBeUnknown();
    },
    message: () => {},
  });
});

test('without a type the state may be used as one likes, and data has to be looked at first', () => {
  defineHandler({
    open(connection) {
      connection.state = { seen: 0 };
    },
    message(connection, message) {
      connection.state.seen++;
      expectTypeOf(connection.data).toBeUnknown();
      return message;
    },
  });
});

test('every kind of reply, and nothing else', () => {
  defineHandler({ message: () => 'text' });
  defineHandler({ message: () => new Uint8Array(1) });
  defineHandler({ message: () => new ArrayBuffer(1) });
  defineHandler({ message: (_connection, message) => message });
  defineHandler({ message: () => undefined });
  defineHandler({ message() {} });
  defineHandler({ message: async () => 'text' });
  defineHandler({ message: () => ['a', new Uint8Array(1)] });
  defineHandler({
    *message() {
      yield 'a';
    },
  });
  defineHandler({
    async *message(_connection, message) {
      yield message;
    },
  });
  // @ts-expect-error a number is no reply
  defineHandler({ message: () => 42 });
  // @ts-expect-error nor are many
  defineHandler({ message: () => [42] });
  // @ts-expect-error nor is an object
  defineHandler({ message: async () => ({ text: 'a' }) });
});

test('send has a status at once, and another one to await; a hook may return it', () => {
  defineHandler({
    async message(connection) {
      const result = connection.send('a');
      expectTypeOf(result).toEqualTypeOf<SendResult>();
      expectTypeOf(result.status).toEqualTypeOf<'accepted' | 'queued' | 'dropped'>();
      expectTypeOf(await result).toEqualTypeOf<SendStatus>();
    },
  });
  defineHandler({ message: (connection) => connection.send('a') });
});

test('start and stop know their worker', () => {
  defineHandler({
    async start(worker) {
      expectTypeOf(worker).toMatchTypeOf<{ shard: number; workers: number; signal: AbortSignal }>();
      // @ts-expect-error it is what it is
      worker.shard = 1;
    },
    stop() {},
    open() {},
  });
});
