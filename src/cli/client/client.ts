/** `shardhub client`: a conversation between a server and the terminal, a pipe or what the flags say. */
import { warn } from '../terminal/output.js';
import { drainOnStop } from '../terminal/stop.js';
import { Backoff } from './backoff.js';
import type { Target } from './connection.js';
import type { ClientOptions } from './flags.js';
import { asKind, clockTexts, lines } from './input.js';
import { ping } from './ping.js';
import { Prompt } from './prompt.js';
import { HumanReport, JsonReport, type Report, type Sink } from './report.js';
import { type Input, Session } from './session.js';

/** Resolves with the exit code, once the connection is over. */
export async function client(url: URL, options: ClientOptions): Promise<number> {
  const target = toTarget(url, options);
  const exitCode = (isFine: boolean) => (isFine ? 0 : 1);
  const screen = new Screen(options.json);
  // A reader that went away (`shardhub client … | head -1`) has seen what it wanted.
  let isWritable = true;
  let stop = (): void => {};
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    screen.mute();
    if (error.code !== 'EPIPE' && isWritable) {
      isWritable = false;
      warn(`stdout: ${error.message}`);
    }
    stop();
  });
  if (options.ping) {
    const stopper = new AbortController();
    const code = ping(target, options.timeout, screen.report, stopper.signal).then(exitCode);
    onStop(() => stopper.abort(), code);
    await code;
    await screen.flushed();
    return isWritable ? code : exitCode(false);
  }
  const { count, wait: waitMs, timeout: timeoutMs, reconnect } = options;
  const backoff = reconnect ? new Backoff() : undefined;
  const session = new Session(target, { count, waitMs, timeoutMs, backoff }, screen.report);
  const code = session.run(chooseInput(options, session, screen)).then(exitCode);
  session.signal.addEventListener('abort', () => screen.closePrompt(), { once: true });
  onStop(() => session.stop(), code);
  stop = () => session.stop();
  const result = await code;
  screen.close();
  return screen.isMuted ? exitCode(isWritable) : result;
}

function onStop(stop: () => void, code: Promise<number>): void {
  drainOnStop(() => {
    stop();
    return code;
  });
}

function toTarget(url: URL, options: ClientOptions): Target {
  const { header, subprotocol, origin, insecure, maxPayload, timeout } = options;
  return {
    url,
    headers: header,
    subprotocols: subprotocol,
    origin,
    isInsecure: insecure,
    maxPayload,
    handshakeTimeoutMs: timeout,
  };
}

function chooseInput(options: ClientOptions, session: Session, screen: Screen): Input {
  const { binary, every, file, send } = options;
  const given = [...send, ...file.map(({ bytes }) => bytes)];
  if (every !== undefined)
    return { messages: asKind(concat(given, clockTexts(every, session.signal)), binary), isEndless: true };
  if (given.length > 0) return { messages: asKind(given, binary), isEndless: false };
  const isTyped = process.stdin.isTTY === true;
  const typed = isTyped && process.stderr.isTTY ? screen.typed() : lines(process.stdin);
  return { messages: asKind(typed, binary), isEndless: isTyped };
}

async function* concat<T>(first: Iterable<T>, second: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first;
  yield* second;
}

/** The standard streams. */
class Screen {
  readonly report: Report;
  #prompt: Prompt | undefined;
  #isMuted = false;

  constructor(isJson: boolean) {
    const [out, err] = [this.#sink(process.stdout), this.#sink(process.stderr)];
    this.report = isJson ? new JsonReport(out, err) : new HumanReport(out, err);
  }

  get isMuted(): boolean {
    return this.#isMuted;
  }

  mute(): void {
    this.#isMuted = true;
  }

  /** Resolves when what was reported is written, or has failed to be. */
  flushed(): Promise<void> {
    return new Promise((resolve) => process.stdout.write('', () => setImmediate(resolve)));
  }

  /** What a person types, with a prompt on stderr, as stdout is for data. */
  async *typed(): AsyncGenerator<string> {
    // Emitted, not sent: as if the system had sent it.
    this.#prompt = new Prompt(process.stdin, process.stderr, () => process.emit('SIGINT', 'SIGINT'));
    yield* this.#prompt.lines();
  }

  closePrompt(): void {
    this.#prompt?.close();
    this.#prompt = undefined;
  }

  /** Lets go of stdin, which would keep the process alive. */
  close(): void {
    process.stdin.destroy();
  }

  #sink(stream: NodeJS.WriteStream): Sink {
    const isTerminal = stream.isTTY === true;
    const { NO_COLOR, TERM } = process.env;
    return {
      isTerminal,
      hasColours: isTerminal && !NO_COLOR && TERM !== 'dumb',
      writeLine: (line) => {
        if (this.#isMuted) return;
        const write = () => void stream.write(`${line}\n`);
        if (this.#prompt === undefined) write();
        else this.#prompt.print(write);
      },
    };
  }
}
