// The resources of one contact and the one presence they come to (bridging 3.3).

import { UNAVAILABLE } from './presence-map.ts';
import type { Show, XmppPresence } from './presence-map.ts';

interface Resource {
  readonly presence: XmppPresence;
  readonly priority: number;
  /** Grows with every presence received. */
  readonly serial: number;
}

/** Resources remembered per contact; beyond, the longest silent one is forgotten. */
export const MAX_RESOURCES = 16;

const MOST_AVAILABLE: readonly (Show | undefined)[] = ['xa', 'away', 'dnd', undefined, 'chat'];

function rank(a: Resource, b: Resource): number {
  return (
    a.priority - b.priority ||
    MOST_AVAILABLE.indexOf(a.presence.show) - MOST_AVAILABLE.indexOf(b.presence.show) ||
    a.serial - b.serial
  );
}

export class Resources {
  readonly #known = new Map<string, Resource>();
  #serial = 0;
  #lastStatus = '';

  /** An unavailable presence without a resource ends all of them. */
  update(resource: string, presence: XmppPresence, priority: number): void {
    this.#known.delete(resource);
    if (presence.available) {
      this.#serial += 1;
      this.#known.set(resource, { presence, priority, serial: this.#serial });
      this.#forgetOldest();
      return;
    }
    this.#lastStatus = presence.status;
    if (resource === '') this.#known.clear();
  }

  clear(): void {
    this.#known.clear();
  }

  get empty(): boolean {
    return this.#known.size === 0;
  }

  /**
   * The resource of highest priority, then the most available, then the latest. One of negative priority cannot be
   * written to: where there are no others the contact is online, and not available.
   */
  merged(): XmppPresence {
    let best: Resource | undefined;
    for (const resource of this.#known.values()) {
      if (best === undefined || rank(resource, best) > 0) best = resource;
    }
    if (best === undefined) return { ...UNAVAILABLE, status: this.#lastStatus };
    return best.priority >= 0 ? best.presence : { ...best.presence, show: 'xa' };
  }

  #forgetOldest(): void {
    if (this.#known.size <= MAX_RESOURCES) return;
    for (const name of this.#known.keys()) {
      this.#known.delete(name);
      return;
    }
  }
}
