// Groups over TLS between servers, in every version of CSP at either side (ir76.md section 6.4), with an administrator
// elsewhere, and with members in three domains.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import { federation, type Federation } from '../../support/ssp/federation.ts';
import { MIXES } from '../../support/ssp/mixes.ts';
import { ask, codesIn, metaInfo, sendMessage } from '../../support/ssp/raw-documents.ts';
import type { Side } from '../../support/ssp/two-houses.ts';
import type { WireTap } from '../../support/ssp/wire-tap.ts';

let all: Federation<'a' | 'b' | 'c'>;
let wire: WireTap;

beforeAll(async () => {
  all = await federation({ a: {}, b: {}, c: {} });
  ({ wire } = all);
}, 30_000);

afterAll(() => all.close(), 60_000);

/** `Dan: hello` of each group message that a client gets from now on. */
function hears(client: WvClient): string[] {
  const texts: string[] = [];
  client.on('message', ({ from, text }) => {
    const name = from !== undefined && 'group' in from ? (from.screenName ?? '?') : 'somebody';
    texts.push(`${name}: ${text}`);
  });
  return texts;
}

/** `+Dan`, `-Dan`, `Topic=…` of what a client is told from now on. */
function news(client: WvClient): string[] {
  const told: string[] = [];
  client.on('group', ({ joined, left, properties }) => {
    told.push(
      ...joined.map(({ screenName }) => `+${screenName}`),
      ...left.map(({ screenName }) => `-${screenName}`),
    );
    told.push(...Object.entries(properties).map(([name, value]) => `${name}=${value}`));
  });
  return told;
}

const refused = (code: number) => ({ code });

