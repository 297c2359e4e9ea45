/** Programs that some tests need, from Debian's packages. */
import { existsSync } from 'node:fs';

/** True when it is not there and need not be; says so. With CI=true it has to be. */
export function isProgramMissing(path: string, packageName: string): boolean {
  const isSkipped = !existsSync(path) && process.env.CI !== 'true';
  if (isSkipped) console.log(`a test is skipped: ${path} is missing (apt-get install ${packageName})`);
  return isSkipped;
}
