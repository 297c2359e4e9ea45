/** The one line that `shardhub serve` prints when it serves. */
import type { Hub, ResolvedOptions } from '../../index.js';
import type { Facts } from '../../supervisor/messages.js';

export function factsOf(hub: Hub): Facts {
  const { handler, engine } = hub.stats();
  const { port, url, wsUrl } = hub;
  const { name, advice } = engine;
  return {
    port,
    url,
    wsUrl,
    handler,
    workers: hub.options.workers,
    engine: name,
    ...(advice !== undefined && { advice }),
  };
}

/**
 * @param token one that was made for this run: the page reads it from its fragment, which is never sent anywhere
 * @param processes how many there are under a supervisor
 */
export function startLine(
  { url, wsUrl, handler, workers, engine, advice }: Facts,
  { console: servesPage }: Pick<ResolvedOptions, 'console'>,
  token: string | undefined,
  adminUrl: string | undefined,
  processes?: number,
): string {
  const each = workers === 1 ? '1 worker' : `${workers} workers`;
  const parts = [
    ...(servesPage ? [`page ${url}/${token === undefined ? '' : `#token=${token}`}`] : []),
    `WebSocket ${wsUrl}`,
    `handler ${handler}`,
    processes === undefined ? each : `${processes === 1 ? '1 process' : `${processes} processes`} of ${each}`,
    `engine ${engine}`,
    ...(adminUrl === undefined ? [] : [`admin ${adminUrl}`]),
  ];
  return `shardhub: ${parts.join(', ')}${advice === undefined ? '' : `\nshardhub: ${advice}`}`;
}
