/** Which engine a hub of these options would take, why, and how to get the other one. */
import { createHub, HubError, type HubOptions, type HubStats } from '../../index.js';
import type { Finding } from './checks.js';

/** By asking a hub of its own, since that of these options may find its port taken. */
export async function findEngine({ engine, overload, tls }: HubOptions): Promise<Finding | undefined> {
  const options = { engine, overload, tls, workers: 0, port: 0, logLevel: 'silent' } as HubOptions;
  try {
    const hub = await createHub(options);
    await hub.close();
    return { name: 'engine', found: describeEngine(hub.stats().engine, options) };
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'ERR_ENGINE_MISSING') return undefined;
    return { name: 'engine', found: `${engine} is missing`, advice: error.message };
  }
}

export function describeEngine(
  { name, advice }: HubStats['engine'],
  { engine = 'auto', overload, tls }: HubOptions,
  isBun = 'Bun' in globalThis,
): string {
  if (engine !== 'auto') return `${name}, as asked for`;
  if (name === 'uws') return 'uws, as it loads here';
  if (isBun) return 'node, as this is Bun';
  if (advice !== undefined) return `node, as ${advice}`;
  const what = overload === 'pause' ? 'overload "pause"' : tls?.clientCa && 'tls.clientCa';
  return `node, as the other one cannot do ${what}`;
}
