/**
 * The admin listeners of a supervisor: that of the option `adminListen`, and one in the private folder, where its processes ask
 * what all of them do. Supervisor's thread.
 */
import type { HubStats } from '../api/stats.js';
import { AdminServer, type AdminServerHost } from '../hub/admin/admin-server.js';
import { clearSocketPath } from '../hub/engine/unix-socket.js';
import { loadConsoleAssets } from '../hub/http/console-assets.js';
import { StatsFeed } from '../hub/http/stats-feed.js';
import { VERSION } from '../util/version.js';
import { FanOut } from './fan-out.js';
import type { Whole } from './whole.js';

export interface SupervisorAdminOptions {
  readonly adminListen?: string | undefined;
  readonly adminToken?: string | undefined;
  readonly statsToken?: string | undefined;
}

export interface SupervisorAdminHost {
  readonly whole: Whole;
  /** As SIGTERM does. */
  drain(): void;
  tell(text: string): void;
}

export class SupervisorAdmin {
  readonly #host: SupervisorAdminHost;
  readonly #feed: StatsFeed;
  readonly #servers: AdminServer[] = [];
  #latest: HubStats | undefined;
  /** Where administrators are served, or undefined. */
  url: string | undefined;

  constructor(host: SupervisorAdminHost) {
    this.#host = host;
    this.#feed = new StatsFeed({
      shards: 0,
      stats: () => this.#stats(),
      // These are of one process and its threads.
      sampleLatency: () => {},
      probe: () => {},
      loopDelays: () => [],
    });
  }

  /** For the processes. @throws HubError `ERR_LISTEN` */
  listenInside(path: string): Promise<void> {
    return this.#listen({ adminListen: path }, '');
  }

  /** For people. @param wsUrl the hubs' WebSocket endpoint. @throws HubError `ERR_LISTEN` */
  async listen(options: SupervisorAdminOptions, wsUrl: string): Promise<void> {
    const { adminListen } = options;
    if (adminListen === undefined) return;
    await this.#listen({ ...options, adminListen }, wsUrl);
    this.url = this.#servers.at(-1)!.url;
    this.#latest = await this.#host.whole.stats();
  }

  close(): void {
    this.#feed.close();
    for (const server of this.#servers) server.close();
  }

  async #listen(
    options: SupervisorAdminOptions & { readonly adminListen: string },
    wsUrl: string,
  ): Promise<void> {
    const { whole, drain, tell } = this.#host;
    const fanOut = new FanOut(whole, drain);
    const host: AdminServerHost = {
      feed: this.#feed,
      loadPage: (config) => loadConsoleAssets({ path: new URL(wsUrl).pathname, version: VERSION, ...config }),
      run: ({ key }, values) => fanOut.run(key, values),
      onChange: (what, details) => tell(`an administrator asked for ${what}: ${JSON.stringify(details)}`),
      onError: (error) => tell(`a request of an administrator failed: ${(error as Error).message}`),
    };
    const server = new AdminServer(options, host);
    await server.listen(clearSocketPath, wsUrl);
    this.#servers.push(server);
  }

  /** As of a second ago: the stream waits for nobody. */
  #stats(): HubStats {
    void this.#host.whole.stats().then((stats) => {
      this.#latest = stats ?? this.#latest;
    });
    return this.#latest!;
  }
}
