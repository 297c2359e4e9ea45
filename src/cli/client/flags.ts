/** What `shardhub client` takes: its flags, and which of them exclude each other. */
import { isUtf8 } from 'node:buffer';
import { HANDSHAKE_FLAGS } from '../flags/handshake-flags.js';
import { repeatable, single, type ToolOptions, type ToolUsage, toggle } from '../flags/tool-flags.js';
import { duration, FILE, integer, TEXT, TOKEN, WEBSOCKET_URL } from '../flags/values.js';

export const CLIENT_FLAGS = {
  send: repeatable('--send <text>', TEXT, 'send a text instead of reading stdin; repeatable'),
  file: repeatable(
    '--file <path>',
    FILE,
    'send the content of a file as one message, after the texts; repeatable',
  ),
  every: single('--every <duration>', duration(1), 'send the current time so often, until Ctrl-C or --count'),
  binary: toggle('--binary', 'send binary messages'),
  count: single('--count <messages>', integer(1, 1e9), 'end once so many messages arrived'),
  wait: single(
    '--wait <duration>',
    duration(0),
    'at the end of the input, wait so long for messages, not for one reply per message',
  ),
  ping: toggle('--ping', 'send a protocol ping: alive with its round-trip time, or dead'),
  timeout: single(
    '--timeout <duration>',
    duration(1),
    'longest wait for the handshake, for a pong, and for the next reply that is due',
    '10s',
  ),
  subprotocol: repeatable(
    '--subprotocol <name>',
    TOKEN,
    'subprotocol to offer, the preferred one first; repeatable',
  ),
  ...HANDSHAKE_FLAGS,
  maxPayload: single('--max-payload <bytes>', integer(1, 2 ** 30), 'largest message to accept', '104857600'),
  reconnect: toggle('--reconnect', 'connect again when a connection fails or ends; nothing is sent twice'),
  json: toggle('--json', 'write each event as a line of JSON to stdout'),
};

export type ClientOptions = ToolOptions<typeof CLIENT_FLAGS>;

export const CLIENT_USAGE: ToolUsage<typeof CLIENT_FLAGS> = {
  name: 'client',
  description: 'talk to a WebSocket server from the terminal, a pipe or a script',
  exitCodes: '0 fine, 1 the connection or the server failed',
  address: WEBSOCKET_URL,
  flags: CLIENT_FLAGS,
  findContradictions,
};

function findContradictions(options: ClientOptions): string[] {
  const { binary, every, file, ping, subprotocol } = options;
  const unfit = (['send', 'file', 'every', 'binary', 'count', 'wait', 'reconnect'] as const).filter(
    (name) => ping && isGiven(options[name]),
  );
  const notText = file.filter(({ bytes }) => !binary && !isUtf8(bytes));
  const repeated = subprotocol.filter((name, index) => subprotocol.indexOf(name) < index);
  return [
    ...unfit.map((name) => `--ping sends one ping and no message: leave out --${name}`),
    ...notText.map(
      ({ path }) => `--file ${JSON.stringify(path)} is not UTF-8, as a text must be: add --binary`,
    ),
    ...repeated.map((name) => `--subprotocol ${JSON.stringify(name)} is given twice`),
    ...(every !== undefined && options.wait !== undefined
      ? ['--every has no end to --wait at: leave one out']
      : []),
  ];
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
