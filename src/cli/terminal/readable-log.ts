/** The log as lines for people, where stderr is a terminal. Everywhere else it is JSON. */
import type { Logger } from '../../index.js';
import { escapeControls } from './escape.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const COLOURS: Readonly<Record<string, string>> = { debug: '2', info: '32', warn: '33', error: '31' };

/** A logger whose level can be changed while it is used, as the hub's own can. */
export class ReadableLog implements Logger {
  level: string;
  readonly #write: (line: string) => void;
  readonly #hasColours: boolean;
  readonly #now: () => Date;

  constructor(level: string, write: (line: string) => void, hasColours: boolean, now = () => new Date()) {
    this.level = level;
    this.#write = write;
    this.#hasColours = hasColours;
    this.#now = now;
  }

  error(details: object, message: string): void {
    this.#say('error', details, message);
  }

  warn(details: object, message: string): void {
    this.#say('warn', details, message);
  }

  info(details: object, message: string): void {
    this.#say('info', details, message);
  }

  debug(details: object, message: string): void {
    this.#say('debug', details, message);
  }

  isLevelEnabled(level: string): boolean {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(this.level);
  }

  #say(level: string, { err, ...details }: { err?: unknown }, message: string): void {
    if (!this.isLevelEnabled(level)) return;
    const time = this.#now().toTimeString().slice(0, 8);
    const head = level.toUpperCase().padEnd(5);
    const coloured = this.#hasColours ? `\x1b[${COLOURS[level]}m${head}\x1b[0m` : head;
    const fields = Object.entries(details).flatMap(([name, value]) =>
      value === undefined ? [] : ` ${name}=${show(value)}`,
    );
    const stack = (err as Error | undefined)?.stack;
    // What comes from clients and handlers must not write to the terminal by itself.
    const text = escapeControls(`${message}${fields.join('')}`);
    const below = stack === undefined ? '' : `\n${stack.split('\n').map(escapeControls).join('\n')}`;
    this.#write(`${time} ${coloured} ${text}${below}\n`);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
