// What every implementation of Store must do, whatever is underneath.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type {
  AccessLists,
  AttributeListRecord,
  SessionRecord,
  Store,
  UserRecord,
} from '../../src/store/store.ts';
import { linkedAccountContract } from './linked-accounts.ts';
import { lockoutContract } from './lockouts.ts';
import { invitationContract } from './invitations.ts';
import { contentContract } from './content.ts';
import { list, message, messageId, user, userRecord } from '../support/store-samples.ts';
import { gatewayEventContract, gatewayValueContract } from './gateways.ts';
import { groupContract, keepGroup } from './groups.ts';
import { owedLeaveContract } from './owed-leaves.ts';
import { outboxContract, queueContract, repeatContract } from './queues.ts';

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Store>;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}

/** Runs the contract; `open` gives a new, empty store on the system's clock. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as Store`, () => {
    let tested: StoreUnderTest;
    let store: Store;
    const current = () => store;
    beforeEach(async () => {
      tested = await open();
      store = tested.store;
    });
    afterEach(() => tested.dispose());

    describe('users', () => userContract(current));
    describe('contact lists', () => listContract(current));
    describe('presence', () => presenceContract(current));
    describe('watchers', () => watcherContract(current));
    describe('failed log-ins', () => lockoutContract(current));
    describe('linked accounts', () => linkedAccountContract(current));
    describe('sessions', () => sessionContract(current));
    describe('queue', () => queueContract(current));
    describe('repeats', () => repeatContract(current));
    describe('groups', () => groupContract(current));
    describe('invitations', () => invitationContract(current));
    describe('leaves owed to groups elsewhere', () => owedLeaveContract(current));
    describe('outbox', () => outboxContract(current));
    describe('gateway values', () => gatewayValueContract(current));
    describe('gateway links and inbox', () => gatewayEventContract(current));

    describe('content', () => contentContract(current));

    it('keeps everything over a restart', async () => {
      await store.createUser(userRecord('ann'), [list('ann', 'friends', 'bob')]);
      await store.putPresence(user('ann'), { Alias: { valid: true, value: 'Ann' } });
      await store.enqueue([message('m1', 'ann')], { remember: true, limit: 10 });
      await store.gatewayStorage('xmpp').put('key', 'value');
      const before = await store.loadHome(user('ann'));
      const group = await keepGroup(store);
      store = await tested.reopen();
      expect(await store.loadHome(user('ann'))).toEqual(before);
      expect(await store.queueOf(user('ann'), 0, 10)).toMatchObject([{ messageId: 'm1' }]);
      expect(await store.gatewayStorage('xmpp').get('key')).toBe('value');
      expect(await store.loadGroup(group.address)).toEqual(group);
      expect(await store.groupHistory(group.address, 10)).toMatchObject([{ id: 'm1' }]);
      expect(await store.enqueue([message('m1', 'ann')], { remember: true, limit: 10 })).toEqual([
        'repeated',
      ]);
    });

    it('does not use a queue number again after a restart with an empty queue', async () => {
      await store.enqueue([message('m1', 'ann')], { remember: false, limit: 10 });
      const [first] = await store.queueOf(user('ann'), 0, 1);
      await store.dequeue(user('ann'), messageId('m1'), 'message');
      store = await tested.reopen();
      await store.enqueue([message('m2', 'ann')], { remember: false, limit: 10 });
      expect(await store.queueOf(user('ann'), first?.seq ?? 0, 10)).toMatchObject([{ messageId: 'm2' }]);
    });

    it('counts rows by table', async () => {
      await store.createUser(userRecord('ann'), []);
      await store.enqueue([message('m1', 'ann')], { remember: false, limit: 10 });
      expect(await store.sizes()).toMatchObject({ users: 1, queue: 1, outbox: 0 });
    });

    it('finishes what is queued before it closes', async () => {
      const write = store.createUser(userRecord('ann'), []);
      store = await tested.reopen();
      expect(await write).toBe(true);
      expect(await store.getUser(user('ann'))).toEqual(userRecord('ann'));
    });

    it('refuses work after it was closed', async () => {
      await store.close();
      await expect(store.getUser(user('ann'))).rejects.toMatchObject({ code: 'closed' });
      await expect(store.deleteUser(user('ann'))).rejects.toMatchObject({ code: 'closed' });
    });
  });
}

type Current = () => Store;

function userContract(current: Current): void {
  it('gives back the user who was created', async () => {
    const record: UserRecord = {
      ...userRecord('ann'),
      displayName: 'Ann',
      credentials: { hash: 'h', cipher: 'c' },
    };
    expect(await current().createUser(record, [])).toBe(true);
    expect(await current().getUser(user('ann'))).toEqual(record);
    expect(await current().getUser(user('bob'))).toBeUndefined();
  });

  it('does not take an address twice, nor touch the first user', async () => {
    await current().createUser(userRecord('ann'), [list('ann', 'friends', 'bob')]);
    const again = { ...userRecord('ann'), displayName: 'Impostor' };
    expect(await current().createUser(again, [list('ann', 'other')])).toBe(false);
    const home = await current().loadHome(user('ann'));
    expect(home?.user).toEqual(userRecord('ann'));
    expect(home?.lists).toEqual([list('ann', 'friends', 'bob')]);
  });

  it('changes only the part of the profile that is given', async () => {
    await current().createUser({ ...userRecord('ann'), displayName: 'Ann' }, []);
    expect(await current().setProfile(user('ann'), { active: false })).toBe(true);
    expect(await current().getUser(user('ann'))).toMatchObject({ displayName: 'Ann', active: false });
    expect(await current().setProfile(user('ann'), { displayName: 'Annie' })).toBe(true);
    expect(await current().getUser(user('ann'))).toMatchObject({ displayName: 'Annie', active: false });
    expect(await current().setProfile(user('bob'), { active: false })).toBe(false);
  });

  it('replaces credentials as a whole', async () => {
    await current().createUser({ ...userRecord('ann'), credentials: { hash: 'old', cipher: 'old' } }, []);
    expect(await current().setCredentials(user('ann'), { hash: 'new' })).toBe(true);
    expect((await current().getUser(user('ann')))?.credentials).toEqual({ hash: 'new' });
    expect(await current().setCredentials(user('bob'), { hash: 'new' })).toBe(false);
  });

  it('lists users in address order, page by page', async () => {
    for (const name of ['cid', 'ann', 'bob']) await current().createUser(userRecord(name), []);
    const first = await current().listUsers(undefined, 2);
    expect(first.map((record) => record.address)).toEqual([user('ann'), user('bob')]);
    const second = await current().listUsers(user('bob'), 2);
    expect(second.map((record) => record.address)).toEqual([user('cid')]);
  });

  it('loads the home of a new user as empty', async () => {
    await current().createUser(userRecord('ann'), []);
    const none = { inUse: false, entities: [] };
    expect(await current().loadHome(user('ann'))).toEqual({
      user: userRecord('ann'),
      lists: [],
      attributeLists: [],
      authorizations: [],
      access: { block: none, grant: none },
      presence: {},
      watchers: [],
    });
    expect(await current().loadHome(user('bob'))).toBeUndefined();
  });

  it('removes everything of a home with its user, so that a namesake inherits nothing', async () => {
    const store = current();
    await fillHome(store);
    expect(await store.deleteUser(user('ann'))).toBe(true);
    expect(await store.deleteUser(user('ann'))).toBe(false);
    // Remembered until the server has cleared up after him, also under another user of the name.
    expect(await store.removedUsers(10)).toEqual([user('ann')]);
    await store.forgetRemovedUser(user('ann'));
    expect(await store.removedUsers(10)).toEqual([]);
    // So does what waits for him, until its senders are told.
    expect(await store.dequeue(user('ann'), messageId('m1'), 'message')).toBe(true);
    const { users: _, ...sizes } = await store.sizes();
    expect(Object.values(sizes).every((rows) => rows === 0)).toBe(true);
  });
}

async function fillHome(store: Store): Promise<void> {
  const ann = user('ann');
  await store.createUser(userRecord('ann'), [list('ann', 'friends', 'bob')]);
  await store.putAttributeList(ann, { subject: { kind: 'default' }, attributes: ['OnlineStatus'] });
  await store.putAuthorization(ann, { watcher: user('bob'), state: 'GRANTED', changedAt: 1 });
  await store.setAccessLists(ann, {
    block: { inUse: true, entities: [] },
    grant: { inUse: false, entities: [] },
  });
  await store.putPresence(ann, { Alias: { valid: true, value: 'Ann' } });
  await store.putWatcher(ann, { watcher: user('bob'), since: 1 });
  await store.putSession(session('s1', ann));
  await store.enqueue([message('m1', 'ann')], { remember: true, limit: 10 });
}

function listContract(current: Current): void {
  const friends = () => list('ann', 'friends').address;
  const ofAnn = async () => (await current().loadHome(user('ann')))?.lists;
  beforeEach(() => current().createUser(userRecord('ann'), []));

  it('keeps lists and contacts in the order in which they came', async () => {
    await current().putList(user('ann'), list('ann', 'work'));
    await current().putList(user('ann'), list('ann', 'friends'));
    await current().putContacts(friends(), [{ user: user('zoe'), name: '' }]);
    await current().putContacts(friends(), [{ user: user('bob'), name: '' }]);
    expect(await ofAnn()).toEqual([list('ann', 'work'), list('ann', 'friends', 'zoe', 'bob')]);
  });

  it('changes the properties of a list and leaves its contacts', async () => {
    await current().putList(user('ann'), list('ann', 'friends'));
    await current().putContacts(friends(), [{ user: user('bob'), name: '' }]);
    await current().putList(user('ann'), { address: friends(), displayName: 'Best', isDefault: true });
    expect(await ofAnn()).toEqual([
      { ...list('ann', 'friends', 'bob'), displayName: 'Best', isDefault: true },
    ]);
  });

  it('renames a contact in its place', async () => {
    await current().putList(user('ann'), list('ann', 'friends'));
    await current().putContacts(friends(), list('ann', 'friends', 'bob', 'cid').contacts);
    await current().putContacts(friends(), [{ user: user('bob'), name: 'Bobby' }]);
    expect((await ofAnn())?.[0]?.contacts).toEqual([
      { user: user('bob'), name: 'Bobby' },
      { user: user('cid'), name: '' },
    ]);
  });

  it('removes contacts, and lists with their contacts', async () => {
    await current().putList(user('ann'), list('ann', 'friends'));
    await current().putContacts(friends(), list('ann', 'friends', 'bob', 'cid').contacts);
    await current().removeContacts(friends(), [user('bob'), user('nobody')]);
    expect(await ofAnn()).toEqual([list('ann', 'friends', 'cid')]);
    await current().deleteList(friends());
    expect(await ofAnn()).toEqual([]);
    expect(await current().sizes()).toMatchObject({ contacts: 0 });
  });

  it('drops the attribute list of a deleted list, so that a namesake inherits nothing', async () => {
    await current().putList(user('ann'), list('ann', 'friends'));
    const subject = { kind: 'list', list: friends() } as const;
    await current().putAttributeList(user('ann'), { subject, attributes: ['OnlineStatus'] });
    await current().deleteList(friends());
    expect((await current().loadHome(user('ann')))?.attributeLists).toEqual([]);
  });

  it('refuses writes for owners and lists that do not exist', async () => {
    const missing = { code: 'missing' };
    await expect(current().putList(user('bob'), list('bob', 'x'))).rejects.toMatchObject(missing);
    await expect(current().putContacts(friends(), [])).rejects.toMatchObject(missing);
    await expect(current().putPresence(user('bob'), {})).rejects.toMatchObject(missing);
    await current().deleteList(friends());
    await current().removeContacts(friends(), [user('bob')]);
  });
}

function presenceContract(current: Current): void {
  const home = async () => await current().loadHome(user('ann'));
  beforeEach(() => current().createUser(userRecord('ann'), []));

  it('merges presence attributes', async () => {
    await current().putPresence(user('ann'), {
      Alias: { valid: true, value: 'Ann' },
      StatusText: { valid: true, value: 'busy' },
    });
    await current().putPresence(user('ann'), { StatusText: { valid: false } });
    expect((await home())?.presence).toEqual({
      Alias: { valid: true, value: 'Ann' },
      StatusText: { valid: false },
    });
  });

  it('keeps one attribute list for each subject', async () => {
    const friends = list('ann', 'friends').address;
    const records: AttributeListRecord[] = [
      { subject: { kind: 'default' }, attributes: ['OnlineStatus'] },
      { subject: { kind: 'list', list: friends }, attributes: ['Alias', 'StatusText'] },
      { subject: { kind: 'user', user: user('bob') }, attributes: [] },
    ];
    for (const record of records) await current().putAttributeList(user('ann'), record);
    await current().putAttributeList(user('ann'), { subject: { kind: 'default' }, attributes: ['Alias'] });
    const stored = (await home())?.attributeLists;
    expect(stored).toHaveLength(3);
    expect(stored).toContainEqual({ subject: { kind: 'default' }, attributes: ['Alias'] });
    expect(stored).toContainEqual(records[1]);
    await current().deleteAttributeList(user('ann'), { kind: 'user', user: user('bob') });
    expect((await home())?.attributeLists).not.toContainEqual(records[2]);
  });

  it('keeps one authorization for each watcher', async () => {
    const ann = user('ann');
    await current().putAuthorization(ann, {
      watcher: user('bob'),
      state: 'PENDING',
      attributes: ['Alias'],
      changedAt: 1,
    });
    await current().putAuthorization(ann, { watcher: user('bob'), state: 'GRANTED', changedAt: 2 });
    expect((await home())?.authorizations).toEqual([
      { watcher: user('bob'), state: 'GRANTED', changedAt: 2 },
    ]);
    await current().deleteAuthorization(ann, user('bob'));
    expect((await home())?.authorizations).toEqual([]);
  });

  it('replaces access lists', async () => {
    const access: AccessLists = {
      block: { inUse: true, entities: [user('bob')] },
      grant: { inUse: false, entities: [] },
    };
    await current().setAccessLists(user('ann'), access);
    expect((await home())?.access).toEqual(access);
  });
}

function watcherContract(current: Current): void {
  beforeEach(async () => {
    for (const name of ['ann', 'bob', 'cid']) await current().createUser(userRecord(name), []);
  });
  const watch = (publisher: string, watcher: UserAddress) =>
    current().putWatcher(user(publisher), { watcher, since: 1 });

  it('keeps a watcher once, with what it asked for last', async () => {
    await current().putWatcher(user('ann'), { watcher: user('x', 'xmpp.example'), since: 1 });
    await current().putWatcher(user('ann'), {
      watcher: user('x', 'xmpp.example'),
      attributes: ['Alias'],
      since: 2,
    });
    const home = await current().loadHome(user('ann'));
    expect(home?.watchers).toEqual([{ watcher: user('x', 'xmpp.example'), attributes: ['Alias'], since: 2 }]);
    await current().deleteWatcher(user('ann'), user('x', 'xmpp.example'));
    expect((await current().loadHome(user('ann')))?.watchers).toEqual([]);
  });

  it('finds the watchers in a domain in publisher order, whole publishers a page', async () => {
    const xmpp = (name: string) => user(name, 'xmpp.example');
    await watch('bob', xmpp('x'));
    await watch('ann', xmpp('y'));
    await watch('ann', xmpp('x'));
    await watch('ann', user('x', 'other.example'));
    const first = await current().watchersIn('xmpp.example', undefined, 1);
    expect(first).toEqual([
      { publisher: user('ann'), watcher: xmpp('x') },
      { publisher: user('ann'), watcher: xmpp('y') },
    ]);
    const second = await current().watchersIn('xmpp.example', user('ann'), 1);
    expect(second).toEqual([{ publisher: user('bob'), watcher: xmpp('x') }]);
    expect(await current().watchersIn('xmpp.example', user('bob'), 1)).toEqual([]);
  });
}

function session(id: string, owner: UserAddress): SessionRecord {
  return {
    id: trusted(id),
    user: owner,
    clientId: trusted('WV:phone'),
    cookie: 'cookie',
    version: '1.2',
    state: '{"services":[]}',
    createdAt: 1,
    keepAlive: 600,
  };
}

function sessionContract(current: Current): void {
  it('keeps, replaces and deletes sessions', async () => {
    await current().createUser(userRecord('ann'), []);
    await current().putSession(session('s1', user('ann')));
    await current().putSession(session('s2', user('ann')));
    await current().putSession({ ...session('s1', user('ann')), state: '{}', keepAlive: 60 });
    expect(await current().allSessions()).toEqual([
      { ...session('s1', user('ann')), state: '{}', keepAlive: 60 },
      session('s2', user('ann')),
    ]);
    await current().deleteSession(trusted('s1'));
    expect(await current().allSessions()).toEqual([session('s2', user('ann'))]);
  });
}
