/** The paths with a WebSocket endpoint, and what is particular to each. I/O thread. */
import { isDeepStrictEqual } from 'node:util';
import { HubError } from '../../api/errors.js';
import type { ReloadOptions } from '../../api/reload.js';
import type { RouteStats } from '../../api/stats.js';
import type { UpgradeHook } from '../../api/upgrade.js';
import type { ResolvedOptions } from '../../options/options.js';
import { isLoopbackHost } from '../../util/address.js';
import type { HandlerSource } from '../../wire/worker-task.js';
import type { PageRules } from './admission.js';
import { type Affinity, compileAffinity } from './affinity.js';
import { findHandler } from './handler-source.js';
import { compileOrigins } from './origins.js';

export interface Route extends PageRules {
  readonly path: string;
  handler: HandlerSource;
  /** Place of its handler among those that every worker loads. */
  readonly handlerIndex: number;
  readonly upgrade: UpgradeHook | undefined;
  /** In the server's order of preference. */
  readonly subprotocols: readonly string[];
  readonly affinity: Affinity | undefined;
  /** Gauge: WebSockets that are open on it. */
  connections: number;
}

export class Routes {
  /** At least one. */
  readonly all: readonly Route[];
  /** What every worker loads: each handler once for each value of its options. */
  handlers: readonly HandlerSource[];
  readonly #byPath: ReadonlyMap<string, Route>;

  /** @throws HubError `ERR_HANDLER_LOAD` */
  constructor(options: ResolvedOptions) {
    const { path, handler, routes = { [path]: { handler } } } = options;
    const handlers: HandlerSource[] = [];
    this.all = Object.entries(routes).map(([at, own]) => {
      const found = findHandler(own.handler);
      const { handlerOptions = options.handlerOptions } = own;
      const affinity = own.affinity ?? options.affinity ?? found.affinity;
      return {
        path: at,
        handler: found,
        handlerIndex: addOnce(handlers, found, handlerOptions),
        upgrade: own.upgrade ?? options.upgrade,
        ...pageRules(own.origins ?? options.origins, options),
        subprotocols: own.subprotocols ?? options.subprotocols,
        affinity: affinity === undefined ? undefined : compileAffinity(affinity),
        connections: 0,
      };
    });
    this.handlers = handlers;
    this.#byPath = new Map(this.all.map((route) => [route.path, route]));
  }

  /** The option `origins` has changed: for the routes that have none of their own. */
  renewOrigins(options: ResolvedOptions): void {
    for (const route of this.all)
      Object.assign(route, pageRules(options.routes?.[route.path]?.origins ?? options.origins, options));
  }

  /** The one that stands for the hub where there can be only one, such as for `POST /echo`. */
  get first(): Route {
    return this.all[0]!;
  }

  stats(): RouteStats[] {
    return this.all.map(({ path, handler, connections }) => ({ path, handler: handler.name, connections }));
  }

  get paths(): string[] {
    return this.all.map(({ path }) => path);
  }

  /**
   * What every worker loads when handlers are reloaded.
   *
   * @param handler another module instead of the one that there is, and other options for it
   * @throws HubError `ERR_HANDLER_LOAD`; `ERR_ARGUMENT` when there are several
   */
  reloaded({ handler, handlerOptions }: ReloadOptions): readonly HandlerSource[] {
    if (handler === undefined && handlerOptions === undefined) return this.handlers;
    const [own, ...others] = this.handlers;
    if (others.length > 0) {
      const text =
        'reload got a handler or its options, but this hub has several: without, all are loaded afresh';
      throw new HubError('ERR_ARGUMENT', text);
    }
    const { name, url } = handler === undefined ? own! : findHandler(handler);
    return [{ name, url, options: handlerOptions ?? own!.options }];
  }

  /** All workers have these now, in the order of those before. */
  replace(handlers: readonly HandlerSource[]): void {
    this.handlers = handlers;
    for (const route of this.all) route.handler = handlers[route.handlerIndex]!;
  }

  /** @throws Error when there is none: the server asks for the paths that it was given */
  at(path: string): Route {
    const route = this.#byPath.get(path);
    if (route === undefined) throw new Error(`no route has the path ${path}`);
    return route;
  }
}

function pageRules(origins: ResolvedOptions['origins'], options: ResolvedOptions): PageRules {
  return {
    isAllowedOrigin: compileOrigins(origins),
    isLocalOnly: origins === 'same-origin' && isForThisMachine(options),
  };
}

/** True when only this machine reaches the hub, and no proxy does so for others. */
function isForThisMachine({ host, unixSocket, trustProxy, proxyProtocol }: ResolvedOptions): boolean {
  return isLoopbackHost(host) && unixSocket === undefined && !trustProxy && !proxyProtocol;
}

/** The place of a handler in the list, at its end if it is new. With other options, a module is loaded once more. */
function addOnce(handlers: HandlerSource[], { name, url }: HandlerSource, options: unknown): number {
  const instance = `${url}${url.includes('?') ? '&' : '?'}instance=`;
  const same = handlers.filter((other) => other.url === url || other.url.startsWith(instance));
  const known = same.find((other) => isDeepStrictEqual(other.options, options));
  if (known !== undefined) return handlers.indexOf(known);
  return handlers.push({ name, url: same.length === 0 ? url : instance + same.length, options }) - 1;
}
