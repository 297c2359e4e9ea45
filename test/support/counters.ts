/** Groups of counters as `stats()` has them, told apart by what has happened: a counter that is added later is 0 like all the others. */

/** The counters of a group that are not 0. */
export function counted(group: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(group).filter(([, count]) => count !== 0));
}
