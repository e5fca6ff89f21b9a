// What every implementation of LockoutStore must do.

import { expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { user, userRecord } from '../support/store-samples.ts';

export function lockoutContract(store: () => Store): void {
  const ann = user('ann');
  const lock = { failures: 3, until: 5_000 };

  it('counts failures, and locks with the one that makes the number', async () => {
    await store().createUser(userRecord('ann'), []);
    expect(await store().failedLogins(ann)).toBeUndefined();
    expect(await store().countFailedLogin(ann, lock)).toBe(false);
    expect(await store().countFailedLogin(ann, lock)).toBe(false);
    expect(await store().failedLogins(ann)).toEqual({ failures: 2 });
    expect(await store().countFailedLogin(ann, lock)).toBe(true);
    expect(await store().failedLogins(ann)).toEqual({ failures: 0, lockedUntil: 5_000 });
  });

  it('counts those that come together', async () => {
    await store().createUser(userRecord('ann'), []);
    const locked = await Promise.all([1, 2, 3, 4].map(() => store().countFailedLogin(ann, lock)));
    expect(locked.filter(Boolean)).toHaveLength(1);
    expect(await store().failedLogins(ann)).toEqual({ failures: 1, lockedUntil: 5_000 });
  });

  it('forgets when told to, and with the user', async () => {
    await store().createUser(userRecord('ann'), []);
    expect(await store().clearFailedLogins(ann)).toBe(false);
    await store().countFailedLogin(ann, lock);
    expect(await store().clearFailedLogins(ann)).toBe(true);
    expect(await store().failedLogins(ann)).toBeUndefined();
    await store().countFailedLogin(ann, lock);
    await store().deleteUser(ann);
    await store().createUser(userRecord('ann'), []);
    expect(await store().failedLogins(ann)).toBeUndefined();
  });

  it('keeps nothing of users who do not exist', async () => {
    expect(await store().countFailedLogin(user('ghost'), { failures: 1, until: 1 })).toBe(false);
    expect(await store().failedLogins(user('ghost'))).toBeUndefined();
  });
}
