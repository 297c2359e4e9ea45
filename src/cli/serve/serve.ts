/** `shardhub serve`: one hub, from the options of the command line to a stop signal. */
import { randomBytes } from 'node:crypto';
import {
  abandonedWorkers,
  createHub,
  type Hub,
  type HubOptions,
  isLoopbackHost,
  resolveOptions,
} from '../../index.js';
import { warn } from '../terminal/output.js';
import { drainOnStop } from '../terminal/stop.js';

export async function serve(options: HubOptions): Promise<void> {
  const token = needsStatsToken(options) ? randomBytes(24).toString('base64url') : undefined;
  const hub = await createHub(token === undefined ? options : { ...options, statsToken: token });
  if (!drainOnStop(() => hub.close().then(() => (abandonedWorkers() > 0 ? undefined : 0)))) return;
  if (hub.options.tls !== undefined) reloadOnHangup(hub);
  process.stdout.write(`${startLine(hub, token)}\n`);
}

/** Where others can reach the page, its statistics are for whoever has read the start line. */
function needsStatsToken(options: HubOptions): boolean {
  const { console: servesPage, host, http, statsToken } = resolveOptions(options);
  return servesPage && http && statsToken === undefined && !isLoopbackHost(host);
}

/** SIGHUP: the certificate was renewed. One that cannot be used leaves everything as it was. */
function reloadOnHangup(hub: Hub): void {
  process.on('SIGHUP', () => {
    hub.reloadTls().catch((error) => warn(error instanceof Error ? error.message : String(error)));
  });
}

/** @param token one that was made for this run: the page reads it from its fragment, which is never sent anywhere */
function startLine(hub: Hub, token: string | undefined): string {
  const { console: servesPage, workers } = hub.options;
  const parts = [
    ...(servesPage ? [`page ${hub.url}/${token === undefined ? '' : `#token=${token}`}`] : []),
    `WebSocket ${hub.wsUrl}`,
    `handler ${hub.stats().handler}`,
    workers === 1 ? '1 worker' : `${workers} workers`,
  ];
  return `shardhub: ${parts.join(', ')}`;
}
