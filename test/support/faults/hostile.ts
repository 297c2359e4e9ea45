/** Peers in a process of their own that send as fast as the kernel takes it, and come again when they are cut off. */
import { fork } from 'node:child_process';
import { onTestFinished } from 'vitest';

export interface HostilePeers {
  /** How often one of them has been cut off. */
  cutOff(): number;
  stop(): void;
}

/** @param kind of hostile-peer.mjs */
export function startHostilePeers(port: string, kind: string, count: number, isTls: boolean): HostilePeers {
  const child = fork(new URL('hostile-peer.mjs', import.meta.url), [port, kind, `${count}`], {
    env: { ...process.env, HOSTILE_TLS: isTls ? '1' : '0' },
  });
  const stop = () => void child.kill('SIGKILL');
  onTestFinished(stop);
  let cutOff = 0;
  child.on('message', ({ ended }: { ended: number }) => {
    cutOff = ended;
  });
  return { cutOff: () => cutOff, stop };
}
