// Presence between two servers over TLS, in every version of CSP at either side (ir76.md section 6.3).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UserPresence, WvClient } from '../../../src/client/client.ts';
import { simple, type PresenceAttributeName } from '../../../src/wv/presence.ts';
import { eventually } from '../../support/eventually.ts';
import { federation, type Federation } from '../../support/ssp/federation.ts';
import { MIXES } from '../../support/ssp/mixes.ts';
import type { Side } from '../../support/ssp/two-houses.ts';
import type { WireTap } from '../../support/ssp/wire-tap.ts';

/** Changes that another domain hears together, ms. */
const COALESCED = 300;
const config = { presence: { coalesceMs: COALESCED } };

let all: Federation<'a' | 'b'>;
let wire: WireTap;

beforeAll(async () => {
  all = await federation({ a: { config }, b: { config } });
  ({ wire } = all);
}, 30_000);

afterAll(() => all.close(), 60_000);

/** What a client was told of one user: the newest of each attribute; undefined = withdrawn. */
function watch(client: WvClient, user: string) {
  const seen: Partial<Record<PresenceAttributeName, string | undefined>> = {};
  const told: UserPresence[] = [];
  client.on('presence', (news) => {
    if (news.user !== user) return;
    told.push(news);
    for (const [name, attribute] of Object.entries(news.attributes))
      seen[name as PresenceAttributeName] = attribute.valid ? (attribute.value ?? '') : undefined;
  });
  return { seen, told };
}

/** Until the window in which changes are gathered is over: nothing shows its end, so the time is waited for. */
async function windowOver(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, COALESCED * 1.5));
}

