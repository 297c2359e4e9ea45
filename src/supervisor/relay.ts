/** What carries topics between the processes of a supervisor: a relay, in its private folder. Supervisor's thread. */
import { join } from 'node:path';
import { RELAY_SCHEME } from '../broker/make-broker.js';
import { RelayServer } from '../broker/relay/relay-server.js';

export class Relay {
  /** What a process takes for its broker. */
  readonly url: string;
  readonly #server = new RelayServer();
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'relay.sock');
    this.url = `${RELAY_SCHEME}${this.#path}`;
  }

  listen(): Promise<void> {
    return this.#server.listen(this.#path);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
