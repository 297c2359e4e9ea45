/** The HTTP routes beside the WebSocket: health, statistics, the console page, and `POST /echo`. */
import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { HandshakeRequest } from '../../api/handshake-request.js';
import { METRICS_TYPE } from '../../telemetry/exposition.js';
import { type HeaderList, TEXT_TYPE } from '../../util/headers.js';
import {
  allResting,
  nothingThere,
  type Readiness,
  type Refusal,
  refusal,
  refuseUnready,
  tryAgain,
  unavailable,
  upgradeRequired,
} from '../admission/admission.js';
import { CONSOLE_HEADERS, type ConsoleAsset } from './console-assets.js';
import { type HttpExchange, respondRefusal, toRequest } from './exchange-port.js';
import type { HttpApp } from './http-app.js';
import { MAX_STREAMS, StatsFeed } from './stats-feed.js';
import { answerForAll } from './whole.js';

export interface HttpHost {
  onRefused(exchange: HttpExchange, answer: Refusal): void;
  readonly app: HttpApp;
  readiness(): Readiness;
  /** True from the first moment of a shutdown, while the hub may still take what comes. */
  isDraining(): boolean;
  /** False while file descriptors have run out. */
  isListening(): boolean;
  /** Shards whose workers rest after too many crashes. */
  resting(): number[];
  /** What is wrong with the broker, in words; empty when nothing is. */
  broker(): string;
  /** True while some worker serves. */
  isServing(): boolean;
  /** While every shard rests. */
  refuseResting(): Refusal | undefined;
  /** What Prometheus reads. */
  metrics(): string;
  /** Anything that JSON can carry. */
  stats(): unknown;
  /** Refuses a request for statistics. */
  refuseStats(headers: HttpExchange['headers']): Refusal | undefined;
  readonly feed: StatsFeed;
  /** Refuses a request by its Origin. */
  refuseOrigin(request: HandshakeRequest): Refusal | undefined;
  /** Runs a body through a worker; the exchange is answered with the replies. Returns a refusal when it does not. */
  onEcho(
    exchange: HttpExchange,
    request: HandshakeRequest,
    body: Uint8Array,
    isBinary: boolean,
  ): Refusal | undefined;
}

export interface HttpOptions {
  /** Paths with a WebSocket endpoint. */
  readonly paths: readonly string[];
  /** Serve /healthz, /readyz, /stats and /stats/stream. */
  readonly http: boolean;
  /** Serve /metrics too. */
  readonly metrics: boolean;
  /** Serve POST /echo. */
  readonly echo: boolean;
  readonly maxPayload: number;
  readonly assets: ReadonlyMap<string, ConsoleAsset>;
}

const TEXT: HeaderList = [['Content-Type', TEXT_TYPE]];
const NOT_CACHED = ['Cache-Control', 'no-store'] as const;
const READ_METHODS = ['GET', 'HEAD'];

type Route = (exchange: HttpExchange) => void;

export class HttpRoutes {
  readonly #host: HttpHost;
  readonly #options: HttpOptions;
  readonly #routes = new Map<string, { methods: readonly string[]; run: Route }>();

