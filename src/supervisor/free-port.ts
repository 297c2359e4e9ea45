/** Whether a port is free: sockets that share one would not notice that somebody else is there, of the same user. */
import { createServer } from 'node:net';
import { HubError } from '../api/errors.js';

/** @throws HubError `ERR_LISTEN` */
export async function checkPort(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'it is in use' : message;
      reject(new HubError('ERR_LISTEN', `cannot listen on ${host}:${port}: ${why}`));
    });
    server.listen({ host, port, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
