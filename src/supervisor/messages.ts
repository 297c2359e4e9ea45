/** What a supervisor and its processes say to each other, over the channel of Node.js between them. Types only. */

/** To a process, before anything else. */
export interface Setup {
  readonly type: 'start';
  /** Its number, from 0. */
  readonly index: number;
  /** Options that win over what it reads itself. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly folder: string;
  /** Where it is to serve its supervisor: the path of a Unix socket. */
  readonly adminPath: string;
  /** Where its supervisor tells what all of them do: another one. */
  readonly wholePath: string;
}

export type ToProcess =
  | Setup
  /** Drain and end, as after this signal; at most so long. */
  | { readonly type: 'stop'; readonly signal: 'SIGTERM' | 'SIGINT'; readonly timeoutMs: number }
  /** What it has left is a second. */
  | { readonly type: 'hurry' }
  /** Load the handlers afresh. */
  | { readonly type: 'reload' };

/** What the start line says of a process. */
export interface Facts {
  readonly port: number;
  readonly url: string;
  readonly wsUrl: string;
  readonly handler: string;
  readonly workers: number;
  readonly engine: string;
  readonly advice?: string;
}

export type FromProcess =
  | { readonly type: 'ready'; readonly facts: Facts }
  /** The last that it has counted: it ends. */
  | { readonly type: 'last'; readonly stats: unknown; readonly metrics: string };
