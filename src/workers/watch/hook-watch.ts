/** What goes on beside the hook at hand: whose lines are logged, how long it takes, its span. Worker thread. */
import type { HookName } from '../../wire/timings.js';
import type { ConnectionContext } from '../context.js';
import type { LogWriter } from '../log/log-writer.js';
import type { InboundMessage } from '../message.js';
import { currentTracer, type HookSpan } from '../tracing/tracer.js';
import { Measure } from './measure.js';

export class HookWatch {
  /** Of the hook at hand, if it is measured or traced. */
  measure: Measure | undefined = undefined;
  readonly #log: LogWriter;
  readonly #tracer = currentTracer();

  constructor(log: LogWriter) {
    this.#log = log;
  }

  /**
   * A hook is about to be called: as part of the span, if there is one. hot
   *
   * @param weight how many hooks it stands for when it is measured; 0 when it is not
   */
  begin(
    context: ConnectionContext,
    hook: HookName,
    weight: number,
    message?: InboundMessage,
  ): HookSpan | undefined {
    this.#log.owner = context;
    if (weight === 0 && this.#tracer === undefined) return undefined;
    const histogram = weight === 0 ? undefined : context.timings?.[hook];
    const span = this.#tracer?.begin(hook, context, message);
    if (histogram !== undefined || span !== undefined) this.measure = new Measure(histogram, weight, span);
    return span;
  }

  /** The hook is waited for: its invocation has the measure. */
  leave(): true {
    this.#log.owner = undefined;
    this.measure = undefined;
    return true;
  }

  /** The hook has finished. */
  end(): void {
    this.#log.owner = undefined;
    const { measure } = this;
    if (measure === undefined) return;
    this.measure = undefined;
    measure.end();
  }
}
