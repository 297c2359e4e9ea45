/** What ends a benchmark early. */

/** The run is worth nothing: a connection fell, an echo was wrong, a server died. */
export class BenchAbort extends Error {}

/** This server cannot run here: the others do. */
export class LeftOut extends Error {}
