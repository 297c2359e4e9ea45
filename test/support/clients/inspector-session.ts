/** A debugger that is attached to one thread, over its own inspector. */
import { until } from '../until.js';
import { WsClient } from './ws-client.js';

export class InspectorSession {
  readonly #client: WsClient;
  #serial = 0;
  readonly #results = new Map<number, object>();
  isPaused = false;

  private constructor(client: WsClient) {
    this.#client = client;
    client.socket.on('message', (data) => {
      const { id, method, result, error } = JSON.parse(String(data));
      if (id !== undefined) this.#results.set(id, result ?? error);
      if (method === 'Debugger.paused') this.isPaused = true;
      if (method === 'Debugger.resumed') this.isPaused = false;
    });
  }

  /** @param url as the thread's inspector has it */
  static async attach(url: string): Promise<InspectorSession> {
    const session = new InspectorSession(await WsClient.connect(url));
    await session.call('Debugger.enable');
    return session;
  }

  async call(method: string, params: object = {}): Promise<object> {
    const id = ++this.#serial;
    this.#client.send(JSON.stringify({ id, method, params }));
    return until(`the answer to ${method}`, () => this.#results.get(id));
  }

  /** Stops the thread before a line, from 1, of a file whenever a condition holds. */
  async breakAt(file: string, line: number, condition: string): Promise<void> {
    const where = { urlRegex: `.*${file}`, lineNumber: line - 1, condition };
    const { locations } = (await this.call('Debugger.setBreakpointByUrl', where)) as { locations: object[] };
    if (locations.length !== 1) throw new Error(`no breakpoint at ${file}:${line}`);
  }
}
