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
const hasReusePort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

const NO_REUSE_PORT =
  'SO_REUSEPORT needs Node.js 22.12, 23.1 or newer with engine node: test/nodes runs it there';
const ENDS = 'it ends a connection without a close frame; engine node: test/hub/engine/node/rfc-corpus';
const NEVER_CLOSES = 'it has to close connections after some answers, which engine node never has to';

export const ONE_ENGINE: readonly OneEngine[] = [
  {
    file: 'deflate-offers',
    engine: 'uws',
    why: 'what it can honour of an offer; engine node: test/hub/engine/node/deflate',
  },
  {
    file: 'rfc-corpus',
    engine: 'uws',
    why: 'it compares with the bare engine; engine node: test/hub/engine/node',
  },
  { file: 'bad-input', name: 'a close ', engine: 'uws', why: ENDS },
  {
    file: 'bad-input',
    name: 'silence is cut',
    engine: 'uws',
    why: 'it lets an unmasked frame wait for more',
  },
  {
    file: 'peer-end',
    name: 'is told as 1006',
    engine: 'uws',
    why: 'it takes no close code from 1012 to 3999',
  },
  { file: 'http-app', name: 'closes it by chance', engine: 'uws', why: NEVER_CLOSES },
  { file: 'http-app', name: 'HEAD tells the length', engine: 'uws', why: NEVER_CLOSES },
  {
    file: 'http-app',
    name: 'that is gathered',
    engine: 'uws',
    why: 'with proxyProtocol it must know a response whole before it sends it',
  },
  {
    file: 'engine/proxy',
    name: 'unless asked for',
    engine: 'uws',
    why: 'it takes the header of the PROXY protocol in any case, which is no request to engine node',
  },
  { file: 'compression.full', name: 'no deflate stream', engine: 'uws', why: ENDS },
  {
    file: 'compression.full',
    name: 'shared makes the smallest',
    engine: 'uws',
    why: 'its shared compressor is the stronger one; engine node has one for both',
  },
  {
    file: 'startup',
    name: 'is shared only when both hubs ask for it',
    engine: 'uws',
    why: NO_REUSE_PORT,
    isOver: hasReusePort,
  },
  { file: 'tls', name: '"sharePort":true', engine: 'uws', why: NO_REUSE_PORT, isOver: hasReusePort },
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
