/** A client of the fixture `cluster.mjs`: asks its handler to call something, and keeps what else comes. */
import { WsClient } from './ws-client.js';

export class ClusterClient {
  readonly client: WsClient;
  /** Texts that came and were no answers. */
  readonly texts: string[] = [];
  /** Gets them instead. */
  onText = (text: string): void => void this.texts.push(text);
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;

  static async connect(url: string, options: { userId?: string } = {}): Promise<ClusterClient> {
    const { userId } = options;
    return new ClusterClient(await WsClient.connect(userId === undefined ? url : `${url}?user=${userId}`));
  }

  private constructor(client: WsClient) {
    this.client = client;
    void this.#read();
  }

  call<T = unknown>(call: string, ...args: unknown[]): Promise<T> {
    return this.#send({ call, args });
  }

  callOnWorker<T = unknown>(call: string, ...args: unknown[]): Promise<T> {
    return this.#send({ call, args, on: 'worker' });
  }

  /** Of the process that it is connected to. */
  pid(): Promise<number> {
    return this.#send({ call: 'pid', args: [], on: 'process' });
  }

  /** The handler calls these without waiting, and ends its thread. */
  crash(...calls: [string, ...unknown[]][]): void {
    this.client.send(JSON.stringify({ crash: calls }));
  }

  #send<T>(request: object): Promise<T> {
    const id = ++this.#last;
    this.client.send(JSON.stringify({ id, ...request }));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  async #read(): Promise<void> {
    for (;;) {
      const text = await this.client.nextText().catch(() => undefined);
      if (text === undefined) return;
      const answer = /^\[\d+,/.test(text)
        ? (JSON.parse(text) as [number, unknown, string?, string?])
        : undefined;
      const waiting = answer && this.#waiting.get(answer[0]);
      if (waiting === undefined) this.onText(text);
      else if (answer![2] === undefined) waiting.resolve(answer![1]);
      else waiting.reject(Object.assign(new Error(answer![3]), { code: answer![2] }));
    }
  }
}

/** `data.userId` from the query `?user=`. */
export const userFromQuery = ({ query }: { readonly query: string }) => {
  const userId = new URLSearchParams(query).get('user');
  return { data: userId === null ? {} : { userId } };
};
