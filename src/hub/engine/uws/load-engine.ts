/** Loads uWebSockets.js, and is the only file that names the package. */
import { HubError } from '../../../api/errors.js';
import type { Uws } from './uws.js';

const FIX = 'npm install uNetworking/uWebSockets.js#v20.69.0';

/** @throws HubError `ERR_ENGINE_MISSING` when there is no engine for this Node.js */
export async function loadEngine(): Promise<Uws> {
  try {
    const module = (await import('uWebSockets.js')) as unknown as { default?: Uws } & Uws;
    return module.default ?? module;
  } catch (thrown) {
    throw new HubError(
      'ERR_ENGINE_MISSING',
      `uWebSockets.js has no binary for this Node.js and platform: install one that has with \`${FIX}\``,
      { cause: thrown },
    );
  }
}
