/** The engine `node` without a hub: what it takes for requests and handshakes, and what it refuses by itself. */
import { onTestFinished } from 'vitest';
import type { HandshakePort } from '../../../src/hub/admission/upgrade.js';
import type { EngineServer, EngineServerOptions } from '../../../src/hub/engine/engine-port.js';
import { nodeEngine } from '../../../src/hub/engine/node/node-server.js';
import type { HttpExchange } from '../../../src/hub/http/exchange-port.js';

export interface ServedEngine {
  readonly server: EngineServer;
  readonly port: number;
  readonly requests: HttpExchange[];
  readonly handshakes: HandshakePort[];
  /** Status and address of what it refused. */
  readonly refused: [status: string, remoteAddress: string][];
  readonly errors: unknown[];
}

/** Serves `/ws`. Requests are answered with their method and path, handshakes with 418. */
export async function serveNode(
  options: Partial<EngineServerOptions> = {},
  answer: (exchange: HttpExchange) => void = (exchange) =>
    exchange.respond('200 OK', [], `${exchange.method} ${exchange.path}`),
): Promise<ServedEngine> {
  const requests: HttpExchange[] = [];
  const handshakes: HandshakePort[] = [];
  const refused: [string, string][] = [];
  const errors: unknown[] = [];
  const server = await nodeEngine.create(
    {
      host: '127.0.0.1',
      port: 0,
      sharePort: false,
      paths: ['/ws'],
      answersLater: false,
      compression: 'off',
      compressionMinBytes: 0,
      trustProxy: false,
      proxyProtocol: false,
      maxPayload: 1000,
      idleTimeout: 60,
      sendPings: true,
      maxLifetime: 0,
      ...options,
    },
    {
      onHandshake: (port) => {
        handshakes.push(port);
        port.refuse({ reason: 'upgrade-refused', status: "418 I'm a teapot", headers: [], body: 'No.' });
      },
      onOpen: () => {
        throw new Error('nothing is accepted');
      },
      onEngineClose: () => {},
      onRequest: (exchange) => {
        requests.push(exchange);
        answer(exchange);
      },
      onRefused: ({ status }, address) => refused.push([status, address]),
      onError: (error) => errors.push(error),
    },
  );
  onTestFinished(() => server.close());
  return { server, port: await server.listen(), requests, handshakes, refused, errors };
}
