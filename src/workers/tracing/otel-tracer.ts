/** Hooks as spans of OpenTelemetry. The only file that knows its API. Worker thread. */
import { threadId } from 'node:worker_threads';
import {
  type Attributes,
  type Context,
  context as contexts,
  diag,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { isBadMessage } from '../../api/bad-message.js';
import { toErrorRecord } from '../../api/errors.js';
import type { Connection, Message } from '../../api/handler.js';
import { VERSION } from '../../util/version.js';
import type { HookName } from '../../wire/timings.js';
import type { HookSpan, HookTracer } from './tracer.js';

export interface OtelSettings {
  /** Which part of the messages has a span, from 0 to 1; how many of these are recorded is the sampler's affair. */
  readonly ratio: number;
  /** Instead of the one that is registered globally. */
  readonly provider: TracerProvider | undefined;
}

/** What its handshake says of a connection. */
interface Origin {
  /** The baggage, and no span: its connection outlives the trace that it came from. */
  readonly base: Context;
  readonly links: Link[];
  readonly attributes: Attributes;
}

const VERBS: Readonly<Record<HookName, string>> = {
  open: 'open',
  message: 'process',
  topicLost: 'topicLost',
  close: 'close',
};

export class OtelTracer implements HookTracer {
  readonly #tracer: Tracer;
  readonly #ratio: number;
  readonly #origins = new WeakMap<Connection, Origin>();

  constructor({ ratio, provider }: OtelSettings) {
    this.#tracer = (provider ?? trace).getTracer('shardhub', VERSION);
    this.#ratio = ratio;
  }

  begin(hook: HookName, connection: Connection, message: Message | undefined): HookSpan | undefined {
    if (this.#ratio < 1 && Math.random() >= this.#ratio) return undefined;
    try {
      let origin = this.#origins.get(connection);
      if (origin === undefined) this.#origins.set(connection, (origin = originOf(connection)));
      const { base, links } = origin;
      const attributes: Attributes = { ...origin.attributes, 'messaging.operation.name': VERBS[hook] };
      if (message !== undefined) {
        attributes['messaging.operation.type'] = 'process';
        attributes['messaging.message.body.size'] = message.byteLength;
      }
      const name = `${VERBS[hook]} ${connection.request.path}`;
      const kind = SpanKind.CONSUMER;
      const span = this.#tracer.startSpan(name, { kind, root: true, links, attributes }, base);
      return new OtelSpan(span, trace.setSpan(base, span));
    } catch (thrown) {
      diag.error('shardhub: a span could not be started', thrown);
      return undefined;
    }
  }
}

function originOf({ id, request }: Connection): Origin {
  const extracted = propagation.extract(ROOT_CONTEXT, request.headers);
  const parent = trace.getSpanContext(extracted);
  return {
    base: trace.deleteSpan(extracted),
    links: parent !== undefined && isSpanContextValid(parent) ? [{ context: parent }] : [],
    attributes: {
      'messaging.system': 'shardhub',
      'messaging.destination.name': request.path,
      'shardhub.connection.id': id,
      'thread.id': threadId,
    },
  };
}

class OtelSpan implements HookSpan {
  readonly #span: Span;
  readonly #context: Context;

  constructor(span: Span, context: Context) {
    this.#span = span;
    this.#context = context;
  }

  call<Args extends unknown[]>(hook: (...args: Args) => unknown, self: unknown, ...args: Args): unknown {
    return contexts.with(this.#context, hook, self as never, ...args);
  }

  /** The body of a generator runs when its items are asked for. */
  bind<T extends Iterator<unknown> | AsyncIterator<unknown>>(items: T): T {
    const bound: { next(): unknown; return?(): unknown } = {
      next: () => contexts.with(this.#context, items.next, items),
    };
    if (items.return != null) bound.return = () => contexts.with(this.#context, items.return!, items);
    return bound as T;
  }

  fail(thrown: unknown): void {
    const { message, stack } = toErrorRecord(thrown);
    const name = thrown instanceof Error ? thrown.name : typeof thrown;
    this.#span.recordException({ name, message, ...(stack !== undefined && { stack }) });
    // What a peer did wrong is no error of the one that found it.
    if (!isBadMessage(thrown)) this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  end(): void {
    try {
      this.#span.end();
    } catch (thrown) {
      diag.error('shardhub: a span could not be ended', thrown);
    }
  }
}
