// Accounts that are locked after too many wrong passwords in a row, wherever they came from. On disk, so that neither a
// restart nor another process (`wvgate user unlock`) sees it otherwise.

import type { Clock, Log } from '../ops/ports.ts';
import type { LockoutStore } from '../store/lockouts.ts';
import type { UserAddress } from '../wv/ids.ts';

export interface LockoutPolicy {
  /** Wrong passwords in a row that lock the account. */
  readonly failures: number;
  /** How long it stays locked. */
  readonly seconds: number;
}

export class Lockouts {
  private readonly store: LockoutStore;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly policy: LockoutPolicy;

  constructor(deps: { store: LockoutStore; clock: Clock; log: Log; policy: LockoutPolicy }) {
    this.store = deps.store;
    this.clock = deps.clock;
    this.log = deps.log;
    this.policy = deps.policy;
  }

  /** Seconds for which the account is still locked; 0 = it is not. */
  async remaining(user: UserAddress): Promise<number> {
    const { lockedUntil = 0 } = (await this.store.failedLogins(user)) ?? {};
    return Math.max(0, Math.ceil((lockedUntil - this.clock.now()) / 1000));
  }

  /** Another wrong password. */
  async failed(user: UserAddress): Promise<void> {
    const until = this.clock.now() + this.policy.seconds * 1000;
    const locked = await this.store.countFailedLogin(user, { failures: this.policy.failures, until });
    if (locked)
      this.log.warn({ user, seconds: this.policy.seconds }, 'account locked: too many wrong passwords');
  }

  /** The right one: counting begins anew. */
  async succeeded(user: UserAddress): Promise<void> {
    if ((await this.store.failedLogins(user)) !== undefined) await this.store.clearFailedLogins(user);
  }
}