describe.each(MIXES)('%s', (_name, mix) => {
  let [near, far]: [Side, Side] = [] as unknown as [Side, Side];
  beforeAll(() => {
    [near, far] = [all.houses[mix.near], all.houses[mix.far]];
  });

  /** Bea's group at the far server, with her in it as Bo. */
  async function group(properties: Readonly<Record<string, string>> = {}) {
    const { user: bea, client: owner } = await far.somebody('bea', mix.serving);
    const oak = bea.replace('@', '/oak@');
    await owner.groups.create(oak, { screenName: 'Bo', welcomeNote: 'Hi', properties });
    return { bea, owner, oak };
  }

  const guest = () => near.somebody('ann', mix.asking);

  /** Ann of the near server is in it as Ally. */
  async function visited(properties: Readonly<Record<string, string>> = {}) {
    const scene = await group(properties);
    const { user: ann, client: visitor } = await guest();
    const told = news(scene.owner);
    await visitor.groups.join(scene.oak, { screenName: 'Ally' });
    await eventually('Ally came', () => told.includes('+Ally'));
    return { ...scene, ann, visitor, told };
  }

  it('joining shows who is there and the welcome note, and is told (G-04)', async () => {
    const { owner, oak } = await group();
    const told = news(owner);
    const { client: visitor } = await guest();
    const joined = await visitor.groups.join(oak, { screenName: 'Ally' });
    expect(joined.welcomeNote).toBe('Hi');
    expect(joined.participants.map(({ screenName }) => screenName).toSorted()).toEqual(['Ally', 'Bo']);
    await eventually('the notice', () => told.length > 0);
    expect(told).toEqual(['+Ally']);
  });

  it('a screen name that is taken is 811, also in other letters (G-05)', async () => {
    const { oak } = await visited();
    const { client: other } = await near.somebody('abe', mix.asking);
    await expect(other.groups.join(oak, { screenName: 'ALLY' })).rejects.toMatchObject(refused(811));
  });

  it('members only: 803 until one is (G-06)', async () => {
    const { owner, oak } = await group({ Accesstype: 'Restricted' });
    const { user: ann, client: visitor } = await guest();
    await expect(visitor.groups.join(oak, { screenName: 'Ally' })).rejects.toMatchObject(refused(803));
    await owner.groups.addMembers(oak, ann);
    expect((await visitor.groups.join(oak, { screenName: 'Ally' })).participants).toHaveLength(2);
  });

  it('who is rejected is put out, and cannot come back (G-07, G-13)', async () => {
    const { owner, oak, ann, visitor } = await visited();
    const exit = visitor.next('groupExit');
    expect(await owner.groups.rejected(oak, { add: [ann] })).toEqual([ann]);
    expect(await exit).toMatchObject({ group: oak, outcome: { code: 809 } });
    await expect(visitor.groups.join(oak, { screenName: 'Ally' })).rejects.toMatchObject(refused(809));
  });

  it('messages reach everybody else once, under a screen name (G-08, G-09)', async () => {
    const { owner, oak, visitor, ann, bea } = await visited();
    const { client: other } = await near.somebody('abe', mix.serving);
    await other.groups.join(oak, { screenName: 'Abe' });
    await wire.settled();
    const mark = wire.log.length;
    const [atHome, guestA, guestB] = [hears(owner), hears(visitor), hears(other)];
    await visitor.sendMessage({ to: { group: oak }, content: 'from afar' });
    await owner.sendMessage({ to: { group: oak }, content: 'from home' });
    await eventually('everything', () => atHome.length === 1 && guestA.length === 1 && guestB.length === 2);
    await wire.settled(mark);
    expect([atHome, guestA, guestB.toSorted()]).toEqual([
      ['Ally: from afar'],
      ['Bo: from home'],
      ['Ally: from afar', 'Bo: from home'],
    ]);
    for (const { body } of wire
      .requests('SendMessageRequest', mark)
      .filter(({ from }) => from === far.domain)) {
      expect(body.match(/<Sender>.*<\/Sender>/s)?.[0]).not.toMatch(/<User/);
      expect(body.includes(ann) && body.includes('Ally')).toBe(false);
      expect(body.replaceAll(oak, '')).not.toContain(bea);
    }
  });

  it('whispers reach one, unless nobody wants them (G-10, G-11)', async () => {
    const { owner, oak, visitor } = await visited();
    const { client: other } = await near.somebody('abe', mix.serving);
    await other.groups.join(oak, { screenName: 'Abe' });
    const [atHome, overheard] = [hears(owner), hears(other)];
    await visitor.sendMessage({ to: { group: oak, screenName: 'Bo' }, content: 'psst' });
    await eventually('the whisper', () => atHome.length > 0);
    expect([atHome, overheard]).toEqual([['Ally: psst'], []]);
    await owner.groups.setProperties(oak, { properties: { PrivateMessaging: 'F' } });
    const report = visitor.next('report');
    const { id } = await visitor.sendMessage({ to: { group: oak, screenName: 'Bo' }, content: 'psst' });
    expect(await report).toMatchObject({ outcome: { code: 812 }, message: { id } });
  });

  it('leaving is answered and told (G-12)', async () => {
    const { oak, visitor, told } = await visited();
    expect((await visitor.groups.leave(oak)).code).toBe(200);
    await eventually('the notice', () => told.includes('-Ally'));
    await expect(visitor.groups.leave(oak)).rejects.toMatchObject(refused(808));
  });

  it('a group that ends puts everybody out (G-14)', async () => {
    const { owner, oak, visitor } = await visited();
    const exit = visitor.next('groupExit');
    await owner.groups.delete(oak);
    expect(await exit).toMatchObject({ group: oak, outcome: { code: 800 } });
    await expect(visitor.groups.join(oak)).rejects.toMatchObject(refused(800));
  });

  it('changed properties are told, and can be read (G-15)', async () => {
    const { owner, oak, visitor } = await visited();
    const told = news(visitor);
    await owner.groups.setProperties(oak, { properties: { Topic: 'Trees & <leaves>' } });
    await eventually('the notice', () => told.includes('Topic=Trees & <leaves>'));
    expect((await visitor.groups.properties(oak)).properties).toMatchObject({ Topic: 'Trees & <leaves>' });
  });

  it('who is lost without a word leaves no ghost (G-16)', async () => {
    const { ann, visitor, told } = await visited();
    visitor.abandon();
    await near.house.forceLogout(ann.slice(3, ann.indexOf('@')));
    await eventually('the notice', () => told.includes('-Ally'));
  });

  it('nobody makes a group on another server (G-17)', async () => {
    const { user: ann, client: visitor } = await guest();
    const elsewhere = ann.replace(/@.*/, `/oak@${far.domain}`);
    await expect(visitor.groups.create(elsewhere)).rejects.toMatchObject(refused(516));
    const { oak } = await visited();
    const create = `<CreateGroupRequest groupID="${oak}x">${metaInfo(near.domain, ann)}</CreateGroupRequest>`;
    expect(codesIn(await ask(wire, { from: near.domain, to: far.domain }, create))[0]).toBe(405);
  });

  it('an administrator elsewhere sets properties, members and the reject list, and ends the group', async () => {
    const { bea, owner, oak, ann, visitor } = await visited();
    await expect(visitor.groups.setProperties(oak, { properties: { Topic: 'mine' } })).rejects.toMatchObject(
      refused(816),
    );
    await owner.groups.addMembers(oak, ann);
    await owner.groups.setAccess(oak, { admins: [ann] });
    const told = news(owner);
    await visitor.groups.setProperties(oak, { properties: { Topic: 'mine' } });
    await eventually('the notice', () => told.includes('Topic=mine'));
    const { user: mallory, client: pest } = await far.somebody('mallory', mix.asking);
    await pest.groups.join(oak, { screenName: 'Mal' });
    const exit = pest.next('groupExit');
    expect(await visitor.groups.rejected(oak, { add: [mallory] })).toEqual([mallory]);
    expect(await exit).toMatchObject({ outcome: { code: 809 } });
    const members = await visitor.groups.members(oak);
    expect(members.admins.toSorted()).toEqual([ann, bea].toSorted());
    const guestOfOurs = await near.person('amy');
    await visitor.groups.addMembers(oak, guestOfOurs);
    expect((await owner.groups.members(oak)).users).toEqual([guestOfOurs]);
    await visitor.groups.removeMembers(oak, guestOfOurs);
    expect((await owner.groups.members(oak)).users).toEqual([]);
    const end = owner.next('groupExit');
    expect((await visitor.groups.delete(oak)).code).toBe(200);
    expect(await end).toMatchObject({ group: oak, outcome: { code: 800 } });
  });
});

