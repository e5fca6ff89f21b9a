// What every implementation of LinkedAccountStore must do.

import { expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { user, userRecord } from '../support/store-samples.ts';

export function linkedAccountContract(store: () => Store): void {
  const ann = user('ann');
  const romeo = { user: ann, network: 'xmpp', account: 'romeo@xmpp.example', cipher: 'c1', linkedAt: 1 };
  const julia = { ...romeo, account: 'julia@xmpp.example' };

  it('links an account of a user, once per network', async () => {
    expect(await store().linkAccount(romeo, 10)).toBe('unknown');
    await store().createUser(userRecord('ann'), []);
    expect(await store().linkAccount(romeo, 10)).toBe('done');
    expect(await store().linkAccount(julia, 10)).toBe('linked');
    expect(await store().linkAccount({ ...julia, network: 'other' }, 10)).toBe('done');
    expect(await store().linkedAccounts('xmpp')).toEqual([romeo]);
    expect(await store().linkedAccountsOf(ann)).toHaveLength(2);
    expect(await store().linkedAccountsOf(user('bob'))).toEqual([]);
  });

  it('takes another password for the same account, and keeps its watcher', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().linkAccount(romeo, 10);
    await store().setLinkedWatcher(ann, 'xmpp', user('romeo'));
    expect(await store().linkAccount({ ...romeo, cipher: 'c2', linkedAt: 2 }, 1)).toBe('done');
    expect(await store().linkedAccounts()).toEqual([
      { ...romeo, cipher: 'c2', linkedAt: 2, watcher: user('romeo') },
    ]);
  });

  it('has room for so many accounts of a network', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().createUser(userRecord('bob'), []);
    await store().linkAccount(romeo, 1);
    expect(await store().linkAccount({ ...julia, user: user('bob') }, 1)).toBe('full');
    await store().unlinkAccount(ann, 'xmpp');
    expect(await store().linkAccount({ ...julia, user: user('bob') }, 1)).toBe('done');
  });

  it('forgets the password with the link, and the rest when told to', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().linkAccount(romeo, 10);
    await store().setLinkedWatcher(ann, 'xmpp', user('romeo'));
    expect(await store().unlinkAccount(ann, 'xmpp')).toBe(true);
    expect(await store().unlinkAccount(ann, 'xmpp')).toBe(false);
    expect(await store().linkedAccounts()).toEqual([]);
    const left = { ...romeo, cipher: '', watcher: user('romeo') };
    expect(await store().unlinkedAccounts(10)).toEqual([left]);
    expect(await store().linkAccount(julia, 10)).toBe('done');
    await store().forgetUnlinkedAccount(left);
    expect(await store().unlinkedAccounts(10)).toEqual([]);
    expect(await store().linkedAccounts()).toEqual([julia]);
  });

  it('does not forget an account that was linked again', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().linkAccount(romeo, 10);
    await store().unlinkAccount(ann, 'xmpp');
    const [left] = await store().unlinkedAccounts(10);
    await store().linkAccount({ ...romeo, linkedAt: 5 }, 10);
    if (left !== undefined) await store().forgetUnlinkedAccount(left);
    expect(await store().linkedAccounts()).toEqual([{ ...romeo, linkedAt: 5 }]);
  });

  it('gets another cipher, unless it was linked anew meanwhile', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().linkAccount(romeo, 10);
    await store().setLinkedCipher({ ...romeo, linkedAt: 99 }, 'of another time');
    expect(await store().linkedAccounts()).toEqual([romeo]);
    await store().setLinkedCipher(romeo, 'token');
    expect(await store().linkedAccounts()).toEqual([{ ...romeo, cipher: 'token' }]);
    await store().unlinkAccount(ann, 'xmpp');
    await store().setLinkedCipher(romeo, 'too late');
    expect(await store().linkedAccounts()).toEqual([]);
  });

  it('goes with the user', async () => {
    await store().createUser(userRecord('ann'), []);
    await store().linkAccount(romeo, 10);
    await store().deleteUser(ann);
    await store().createUser(userRecord('ann'), []);
    expect(await store().linkedAccounts()).toEqual([]);
  });
}
