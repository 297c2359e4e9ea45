/** The line that a person types on a terminal, which steps aside for what is printed meanwhile. */
import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export class Prompt {
  readonly #output: Writable;
  readonly #interface: Interface;
  #isShown = false;

  /** @param onInterrupt Ctrl-C, which a terminal in this mode gives to the program instead of the system */
  constructor(input: Readable, output: Writable, onInterrupt: () => void) {
    this.#output = output;
    this.#interface = createInterface({ input, output, terminal: true, prompt: '> ' });
    this.#interface.on('SIGINT', onInterrupt);
  }

  /** The lines as they are typed, up to Ctrl-D. */
  async *lines(): AsyncGenerator<string> {
    this.#show();
    for await (const line of this.#interface) {
      this.#isShown = false;
      yield line;
      this.#show();
    }
  }

  /** Prints around what is being typed. */
  print(write: () => void): void {
    if (!this.#isShown) {
      write();
      return;
    }
    this.#stepAside();
    write();
    this.#show();
  }

  /** Leaves no prompt behind, but what is typed already. */
  close(): void {
    if (this.#isShown && this.#interface.line !== '') this.#output.write('\n');
    else if (this.#isShown) this.#stepAside();
    this.#isShown = false;
    this.#interface.close();
  }

  #stepAside(): void {
    cursorTo(this.#output, 0);
    clearLine(this.#output, 0);
  }

  #show(): void {
    this.#isShown = true;
    this.#interface.prompt(true);
  }
}
