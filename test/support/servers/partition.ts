/** A way to a server that a test can close: it stalls, as a network does that has lost its packets, and then it is cut. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Partition {
  readonly port: number;
  /** Nothing passes any more, and nobody is told; who comes is let in and hears nothing. */
  stall(): void;
  /** Ends what was stalled, and lets through what comes from here on. */
  heal(): void;
}

export async function partitionBefore(port: number): Promise<Partition> {
  const sockets = new Set<Socket>();
  let isStalled = false;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(from);
          // What is stalled does not hear of it.
          if (!isStalled) to.destroy();
        });
      from.on('data', (data) => {
        if (!isStalled) to.write(data);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    port: (server.address() as AddressInfo).port,
    stall: () => {
      isStalled = true;
    },
    heal: () => {
      cut();
      isStalled = false;
    },
  };
}
