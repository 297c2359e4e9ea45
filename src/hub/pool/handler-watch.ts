/** Reloads the handlers when one of their files has changed: the option `watch`. I/O thread. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { handlerFiles } from './handler-files.js';

/** Editors write in several steps, and save several files at once. */
const SETTLE_MS = 20;

export interface HandlerWatchHost {
  /** The modules of the handlers of now. */
  urls(): readonly string[];
  /** Settles when it is through; why it failed is told elsewhere. */
  reload(): Promise<unknown>;
}

export class HandlerWatch {
  readonly #host: HandlerWatchHost;
  /** By folder: a file that is replaced by another is seen there, but not by who watches the file. */
  readonly #folders = new Map<string, { readonly watcher: FSWatcher; names: Set<string> }>();
  #timer: NodeJS.Timeout | undefined;

  #isReloading = false;
  #hasChanged = false;

  constructor(host: HandlerWatchHost) {
    this.#host = host;
  }

  /** Watches the modules, and what they import by now. */
  start(): void {
    const byFolder = new Map<string, Set<string>>();
    for (const path of handlerFiles(this.#host.urls())) {
      const names = byFolder.get(dirname(path)) ?? new Set();
      byFolder.set(dirname(path), names.add(basename(path)));
    }
    for (const [folder, names] of byFolder) {
      const known = this.#folders.get(folder);
      if (known !== undefined) known.names = names;
      else this.#open(folder, names);
    }
    for (const [folder, { watcher }] of this.#folders) {
      if (byFolder.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #open(folder: string, names: Set<string>): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#onEvent(folder, name));
      // A folder that is gone: what is in it may be watched again with the next change.
      watcher.on('error', () => watcher.close());
      this.#folders.set(folder, { watcher, names });
    } catch {
      // As above.
    }
  }

  #onEvent(folder: string, name: string | null): void {
    if (name !== null && !this.#folders.get(folder)?.names.has(name)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#onChange(), SETTLE_MS).unref();
  }

  /** What changes while it reloads is reloaded once more. */
  async #onChange(): Promise<void> {
    this.#hasChanged = true;
    if (this.#isReloading) return;
    this.#isReloading = true;
    while (this.#hasChanged) {
      this.#hasChanged = false;
      await this.#host.reload().catch(() => {});
      if (this.#folders.size > 0) this.start();
    }
    this.#isReloading = false;
  }
}
