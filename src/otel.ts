/**
 * Traces of handlers with OpenTelemetry, whose API (`@opentelemetry/api`) has to be installed. Runs in the thread that runs the
 * handlers: where its SDK is set up.
 *
 * @module shardhub/otel
 */
import type { TracerProvider } from '@opentelemetry/api';
import { describe, HubError } from './api/errors.js';
import { OtelTracer } from './workers/tracing/otel-tracer.js';
import { setTracer } from './workers/tracing/tracer.js';

/** What {@link traceHandlers} takes. */
export interface TraceOptions {
  /**
   * Which part of the calls of hooks gets a span at all, from 0 to 1 (1): what has none costs nothing. Of those that have one,
   * the sampler of the SDK chooses.
   */
  readonly ratio?: number;
  /** Makes the spans, instead of the provider that is registered globally. */
  readonly tracerProvider?: TracerProvider;
}

/**
 * From here on the hooks of handlers that start in this thread are spans: `process <route>` for a message, `open <route>` and
 * `close <route>`. Each is the root of a trace of its own and links to the span that the handshake's `traceparent` names, since a
 * connection outlives the trace that it began in. It is active in the hook, so spans and requests that the hook makes are its
 * children, and it ends with the promise or the iterable that the hook returned.
 *
 * @throws HubError `ERR_ARGUMENT` for a ratio that is none
 */
export function traceHandlers({ ratio = 1, tracerProvider }: TraceOptions = {}): void {
  if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= 1))
    throw new HubError('ERR_ARGUMENT', `ratio got ${describe(ratio)} but takes a number from 0 to 1`);
  setTracer(new OtelTracer({ ratio, provider: tracerProvider }));
}
