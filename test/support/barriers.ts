/**
 * Barriers between a test and a handler in another thread or process: files in a directory that the handler is
 * told in the query of its connection (see test/fixtures/barriers.mjs).
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './until.js';

export class Barriers {
  readonly dir = mkdtempSync(join(tmpdir(), 'shardhub-test-'));

  constructor() {
    onTestFinished(() => {
      // Whatever still waits is let go first.
      this.lift('release');
      // They may be writing: under this name, nobody adds a file to what is being removed.
      const gone = `${this.dir}-gone`;
      renameSync(this.dir, gone);
      rmSync(gone, { recursive: true, force: true });
    });
  }

  /** `url` with the query that tells a handler where the barriers are. */
  url(url: string): string {
    return `${url}?dir=${encodeURIComponent(this.dir)}`;
  }

  /** Lets everyone pass who waits for `name`. */
  lift(name: string): void {
    if (existsSync(this.dir)) writeFileSync(join(this.dir, name), '');
  }

  /** How many handlers have reached `name`. */
  reached(name: string): number {
    return readdirSync(this.dir).filter((file) => file.startsWith(`${name}.`)).length;
  }

  /** Waits until `count` handlers have reached `name`. */
  async waitFor(name: string, count = 1): Promise<void> {
    await until(
      () => `${count} handlers to reach "${name}" (${this.reached(name)} did)`,
      () => this.reached(name) >= count,
    );
  }

  /** The lines that handlers have noted under `name`. */
  notes(name: string): string[] {
    const file = join(this.dir, `${name}.log`);
    // A line that has no end yet is being written.
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  /** Waits until handlers have noted `count` lines under `name`. */
  async waitForNotes(name: string, count: number): Promise<string[]> {
    await until(
      () => `${count} notes under "${name}" (there are ${this.notes(name).length})`,
      () => this.notes(name).length >= count,
    );
    return this.notes(name);
  }
}
