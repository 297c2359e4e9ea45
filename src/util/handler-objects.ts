/** Handlers that are given as objects instead of by their modules: on the I/O thread alone, as tests do. */
import type { Handler } from '../api/handler.js';

/** Of the URLs that stand for them. */
export const OBJECT_PROTOCOL = 'shardhub-handler:';

const objects = new Map<string, Handler>();
let serial = 0;

/** @returns what the option `handler` takes for it */
export function registerHandler(handler: Handler): URL {
  const url = new URL(`${OBJECT_PROTOCOL}${++serial}`);
  objects.set(url.href, handler);
  return url;
}

export function forgetHandler(url: URL): void {
  objects.delete(url.href);
}

/** @param url of a source */
export function handlerObject(url: string): Handler | undefined {
  return objects.get(url);
}
