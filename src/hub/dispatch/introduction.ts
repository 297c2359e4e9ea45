/** How a worker is told of a connection: for the first time, or as one that another worker knew. I/O thread. */
import * as Flag from '../../wire/flag.js';
import type { InboundWriter } from '../../wire/inbound.js';
import * as Inbound from '../../wire/inbound-kind.js';
import type { InboundRecord } from '../../wire/layout.js';
import { decodeSuspended, encodeSuspended } from '../../wire/request.js';
import type { Connection } from '../connection/connection.js';
import type { InboundEntry } from '../connection/connection-record.js';

/** Values of `knownTo` beside the lives of the shard's worker, which count from 1. */
export const KnownTo = {
  /** It is introduced for the first time. */
  Nobody: 0,
  /** The worker that knew it has handed it over. */
  Reloaded: -1,
  /** The worker that knew it has died; so does a life that is over. */
  Restarted: -2,
} as const;

type Entry = Connection & InboundEntry;

/** Writes the record that introduces a connection, with what was kept of it; false when there is no room. */
export function introduce(inbound: InboundWriter, connection: Entry): boolean {
  const { slot, generation, request, knownTo, suspended } = connection;
  let kind = knownTo === KnownTo.Nobody ? Inbound.Open : Inbound.Open | Flag.Restarted;
  if (knownTo === KnownTo.Reloaded) kind |= Flag.Reloaded;
  if (suspended === undefined) return inbound.tryWriteText(kind, slot, generation, request);
  const payload = encodeSuspended(request, suspended);
  if (!inbound.tryWrite(kind | Flag.Suspended, slot, generation, payload)) return false;
  connection.suspended = undefined;
  return true;
}

/** The worker has not read that record: it is introduced again, as if for the first time if it was. */
export function withdraw(connection: Entry, { flags, payload }: InboundRecord): void {
  if ((flags & Flag.Restarted) === 0) connection.knownTo = KnownTo.Nobody;
  else connection.knownTo = (flags & Flag.Reloaded) === 0 ? KnownTo.Restarted : KnownTo.Reloaded;
  if ((flags & Flag.Suspended) !== 0) connection.suspended = decodeSuspended(payload).state;
}

/** The worker before keeps something of the connection: the next one is told. */
export function keepState(connection: Entry, state: Uint8Array): void {
  connection.suspended = state;
  connection.knownTo = KnownTo.Reloaded;
}
