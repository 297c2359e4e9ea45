/** An engine without a hub: what it tells is written down, and what it asks a test answers. */
import { onTestFinished } from 'vitest';
import type { HandshakePort } from '../../../src/hub/admission/upgrade.js';
import type { Acceptance } from '../../../src/hub/admission/upgrade-result.js';
import type { SocketListener, SocketPort } from '../../../src/hub/connection/socket-port.js';
import type {
  Engine,
  EngineServer,
  EngineServerHost,
  EngineServerOptions,
} from '../../../src/hub/engine/engine-port.js';
import { nodeEngine } from '../../../src/hub/engine/node/node-server.js';
import { uwsEngine } from '../../../src/hub/engine/uws/server.js';
import { until } from '../until.js';

/** Every engine that there is. */
export const ENGINES: readonly Engine[] = [uwsEngine, nodeEngine];

/** A socket, and in words what its listener was told. */
export interface Socket {
  readonly port: SocketPort;
  readonly told: string[];
}

type Answers = Partial<Pick<EngineServerHost, 'onHandshake' | 'onRequest'>> & {
  /** What a listener does beside writing down what it is told. */
  readonly onOpen?: (socket: Socket) => void;
  readonly onTold?: (socket: Socket, what: string) => void;
};

export interface BareEngine {
  readonly server: EngineServer;
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly errors: unknown[];
  /** The socket of that number, once it is open. */
  socket(index?: number): Promise<Socket>;
}

const OPTIONS: EngineServerOptions = {
  host: '127.0.0.1',
  port: 0,
  sharePort: false,
  paths: ['/ws'],
  answersLater: true,
  compression: 'off',
  compressionMinBytes: 1024,
  trustProxy: false,
  proxyProtocol: false,
  maxPayload: 100_000,
  idleTimeout: 120,
  sendPings: true,
  maxLifetime: 0,
};

/** A handshake that is let in as it came. */
export function accept({ request }: HandshakePort): Acceptance {
  return { request, data: undefined, encoded: '', headers: [], route: undefined as never };
}

/** The bytes of a range, unmasked the slow way. */
function unmask(source: Uint8Array, start: number, end: number, mask: number): Buffer {
  return Buffer.from(source.subarray(start, end).map((byte, i) => byte ^ (mask >>> (8 * (i & 3)))));
}

export async function startBareEngine(
  engine: Engine,
  answers: Answers = {},
  options: Partial<EngineServerOptions> = {},
): Promise<BareEngine> {
  const sockets: Socket[] = [];
  const errors: unknown[] = [];
  const onOpen = (port: SocketPort): SocketListener => {
    const socket: Socket = { port, told: [] };
    const tell = (what: string) => {
      socket.told.push(what);
      answers.onTold?.(socket, what);
    };
    sockets.push(socket);
    answers.onOpen?.(socket);
    return {
      onMessage: (source, start, end, mask, isBinary) => {
        const text = unmask(source, start, end, mask).toString('latin1');
        tell(`${isBinary ? 'binary' : 'text'} ${text.length > 100 ? `of ${text.length}` : text}`);
      },
      onPing: (payload) => tell(`ping ${Buffer.from(payload)}`),
      onPong: (payload) => tell(`pong ${Buffer.from(payload)}`),
      onDrain: () => tell('drain'),
      onClose: (code, reason) => tell(`close ${code} ${reason}`.trim()),
    };
  };
  const server = await engine.create({ ...OPTIONS, ...options }, {
    onHandshake: (port) => port.accept(accept(port)),
    onRequest: (exchange) => exchange.respond('404 Not Found', [], 'nothing\n'),
    ...answers,
    onOpen,
    onRefused: () => {},
    onEngineClose: () => {},
    onError: (error) => void errors.push(error),
  } as EngineServerHost);
  onTestFinished(() => server.close());
  const port = await server.listen();
  const socket = (index = 0) => until(`socket ${index} to open`, () => sockets[index]);
  return { server, port, sockets, errors, socket };
}
