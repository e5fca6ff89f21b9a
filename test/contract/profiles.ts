// What every implementation of the profile area of Store must do.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_PROFILE, type Profile, type TextMatch, type UserSearch } from '../../src/store/profiles.ts';
import type { Store } from '../../src/store/store.ts';
import type { ClientId, SessionId, UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import { user, userRecord } from '../support/store-samples.ts';
import type { StoreUnderTest } from './store.ts';

/** Runs the contract; `open` gives a new, empty store. */
export function profileContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as ProfileStore`, () => {
    let tested: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      tested = await open();
      store = tested.store;
      for (const each of ['ann', 'bea', 'joseph']) await store.createUser(userRecord(each), []);
    });
    afterEach(() => tested.dispose());

    const set = (who: string, profile: Partial<Profile>) =>
      store.changeProfile(user(who), (before) => ({ ...before, ...profile }));
    const find = async (search: UserSearch, limit = 100): Promise<readonly UserAddress[]> =>
      (await store.searchUsers(search, limit)).toSorted();
    const by = (field: TextMatch['fields'][number], text: string, at?: TextMatch['at']) =>
      find({ texts: [{ fields: [field], text, ...(at === undefined ? {} : { at }) }] });

    describe('profiles', () => {
      it('a new user has an empty one, an unknown user none', async () => {
        expect(await store.getProfile(user('ann'))).toEqual(EMPTY_PROFILE);
        expect(await store.getProfile(user('nobody'))).toBeUndefined();
      });

      it('keeps every part, over a restart too', async () => {
        const profile: Profile = {
          firstName: 'Ann',
          lastName: 'Lee',
          email: 'ann@mail.example',
          mobileNumber: '34600111222',
          publicProfile: { PP_AGE: '30', PP_CITY: 'Oslo' },
          preferences: { tone: 'loud', vibrate: true, lines: 3 },
          findable: { ...EMPTY_PROFILE.findable, email: 'nobody' },
          networkPresence: true,
        };
        expect(await set('ann', profile)).toBe(true);
        store = await tested.reopen();
        expect(await store.getProfile(user('ann'))).toEqual(profile);
      });

      it('changes nothing for an unknown user', async () => {
        expect(await set('nobody', { firstName: 'No' })).toBe(false);
        expect(await by('first_name', 'No')).toEqual([]);
      });

      it('takes changes at the same time one after the other', async () => {
        await Promise.all([set('ann', { firstName: 'Ann' }), set('ann', { lastName: 'Lee' })]);
        expect(await store.getProfile(user('ann'))).toMatchObject({ firstName: 'Ann', lastName: 'Lee' });
      });

      it('keeps the services of an account; null means all again', async () => {
        await store.setProfile(user('ann'), { services: ['im'] });
        expect((await store.getUser(user('ann')))?.services).toEqual(['im']);
        await store.setProfile(user('ann'), { displayName: 'Annie' });
        expect((await store.loadHome(user('ann')))?.user.services).toEqual(['im']);
        await store.setProfile(user('ann'), { services: null });
        expect((await store.getUser(user('ann')))?.services).toBeUndefined();
      });

      it('go with the account', async () => {
        await set('ann', { firstName: 'Ann' });
        await store.noteTerminal(user('ann'), { clientId: trusted<ClientId>('a'), seenAt: 1 }, 5);
        await store.deleteUser(user('ann'));
        expect(await by('first_name', 'Ann')).toEqual([]);
        await store.createUser(userRecord('ann'), []);
        expect(await store.getProfile(user('ann'))).toEqual(EMPTY_PROFILE);
        expect(await store.terminalsOf(user('ann'))).toEqual([]);
      });
    });

    describe('terminals', () => {
      const note = (id: string, seenAt: number, more: { type?: string; capabilities?: string } = {}) =>
        store.noteTerminal(user('ann'), { clientId: trusted<ClientId>(id), seenAt, ...more }, 2);

      it('keeps what was not said anew, last seen first', async () => {
        await note('a', 1, { type: 'MOBILE_PHONE', capabilities: '{}' });
        await note('b', 2);
        await note('a', 3);
        expect(await store.terminalsOf(user('ann'))).toEqual([
          { clientId: 'a', type: 'MOBILE_PHONE', capabilities: '{}', seenAt: 3 },
          { clientId: 'b', seenAt: 2 },
        ]);
      });

      it('of too many the one unseen longest goes', async () => {
        for (const [index, id] of ['a', 'b', 'c'].entries()) await note(id, index);
        expect((await store.terminalsOf(user('ann'))).map(({ clientId }) => clientId)).toEqual(['c', 'b']);
      });

      it('of an unknown user are not noted', async () => {
        await store.noteTerminal(user('nobody'), { clientId: trusted<ClientId>('a'), seenAt: 1 }, 5);
        expect(await store.terminalsOf(user('nobody'))).toEqual([]);
      });
    });

    describe('search', () => {
      it('finds any part of three characters, whatever the case and the accents', async () => {
        await set('ann', { lastName: 'García Müller' });
        for (const text of ['garcia', 'GARCÍA', 'rcí', 'muller', 'Ller', 'García Müller', 'cia  mül']) {
          expect([text, await by('last_name', text)]).toEqual([text, [user('ann')]]);
        }
        expect(await by('last_name', 'garcib')).toEqual([]);
        expect(await by('first_name', 'garcia')).toEqual([]);
      });

      it('finds one or two characters at the beginning of words', async () => {
        await set('ann', { firstName: 'Ann Marie' });
        expect(await by('first_name', 'm')).toEqual([user('ann')]);
        expect(await by('first_name', 'MA')).toEqual([user('ann')]);
        expect(await by('first_name', 'ie')).toEqual([]);
        expect(await by('name', 'jo')).toEqual([user('joseph')]);
      });

      it('finds beginnings, ends and whole words where asked', async () => {
        expect(await by('name', 'sep')).toEqual([user('joseph')]);
        expect(await by('name', 'sep', 'start')).toEqual([]);
        expect(await by('name', 'jos', 'start')).toEqual([user('joseph')]);
        expect(await by('name', 'eph', 'end')).toEqual([user('joseph')]);
        expect(await by('name', 'jos', 'end')).toEqual([]);
        expect(await by('name', 'joseph', 'whole')).toEqual([user('joseph')]);
        expect(await by('name', 'joe', 'whole')).toEqual([]);
      });

      it('all conditions must hold, each in any of its fields', async () => {
        await set('ann', { firstName: 'Robin', lastName: 'Lee' });
        await set('bea', { firstName: 'Lee', lastName: 'Robin' });
        const either = { fields: ['first_name', 'last_name'], text: 'robin' } as const;
        expect(await find({ texts: [either] })).toEqual([user('ann'), user('bea')]);
        expect(await find({ texts: [either, { fields: ['last_name'], text: 'lee' }] })).toEqual([
          user('ann'),
        ]);
      });

      it('takes every character for itself', async () => {
        await set('ann', { firstName: 'x"y*z^(NOT)' });
        for (const text of ['"y*', '*z^(', '^(NOT)', 'x"y']) {
          expect([text, await by('first_name', text)]).toEqual([text, [user('ann')]]);
        }
        for (const text of ['*', '" OR name:"ann', 'NOT', '%', '_____', "';--", '\u0000', '   ']) {
          await expect(by('name', text)).resolves.toEqual([]);
        }
      });

      it('follows changes: profile, shown name, published alias', async () => {
        await set('ann', { firstName: 'Before' });
        await set('ann', { firstName: 'After' });
        expect(await by('first_name', 'before')).toEqual([]);
        expect(await by('first_name', 'after')).toEqual([user('ann')]);
        await store.setProfile(user('ann'), { displayName: 'Annie' });
        expect(await by('alias', 'annie')).toEqual([user('ann')]);
        await store.putPresence(user('ann'), { Alias: { valid: true, value: 'Nightingale' } });
        expect(await by('published_alias', 'gale')).toEqual([user('ann')]);
        await store.putPresence(user('ann'), { Alias: { valid: false, value: 'Nightingale' } });
        expect(await by('published_alias', 'gale')).toEqual([]);
      });

      it('passes over what is hidden, and over who is inactive', async () => {
        const findable = { ...EMPTY_PROFILE.findable, email: 'nobody', publicProfile: 'nobody' } as const;
        await set('ann', {
          email: 'a@x.example',
          publicProfile: { PP_AGE: '30', PP_CITY: 'Oslo' },
          findable,
        });
        expect(await by('email', 'x.example')).toEqual([]);
        expect(await by('city', 'oslo')).toEqual([]);
        expect(await find({ texts: [], age: { min: 0, max: 100 } })).toEqual([]);
        expect(await by('name', 'ann')).toEqual([user('ann')]);
        await store.setProfile(user('ann'), { active: false });
        expect(await by('name', 'ann')).toEqual([]);
      });

      it('finds ages alone and beside other conditions', async () => {
        await set('ann', { publicProfile: { PP_AGE: '30' } });
        await set('bea', { publicProfile: { PP_AGE: '41' } });
        expect(await find({ texts: [], age: { min: 30, max: 40 } })).toEqual([user('ann')]);
        const texts = [{ fields: ['name'], text: 'bea' }] as const;
        expect(await find({ texts, age: { min: 41, max: 41 } })).toEqual([user('bea')]);
        expect(await find({ texts, age: { min: 1, max: 40 } })).toEqual([]);
      });

      it('tells online status only of who shows it to everybody', async () => {
        for (const each of ['ann', 'bea', 'joseph']) await set(each, { lastName: 'Lee' });
        for (const each of ['ann', 'bea']) {
          const attributes = ['OnlineStatus'] as const;
          await store.putAttributeList(user(each), { subject: { kind: 'default' }, attributes });
        }
        const texts = [{ fields: ['last_name'], text: 'lee' }] as const;
        const among = [user('ann'), user('joseph')];
        expect(await find({ texts, online: { is: true, among } })).toEqual([user('ann')]);
        expect(await find({ texts, online: { is: false, among } })).toEqual([user('bea')]);
      });

      it('gives no more than was asked for, and nothing without a condition', async () => {
        for (const each of ['ann', 'bea', 'joseph']) await set(each, { lastName: 'Lee' });
        expect(await find({ texts: [{ fields: ['last_name'], text: 'lee' }] }, 2)).toHaveLength(2);
        expect(await find({ texts: [] })).toEqual([]);
      });

      it('numbers of addresses are mobile numbers', async () => {
        await store.createUser(userRecord('+34600111222'), []);
        expect(await by('mobile', '600111222')).toEqual([user('+34600111222')]);
      });
    });

    it('knows whose number it is, and of how many', async () => {
      for (const each of ['bea', 'ann']) await set(each, { mobileNumber: '34600111222' });
      expect(await store.usersWithNumber('34600111222', 2)).toEqual([user('ann'), user('bea')]);
      expect(await store.usersWithNumber('34600111222', 1)).toEqual([user('ann')]);
      expect(await store.usersWithNumber('600111222', 2)).toEqual([]);
    });

    it('knows inactive users that still have sessions', async () => {
      const session = { clientId: trusted<ClientId>('c'), cookie: '', version: '1.2', state: '{}' } as const;
      for (const [index, each] of ['ann', 'bea'].entries()) {
        const id = trusted<SessionId>(`s${index}`);
        await store.putSession({ ...session, id, user: user(each), createdAt: 1, keepAlive: 60 });
      }
      await store.setProfile(user('bea'), { active: false });
      await store.setProfile(user('joseph'), { active: false });
      expect(await store.inactiveWithSessions()).toEqual([user('bea')]);
    });
  });
}
