/** The file of a Unix socket. The engine replaces whatever is at its path, and leaves it there when it stops. */
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { HubError } from '../../api/errors.js';

/** Which file it is: another process may have put its own in its place. */
export interface SocketFile {
  readonly path: string;
  readonly inode: number;
  /** The number of one that is gone may be used again. */
  readonly birthtimeMs: number;
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
  const { ino, birthtimeMs } = lstatSync(path);
  return { path, inode: ino, birthtimeMs };
}

/** @throws HubError `ERR_LISTEN` when another process has put its own in the place of this one */
export function checkSocket(file: SocketFile): void {
  const stats = lstatSync(file.path, { throwIfNoEntry: false });
  if (stats !== undefined && !isSame(file, stats))
    throw cannotListen(file.path, 'somebody else has taken it');
}

/** Removes the file, unless it is another one by now. */
export function removeSocket(file: SocketFile): void {
  try {
    if (isSame(file, lstatSync(file.path))) unlinkSync(file.path);
  } catch {
    // Somebody was faster, or its folder is not ours any more: there is nothing left to do.
  }
}

function isSame({ inode, birthtimeMs }: SocketFile, stats: Stats): boolean {
  return stats.ino === inode && stats.birthtimeMs === birthtimeMs;
}

export function cannotListen(path: string, why: string, cause?: unknown): HubError {
  return new HubError('ERR_LISTEN', `cannot listen on the Unix socket ${path}: ${why}`, { cause });
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
