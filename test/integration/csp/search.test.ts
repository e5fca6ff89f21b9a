// Search and StopSearch over the wire: csp-transactions 2.1.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Profile } from '../../../src/store/profiles.ts';
import { child, childText } from '../../../src/wv/element.ts';
import { trusted, type GroupAddress, type UserAddress } from '../../../src/wv/ids.ts';
import { elements, updatePresence, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Heard, type Phone } from '../../support/phone.ts';

const CONFIG = { search: { maxFindings: 8, page: 5, maxPage: 6, openPerUser: 2 } };

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: CONFIG });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const pair = (element: string, text: string): string =>
  elements('SearchPairList', elements('SearchElement', element) + elements('SearchString', text));
const begin = (pairs: string, limit?: number): string =>
  elements('Search-Request', pairs + (limit === undefined ? '' : elements('SearchLimit', `${limit}`)));
const more = (id: string, index: number | string): string =>
  elements('Search-Request', elements('SearchID', id) + elements('SearchIndex', `${index}`));
const stop = (id: string): string => elements('StopSearch-Request', elements('SearchID', id));
const found = ({ content }: Heard): string[] => texts(child(content, 'SearchResult'), 'UserID');
const said = ({ content }: Heard, name: string): string | undefined => childText(content, name);

async function profile(who: string, change: Partial<Profile>): Promise<void> {
  const { store } = scene.house.house;
  await store.changeProfile(who as UserAddress, (before) => ({ ...before, ...change }));
}

/** People of a family nobody else is of, in the order of their addresses. */
let families = 0;
async function family(size: number): Promise<{ name: string; members: string[] }> {
  const name = `smith${String((families += 1)).padStart(3, '0')}x`;
  const members: string[] = [];
  for (let n = 0; n < size; n++) {
    const member = await scene.person('member');
    await profile(member, { firstName: `First${n}`, lastName: name });
    members.push(member);
  }
  return { name, members: members.toSorted() };
}

