// What every implementation of GroupStore must do.

import { expect, it } from 'vitest';
import type { GroupState, JoinedRecord, Store } from '../../src/store/store.ts';
import { groupOwner } from '../../src/wv/address.ts';
import { trusted, type ClientId, type GroupAddress, type UserAddress } from '../../src/wv/ids.ts';
import type { Message } from '../../src/wv/message.ts';
import { messageId, user, userRecord } from '../support/store-samples.ts';

const ROOMY = { perOwner: 10, perServer: 10 };
const ROCKET = address('ann/rocket');

function address(local: string): GroupAddress {
  return trusted<GroupAddress>(`wv:${local}@example.com`);
}

function joined(name: string, clientId = 'phone', domain?: string): JoinedRecord {
  const who: UserAddress = user(name, domain);
  return { user: who, clientId: trusted<ClientId>(clientId), screenName: name, subscribed: true };
}

/** A group that holds something of everything. */
function group(at = ROCKET, more: Partial<GroupState> = {}): GroupState {
  const owner = groupOwner(at);
  const settings = { autoJoin: false, privateMessaging: true, showId: false };
  return {
    address: at,
    ...(owner === undefined ? {} : { owner }),
    createdAt: 1,
    profile: { properties: { Name: 'Rocket' } },
    people: [{ user: user('ann'), privilege: 'Admin', settings }],
    joined: [],
    rejected: [],
    ...more,
  };
}

function message(id: string): Message {
  return {
    id: messageId(id),
    sender: { kind: 'group', group: ROCKET, screenName: 'ann' },
    recipients: [{ kind: 'group', group: ROCKET }],
    sentAt: 1,
    expiresAt: 2,
    content: { contentType: 'text/plain', encoding: 'none', data: id },
  };
}

/** A group with a member, somebody joined, somebody rejected and a message, to look for after a restart. */
export async function keepGroup(store: Store): Promise<GroupState> {
  const kept = group(ROCKET, { joined: [joined('ann')], rejected: [user('dan')] });
  await store.createGroup(kept, ROOMY);
  await store.addGroupHistory(ROCKET, message('m1'), 10);
  return kept;
}

