// Test support: a store that dies at a chosen call, as seen by a server whose process dies there: what was committed
// before is on disk, nothing happens any more. It lives again when the store is opened anew.

import type { GatewayStorage } from '../../src/store/gateway-storage.ts';
import type { Store } from '../../src/store/store.ts';

/** Whether the call at which it dies still reaches the disk. */
export type Death = 'before' | 'after';

export class MortalDisk {
  dead = false;
  /** The method that was called last, for the words of a test that fails. */
  lastCall = '';
  /** Called at the moment of death: nothing that the server does afterwards may be seen. */
  onDeath: () => void = () => {};
  #left = Number.POSITIVE_INFINITY;
  #death: Death = 'before';

  /** Dies at the `call`th call from now on, counted from 1. */
  arm(call: number, death: Death): void {
    this.#left = call;
    this.#death = death;
  }

  /** True when the call at which it was to die has not come. Nothing will die any more. */
  disarm(): boolean {
    const unspent = Number.isFinite(this.#left);
    this.#left = Number.POSITIVE_INFINITY;
    return unspent;
  }

  readonly filter = (store: Store): Store => {
    this.dead = false;
    return new Proxy(store, {
      get: (target, name: keyof Store): unknown => {
        if (name === 'close') return () => target.close();
        if (name === 'gatewayStorage')
          return (gateway: string) => this.#mortal(target.gatewayStorage(gateway));
        const method = target[name] as (...parameters: unknown[]) => Promise<unknown>;
        return (...parameters: unknown[]) => this.#call(name, () => method(...parameters));
      },
    });
  };

  #mortal(storage: GatewayStorage): GatewayStorage {
    return new Proxy(storage, {
      get: (target, name: keyof GatewayStorage): unknown => {
        const method = target[name] as (...parameters: unknown[]) => Promise<unknown>;
        return (...parameters: unknown[]) => this.#call(name, () => method(...parameters));
      },
    });
  }

  async #call(name: string, work: () => Promise<unknown>): Promise<unknown> {
    if (this.dead) throw new Error('the process is dead');
    this.lastCall = name;
    this.#left -= 1;
    if (this.#left > 0) return work();
    this.dead = true;
    this.#left = Number.POSITIVE_INFINITY;
    this.onDeath();
    if (this.#death === 'after') await work();
    throw new Error('the process died');
  }
}
