// The resources of one contact and the one presence they come to (bridging 3.3).

import { UNAVAILABLE } from './presence-map.ts';
import type { HeardPresence, Show } from './presence-map.ts';

interface Resource {
  readonly name: string;
  readonly presence: HeardPresence;
  /** Grows with every presence received. */
  readonly serial: number;
}

/** Nobody is there. */
export const NOBODY: MergedPresence = {
  ...UNAVAILABLE,
  resource: '',
  priority: 0,
  ver: '',
  idleSince: undefined,
};

/** Resources remembered per contact; beyond, the longest silent one is forgotten. */
export const MAX_RESOURCES = 16;

const MOST_AVAILABLE: readonly (Show | undefined)[] = ['xa', 'away', 'dnd', undefined, 'chat'];

function rank(a: Resource, b: Resource): number {
  return (
    a.presence.priority - b.presence.priority ||
    MOST_AVAILABLE.indexOf(a.presence.show) - MOST_AVAILABLE.indexOf(b.presence.show) ||
    lastUsed(a.presence) - lastUsed(b.presence) ||
    a.serial - b.serial
  );
}

/** One in use counts more than any that is idle. */
function lastUsed({ idleSince }: HeardPresence): number {
  return idleSince ?? Number.MAX_SAFE_INTEGER;
}

/** Of all resources. */
export interface MergedPresence extends HeardPresence {
  /** The resource that counts; '' = there is none. */
  readonly resource: string;
}

export class Resources {
  readonly #known = new Map<string, Resource>();
  #serial = 0;
  #lastStatus = '';

  /** An unavailable presence without a resource ends all of them. */
  update(resource: string, presence: HeardPresence): void {
    this.#known.delete(resource);
    if (presence.available) {
      this.#serial += 1;
      this.#known.set(resource, { name: resource, presence, serial: this.#serial });
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
   * The resource of highest priority, then the most available, then the one used last, then the latest. One of negative
   * priority cannot be written to: where there are no others the contact is online, and not available.
   */
  merged(): MergedPresence {
    let best: Resource | undefined;
    for (const resource of this.#known.values()) {
      if (best === undefined || rank(resource, best) > 0) best = resource;
    }
    if (best === undefined) return { ...NOBODY, status: this.#lastStatus };
    const { name: resource, presence } = best;
    return presence.priority >= 0 ? { ...presence, resource } : { ...presence, resource, show: 'xa' };
  }

  #forgetOldest(): void {
    if (this.#known.size <= MAX_RESOURCES) return;
    for (const name of this.#known.keys()) {
      this.#known.delete(name);
      return;
    }
  }
}
