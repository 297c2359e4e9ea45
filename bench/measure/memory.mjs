/** What a load makes a server's process grow by at its peak. Linux alone tells it, and of one process only. */
import { readFileSync, writeFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

export class PeakMeter {
  #pid;
  #idleMib;

  /** @param {number} pid of the server, before the load */
  constructor(pid) {
    this.#pid = pid;
    try {
      // The peak is that of now (proc(5)).
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
      this.#idleMib = readMib(pid, 'VmRSS');
    } catch {
      this.#idleMib = null;
    }
  }

  /** Since it was made. */
  figures() {
    if (this.#idleMib === null) return {};
    return { peakGrowthMib: readMib(this.#pid, 'VmHWM') - this.#idleMib };
  }
}

function readMib(pid, name) {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  );
  return kib / KIB_PER_MIB;
}