describe('with three servers', () => {
  async function three() {
    const { a, b, c } = all.houses;
    const { user: ann, client: annie } = await a.somebody('ann');
    const { user: bea, client: bo } = await b.somebody('bea');
    const { user: cyd, client: cy } = await c.somebody('cyd');
    const oak = bea.replace('@', '/three@');
    await bo.groups.create(oak, { screenName: 'Bo' });
    await annie.groups.join(oak, { screenName: 'Ally' });
    const told = [annie, bo].map(news);
    await cy.groups.join(oak, { screenName: 'Cy' });
    // A notice that still waits would swallow the next one about the same name.
    await eventually('everybody knows', () => told.every((each) => each.includes('+Cy')));
    await wire.settled();
    return { ann, annie, bea, bo, cyd, cy, oak };
  }

  it('members in all of them hear each other once, through the home of the group', async () => {
    const { ann, annie, bo, cy, cyd, oak } = await three();
    const all3 = [annie, bo, cy].map(hears);
    const mark = wire.log.length;
    await annie.sendMessage({ to: { group: oak }, content: 'from a' });
    await cy.sendMessage({ to: { group: oak }, content: 'from c' });
    await bo.sendMessage({ to: { group: oak }, content: 'from b' });
    await eventually('everything', () => all3.every(({ length }) => length === 2));
    await wire.settled(mark);
    expect(all3.map((texts) => texts.toSorted())).toEqual([
      ['Bo: from b', 'Cy: from c'],
      ['Ally: from a', 'Cy: from c'],
      ['Ally: from a', 'Bo: from b'],
    ]);
    const between = wire
      .since(mark)
      .filter(({ from, to }) => [from, to].toSorted().join() === 'a.test,c.test');
    expect(between).toEqual([]);
    for (const { to, body } of wire.since(mark)) {
      if (to === 'a.test') expect(body).not.toContain(cyd);
      if (to === 'c.test') expect(body).not.toContain(ann);
    }
  });

  it('members in all of them hear who comes, goes and is put out', async () => {
    const { annie, bo, cy, cyd, oak } = await three();
    const told = [annie, bo].map(news);
    await cy.groups.leave(oak);
    await eventually('left', () => told.every((each) => each.includes('-Cy')));
    await cy.groups.join(oak, { screenName: 'Cyan' });
    await eventually('came', () => told.every((each) => each.includes('+Cyan')));
    const exit = cy.next('groupExit');
    await bo.groups.rejected(oak, { add: [cyd] });
    expect(await exit).toMatchObject({ outcome: { code: 809 } });
    await eventually('put out', () => told.every((each) => each.includes('-Cyan')));
  });

  it('no server passes on for another one: 516', async () => {
    const { ann, annie, bea, cy, cyd } = await three();
    // So that a.test and c.test know each other, too.
    const there = cy.next('message');
    await annie.sendMessage({ to: { user: cyd }, content: 'hello' });
    await there;
    await wire.settled();
    const route = { from: 'a.test', to: 'b.test' };
    const message = { id: `relay-${ann}`, service: 'a.test', user: ann };
    expect(codesIn(await ask(wire, route, sendMessage({ ...message, recipients: [cyd] })))).toContain(516);
    const meta = metaInfo('a.test', ann);
    const group = cyd.replace('@', '/oak@');
    const mark = wire.log.length;
    for (const request of [
      `<SubscribeRequest>${meta}<UserID userID="${cyd}"/></SubscribeRequest>`,
      `<JoinGroupRequest groupID="${group}" joinedListRequest="Yes" subscribeNotif="Yes">${meta}</JoinGroupRequest>`,
      `<GetGroupPropsRequest groupID="${group}">${meta}</GetGroupPropsRequest>`,
    ])
      expect(codesIn(await ask(wire, route, request))[0]).toBe(516);
    expect(wire.since(mark).filter(({ to }) => to === 'c.test')).toEqual([]);
    // One of each: the user of b.test is not served either, or the third one is named.
    const both = await ask(
      wire,
      route,
      sendMessage({ ...message, id: `relay2-${ann}`, recipients: [bea, cyd] }),
    );
    expect(codesIn(both)).toContain(516);
  });
});
