/** A CPU profile of the I/O thread, as Chrome's developer tools read it (`.cpuprofile`). One at a time. */
import { Session } from 'node:inspector/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HubError } from '../../api/errors.js';

let isRunning = false;

/** @throws HubError `ERR_HUB_STATE` while another one is made */
export async function profile(seconds: number): Promise<unknown> {
  if (isRunning) throw new HubError('ERR_HUB_STATE', 'a profile is being made already');
  isRunning = true;
  const session = new Session();
  try {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await delay(seconds * 1000, undefined, { ref: false });
    return (await session.post('Profiler.stop')).profile;
  } finally {
    session.disconnect();
    isRunning = false;
  }
}
