/** Is the server alive? One protocol ping (RFC 6455 §5.5.2), which every server has to answer by itself. */
import { Connection, type End, isClean, type Target } from './connection.js';
import type { Report } from './report.js';

/**
 * Resolves once the connection is over, with whether a pong came.
 *
 * @param timeoutMs how long the pong may take; the handshake has a limit of its own
 */
export function ping(
  target: Target,
  timeoutMs: number,
  report: Report,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let sentAt = 0;
    let isTold = false;
    let isAlive = false;
    const tell = (rttMs: number | undefined, cause?: string) => {
      if (isTold) return;
      isTold = true;
      isAlive = rttMs !== undefined;
      clearTimeout(timer);
      report.ping({ rttMs, ...(cause === undefined ? {} : { cause }) });
    };
    const connection = new Connection(target, {
      onOpen: () => {
        report.open(target.url, connection.subprotocol);
        sentAt = performance.now();
        connection.ping();
        timer = setTimeout(() => {
          tell(undefined, 'timeout');
          // What does not answer a ping is not waited for any longer.
          connection.abort();
        }, timeoutMs);
      },
      onMessage: () => {},
      onPong: () => {
        tell(performance.now() - sentAt);
        connection.close();
      },
      onEnd: (end) => {
        const by = isTold ? 'client' : 'server';
        if (end.kind === 'failed') report.error(end.failure);
        tell(undefined, describeDeath(end));
        if (end.kind === 'closed') report.close({ ...end, isClean: isClean(end), by });
        resolve(isAlive);
      },
    });
    signal.addEventListener('abort', () => connection.abort(), { once: true });
  });
}

function describeDeath(end: End): string {
  if (end.kind === 'closed') return `closed with ${end.code}`;
  return end.kind === 'failed' ? 'no connection' : 'stopped';
}
