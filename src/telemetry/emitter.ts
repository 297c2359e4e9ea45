/**
 * Says what happens: as events of the hub, and on `node:diagnostics_channel` as `shardhub:<event>`. Costs nothing
 * when nobody listens.
 */
import { channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { HUB_EVENTS, type HubEventName, type HubEvents } from '../api/events.js';
import { throwLater } from '../util/throw-later.js';

const channels = new Map(HUB_EVENTS.map((name) => [name, channel(`shardhub:${name}`)]));

export class Emitter {
  readonly #events: EventEmitter<HubEvents>;

  constructor(events: EventEmitter<HubEvents>) {
    this.#events = events;
  }

  /** True when somebody listens: what costs to put together need not be otherwise. */
  has(name: HubEventName): boolean {
    return this.#events.listenerCount(name) > 0 || channels.get(name)!.hasSubscribers;
  }

  /** A listener that throws is the user's: it must not stop what goes on here, and is an uncaught exception. */
  emit<Name extends HubEventName>(name: Name, ...args: HubEvents[Name]): void {
    const diagnostics = channels.get(name)!;
    if (diagnostics.hasSubscribers) diagnostics.publish({ hub: this.#events, args });
    if (this.#events.listenerCount(name) === 0) return;
    try {
      (this.#events as EventEmitter).emit(name, ...args);
    } catch (error) {
      throwLater(error);
    }
  }
}
