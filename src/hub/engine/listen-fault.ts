/** Why an address cannot be listened on, in words. The engine only says that it cannot: the system is asked once more. */
import { lookup } from 'node:dns/promises';
import { createServer, isIP } from 'node:net';
import { HubError } from '../../api/errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use: choose another port (0 picks a free one), or end the program that has it',
  EADDRNOTAVAIL: 'the address is not one of this machine: choose 127.0.0.1, or 0.0.0.0 for all that it has',
  EACCES: 'this user may not listen there: ports below 1024 are often for root alone, so choose a higher one',
};

export function cannotListenOn(host: string, port: number, why: string): HubError {
  return new HubError('ERR_LISTEN', `cannot listen on ${host} port ${port}: ${why}`);
}

/** One clause that says what is wrong and what to do. */
export async function explainListenFault(host: string, port: number): Promise<string> {
  const code = (await resolveFault(host)) ?? (await listenFault(host, port));
  if (code === undefined) return 'the engine does not say why';
  const isName = /^E(NOTFOUND|AI_)/.test(code);
  const reason = isName
    ? 'the name is not known here: choose the address of this machine, such as 127.0.0.1, or 0.0.0.0 for all'
    : (REASONS[code] ?? 'the system refuses it');
  return `${reason} (${code})`;
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

async function resolveFault(host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return undefined;
  return lookup(host).then(() => undefined, codeOf);
}

function listenFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(codeOf(error)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}
