/** A folder that nobody else may enter, for the sockets between a supervisor and its processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubError } from '../api/errors.js';

/** What the kernels' structure for the path of a Unix socket holds, less the names in the folder. */
const MAX_PATH_BYTES = 103 - '/admin-123-1234567.sock'.length;

/** @throws HubError `ERR_LISTEN` when it cannot be made */
export function makePrivateFolder(): string {
  const prefix = join(tmpdir(), 'shardhub-');
  try {
    // Its mode is 0700 (mkdtemp(3)).
    const folder = mkdtempSync(prefix);
    if (Buffer.byteLength(folder) <= MAX_PATH_BYTES) return folder;
    removePrivateFolder(folder);
    throw new Error(`the path ${folder} is too long for Unix sockets: set TMPDIR to a shorter one`);
  } catch (error) {
    const text = `the folder for the processes’ sockets cannot be made: ${(error as Error).message}`;
    throw new HubError('ERR_LISTEN', text, { cause: error });
  }
}

export function removePrivateFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
