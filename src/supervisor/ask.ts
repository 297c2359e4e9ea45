/** A request to the admin listener of a process, over its Unix socket. Supervisor's thread, and that of a process for the whole. */
import { request } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Values = Readonly<Record<string, unknown>>;

/** Undefined when there is no answer in time. @param values the query, or for what changes something the body */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  values: Values,
  timeoutMs: number,
): Promise<Reply | undefined> {
  const isRead = method === 'GET';
  const query = isRead ? `?${new URLSearchParams(values as Record<string, string>)}` : '';
  return new Promise((resolve) => {
    const asking = request({ socketPath, method, path: path + query, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', () => resolve(undefined));
      response.on('end', () => {
        clearTimeout(timer);
        const { statusCode = 500, headers } = response;
        const type = headers['content-type'] ?? '';
        resolve({ status: statusCode, type, body: Buffer.concat(pieces).toString('utf8') });
      });
    });
    const timer = setTimeout(() => asking.destroy(), timeoutMs);
    asking.on('error', () => resolve(undefined));
    asking.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    asking.end(isRead ? undefined : JSON.stringify(values));
  });
}
