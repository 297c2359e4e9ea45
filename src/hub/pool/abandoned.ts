/** Worker threads that could not be ended, since they are in native code or at a breakpoint: left behind until they end by themselves. */

let count = 0;

/**
 * How many worker threads of this process could not be ended and still run, of all hubs. They are blocked in native code
 * (`execSync`, an addon). Node.js waits for them when the process exits, `process.exit` included: a process that has to
 * end all the same is ended by a signal, such as `process.kill(process.pid, 'SIGKILL')`.
 */
export function abandonedWorkers(): number {
  return count;
}

export function countAbandoned(exited: Promise<void>): void {
  count++;
  void exited.then(() => {
    count--;
  });
}
