/** The handlers of a link: loaded and started before it serves, and stopped together. */
import { isDeepStrictEqual } from 'node:util';
import { HubError } from '../api/errors.js';
import type { Handler } from '../api/handler.js';
import { Patterns } from '../util/patterns.js';
import { type Luggage, unpack } from '../wire/request.js';
import {
  type HandlerHooks,
  type HandlerSource,
  loadTimeoutMs,
  type RuntimeSettings,
} from '../wire/worker-task.js';
import { Access, type HubAccessHost } from './access/hub-access.js';
import { Requests } from './access/requests.js';
import { HandlerLifecycle, type LifecycleSettings } from './handler-lifecycle.js';
import { loadHandler } from './load.js';

export class Handlers {
  /** In the order of their sources. */
  readonly list: readonly Handler[];
  /** What they ask of the hub. */
  readonly access: HubAccessHost;
  readonly #lifecycles: readonly HandlerLifecycle[];

  private constructor(
    list: readonly Handler[],
    access: HubAccessHost,
    lifecycles: readonly HandlerLifecycle[],
  ) {
    this.list = list;
    this.access = access;
    this.#lifecycles = lifecycles;
  }

  /** @throws HubError `ERR_HANDLER_LOAD` that names the handler */
  static async start(
    sources: readonly HandlerSource[],
    settings: LifecycleSettings & Pick<RuntimeSettings, 'historyTopics' | 'sharesTopics'>,
  ): Promise<Handlers> {
    const topics = new Patterns(settings.historyTopics);
    const access = { requests: new Requests(), topics, isShared: settings.sharesTopics };
    const own = new Access(access);
    const timeoutMs = loadTimeoutMs(settings.handlerTimeoutMs);
    const list = await Promise.all(sources.map((source) => loadHandler(source, timeoutMs)));
    refuseTwice(list, sources);
    const lifecycles = list.map((handler, i) => new HandlerLifecycle(handler, sources[i]!, settings, own));
    for (const lifecycle of lifecycles) await lifecycle.start();
    return new Handlers(list, access, lifecycles);
  }

  /** What any of them wants to know. */
  get hooks(): HandlerHooks {
    return {
      open: this.list.some(({ open }) => open !== undefined),
      close: this.list.some(({ close }) => close !== undefined),
      topicLost: this.list.map(({ topicLost }) => topicLost !== undefined),
      resume: this.list.some(({ resume }) => resume !== undefined),
    };
  }

  /** Another worker is going to take over. */
  announce(): void {
    for (const lifecycle of this.#lifecycles) lifecycle.announce();
  }

  /** @returns what each keeps for its successor; undefined when none keeps anything */
  async suspend(luggage: Luggage, onFailure: (thrown: unknown) => void): Promise<Uint8Array | undefined> {
    const values: unknown[] = [];
    for (const lifecycle of this.#lifecycles) {
      try {
        values.push(await lifecycle.suspend());
      } catch (thrown) {
        onFailure(thrown);
        values.push(undefined);
      }
    }
    try {
      return values.every((value) => value === undefined) ? undefined : luggage.packWorker(values);
    } catch (thrown) {
      onFailure(thrown);
      return undefined;
    }
  }

  /** @param state what the worker before it has kept */
  async resume(state: Uint8Array | undefined, onFailure: (thrown: unknown) => void): Promise<void> {
    const values = state === undefined ? [] : (unpack(state) as unknown[]);
    await Promise.all(this.#lifecycles.map((lifecycle, i) => lifecycle.resume(values[i], onFailure)));
  }

  /** @param onFailure gets what each `stop` threw */
  async stop(onFailure: (thrown: unknown) => void): Promise<void> {
    await Promise.all(this.#lifecycles.map((lifecycle) => lifecycle.stop(onFailure)));
  }
}

/** With options of their own, paths that share a module have an instance each; of CommonJS, Node.js makes no second one. */
function refuseTwice(list: readonly Handler[], sources: readonly HandlerSource[]): void {
  const isSecond = (handler: Handler, i: number) => {
    const first = list.indexOf(handler);
    return first !== i && !isDeepStrictEqual(sources[first]!.options, sources[i]!.options);
  };
  const second = list.findIndex(isSecond);
  if (second < 0) return;
  const why = 'it has to be an ES module to be started with several handlerOptions';
  throw new HubError('ERR_HANDLER_LOAD', `handler ${sources[second]!.name} cannot be used: ${why}`);
}
