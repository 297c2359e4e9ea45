/** What nodes say to each other, as JSON: on the channel of all, on that of one node, and on one for each topic's presence. */
import type { ClusterNode } from '../../api/broker.js';

/** Of this file: a node of another one is seen and named, and what it says beside that is dropped. */
export const PROTOCOL = 1;

/** A member as it travels: the id of its connection, and its user. */
export type MemberEntry = readonly [connection: string, userId: string | null];

/** A topic's presence on one node: as of its change number `seq`. */
export interface MembersSignal {
  readonly type: 'members';
  readonly topic: string;
  readonly seq: number;
  readonly members: readonly MemberEntry[];
  /** False when more parts follow. */
  readonly isLast: boolean;
}

export interface DeltaSignal {
  readonly type: 'delta';
  readonly topic: string;
  readonly seq: number;
  readonly joined: readonly MemberEntry[];
  readonly left: readonly string[];
}

export type Signal =
  | ({ readonly type: 'here' } & Omit<ClusterNode, 'id' | 'lastSeenMs'>)
  | { readonly type: 'bye' }
  /** Tell me your members of these topics. */
  | { readonly type: 'ask'; readonly topics: readonly string[] }
  | MembersSignal
  | DeltaSignal
  /** How far the presence of a topic is, for who has missed something. */
  | { readonly type: 'digest'; readonly topic: string; readonly seq: number }
  | { readonly type: 'user'; readonly userId: string; readonly data: string; readonly isBinary: boolean }
  | { readonly type: 'all'; readonly data: string; readonly isBinary: boolean }
  | { readonly type: 'disconnect'; readonly userId: string; readonly code: number; readonly reason: string };

export interface Received {
  readonly from: string;
  readonly protocol: number;
  readonly signal: Signal;
}

/** The channel of all nodes. */
export const ALL = 'nodes';
export const channelOf = (node: string) => `node:${node}`;
export const presenceChannel = (topic: string) => `presence:${topic}`;

export function encodeSignal(from: string, signal: Signal): Uint8Array {
  return Buffer.from(JSON.stringify({ shardhub: PROTOCOL, from, signal }));
}

/** Undefined for what is no signal. */
export function decodeSignal(bytes: Uint8Array): Received | undefined {
  try {
    const { shardhub: protocol, from, signal } = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const isOne = Number.isInteger(protocol) && typeof from === 'string' && typeof signal?.type === 'string';
    return isOne ? { protocol, from, signal } : undefined;
  } catch {
    return undefined;
  }
}

/** What is to be sent, in a signal. */
export function textOf(data: Uint8Array, isBinary: boolean): { data: string; isBinary: boolean } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { data: bytes.toString(isBinary ? 'base64' : 'utf8'), isBinary };
}

export function bytesOf({ data, isBinary }: { readonly data: string; readonly isBinary: boolean }): Buffer {
  return Buffer.from(data, isBinary ? 'base64' : 'utf8');
}
