/** Which hubs are there: each says so every 2 s, and is gone after 6 s of silence, or when it says goodbye. I/O thread. */
import type { ClusterNode } from '../../api/broker.js';
import type { Signal } from './signals.js';

export const BEAT_MS = 2000;
const DEAD_MS = 6000;
/** Silence is noticed within so long: with what its members are held back, a dead node's are gone within 10 s. */
const LOOK_MS = 500;

export interface NodesHost {
  readonly self: Omit<ClusterNode, 'connections' | 'lastSeenMs'>;
  connections(): number;
  say(signal: Signal): void;
  onSeen(node: string): void;
  /** It is dead, or has said goodbye. */
  onGone(node: string): void;
}

interface Seen {
  node: Omit<ClusterNode, 'lastSeenMs'>;
  at: number;
}

export class Nodes {
  readonly #host: NodesHost;
  readonly #others = new Map<string, Seen>();
  /** Those that have said goodbye: what is still on the way of them does not bring them back. */
  readonly #gone = new Set<string>();
  #beatTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;

  constructor(host: NodesHost) {
    this.#host = host;
  }

  start(): void {
    this.#beat();
    this.#beatTimer = setInterval(() => this.#beat(), BEAT_MS).unref();
    this.#lookTimer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** This node leaves. */
  stop(): void {
    if (this.#beatTimer === undefined) return;
    clearInterval(this.#beatTimer);
    clearInterval(this.#lookTimer);
    this.#beatTimer = undefined;
    this.#host.say({ type: 'bye' });
  }

  /** Ids of the others. */
  others(): string[] {
    return [...this.#others.keys()];
  }

  list(): ClusterNode[] {
    const now = performance.now();
    const self = { ...this.#host.self, connections: this.#host.connections(), lastSeenMs: 0 };
    const others = [...this.#others.values()].map(({ node, at }) => ({
      ...node,
      lastSeenMs: Math.round(now - at),
    }));
    return [self, ...others];
  }

  onHere(id: string, { name, version, connections, startedAt }: Extract<Signal, { type: 'here' }>): void {
    if (this.#gone.has(id)) return;
    const isNew = !this.#others.has(id);
    const node = { id, name: String(name), version: String(version), connections, startedAt };
    this.#others.set(id, { node, at: performance.now() });
    if (!isNew) return;
    // It knows of this one at once, not with the next beat.
    this.#beat();
    this.#host.onSeen(id);
  }

  onBye(id: string): void {
    this.#gone.add(id);
    this.#forget(id);
  }

  #look(): void {
    const before = performance.now() - DEAD_MS;
    for (const [id, { at }] of this.#others) if (at < before) this.#forget(id);
    // As many as a node can hear of in a life, less than can hurt.
    if (this.#gone.size > 10_000) this.#gone.clear();
  }

  #forget(id: string): void {
    if (this.#others.delete(id)) this.#host.onGone(id);
  }

  #beat(): void {
    const { name, version, startedAt } = this.#host.self;
    this.#host.say({ type: 'here', name, version, startedAt, connections: this.#host.connections() });
  }
}
