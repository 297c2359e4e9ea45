/**
 * A connection's public id: its slot in the table and the slot's generation, so that an id is never used again for
 * another peer while the slot is.
 */
export function connectionId(slot: number, generation: number): string {
  return `${slot.toString(36)}.${generation.toString(36)}`;
}

/** Slot and generation of an id, or undefined when it is not one. */
export function parseConnectionId(id: string): { slot: number; generation: number } | undefined {
  const match = /^([0-9a-z]{1,6})\.([0-9a-z]{1,7})$/.exec(id);
  if (match === null) return undefined;
  return { slot: Number.parseInt(match[1]!, 36), generation: Number.parseInt(match[2]!, 36) };
}