describe.each(MIXES)('%s', (_name, mix) => {
  let [near, far]: [Side, Side] = [] as unknown as [Side, Side];
  beforeAll(() => {
    [near, far] = [all.houses[mix.near], all.houses[mix.far]];
  });

  async function pair() {
    const { user: ann, client: a } = await near.somebody('ann', mix.asking);
    const { user: bea, client: b } = await far.somebody('bea', mix.serving);
    await b.updatePresence({ StatusText: simple('here'), UserAvailability: simple('AVAILABLE') });
    return { ann, a, bea, b };
  }

  /** Ann sees these attributes of bea. */
  async function watching(
    attributes: readonly PresenceAttributeName[] = ['OnlineStatus', 'StatusText', 'UserAvailability'],
  ) {
    const scene = await pair();
    await scene.b.createAttributeList(attributes, { users: [scene.ann] });
    const { seen, told } = watch(scene.a, scene.bea);
    await scene.a.subscribe({ users: [scene.bea] });
    await eventually('the first presence', () => told.length > 0);
    await wire.settled();
    return { ...scene, seen, told, mark: wire.log.length };
  }

  /** Somebody of the same server who sees the text: when he has it, whoever else is told has been told. */
  async function fence(bea: string, b: WvClient) {
    const { user, client } = await near.somebody('abe', mix.serving);
    await b.createAttributeList(['StatusText'], { users: [user] });
    const { seen } = watch(client, bea);
    await client.subscribe({ users: [bea] });
    await eventually('the first presence', () => seen.StatusText !== undefined);
    await wire.settled();
    return async (text: string) => {
      await b.updatePresence({ StatusText: simple(text) });
      await eventually('the change', () => seen.StatusText === text);
      await wire.settled();
    };
  }

  const notificationsTo = (domain: string, user: string, mark: number) =>
    wire
      .requests('PresenceNotification', mark)
      .filter(({ to, body }) => to === domain && body.includes(`"${user}"`));

  it('who is allowed already is told at once, of what is allowed (P-01, P-04, P-05)', async () => {
    const { ann, a, bea, b } = await pair();
    await b.createAttributeList(['StatusText'], { users: [ann] });
    const mark = wire.log.length;
    const { seen, told } = watch(a, bea);
    await a.subscribe({ users: [bea], attributes: ['OnlineStatus', 'StatusText'] });
    await eventually('presence', () => told.length > 0);
    await wire.settled();
    expect(seen).toEqual({ StatusText: 'here' });
    const notes = notificationsTo(near.domain, ann, mark);
    expect(notes.length).toBeGreaterThan(0);
    for (const { body } of notes) expect(body).not.toMatch(/OnlineStatus|UserAvailability|ClientInfo/);
  });

  it('who asks for one attribute gets no other (P-04)', async () => {
    const { ann, a, bea, b } = await pair();
    await b.createAttributeList(['OnlineStatus', 'StatusText', 'UserAvailability'], { users: [ann] });
    const mark = wire.log.length;
    const { seen, told } = watch(a, bea);
    await a.subscribe({ users: [bea], attributes: ['OnlineStatus'] });
    await eventually('presence', () => told.length > 0);
    await b.updatePresence({ StatusText: simple('not for ann') });
    await wire.settled();
    expect(seen).toEqual({ OnlineStatus: 'T' });
    for (const { body } of notificationsTo(near.domain, ann, mark)) expect(body).not.toContain('StatusText');
  });

  it('who is not known yet waits for the answer; after a denial nothing comes (P-02)', async () => {
    const { ann, a, bea, b } = await pair();
    const { user: abe, client: a2 } = await near.somebody('abe', mix.asking);
    const asked: string[] = [];
    b.on('authorization', ({ user }) => asked.push(user));
    const [granted, denied] = [watch(a, bea), watch(a2, bea)];
    for (const client of [a, a2]) await client.subscribe({ users: [bea], attributes: ['StatusText'] });
    await eventually('both questions', () => asked.length === 2);
    expect(asked.toSorted()).toEqual([abe, ann].toSorted());
    expect([...granted.told, ...denied.told]).toEqual([]);
    await b.answerAuthorization(ann, true);
    await b.answerAuthorization(abe, false);
    await eventually('presence', () => granted.told.length > 0);
    await b.updatePresence({ StatusText: simple('changed') });
    await eventually('the change', () => granted.seen.StatusText === 'changed');
    await wire.settled();
    await a2.poll();
    expect(denied.told.filter(({ attributes }) => attributes.StatusText?.valid === true)).toEqual([]);
  });

  it('changes are told (P-03)', async () => {
    const { b, seen } = await watching();
    await b.updatePresence({ UserAvailability: simple('DISCREET') });
    await eventually('the change', () => seen.UserAvailability === 'DISCREET');
  });

  it('one notification is for all watchers who may see the same (P-06)', async () => {
    const { ann, bea, b, seen } = await watching();
    const { user: abe, client: a2 } = await near.somebody('abe', mix.asking);
    await b.createAttributeList(['OnlineStatus', 'StatusText', 'UserAvailability'], { users: [abe] });
    const other = watch(a2, bea);
    await a2.subscribe({ users: [bea] });
    await eventually('the first presence', () => other.told.length > 0);
    await windowOver();
    await wire.settled();
    const mark = wire.log.length;
    await b.updatePresence({ StatusText: simple('for both') });
    await eventually('both', () => seen.StatusText === 'for both' && other.seen.StatusText === 'for both');
    await wire.settled();
    const notes = wire.requests('PresenceNotification', mark);
    expect(notes).toHaveLength(1);
    for (const user of [ann, abe]) expect(notes[0]?.body).toContain(`<User userID="${user}"/>`);
  });

  it('who does not watch any more is told nothing (P-07)', async () => {
    const { ann, a, bea, b } = await watching();
    const publish = await fence(bea, b);
    await a.unsubscribe({ users: [bea] });
    const mark = wire.log.length;
    await publish('secret');
    expect(notificationsTo(near.domain, ann, mark)).toEqual([]);
  });

  it('who is not allowed any more is told so once, and then nothing (P-08)', async () => {
    const { ann, bea, b, seen } = await watching(['StatusText']);
    const publish = await fence(bea, b);
    await b.deleteAttributeList({ users: [ann] });
    await eventually('withdrawn', () => 'StatusText' in seen && seen.StatusText === undefined);
    await wire.settled();
    const after = wire.log.length;
    await publish('secret');
    expect(notificationsTo(near.domain, ann, after)).toEqual([]);
  });

  it('who logs out is offline (P-09)', async () => {
    const { b, seen } = await watching();
    expect(seen.OnlineStatus).toBe('T');
    await b.logout();
    await eventually('offline', () => seen.OnlineStatus === 'F');
  });

  it('contact lists are expanded at home, neighbours are not on the wire (P-10)', async () => {
    const { ann, a, bea } = await pair();
    const bob = await far.person('bob');
    const abe = await near.person('abe');
    const list = ann.replace('@', '/friends@');
    await a.createList(list, { contacts: [bea, bob, abe].map((user) => ({ user })) });
    await wire.settled();
    const mark = wire.log.length;
    await a.subscribe({ lists: [list] });
    await wire.settled();
    const asked = wire.requests('SubscribeRequest', mark);
    expect(asked.flatMap(({ body }) => body.match(/<UserID userID="[^"]+"/g)?.toSorted() ?? [])).toEqual(
      [bea, bob].toSorted().map((user) => `<UserID userID="${user}"`),
    );
    for (const { body } of wire.since(mark)) {
      expect(body).not.toContain(list);
      expect(body).not.toContain(abe);
    }
  });

  it('can be asked for, as far as it is allowed (P-11)', async () => {
    const { ann, a, bea, b } = await pair();
    const shown = async () =>
      (await a.getPresence({ users: [bea] })).find(({ user }) => user === bea)?.attributes ?? {};
    expect(Object.entries(await shown()).filter(([, { valid }]) => valid)).toEqual([]);
    await b.createAttributeList(['StatusText'], { users: [ann] });
    const valid = Object.entries(await shown()).filter(([, attribute]) => attribute.valid);
    expect(valid.map(([name, { value }]) => [name, value])).toEqual([['StatusText', 'here']]);
  });

  it('of nobody is 531 (P-12)', async () => {
    const { client: a } = await near.somebody('ann', mix.asking);
    const nobody = `wv:nobody@${far.domain}`;
    const codes = await a.subscribe({ users: [nobody] }).then(
      ({ code, details }) => [code, ...details.map((detail) => detail.code)],
      ({ code, details }: { code: number; details: readonly { code: number }[] }) => [
        code,
        ...details.map((detail) => detail.code),
      ],
    );
    expect(codes).toContain(531);
  });

  it('subscribing again takes the place of the first time (P-13)', async () => {
    const { ann, a, bea, b, seen } = await watching();
    await a.subscribe({ users: [bea], attributes: ['StatusText'] });
    await a.subscribe({ users: [bea], attributes: ['StatusText'] });
    await windowOver();
    await wire.settled();
    const mark = wire.log.length;
    await b.updatePresence({ StatusText: simple('once'), UserAvailability: simple('DISCREET') });
    await eventually('the change', () => seen.StatusText === 'once');
    await windowOver();
    await wire.settled();
    const notes = notificationsTo(near.domain, ann, mark);
    expect(notes).toHaveLength(1);
    expect(notes[0]?.body).not.toContain('UserAvailability');
  });

  it('changes in a row are one notification at once and one a window, the last state right (P-15)', async () => {
    const { ann, b, seen } = await watching();
    await windowOver();
    await wire.settled();
    const mark = wire.log.length;
    const texts = Array.from({ length: 10 }, (_, at) => `change ${at}`);
    const began = performance.now();
    await Promise.all(texts.map((text) => b.updatePresence({ StatusText: simple(text) })));
    // One at once, and one for each window that began meanwhile.
    const windows = Math.ceil((performance.now() - began) / COALESCED);
    await eventually('the last', () => seen.StatusText === 'change 9');
    await windowOver();
    await wire.settled();
    expect(notificationsTo(near.domain, ann, mark).length).toBeLessThanOrEqual(1 + windows);
    expect(seen.StatusText).toBe('change 9');
  });

  it('who is blocked sees nothing (P-16)', async () => {
    const { ann, bea, b, seen } = await watching();
    const publish = await fence(bea, b);
    await b.block(ann);
    await eventually('nothing any more', () => seen.StatusText === undefined && seen.OnlineStatus !== 'T');
    await wire.settled();
    const mark = wire.log.length;
    await publish('secret');
    expect(notificationsTo(near.domain, ann, mark)).toEqual([]);
  });

  it('what is shown to nobody is never on the wire (P-17)', async () => {
    const { ann, b, seen, mark } = await watching(['StatusText']);
    const fields = [{ name: 'Latitude', text: 'N48.12345', children: [] }];
    await b.updatePresence({ GeoLocation: { valid: true, fields }, StatusText: simple('somewhere') });
    await eventually('the change', () => seen.StatusText === 'somewhere');
    await wire.settled();
    for (const { body } of notificationsTo(near.domain, ann, mark))
      expect(body).not.toMatch(/GeoLocation|N48\.1/);
  });
});

it('lasts when either server starts again: watchers are told anew, once (P-14)', async () => {
  const { a: near, b: far } = all.houses;
  const { user: ann, client: a } = await near.somebody('ann');
  const { user: bea, client: b } = await far.somebody('bea');
  await b.updatePresence({ StatusText: simple('before') });
  await b.createAttributeList(['StatusText'], { users: [ann] });
  const { seen, told } = watch(a, bea);
  await a.subscribe({ users: [bea] });
  await eventually('presence', () => seen.StatusText === 'before');
  await wire.settled();
  await far.stop();
  await far.start();
  const b2 = await far.online(bea);
  await b2.updatePresence({ StatusText: simple('after') });
  await eventually('presence after the restart of the publisher', () => seen.StatusText === 'after');
  await near.stop();
  await near.start();
  const client = near.client(ann);
  const again = watch(client, bea);
  await client.connect();
  await client.subscribe({ users: [bea] });
  await eventually('presence after the restart of the watcher', () => again.seen.StatusText === 'after');
  expect(told.length).toBeGreaterThan(1);
});
