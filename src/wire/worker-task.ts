/** What the I/O thread hands to the worker of a shard, and what comes back. */
import type { ErrorRecord } from '../api/errors.js';
import type { LogLevel } from '../api/logger.js';
import type { WorkerMemory } from './layout.js';

/** One end of a `MessageChannel`. */
export type Port = InstanceType<typeof MessageChannel>['port1'];

/** A handler to load: a built-in by name, or a module by its file: URL. */
export interface HandlerSource {
  /** As the user gave it, for messages. */
  readonly name: string;
  readonly url: string;
  /** For its `start`: `worker.options`. */
  readonly options?: unknown;
}

/** The handlers' names, as they are told. */
export function namesOf(handlers: readonly HandlerSource[]): string {
  return handlers.map(({ name }) => name).join(', ');
}

/** When a connection's next message may begin, and in which order replies leave. */
export type Ordering = 'serial' | 'concurrent' | 'unordered';

/** What a connection may be sent before its worker has to ask for room. */
export interface SendWindow {
  readonly bytes: number;
  readonly messages: number;
}

/** How the runtime treats hooks. */
export interface RuntimeSettings {
  /** How long a worker looks for records in a loop before it waits for them, in µs, or that it finds out for itself. */
  readonly spin: number | 'auto';
  /** One shared word: 0 while it is not to look. */
  readonly spinGate: Int32Array;
  /** Workers of the hub; 0 is the I/O thread. */
  readonly workers: number;
  readonly ordering: Ordering;
  /** Messages of one connection that are worked on at a time, unless `ordering` is serial. */
  readonly maxConcurrent: number;
  readonly sendWindow: SendWindow;
  /** A promise of a hook is waited for so long; 0 is no limit. */
  readonly handlerTimeoutMs: number;
  /** What has begun gets so long when another version is to take over. */
  readonly reloadTimeoutMs: number;
  /** What a failing hook costs its connection. */
  readonly onHandlerError: 'close' | 'ignore';
  /** Topics are more than the connections of this hub: they have rules, or other hubs. */
  readonly sharesTopics: boolean;
  /** By pattern of the option `topics`, in its order: true where there is history. */
  readonly historyTopics: Readonly<Record<string, boolean>>;
  /** What a worker may keep, in MiB; 0 is no limit of the hub's. */
  readonly workerMemoryMb: number;
  /** One shared word: a bit for each of `LOG_LEVELS` that the log writes. */
  readonly logLevels: Int32Array;
}

/** A module reads files, and loads others: it gets so long, however short a hook's time is. */
const MIN_LOAD_MS = 1000;

/** How long a handler's module may take to load; 0 is no limit. */
export function loadTimeoutMs(handlerTimeoutMs: number): number {
  return handlerTimeoutMs === 0 ? 0 : Math.max(handlerTimeoutMs, MIN_LOAD_MS);
}

/** The Piscina task of a link: it runs for as long as its worker lives, and batches stream through the rings. */
export interface WorkerTask {
  readonly shard: number;
  readonly memory: WorkerMemory;
  /** An `Open` record says which of them its connection has. */
  readonly handlers: readonly HandlerSource[];
  readonly settings: RuntimeSettings;
  /** Carries `WorkerReady` once, then a `DoorbellMessage` now and then. */
  readonly doorbell: Port;
  /** True when it is to wait for `Begin`, since another worker still has its shard. */
  readonly isStandby: boolean;
  /** Where its thread is to have an inspector of its own; 0 is any port. */
  readonly inspectorPort: number | undefined;
}

/**
 * `null` wakes the other side; a `PROBE` from the I/O thread is posted back as it is; a worker that keeps more memory than
 * it may says `OVER_MEMORY`, and waits to be ended.
 *
 * A worker is told to `SUSPEND`, which it answers with `Suspended` once everything that has begun has finished; then it
 * waits for `Begin`, as one that stands by does, or for `END`.
 */
export type DoorbellMessage =
  | null
  | typeof PROBE
  | typeof OVER_MEMORY
  | typeof SUSPEND
  | typeof END
  | Begin
  | Suspended
  | Note;
export const PROBE = 'probe';
export const OVER_MEMORY = 'over-memory';
export const SUSPEND = 'suspend';
export const END = 'end';

/** The worker serves the shard from here on. */
export interface Begin {
  /** What is not that of its task: it has served before, over other rings. */
  readonly begin: WorkerMemory | undefined;
  /** What the worker before it has kept. */
  readonly state: Uint8Array | undefined;
}

/** The worker has nothing any more that has begun. */
export interface Suspended {
  readonly suspended: true;
  /** What it keeps for the next one. */
  readonly state: Uint8Array | undefined;
}

/** A record for a worker that takes none from its ring any more: `Abort`, `Credit` or `Answer`. */
export interface Note {
  readonly note: number;
  readonly slot: number;
  readonly generation: number;
  /** Of an answer. */
  readonly payload: Uint8Array;
}

/** Posted on the doorbell once the handlers are loaded. */
export interface WorkerReady {
  readonly ready: true;
  readonly hooks: HandlerHooks;
}

/** Hooks that some handler has: records that no hook wants are not sent. */
export interface HandlerHooks {
  readonly open: boolean;
  readonly close: boolean;
  /** Of each handler, in the order in which they are loaded. */
  readonly topicLost: readonly boolean[];
  /** Some handler takes a connection over from the version before. */
  readonly resume: boolean;
}

/** How a worker link's task ended: stopped as asked, or its handler could not be loaded. */
export type WorkerTaskResult = { readonly stopped: true } | { readonly failure: ErrorRecord };

/** What the runtime on the I/O thread (`workers: 0`) needs of its shard. */
export interface LocalRuntimeHost {
  /** Replies are there and the I/O thread does not know yet. */
  onDoorbell(): void;
  /** The reply ring is full: apply replies now. */
  applyReplies(): void;
}

/** The runtime on the I/O thread, once its handlers have started. */
export interface LocalRuntime {
  readonly hooks: HandlerHooks;
  wake(): void;
  readonly stopped: Promise<void>;
}

/** What the module `workers/local.ts` exports: the hub knows it by its URL, and both sides by this type. */
export interface LocalRuntimeModule {
  startLocalRuntime(
    memory: WorkerMemory,
    sources: readonly HandlerSource[],
    settings: RuntimeSettings,
    host: LocalRuntimeHost,
  ): Promise<LocalRuntime>;
}

/** A line for the log as a handler wrote it: the payload of a reply, as JSON. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly text: string;
  readonly details?: object;
  /** True for what was printed to the console: it is written whatever the log's level. */
  readonly isPrinted?: true;
}
