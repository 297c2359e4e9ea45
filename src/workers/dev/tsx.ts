/**
 * Handlers in TypeScript on a Node.js that loads none: by tsx, which `--import tsx` brings to the main thread alone there
 * (tsx 4.23 on Node.js 20). Worker threads.
 */
import { createRequire } from 'node:module';
import { env, execArgv, features } from 'node:process';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const TYPESCRIPT = /\.[cm]?tsx?$/;

/**
 * Lets this thread load TypeScript, where it is asked for and not there.
 *
 * @param url of the handler, beside which tsx is looked for
 * @throws Error when it is not installed there
 */
export async function registerTsx(url: string): Promise<void> {
  if (isMainThread || !TYPESCRIPT.test(new URL(url).pathname)) return;
  const { typescript = false } = features as { typescript?: string | false };
  if (typescript !== false || !/\btsx\b/.test([...execArgv, env.NODE_OPTIONS].join(' '))) return;
  const { resolve } = createRequire(url);
  for (const name of ['tsx/cjs/api', 'tsx/esm/api']) {
    // Its CommonJS half does not find the files of the other one.
    const path = resolve(name).replace(/\.cjs$/, '.mjs');
    const api: { register(): void } = await import(pathToFileURL(path).href);
    api.register();
  }
}
