/** Which engine a hub runs on: the option `engine`, and what depends on it. I/O thread. */
import { HubError } from '../api/errors.js';
import type { HubStats } from '../api/stats.js';
import type { ResolvedOptions } from '../options/options.js';
import type { Engine } from './engine/engine-port.js';
import { nodeEngine } from './engine/node/node-server.js';
import { uwsEngine } from './engine/uws/server.js';

/** Engine node is as fast on Bun as one on its own server would be: `bun` is that one, where the process is Bun. */
const ENGINES = { uws: uwsEngine, node: nodeEngine, bun: nodeEngine };
/** It cannot load uWebSockets.js, and nothing brings it there. */
const IS_BUN = 'Bun' in globalThis;

export interface EngineChoice {
  readonly engine: Engine;
  readonly options: FittedOptions;
  /** For the statistics. */
  readonly about: HubStats['engine'];
}

/** Options with what depends on the engine decided. */
export type FittedOptions = ResolvedOptions & { readonly overload: 'shed' | 'drop' | 'pause' };

/**
 * @throws HubError `ERR_ENGINE_MISSING` for an engine that was asked for by name and does not run here; `ERR_OPTION` for
 * an option that it cannot do
 */
export async function chooseEngine(options: ResolvedOptions): Promise<EngineChoice> {
  const { engine: wanted, processes } = options;
  if (processes !== undefined)
    throw new HubError(
      'ERR_OPTION',
      'option "processes" is for `shardhub serve`: createHub makes one hub, in this process',
    );
  if (wanted === 'bun' && !IS_BUN) {
    const text = 'engine "bun" needs Bun, and this is Node.js: start it with `bun`, or choose engine "auto"';
    throw new HubError('ERR_ENGINE_MISSING', text);
  }
  if (wanted !== 'auto') {
    await ENGINES[wanted].load();
    return choose(ENGINES[wanted], options);
  }
  if (IS_BUN || whatUwsCannot(options) !== undefined) return choose(nodeEngine, options);
  const advice = await whyMissing(uwsEngine);
  return advice === undefined ? choose(uwsEngine, options) : choose(nodeEngine, options, { advice });
}

function choose(
  engine: Engine,
  options: ResolvedOptions,
  rest: { readonly advice?: string } = {},
): EngineChoice {
  return { engine, options: fitOptions(options, engine), about: { name: engine.name, ...rest } };
}

/** @throws HubError `ERR_OPTION` for an option that the engine cannot do */
export function fitOptions(options: ResolvedOptions, engine: Engine): FittedOptions {
  const problem = engine === uwsEngine ? whatUwsCannot(options) : undefined;
  if (problem !== undefined) throw new HubError('ERR_OPTION', `${problem}: choose engine "node", or "auto"`);
  const lack = IS_BUN ? whatBunCannot(options) : undefined;
  if (lack !== undefined) throw new HubError('ERR_OPTION', `${lack}: leave it out, or run on Node.js`);
  return Object.freeze({ ...options, overload: options.overload ?? (engine.canPause ? 'pause' : 'shed') });
}

function whatUwsCannot({ overload, tls }: ResolvedOptions): string | undefined {
  if (overload === 'pause')
    return 'option "overload" got "pause", but engine uws reads a socket for as long as it has more';
  if (tls?.clientCa !== undefined)
    return 'option "tls" got clientCa, but engine uws cannot ask clients for certificates';
  return undefined;
}

function whatBunCannot({
  workerMemoryMb,
  proxyProtocol,
  sharePort,
  tls,
}: ResolvedOptions): string | undefined {
  if (workerMemoryMb > 0)
    return `option "workerMemoryMb" got ${workerMemoryMb}, but Bun does not bound the memory of a thread`;
  if (proxyProtocol)
    return 'option "proxyProtocol" got true, but Bun reads requests off a connection before anybody else sees it';
  if (tls?.clientCa !== undefined)
    return 'option "tls" got clientCa, but Bun does not tell whose certificate a client has shown';
  if (sharePort) return 'option "sharePort" got true, but an HTTP server of Bun shares its port with nobody';
  return undefined;
}

async function whyMissing(engine: Engine): Promise<string | undefined> {
  try {
    await engine.load();
    return undefined;
  } catch (error) {
    if (error instanceof HubError && error.code === 'ERR_ENGINE_MISSING') return error.message;
    throw error;
  }
}