describe.each(VERSIONS)('search in CSP %s (%s)', (version, _encoding, habits) => {
  const unusable = version === '1.3' ? 562 : 402;
  const online = async (): Promise<Phone> => scene.online(await scene.person('seeker'), habits);

  it('answers with all findings where they fit: no SearchID, CompletionFlag T', async () => {
    const { name, members } = await family(2);
    const heard = await (await online()).say(begin(pair('USER_LAST_NAME', name.toUpperCase())));
    expect(heard.content?.name).toBe('Search-Response');
    expect(found(heard)).toEqual(members);
    expect(said(heard, 'SearchID')).toBeUndefined();
    expect(said(heard, 'SearchFindings')).toBe('2');
    expect(said(heard, 'CompletionFlag')).toBe('T');
    expect(said(heard, 'SearchIndex')).toBe('2');
  });

  it('nothing found is an empty answer, not an error', async () => {
    const heard = await (await online()).say(begin(pair('USER_LAST_NAME', 'qqqqqq')));
    expect(heard.content?.name).toBe('Search-Response');
    expect(child(heard.content, 'SearchResult')).toBeUndefined();
    expect([said(heard, 'SearchFindings'), said(heard, 'CompletionFlag')]).toEqual(['0', 'T']);
  });

  it('goes on where it stopped: five of seven, then from six on', async () => {
    const { name, members } = await family(7);
    const phone = await online();
    const first = await phone.say(begin(pair('USER_LAST_NAME', name), 5));
    const id = said(first, 'SearchID') ?? '';
    expect(id).toMatch(/^\d+$/);
    expect(found(first)).toEqual(members.slice(0, 5));
    expect(['SearchFindings', 'CompletionFlag', 'SearchIndex'].map((each) => said(first, each))).toEqual([
      '7',
      'F',
      '5',
    ]);
    const second = await phone.say(more(id, 6));
    expect(found(second)).toEqual(members.slice(5));
    expect(said(second, 'SearchID')).toBe(id);
    expect(['SearchFindings', 'CompletionFlag', 'SearchIndex'].map((each) => said(second, each))).toEqual([
      '7',
      'T',
      '7',
    ]);
    // An answer that got lost can be had again.
    expect(found(await phone.say(more(id, 6)))).toEqual(members.slice(5));
    expect(found(await phone.say(more(`0x${Number(id).toString(16)}`, 1)))).toEqual(members.slice(0, 5));
  });

  it('all pairs must hold', async () => {
    const { name, members } = await family(3);
    await profile(members[1] ?? '', { email: 'second@mail.example' });
    const phone = await online();
    const both = pair('USER_LAST_NAME', name) + pair('USER_EMAIL_ADDRESS', 'SECOND@mail');
    expect(found(await phone.say(begin(both)))).toEqual([members[1]]);
    expect(found(await phone.say(begin(both + pair('USER_FIRST_NAME', 'nobody'))))).toEqual([]);
  });

  it('USER_ID: any part, from wv: on, up to the domain, whole', async () => {
    const someone = await scene.person('zebra');
    const name = someone.slice(3, someone.indexOf('@'));
    const phone = await online();
    for (const text of [name.slice(2), `wv:${name}`, `${name.slice(1)}@wv.te`, someone.toUpperCase()]) {
      expect([text, found(await phone.say(begin(pair('USER_ID', text))))]).toEqual([text, [someone]]);
    }
    for (const text of [`wv:${name.slice(1)}`, `${name.slice(0, -1)}@wv.test`, `${name}@far.test`]) {
      expect([text, found(await phone.say(begin(pair('USER_ID', text))))]).toEqual([text, []]);
    }
  });

  it('USER_MOBILE_NUMBER as people write it, also the bare national number', async () => {
    const someone = await scene.person('mobile');
    const serial = String(100000 + (families += 1)).slice(-6);
    await profile(someone, { mobileNumber: `34600${serial}` });
    const phone = await online();
    const written = [`600${serial}`, `+34 600-${serial}`, `0034600${serial}`, `0600${serial}`];
    for (const text of written) {
      expect([text, found(await phone.say(begin(pair('USER_MOBILE_NUMBER', text))))]).toEqual([
        text,
        [someone],
      ]);
    }
    expect(found(await phone.say(begin(pair('USER_MOBILE_NUMBER', `+600${serial}`))))).toEqual([]);
    expect(codeOf(await phone.say(begin(pair('USER_MOBILE_NUMBER', 'home'))))).toBe(402);
  });

  it('USER_ALIAS: the shown name, and the alias a client published', async () => {
    const someone = await scene.person('alias', `Shown ${(families += 1)}q`);
    const phone = await online();
    expect(found(await phone.say(begin(pair('USER_ALIAS', `shown ${families}q`))))).toEqual([someone]);
    const owner = await scene.online(someone, HABITS.android);
    await owner.say(updatePresence('1.2', { Alias: `Nightingale${families}q` }));
    expect(found(await phone.say(begin(pair('USER_ALIAS', `gale${families}q`))))).toEqual([someone]);
  });

  it('USER_ONLINE_STATUS tells only of who shows it to everybody, and not to whom he blocks', async () => {
    const { name, members } = await family(3);
    const [open = '', away = '', hidden = ''] = members;
    for (const each of [open, away]) {
      await scene.house.house.store.putAttributeList(each as UserAddress, {
        subject: { kind: 'default' },
        attributes: ['OnlineStatus'],
      });
    }
    const owner = await scene.online(open, HABITS.android);
    await scene.online(hidden, HABITS.android);
    const seeker = await scene.person('seeker');
    const phone = await scene.online(seeker, habits);
    const who = (status: string) =>
      phone.say(begin(pair('USER_LAST_NAME', name) + pair('USER_ONLINE_STATUS', status)));
    expect(found(await who('T'))).toEqual([open]);
    expect(found(await who('F'))).toEqual([away]);
    expect(codeOf(await who('maybe'))).toBe(402);
    await owner.say(android.block(seeker));
    expect(found(await who('T'))).toEqual([]);
  });

  it('inactive people and what people hide are not found', async () => {
    const { name, members } = await family(2);
    const [hiding = '', gone = ''] = members;
    const before = await scene.house.house.store.getProfile(hiding as UserAddress);
    if (before === undefined) throw new Error('no profile');
    await profile(hiding, { findable: { ...before.findable, name: 'nobody' } });
    await scene.house.house.store.setProfile(gone as UserAddress, { active: false });
    expect(found(await (await online()).say(begin(pair('USER_LAST_NAME', name))))).toEqual([]);
  });

  it('402 for elements nobody knows, users and groups mixed, halves, too much text and a limit of 0', async () => {
    const phone = await online();
    const mixed = pair('USER_ID', 'someone') + pair('GROUP_NAME', 'rocket');
    for (const request of [
      begin(pair('USER_SHOE_SIZE', '42')),
      begin(mixed),
      begin(elements('SearchPairList', elements('SearchElement', 'USER_ID'))),
      begin(pair('USER_ID', 'x'.repeat(101))),
      begin(pair('USER_ID', 'someone').repeat(17)),
      begin(pair('USER_ID', 'someone'), 0),
      begin(pair('GROUP_USER_ID_OWNER', 'wv:a@b@c')),
    ]) {
      expect([request, codeOf(await phone.say(request))]).toEqual([request, 402]);
    }
  });

  it(`${unusable} without a criterion`, async () => {
    const phone = await online();
    expect(codeOf(await phone.say(begin('')))).toBe(unusable);
    expect(codeOf(await phone.say(begin(pair('USER_ID', '  '))))).toBe(unusable);
    expect(codeOf(await phone.say(begin(pair('GROUP_NAME', ''))))).toBe(unusable);
  });

  it('536 for more findings than there may be, 537 for what narrows nothing', async () => {
    const { name, members } = await family(9);
    const phone = await online();
    expect(codeOf(await phone.say(begin(pair('USER_LAST_NAME', name))))).toBe(536);
    const fewer = pair('USER_LAST_NAME', name) + pair('USER_FIRST_NAME', 'First3');
    expect(found(await phone.say(begin(fewer)))).toHaveLength(1);
    expect(members).toHaveLength(9);
    expect(codeOf(await phone.say(begin(pair('USER_FIRST_NAME', 'F'))))).toBe(537);
    expect(codeOf(await phone.say(begin(pair('USER_ONLINE_STATUS', 'T'))))).toBe(537);
  });

  it('425 for an index beyond the findings, 0 or missing', async () => {
    const { name } = await family(7);
    const phone = await online();
    const id = said(await phone.say(begin(pair('USER_LAST_NAME', name))), 'SearchID') ?? '';
    for (const index of [8, 0, ''])
      expect([index, codeOf(await phone.say(more(id, index)))]).toEqual([index, 425]);
    expect(found(await phone.say(more(id, 7)))).toHaveLength(1);
  });

  it('424 for a search that never was, was stopped, expired, gave way, or is of somebody else', async () => {
    const { name } = await family(7);
    const phone = await online();
    const other = await online();
    const start = async () => said(await phone.say(begin(pair('USER_LAST_NAME', name))), 'SearchID') ?? '';
    expect(codeOf(await phone.say(more('4711', 1)))).toBe(424);
    expect(codeOf(await phone.say(stop('4711')))).toBe(424);
    const [oldest, stopped, kept] = [await start(), await start(), await start()];
    expect(codeOf(await phone.say(more(oldest, 6)))).toBe(424);
    expect(codeOf(await phone.say(stop(stopped)))).toBe(200);
    expect(codeOf(await phone.say(more(stopped, 6)))).toBe(424);
    expect(codeOf(await phone.say(stop(stopped)))).toBe(424);
    expect(codeOf(await other.say(more(kept, 6)))).toBe(424);
    expect(codeOf(await other.say(stop(kept)))).toBe(424);
    expect(found(await phone.say(more(kept, 6)))).toHaveLength(2);
    scene.clock.advance(601_000);
    expect(codeOf(await phone.say(more(kept, 6)))).toBe(424);
  });

  it('gives no more results than the parser of the client takes', async () => {
    const { name } = await family(7);
    const capability = elements(
      'ClientCapability-Request',
      elements('CapabilityList', elements('ParserSize', '1000')),
    );
    const phone = await scene.online(await scene.person('small'), habits, { capability });
    const heard = await phone.say(begin(pair('USER_LAST_NAME', name), 6));
    expect(found(heard)).toHaveLength(3);
    expect(said(heard, 'SearchIndex')).toBe('3');
  });

  it('is a service that a profile may leave out: 506, and not available in the negotiation', async () => {
    const someone = await scene.person('without');
    await scene.house.house.store.setProfile(someone as UserAddress, { services: ['presence', 'im'] });
    const phone = await scene.online(someone, habits);
    expect(codeOf(await phone.say(begin(pair('USER_ID', 'someone'))))).toBe(506);
    expect(codeOf(await phone.say(stop('1')))).toBe(506);
    const negotiated = await phone.say(
      elements(
        'Service-Request',
        '<Functions><WVCSPFeat><FundamentalFeat><SearchFunc/></FundamentalFeat></WVCSPFeat></Functions>' +
          elements('AllFunctionsRequest', 'T'),
      ),
    );
    const denied = child(child(negotiated.content, 'Functions'), 'WVCSPFeat');
    expect(child(child(denied, 'FundamentalFeat'), 'SearchFunc')).toBeDefined();
    expect(negotiated.xml.split('<AllFunctions>')[1]).not.toContain('SRCH');
  });
});

