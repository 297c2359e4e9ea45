/** `shardhub admin`: asks a hub's admin listener, and prints what it answers. */
import { request } from 'node:http';
import { userInfo } from 'node:os';
import { VERSION } from '../../index.js';
import { print, warn } from '../terminal/output.js';
import type { AdminCall, Verb } from './verbs.js';

export interface AdminTarget {
  /** `host:port`, or the path of a Unix socket. */
  readonly address: string;
  readonly token: string | undefined;
  readonly json: boolean;
}

/** Resolves with the exit code: 0, or 1 when the hub did not do it. */
export async function admin(
  verb: Verb,
  call: AdminCall,
  { address, token, json }: AdminTarget,
): Promise<number> {
  const { status, text } = await ask(address, token, call);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`${address} is no admin listener: it answered with ${status} and no JSON`);
  }
  if (status !== 200) {
    warn(String((answer as { error?: unknown }).error ?? `the hub answered with ${status}`));
    return 1;
  }
  await print(`${json ? text : verb.show(answer as never)}\n`);
  return 0;
}

function ask(address: string, token: string | undefined, { method, path, body }: AdminCall) {
  const isPath = /^\.{0,2}\//.test(address);
  const { hostname, port } = isPath ? new URL('http://localhost') : new URL(`http://${address}`);
  const place = isPath ? { socketPath: address } : { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port };
  const headers = {
    // The hub's log says who asked.
    'User-Agent': `shardhub-admin/${VERSION} (${nameOfUser()})`,
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request({ ...place, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', (error) => reject(new Error(`${address} cannot be asked: ${error.message}`)));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
