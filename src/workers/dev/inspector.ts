/** A worker's own inspector, to which a debugger attaches. Worker thread. */
import { open, url } from 'node:inspector';
import type { HandlerLog } from '../../api/logger.js';

const HOST = '127.0.0.1';

/** @param port where it is to listen, if that is free; 0 is any */
export function openInspector(port: number, log: HandlerLog): void {
  open(port, HOST);
  // That of a worker before may be held at its breakpoint.
  if (url() === undefined && port !== 0) open(0, HOST);
  if (url() === undefined)
    log.error({ port }, 'a debugger cannot attach to this worker: its inspector does not open');
  else
    log.warn({ inspector: url() }, 'a debugger may attach to this worker: no deadline of a handler counts');
}
