/** A debugger: a client of the inspector of a process, attached to its worker threads. */
import { until } from '../until.js';
import { WsClient } from './ws-client.js';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { sessionId: string; message: string };
}

export class InspectorClient {
  readonly #client: WsClient;
  #serial = 0;
  /** Threads that are at a breakpoint, by session. */
  readonly paused = new Set<string>();
  readonly #enabled = new Set<string>();

  private constructor(client: WsClient) {
    this.#client = client;
    client.socket.on('message', (data) => this.#onMessage(JSON.parse(String(data))));
  }

  /** Resolves once breakpoints of so many worker threads stop them. @param url as the process prints it */
  static async attach(url: string, workers: number): Promise<InspectorClient> {
    const inspector = new InspectorClient(await WsClient.connect(url));
    inspector.#send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    await until('the workers', () => inspector.#enabled.size === workers);
    return inspector;
  }

  /** Lets every thread go on. */
  resume(): void {
    for (const session of this.paused) this.#sendTo(session, 'Debugger.resume');
  }

  #send(method: string, params: object): void {
    this.#client.send(JSON.stringify({ id: ++this.#serial, method, params }));
  }

  #sendTo(sessionId: string, method: string): void {
    const message = JSON.stringify({ id: ++this.#serial, method });
    this.#send('NodeWorker.sendMessageToWorker', { sessionId, message });
  }

  #onMessage({ method, params }: Message): void {
    if (method === 'NodeWorker.attachedToWorker') this.#sendTo(params!.sessionId, 'Debugger.enable');
    if (method !== 'NodeWorker.receivedMessageFromWorker') return;
    const { sessionId, message } = params!;
    const event: Message = JSON.parse(message);
    if (event.id !== undefined) this.#enabled.add(sessionId);
    if (event.method === 'Debugger.paused') this.paused.add(sessionId);
    if (event.method === 'Debugger.resumed') this.paused.delete(sessionId);
  }
}