describe('search', () => {
  it('1.3: pairs inside SearchPair, and the public profile', async () => {
    const { name, members } = await family(3);
    const [ann = '', bea = ''] = members;
    await profile(ann, {
      publicProfile: { PP_AGE: '30', PP_CITY: 'Oslo', PP_GENDER: 'F', PP_INTERESTS: 'sea, chess' },
    });
    await profile(bea, { publicProfile: { PP_AGE: '50', PP_CITY: 'Oslo', PP_MARITAL_STATUS: 'S' } });
    const phone = await scene.online(await scene.person('seeker'), { ...HABITS.android, version: '1.3' });
    const nested = (...pairs: readonly (readonly [string, string])[]) =>
      begin(
        elements(
          'SearchPairList',
          [['USER_LAST_NAME', name] as const, ...pairs]
            .map(([element, text], n) =>
              elements(
                'SearchPair',
                elements('SearchElement', element) +
                  elements('SearchString', text) +
                  elements('PairID', `${n}`),
              ),
            )
            .join(''),
        ),
      );
    expect(found(await phone.say(nested(['USER_CITY', 'oslo'])))).toEqual([ann, bea]);
    expect(found(await phone.say(nested(['USER_AGE_MIN', '20'], ['USER_AGE_MAX', '40'])))).toEqual([ann]);
    expect(found(await phone.say(nested(['USER_GENDER', 'f'])))).toEqual([ann]);
    expect(found(await phone.say(nested(['USER_INTERESTS_HOBBIES', 'chess'])))).toEqual([ann]);
    expect(found(await phone.say(nested(['USER_MARITAL_STATUS', 'S'])))).toEqual([bea]);
    expect(codeOf(await phone.say(nested(['USER_AGE_MIN', 'old'])))).toBe(402);
  });

  it('1.3: AdvancedCriteria is refused honestly, 501', async () => {
    const phone = await scene.online(await scene.person('seeker'), { ...HABITS.android, version: '1.3' });
    const request = elements(
      'Search-Request',
      pair('USER_ID', 'someone') + elements('AdvancedCriteria', '1 OR 2'),
    );
    expect(codeOf(await phone.say(request))).toBe(501);
  });

  it('Movistar C#: AddContact looks for the bare number first, and reads the UserID', async () => {
    const someone = await scene.person('movistar');
    await profile(someone, { mobileNumber: '34655443322' });
    const phone = await scene.online(await scene.person('seeker'), HABITS.movistarCsharp);
    const heard = await phone.say(begin(pair('USER_MOBILE_NUMBER', '655443322')));
    expect(heard.xml).toContain(
      `<SearchResult><UserList><User><UserID>${someone}</UserID></User></UserList></SearchResult>`,
    );
  });

  it('groups: nothing is found where there are none', async () => {
    const phone = await scene.online(await scene.person('seeker'), HABITS.android);
    const heard = await phone.say(begin(pair('GROUP_NAME', 'rocket')));
    expect(said(heard, 'SearchFindings')).toBe('0');
    expect(codeOf(await phone.say(begin(pair('GROUP_NAME', 'r'))))).toBe(537);
  });

  it('groups: searchable ones, by all criteria together, also by two of a kind', async () => {
    const [owner, guest] = await scene.people('owner', 'guest');
    const settings = { autoJoin: true, privateMessaging: true, showId: true };
    const searchable = { name: 'the rose garden', topic: 'roses and more' };
    for (const [name, search] of Object.entries({ roses: searchable, secret: undefined })) {
      const group = {
        address: trusted<GroupAddress>(owner.replace('@', `/${name}@`)),
        owner: trusted<UserAddress>(owner),
        createdAt: 0,
        profile: { properties: {}, ...(search === undefined ? {} : { search }) },
        people: [{ user: trusted<UserAddress>(guest), settings }],
        joined: [],
        rejected: [],
      };
      await scene.house.house.store.createGroup(group, { perOwner: 10, perServer: 100 });
    }
    const phone = await scene.online(await scene.person('seeker'), HABITS.android);
    const groupsOf = async (...pairs: readonly string[]) =>
      texts(child((await phone.say(begin(pairs.join('')))).content, 'SearchResult'), 'GroupID');
    const roses = [owner.replace('@', '/roses@')];
    expect(await groupsOf(pair('GROUP_NAME', 'Rose Gar'), pair('GROUP_NAME', 'the'))).toEqual(roses);
    expect(await groupsOf(pair('GROUP_NAME', 'rose'), pair('GROUP_NAME', 'tulip'))).toEqual([]);
    expect(await groupsOf(pair('GROUP_TOPIC', 'MORE'), pair('GROUP_USER_ID_OWNER', owner))).toEqual(roses);
    expect(await groupsOf(pair('GROUP_USER_ID_AUTOJOIN', guest))).toEqual(roses);
    expect(await groupsOf(pair('GROUP_USER_ID_JOINED', guest))).toEqual([]);
    expect(await groupsOf(pair('GROUP_ID', roses[0]?.toUpperCase() ?? ''))).toEqual(roses);
  });

  it('a restart in the middle of a search ends it: 424; profiles stay', async () => {
    const own = await startScene({ config: CONFIG });
    try {
      const { store } = own.house.house;
      for (const who of await own.people('ann', 'bea', 'cy', 'dan', 'eve', 'fay')) {
        await store.changeProfile(who as UserAddress, (before) => ({ ...before, lastName: 'Lasting' }));
      }
      const phone = await own.online(await own.person('seeker'), HABITS.android);
      const request = begin(pair('USER_LAST_NAME', 'lasting'));
      const id = said(await phone.say(request), 'SearchID') ?? '';
      await own.restart();
      const again = own.again(phone);
      expect(codeOf(await again.say(more(id, 6)))).toBe(424);
      expect(found(await again.say(request))).toHaveLength(5);
    } finally {
      await own.stop();
    }
  });
});
