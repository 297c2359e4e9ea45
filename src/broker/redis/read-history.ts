/** How a history is read: by as many answers as it takes, since each is bounded in bytes. I/O thread. */
import type { Position } from '../../api/broker.js';
import type { BrokerPublication, HistoryRead } from '../broker.js';
import { decodeMessage } from '../codec.js';

/** Where the newest publication is. */
const NEWEST = '+';

/** What the script `READ` answers. */
type Answer = [epoch: Buffer, last: number, reachesBack: number, hasMore: number, ...entries: unknown[]];

/** @param ask runs the script `READ`, with these arguments behind the new text */
export async function readHistory(
  ask: (args: string[]) => Promise<unknown>,
  ttlMs: number,
  since: Position | undefined,
  limit: number,
): Promise<HistoryRead> {
  const read = async (count: number, from: string) => {
    const args = [since?.epoch ?? '', `${since?.offset ?? 0}`, `${count}`, `${ttlMs}`, from];
    const [epoch, last, reachesBack, hasMore, ...entries] = (await ask(args)) as Answer;
    const position = { offset: last, epoch: epoch.toString() };
    return { position, reachesBack: reachesBack === 1, hasMore: hasMore === 1, entries };
  };
  const { entries, ...first } = await read(limit, NEWEST);
  const { epoch } = first.position;
  // Behind a position, whoever wants more goes on from the last one.
  if (since?.epoch === epoch) return { ...first, publications: toPublications(entries) };
  for (let { hasMore } = first; hasMore; ) {
    const oldest = Number(entries.at(-2));
    const more = await read(limit - entries.length / 2, `${oldest - 1}`);
    // Another history has begun: what there is of this one, is had.
    if (more.position.epoch !== epoch) break;
    entries.push(...more.entries);
    hasMore = more.hasMore;
  }
  return { ...first, hasMore: false, publications: toPublications(entries).reverse() };
}

function toPublications(entries: readonly unknown[]): BrokerPublication[] {
  const publications = [];
  for (let i = 0; i < entries.length; i += 2) {
    const decoded = decodeMessage(entries[i + 1] as Uint8Array);
    if (decoded !== undefined) publications.push({ offset: Number(entries[i]), ...decoded });
  }
  return publications;
}
