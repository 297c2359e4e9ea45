/** `shardhub serve`: one hub, from the options of the command line to a stop signal. */
import { createHub, type Hub, type HubOptions } from '../index.js';
import { warn } from './output.js';
import { drainOnStop } from './stop.js';

export async function serve(options: HubOptions): Promise<void> {
  const hub = await createHub(options);
  drainOnStop(() => hub.close().then(() => 0));
  if (hub.options.tls !== undefined) reloadOnHangup(hub);
  process.stdout.write(`${startLine(hub)}\n`);
}

/** SIGHUP: the certificate was renewed. One that cannot be used leaves everything as it was. */
function reloadOnHangup(hub: Hub): void {
  process.on('SIGHUP', () => {
    hub.reloadTls().catch((error) => warn(error instanceof Error ? error.message : String(error)));
  });
}

function startLine(hub: Hub): string {
  const { console: servesPage, workers } = hub.options;
  const parts = [
    ...(servesPage ? [`page ${hub.url}/`] : []),
    `WebSocket ${hub.wsUrl}`,
    `handler ${hub.stats().handler}`,
    workers === 1 ? '1 worker' : `${workers} workers`,
  ];
  return `shardhub: ${parts.join(', ')}`;
}
