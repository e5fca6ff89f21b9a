// Wrong passwords in a row and the locks that follow from them, by account.

import type { UserAddress } from '../wv/ids.ts';

export interface FailedLogins {
  /** Since the last success or lock. */
  readonly failures: number;
  /** Milliseconds since the epoch; may be over. */
  readonly lockedUntil?: number;
}

export interface LockoutStore {
  /**
   * Counts one more failure of an existing user. With the `failures`-th the account is locked until `until` and
   * counting begins anew: true.
   */
  countFailedLogin(
    user: UserAddress,
    lock: { readonly failures: number; readonly until: number },
  ): Promise<boolean>;
  /** undefined = none since the last success. */
  failedLogins(user: UserAddress): Promise<FailedLogins | undefined>;
  /** Forgets failures and lock; false = there was nothing to forget. */
  clearFailedLogins(user: UserAddress): Promise<boolean>;
}