export function groupContract(current: () => Store): void {
  it('gives back a group as it was created', async () => {
    const full = group(ROCKET, {
      profile: {
        properties: { Name: 'Rocket', Searchable: 'T' },
        welcomeNote: 'Hi!',
        expiresAt: 5,
        search: { name: 'rocket', topic: '' },
      },
      people: [
        {
          user: user('ann'),
          privilege: 'Admin',
          settings: { autoJoin: true, privateMessaging: false, showId: true },
        },
        { user: user('bob'), settings: { autoJoin: false, privateMessaging: true, showId: true } },
      ],
      joined: [joined('zoe'), joined('ann')],
      rejected: [user('dan')],
    });
    expect(await current().createGroup(full, ROOMY)).toBe('created');
    expect(await current().loadGroup(ROCKET)).toEqual(full);
    expect(await current().loadGroup(address('ann/none'))).toBeUndefined();
  });

  it('does not take an address twice, nor more groups than the limits allow', async () => {
    const limits = { perOwner: 1, perServer: 2 };
    expect(await current().createGroup(group(), limits)).toBe('created');
    expect(await current().createGroup(group(), limits)).toBe('exists');
    expect(await current().createGroup(group(address('ann/b')), limits)).toBe('owner-full');
    expect(await current().createGroup(group(address('/lobby')), limits)).toBe('created');
    expect(await current().createGroup(group(address('bob/c')), limits)).toBe('server-full');
  });

  it('changes all that is named, and nothing else', async () => {
    await current().createGroup(group(ROCKET, { joined: [joined('ann'), joined('bob')] }), ROOMY);
    const settings = { autoJoin: true, privateMessaging: true, showId: true };
    const changed = await current().changeGroup(ROCKET, {
      profile: { properties: { Topic: 'Launch' }, welcomeNote: 'Ho' },
      people: [{ user: user('ann'), settings }],
      joined: [{ ...joined('ann'), screenName: 'Annie', subscribed: false }, joined('ann', 'laptop')],
      left: [joined('bob')],
      rejected: [user('dan'), user('eve')],
      pardoned: [user('dan')],
    });
    expect(changed).toBe(true);
    expect(await current().loadGroup(ROCKET)).toEqual(
      group(ROCKET, {
        profile: { properties: { Topic: 'Launch' }, welcomeNote: 'Ho' },
        people: [{ user: user('ann'), settings }],
        joined: [{ ...joined('ann'), screenName: 'Annie', subscribed: false }, joined('ann', 'laptop')],
        rejected: [user('eve')],
      }),
    );
    await current().changeGroup(ROCKET, { removedPeople: [user('ann')] });
    expect((await current().loadGroup(ROCKET))?.people).toEqual([]);
    expect(await current().changeGroup(address('ann/none'), { rejected: [user('dan')] })).toBe(false);
  });

  it('deletes a group with everything of it', async () => {
    await current().createGroup(group(ROCKET, { joined: [joined('ann')], rejected: [user('dan')] }), ROOMY);
    await current().addGroupHistory(ROCKET, message('m1'), 10);
    expect(await current().deleteGroup(ROCKET)).toBe(true);
    expect(await current().deleteGroup(ROCKET)).toBe(false);
    expect(await current().groupsJoinedBy(joined('ann'))).toEqual([]);
    await current().createGroup(group(), ROOMY);
    expect(await current().loadGroup(ROCKET)).toEqual(group());
    expect(await current().groupHistory(ROCKET, 10)).toEqual([]);
  });

  it('finds the groups of a client and of AutoJoin', async () => {
    const settings = { autoJoin: true, privateMessaging: true, showId: false };
    const people = [{ user: user('bob'), settings }];
    await current().createGroup(group(address('ann/b'), { joined: [joined('bob')], people }), ROOMY);
    await current().createGroup(group(address('ann/a'), { joined: [joined('bob')] }), ROOMY);
    await current().createGroup(group(address('ann/c'), { joined: [joined('bob', 'laptop')] }), ROOMY);
    expect(await current().groupsJoinedBy(joined('bob'))).toEqual([address('ann/a'), address('ann/b')]);
    expect(await current().autoJoinGroups(user('bob'))).toEqual([address('ann/b')]);
    expect(await current().autoJoinGroups(user('ann'))).toEqual([]);
    await current().createGroup(group(address('cy/d'), { people: [], rejected: [user('bob')] }), ROOMY);
    const all = ['ann/a', 'ann/b', 'ann/c', 'cy/d'].map(address);
    expect(await current().groupsWith(user('bob'))).toEqual(all);
    expect(await current().groupsWith(user('cy'))).toEqual([address('cy/d')]);
  });

  it('lists joined clients of a domain once each, page by page', async () => {
    const here = [joined('bob'), joined('ann', 'phone'), joined('ann', 'laptop')];
    const far = joined('fay', 'phone', 'far.test');
    await current().createGroup(group(ROCKET, { joined: [...here, far] }), ROOMY);
    await current().createGroup(group(address('ann/b'), { joined: here }), ROOMY);
    const first = await current().joinedClients('example.com', undefined, 2);
    expect(first).toEqual([
      { user: user('ann'), clientId: 'laptop' },
      { user: user('ann'), clientId: 'phone' },
    ]);
    expect(await current().joinedClients('example.com', first[1], 2)).toEqual([
      { user: user('bob'), clientId: 'phone' },
    ]);
  });

  it('lists groups, and those whose time is over', async () => {
    await current().createGroup(group(ROCKET, { profile: { properties: {}, expiresAt: 20 } }), ROOMY);
    await current().createGroup(
      group(address('ann/b'), { profile: { properties: {}, expiresAt: 10 } }),
      ROOMY,
    );
    await current().createGroup(group(address('/lobby')), ROOMY);
    expect((await current().listGroups(undefined, 2)).map((record) => record.address)).toEqual([
      address('/lobby'),
      address('ann/b'),
    ]);
    expect(await current().listGroups(address('ann/b'), 2)).toMatchObject([{ address: ROCKET }]);
    expect(await current().expiredGroups(15, 5)).toEqual([address('ann/b')]);
    expect(await current().expireGroup(address('/lobby'))).toBe(true);
    expect(await current().expireGroup(address('/none'))).toBe(false);
    await current().changeGroup(address('/lobby'), { profile: { properties: {} } });
    expect(await current().expiredGroups(25, 5)).toEqual([address('/lobby'), address('ann/b'), ROCKET]);
  });

  it('finds searchable groups by parts of id, name and topic, and by their users', async () => {
    const found = (name: string, topic: string, more: Partial<GroupState> = {}) =>
      group(address(`ann/${name}`), { profile: { properties: {}, search: { name, topic } }, ...more });
    const settings = { autoJoin: true, privateMessaging: true, showId: true };
    const bob = { people: [{ user: user('bob'), settings }], joined: [joined('bob'), joined('dan')] };
    await current().createGroup(found('rocket', 'launch', bob), ROOMY);
    await current().createGroup(found('rockery', '50% off_'), ROOMY);
    await current().createGroup(group(address('ann/rockhidden')), ROOMY);
    const search = (...[wanted, after, limit]: Parameters<Store['searchGroups']>) =>
      current().searchGroups(wanted, after, limit);
    const both = [address('ann/rockery'), address('ann/rocket')];
    expect(await search({ id: ['rock'] }, undefined, 10)).toEqual(both);
    expect(await search({ name: ['rock'] }, undefined, 1)).toEqual([both[0]]);
    expect(await search({ name: ['rock'] }, both[0], 1)).toEqual([both[1]]);
    expect(await search({ name: ['rock'], topic: ['laun'] }, undefined, 10)).toEqual([both[1]]);
    expect(await search({ topic: ['%'] }, undefined, 10)).toEqual([both[0]]);
    expect(await search({ owner: [user('ann')] }, undefined, 10)).toEqual(both);
    expect(await search({ owner: [user('bob')] }, undefined, 10)).toEqual([]);
    expect(await search({ joined: [user('bob')] }, undefined, 10)).toEqual([both[1]]);
    expect(await search({ joined: [user('dan')] }, undefined, 10)).toEqual([]);
    expect(await search({ autoJoin: [user('bob')] }, undefined, 10)).toEqual([both[1]]);
    expect(await search({ name: ['rock', 'ket'] }, undefined, 10)).toEqual([both[1]]);
    expect(await search({ name: ['rock', 'launch'] }, undefined, 10)).toEqual([]);
    expect(await search({ owner: [user('ann'), user('bob')] }, undefined, 10)).toEqual([]);
    expect(await search({ joined: [user('bob'), user('dan')] }, undefined, 10)).toEqual([]);
  });

  it('keeps the newest messages of a history, each once', async () => {
    await current().createGroup(group(), ROOMY);
    for (const id of ['m1', 'm2', 'm2', 'm3', 'm4']) await current().addGroupHistory(ROCKET, message(id), 3);
    expect((await current().groupHistory(ROCKET, 10)).map(({ id }) => id)).toEqual(['m2', 'm3', 'm4']);
    expect((await current().groupHistory(ROCKET, 2)).map(({ id }) => id)).toEqual(['m3', 'm4']);
    await current().addGroupHistory(address('ann/none'), message('m1'), 3);
  });

  it('forgets what a removed user was, and lets his groups run out', async () => {
    await current().createUser(userRecord('ann'), []);
    await current().createUser(userRecord('bob'), []);
    await current().createGroup(group(), ROOMY);
    const settings = { autoJoin: true, privateMessaging: true, showId: true };
    const people = [{ user: user('ann'), privilege: 'Mod' as const, settings }];
    const lobby = group(address('/lobby'), { people, joined: [joined('ann')], rejected: [user('ann')] });
    await current().createGroup(lobby, ROOMY);
    await current().deleteUser(user('ann'));
    expect(await current().loadGroup(lobby.address)).toMatchObject({ people: [], joined: [], rejected: [] });
    expect(await current().expiredGroups(1, 10)).toEqual([ROCKET]);
  });
}