  constructor(host: HttpHost, options: HttpOptions) {
    this.#host = host;
    this.#options = options;
    for (const [path, asset] of options.assets) this.#add(path, READ_METHODS, serveAsset(asset));
    if (options.http) {
      this.#add('/healthz', READ_METHODS, (exchange) =>
        exchange.respond('200 OK', [...TEXT, NOT_CACHED], 'ok\n'),
      );
      this.#add('/readyz', READ_METHODS, (exchange) => this.#readyz(exchange));
      this.#add('/stats', READ_METHODS, (exchange) => this.#stats(exchange));
      this.#add('/stats/stream', ['GET'], (exchange) => this.#streamStats(exchange));
      if (options.metrics) this.#add('/metrics', READ_METHODS, (exchange) => this.#metrics(exchange));
      if (options.echo) this.#add('/echo', ['POST'], (exchange) => this.#echo(exchange));
    }
    for (const path of options.paths)
      this.#add(path, READ_METHODS, (exchange) => this.#refuse(exchange, upgradeRequired(exchange.headers)));
  }

  handle(exchange: HttpExchange): void {
    const route = this.#routes.get(exchange.path);
    if (route === undefined) {
      if (!this.#host.app.handle(exchange)) this.#refuse(exchange, nothingThere());
    } else if (!route.methods.includes(exchange.method)) {
      const allow = route.methods.join(', ');
      const body = `This path takes ${allow}.`;
      this.#refuse(exchange, refusal('bad-method', '405 Method Not Allowed', body, [['Allow', allow]]));
    } else {
      route.run(exchange);
    }
  }

  #add(path: string, methods: readonly string[], run: Route): void {
    this.#routes.set(path, { methods, run });
  }

  /** What all processes say where there are several, or else what this hub does. */
  #forAll(exchange: HttpExchange, alone: () => void, suffix = ''): void {
    const asked = answerForAll(exchange.path);
    if (asked === undefined) {
      alone();
      return;
    }
    void asked.then((answer) => {
      if (answer === undefined) return alone();
      const { status, type, body } = answer;
      const text = status === 200 ? body.replace(/\n$/, `${suffix}\n`) : body;
      exchange.respond(`${status} ${STATUS_CODES[status]}`, [['Content-Type', type], NOT_CACHED], text);
    });
  }

  #readyz(exchange: HttpExchange): void {
    const broker = this.#host.broker();
    this.#forAll(exchange, () => this.#ownReadiness(exchange), broker === '' ? '' : `, but ${broker}`);
  }

  #ownReadiness(exchange: HttpExchange): void {
    const readiness = this.#host.isDraining() ? 'draining' : this.#host.readiness();
    const resting = this.#host.resting();
    const broker = this.#host.broker();
    const without = broker === '' ? '' : `, but ${broker}`;
    const names = resting.length === 0 ? '' : `, but these shards rest after crashes: ${resting.join(', ')}`;
    if (readiness === 'running' && !this.#host.isServing()) {
      const { status, headers } = allResting();
      exchange.respond(status, [...headers, ...TEXT, NOT_CACHED], `no worker serves${names}\n`);
    } else if (readiness === 'running' && !this.#host.isListening()) {
      const { status, headers, body } = tryAgain('overloaded', 'file descriptors have run out');
      exchange.respond(status, [...headers, ...TEXT, NOT_CACHED], `${body}${names}\n`);
    } else if (readiness === 'running') {
      exchange.respond('200 OK', [...TEXT, NOT_CACHED], `ready${names}${without}\n`);
    } else {
      const { status, headers } = unavailable(readiness);
      exchange.respond(status, [...headers, ...TEXT, NOT_CACHED], `${readiness}\n`);
    }
  }

  #stats(exchange: HttpExchange): void {
    this.#tell(exchange, 'application/json', () => JSON.stringify(this.#host.stats()));
  }

  #metrics(exchange: HttpExchange): void {
    this.#tell(exchange, METRICS_TYPE, () => this.#host.metrics());
  }

  /** Answers whoever may read the statistics. */
  #tell(exchange: HttpExchange, type: string, body: () => string): void {
    const refused = this.#host.refuseStats(exchange.headers);
    if (refused !== undefined) this.#refuse(exchange, refused);
    else
      this.#forAll(exchange, () => exchange.respond('200 OK', [['Content-Type', type], NOT_CACHED], body()));
  }

  #streamStats(exchange: HttpExchange): void {
    const { feed } = this.#host;
    const refused = this.#host.refuseStats(exchange.headers) ?? this.#refuseStream();
    if (refused !== undefined) {
      this.#refuse(exchange, refused);
      return;
    }
    // Some proxies gather what they pass on, unless they are told.
    const headers: HeaderList = [
      ['Content-Type', 'text/event-stream'],
      NOT_CACHED,
      ['X-Accel-Buffering', 'no'],
    ];
    const stream = exchange.stream('200 OK', headers, StatsFeed.PREAMBLE);
    if (stream === undefined) return;
    exchange.onAborted(() => feed.remove(stream));
    feed.add(stream);
  }

  #refuseStream(): Refusal | undefined {
    const readiness = this.#host.readiness();
    if (readiness === 'draining') return unavailable(readiness);
    if (!this.#host.feed.isFull) return undefined;
    const body = `All ${MAX_STREAMS} streams of statistics are taken: try again later, or read /stats.`;
    return tryAgain('too-many-streams', body, 10);
  }

  #echo(exchange: HttpExchange): void {
    const host = this.#host;
    const request = toRequest(exchange);
    const refused = host.refuseOrigin(request) ?? this.#refuseWork();
    if (refused !== undefined) {
      this.#refuse(exchange, refused);
      return;
    }
    const { maxPayload } = this.#options;
    const isBinary = !/^(text\/|application\/json\b)/i.test(exchange.headers['content-type'] ?? '');
    exchange.readBody(maxPayload, (body) => {
      if (body === undefined) {
        const text = `The body is over ${maxPayload} bytes.`;
        this.#refuse(exchange, refusal('too-large', '413 Content Too Large', text), true);
      } else if (!isBinary && !isUtf8(body)) {
        this.#refuse(exchange, refusal('invalid-utf8', '400 Bad Request', 'The body is text but not UTF-8.'));
      } else {
        // The body may have taken its time.
        const late = this.#refuseWork() ?? host.onEcho(exchange, request, body, isBinary);
        if (late !== undefined) this.#refuse(exchange, late);
      }
    });
  }

  /** While there is nobody to work. */
  #refuseWork(): Refusal | undefined {
    const readiness = this.#host.readiness();
    return refuseUnready(readiness) ?? this.#host.refuseResting();
  }

  #refuse(exchange: HttpExchange, answer: Refusal, closeConnection = false): void {
    this.#host.onRefused(exchange, answer);
    respondRefusal(exchange, answer, closeConnection);
  }
}

function serveAsset(asset: ConsoleAsset): Route {
  const headers: HeaderList = [['Content-Type', asset.type], ...Object.entries(CONSOLE_HEADERS)];
  return (exchange) => exchange.respond('200 OK', headers, asset.body);
}
