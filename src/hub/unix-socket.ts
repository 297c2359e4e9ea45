/** The file of a Unix socket. The engine replaces whatever is at its path, and leaves it there when it stops. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { HubError } from '../errors.js';

/** Which file it is: another process may have put its own in its place. */
export interface SocketFile {
  readonly path: string;
  readonly inode: number;
}

/**
 * Makes room for a socket: removes one that nobody listens on.
 *
 * @throws HubError `ERR_LISTEN` when somebody does, or when something else is there
 */
export async function clearSocketPath(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw cannotListen(path, 'there is something else at this path');
  const code = await probe(path);
  if (code === undefined) throw cannotListen(path, 'somebody listens there');
  if (code === 'ECONNREFUSED') unlinkSync(path);
  // Gone by now is as good; anything else says nothing about who listens.
  else if (code !== 'ENOENT') throw cannotListen(path, `the socket that is there cannot be asked (${code})`);
}

export function identifySocket(path: string): SocketFile {
  return { path, inode: lstatSync(path).ino };
}

/** Removes the file, unless it is another one by now. */
export function removeSocket({ path, inode }: SocketFile): void {
  try {
    if (lstatSync(path).ino === inode) unlinkSync(path);
  } catch {
    // Somebody was faster, or its folder is not ours any more: there is nothing left to do.
  }
}

export function cannotListen(path: string, why: string): HubError {
  return new HubError('ERR_LISTEN', `cannot listen on the Unix socket ${path}: ${why}`);
}

/** Undefined when somebody takes the connection, or else the error's code. */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
