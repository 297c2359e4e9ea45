/** A network of the kernel's own between a test and a server: a namespace with wires into it, each of which can be unplugged. Root only. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { onTestFinished } from 'vitest';

function ip(...args: string[]): string {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  return status === 0 ? '' : stderr?.trim() || String(error ?? `ip ended with ${status}`);
}

function ipOrThrow(...args: string[]): void {
  const failure = ip(...args);
  if (failure !== '') throw new Error(`ip ${args.join(' ')}: ${failure}`);
}

export interface Wire {
  /** Of the namespace, from here. */
  readonly host: string;
  /** Packets go nowhere, and nobody is told. */
  unplug(): void;
  plug(): void;
}

export class Network {
  readonly #name = `sh${process.pid}-${randomInt(1000)}`;
  readonly #subnet = randomInt(250);
  #wires = 0;

  /** Why there can be none here; empty when there can. */
  static whyNot(): string {
    const name = `sh${process.pid}-try`;
    const failure =
      ip('netns', 'add', name) || ip('link', 'add', `${name}0`, 'type', 'veth', 'peer', 'name', `${name}1`);
    ip('link', 'del', `${name}0`);
    ip('netns', 'del', name);
    return failure;
  }

  constructor() {
    ipOrThrow('netns', 'add', this.#name);
    onTestFinished(() => void ip('netns', 'del', this.#name));
  }

  /** Before the command line of a program that is to run in the namespace. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  wire(): Wire {
    const i = this.#wires++;
    const [here, there] = [`${this.#name}${i}a`, `${this.#name}${i}b`].map((name) => name.slice(-15)) as [
      string,
      string,
    ];
    const address = (last: number) => `10.213.${this.#subnet}.${4 * i + last}`;
    ipOrThrow('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.#name);
    onTestFinished(() => void ip('link', 'del', here));
    ipOrThrow('addr', 'add', `${address(1)}/30`, 'dev', here);
    ipOrThrow('link', 'set', here, 'up');
    const inside = (...args: string[]) => ipOrThrow('-n', this.#name, ...args);
    inside('addr', 'add', `${address(2)}/30`, 'dev', there);
    inside('link', 'set', there, 'up');
    return {
      host: address(2),
      unplug: () => inside('link', 'set', there, 'down'),
      plug: () => inside('link', 'set', there, 'up'),
    };
  }
}
