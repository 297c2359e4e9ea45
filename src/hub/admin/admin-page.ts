/**
 * The console page on the admin listener: the same files as on the hub's port, with what only an administrator may do, and the
 * live statistics. I/O thread.
 */
import type { ServerResponse } from 'node:http';
import { CONSOLE_HEADERS, type ConsoleAsset, type ConsoleConfig } from '../http/console-assets.js';
import { StatsFeed, type StatsReader } from '../http/stats-feed.js';
import { type AdminAnswer, problem } from './admin-routes.js';

export interface AdminPageHost {
  readonly feed: StatsFeed;
  /** @see loadConsoleAssets */
  loadPage(config: Pick<ConsoleConfig, 'stats' | 'url'>): ReadonlyMap<string, ConsoleAsset>;
}

export class AdminPage {
  readonly #host: AdminPageHost;
  readonly #stats: ConsoleConfig['stats'];
  /** The hub's WebSocket endpoint. */
  wsUrl = '';
  /** Read when somebody opens the page. */
  #assets: ReadonlyMap<string, ConsoleAsset> | undefined;

  /** @param stats whether a token is needed to read */
  constructor(stats: ConsoleConfig['stats'], host: AdminPageHost) {
    this.#stats = stats;
    this.#host = host;
  }

  /** A file of the page, or undefined. There is no secret in any: it asks for its token itself. */
  answer(path: string): AdminAnswer | undefined {
    if (path !== '/' && !path.startsWith('/console/')) return undefined;
    this.#assets ??= this.#host.loadPage({ stats: this.#stats, url: this.wsUrl });
    const asset = this.#assets.get(path);
    return asset && { status: 200, headers: CONSOLE_HEADERS, ...asset };
  }

  /** The live statistics, for as long as the reader stays; or why not. */
  stream(response: ServerResponse): AdminAnswer | undefined {
    const { feed } = this.#host;
    if (feed.isFull) return problem(503, 'all streams of statistics are taken');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(StatsFeed.PREAMBLE);
    const reader: StatsReader = {
      write: (piece) => response.write(piece),
      end: () => void response.end(),
      terminate: () => void response.destroy(),
    };
    response.once('close', () => feed.remove(reader));
    feed.add(reader);
    return undefined;
  }
}
