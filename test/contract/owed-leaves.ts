// What every implementation of OwedLeaveStore must do.

import { expect, it } from 'vitest';
import type { OwedLeave, Store } from '../../src/store/store.ts';
import { trusted, type ClientId, type Domain, type GroupAddress } from '../../src/wv/ids.ts';
import { user } from '../support/store-samples.ts';

const FAR = trusted<Domain>('far.test');
const OTHER = trusted<Domain>('other.test');

function leave(name: string, owedAt: number, domain = FAR): OwedLeave {
  return {
    group: trusted<GroupAddress>(`wv:dan/moon@${domain}`),
    user: user(name),
    clientId: trusted<ClientId>('phone'),
    owedAt,
  };
}

export function owedLeaveContract(store: () => Store): void {
  it('gives them back by domain, oldest first', async () => {
    const [ann, bea, cy] = [leave('ann', 20), leave('bea', 10), leave('cy', 30, OTHER)];
    expect(await store().putOwedLeaves([ann, bea, cy], 10)).toBe(0);
    expect(await store().owedLeaves(FAR, 10)).toEqual([bea, ann]);
    expect(await store().owedLeaves(FAR, 1)).toEqual([bea]);
    expect(await store().domainsOwedLeaves()).toEqual([FAR, OTHER]);
  });

  it('keeps one of a client and a group, and forgets it only as it was read', async () => {
    await store().putOwedLeaves([leave('ann', 10)], 10);
    await store().putOwedLeaves([leave('ann', 20)], 10);
    expect(await store().owedLeaves(FAR, 10)).toEqual([leave('ann', 20)]);
    await store().deleteOwedLeave(leave('ann', 10));
    expect(await store().owedLeaves(FAR, 10)).toHaveLength(1);
    await store().deleteOwedLeave(leave('ann', 20));
    expect(await store().domainsOwedLeaves()).toEqual([]);
  });

  it('keeps so many of one domain, the newest', async () => {
    await store().putOwedLeaves([leave('cy', 5, OTHER)], 2);
    expect(await store().putOwedLeaves([leave('ann', 10), leave('bea', 20), leave('dan', 30)], 2)).toBe(1);
    expect(await store().owedLeaves(FAR, 10)).toEqual([leave('bea', 20), leave('dan', 30)]);
    expect(await store().owedLeaves(OTHER, 10)).toHaveLength(1);
  });

  it('drops old ones, so many at a time', async () => {
    await store().putOwedLeaves([leave('ann', 10), leave('bea', 20), leave('cy', 30)], 10);
    expect(await store().dropOwedLeaves(30, 1)).toBe(1);
    expect(await store().dropOwedLeaves(30, 10)).toBe(1);
    expect(await store().owedLeaves(FAR, 10)).toEqual([leave('cy', 30)]);
  });

  it('stay when the user is removed', async () => {
    await store().putOwedLeaves([leave('ann', 10)], 10);
    await store().deleteUser(user('ann'));
    expect(await store().owedLeaves(FAR, 10)).toHaveLength(1);
  });
}
