/** The tests that are about one engine, and why: where the other one is under test they are left out, and the table is printed. */

interface OneEngine {
  /** A part of the file's path. */
  readonly file: string;
  /** A part of the test's name, with those of what it is in; all of the file without one. */
  readonly name?: string;
  readonly engine: 'uws' | 'node';
  readonly why: string;
  /** Here the other one can do it, too. */
  readonly isOver?: boolean;
}

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
/** Node.js shares a port: its documentation of `server.listen`. */
export const hasReusePort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

export const ONE_ENGINE: readonly OneEngine[] = [
  {
    file: 'engine/rfc-corpus',
    engine: 'uws',
    why: 'it compares with the bare engine; engine node: test/hub/engine/node/rfc-corpus has the same cases',
  },
  {
    file: 'tls',
    name: '"sharePort":true',
    engine: 'uws',
    why: 'SO_REUSEPORT needs Node.js 22.12, 23.1 or newer with engine node: test/nodes runs it there',
    isOver: hasReusePort,
  },
];

/** What the tests of Bun leave out, and why (docs/engines.md tells what of it a user may see). */
const ITS_HTTP = 'Bun reads requests itself, where engine node on Node.js has node:http';
const ON_BUN: readonly Omit<OneEngine, 'engine'>[] = [
  { file: 'drain.test', name: 'readyz says so', why: 'a drain closes connections without a request at once' },
  {
    file: 'http-app',
    name: 'a method that is none',
    why: `${ITS_HTTP}: it closes the connection unanswered`,
  },
  { file: 'http-app', name: 'with proxyProtocol', why: 'the option is refused' },
  { file: 'http-app', name: 'a body that fails', why: 'its fetch has other words for it' },
  { file: 'addressing', name: 'POST /echo', why: 'its fetch names no type of a text' },
  { file: 'stats-stream', name: 'no timer behind', why: 'it does not tell what keeps a process alive' },
  { file: 'engine/proxy', name: 'the PROXY protocol', why: 'the option is refused' },
  { file: 'engine/tls', name: 'sharePort', why: 'it cannot change the certificate of a server' },
  { file: 'engine/tls', name: 'on SIGHUP', why: 'it cannot change the certificate of a server' },
  {
    file: 'engine/tls',
    name: 'that there are not',
    why: 'bad suites are an error of listening (ERR_LISTEN)',
  },
  { file: 'engine/tls', name: 'a browser’s WebSocket', why: 'the browser here is a package for Node.js' },
];

export function whyNot(engine: string, file: string, name: string): string | undefined {
  const entry = ONE_ENGINE.find(
    (one) => one.engine !== engine && !one.isOver && file.includes(one.file) && name.includes(one.name ?? ''),
  );
  if (entry !== undefined) return `for engine ${entry.engine}: ${entry.why}`;
  if (process.versions.bun === undefined) return undefined;
  const onBun = ON_BUN.find((one) => file.includes(one.file) && name.includes(one.name ?? ''));
  return onBun && `not on Bun: ${onBun.why}`;
}
