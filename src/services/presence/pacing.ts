// How often another domain hears of one user's changes (ir76 5.2: coalesce within 2 s): the first change goes at once,
// those that follow within the window go together when it is over, with the values of that moment.

import type { Clock } from '../../ops/ports.ts';
import type { Domain, UserAddress } from '../../wv/ids.ts';
import type { AttributeMask } from './masks.ts';

/** From the last notification on. */
interface Window {
  readonly publisher: UserAddress;
  readonly domain: Domain;
  /** Milliseconds since the epoch. */
  readonly ends: number;
  /** What changed meanwhile; 0 = nothing. */
  changed: AttributeMask;
}

export interface PacingOptions {
  readonly clock: Clock;
  /** Milliseconds; 0 = every change goes at once. */
  readonly windowMs: number;
  /** Tells the watchers in the domain the present values of what changed. */
  readonly tell: (publisher: UserAddress, domain: Domain, changed: AttributeMask) => void;
}

/** One timer for all windows; memory for the users who changed something within the last window. */
export class Pacing {
  private readonly options: PacingOptions;
  /** In the order in which they end. */
  private readonly windows = new Map<string, Window>();
  private ticking = false;

  constructor(options: PacingOptions) {
    this.options = options;
  }

  /** True = to be told now; false = it is told with the end of the window. */
  passes(publisher: UserAddress, domain: Domain, changed: AttributeMask): boolean {
    if (this.options.windowMs === 0) return true;
    const open = this.windows.get(keyOf(publisher, domain));
    if (open === undefined) {
      this.open(publisher, domain);
      return true;
    }
    open.changed |= changed;
    return false;
  }

  private open(publisher: UserAddress, domain: Domain): void {
    const ends = this.options.clock.now() + this.options.windowMs;
    this.windows.set(keyOf(publisher, domain), { publisher, domain, ends, changed: 0 });
    this.tick();
  }

  private tick(): void {
    const [first] = this.windows.values();
    if (first === undefined || this.ticking) return;
    const { clock, windowMs } = this.options;
    this.ticking = true;
    clock.after(Math.max(0, Math.min(first.ends - clock.now(), windowMs)), () => {
      this.ticking = false;
      this.close();
      this.tick();
    });
  }

  private close(): void {
    const { clock, windowMs, tell } = this.options;
    const now = clock.now();
    for (const [key, { publisher, domain, ends, changed }] of this.windows) {
      // One that ends later than can be was opened before the clock was put back.
      if (ends > now && ends - now <= windowMs) return;
      this.windows.delete(key);
      if (changed === 0) continue;
      this.open(publisher, domain);
      tell(publisher, domain, changed);
    }
  }
}

function keyOf(publisher: UserAddress, domain: Domain): string {
  return `${publisher} ${domain}`;
}
