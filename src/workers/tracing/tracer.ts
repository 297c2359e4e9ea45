/** Who traces the hooks of this thread, if anybody does: `shardhub/otel` says so before the handlers start. Worker thread. */
import type { Connection, Message } from '../../api/handler.js';
import type { HookName } from '../../wire/timings.js';

type Items = Iterator<unknown> | AsyncIterator<unknown>;

/** A hook that is traced, from its call to its end. */
export interface HookSpan {
  /** Calls a hook as part of it. */
  call<Args extends unknown[]>(hook: (...args: Args) => unknown, self: unknown, ...args: Args): unknown;
  /** What produces its replies, as part of it. */
  bind<T extends Items>(items: T): T;
  fail(thrown: unknown): void;
  end(): void;
}

/** Its methods never throw, but for what a hook does. */
export interface HookTracer {
  /** Undefined for a hook that is not traced. */
  begin(hook: HookName, connection: Connection, message: Message | undefined): HookSpan | undefined;
}

let current: HookTracer | undefined;

/** For all hubs and handlers that start in this thread from here on. */
export function setTracer(tracer: HookTracer): void {
  current = tracer;
}

export function currentTracer(): HookTracer | undefined {
  return current;
}
