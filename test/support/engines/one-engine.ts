/** The tests that are about one engine, and why: where the other one is under test they are left out, and the table is printed. */

interface OneEngine {
  /** A part of the file's path. */
  readonly file: string;
  /** A part of the test's name, with those of what it is in; all of the file without one. */
  readonly name?: string;
  readonly engine: 'uws' | 'node';
  readonly why: string;
}

const NO_REUSE_PORT = 'SO_REUSEPORT needs Node.js 22.12, 23.1 or newer with engine node';
const ENDS = 'it ends a connection without a close frame; engine node: test/hub/engine/node/rfc-corpus';
const NEVER_CLOSES = 'it has to close connections after some answers, which engine node never has to';

export const ONE_ENGINE: readonly OneEngine[] = [
  {
    file: 'deflate-offers',
    engine: 'uws',
    why: 'what it can honour of an offer; engine node: deflate-agreement',
  },
  {
    file: 'rfc-corpus',
    engine: 'uws',
    why: 'it compares with the bare engine; engine node: test/hub/engine/node',
  },
  { file: 'bad-input', name: 'invalid UTF-8 in a text > ', engine: 'uws', why: ENDS },
  { file: 'bad-input', name: 'a frame that breaks', engine: 'uws', why: ENDS },
  { file: 'bad-input', name: 'a close ', engine: 'uws', why: ENDS },
  {
    file: 'bad-input',
    name: 'silence is cut',
    engine: 'uws',
    why: 'it lets an unmasked frame wait for more',
  },
  { file: 'max-payload', name: 'ended by the engine', engine: 'uws', why: ENDS },
  { file: 'max-payload', name: 'claimed to be huge', engine: 'uws', why: ENDS },
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
  { file: 'startup', name: 'is shared only when both hubs ask for it', engine: 'uws', why: NO_REUSE_PORT },
  { file: 'tls', name: '"sharePort":true', engine: 'uws', why: NO_REUSE_PORT },
];

export function whyNot(engine: string, file: string, name: string): string | undefined {
  const entry = ONE_ENGINE.find(
    (one) => one.engine !== engine && file.includes(one.file) && name.includes(one.name ?? ''),
  );
  return entry && `for engine ${entry.engine}: ${entry.why}`;
}
