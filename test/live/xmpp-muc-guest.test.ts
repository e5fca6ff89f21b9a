// WV users in rooms of real XMPP servers, with XMPP users beside them.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf } from '../../adapters/xmpp/xml.ts';
import { restartServer } from '../../scripts/stack/control.ts';
import { mucDomain } from '../../scripts/stack/layout.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { GroupAddress } from '../../src/wv/ids.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { XmppProxy } from '../support/xmpp-proxy.ts';
import { RoomClient, TABLET } from '../support/xmpp-muc-guest.ts';
import { bodyText, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`rooms of ${name}${missing}`, () => {
    suite(name, server as XmppServer);
  });
}

function suite(name: 'prosody' | 'ejabberd', server: XmppServer): void {
  let live: LiveGateway;
  let proxy: XmppProxy;
  let nurse: XmppUser;
  let room: string;
  let group: GroupAddress;
  const muc = mucDomain(server?.domain ?? '');
  const settings = { groupDomains: [muc] };

  beforeAll(async () => {
    proxy = await XmppProxy.start(server.host, server.componentPort);
    live = await LiveGateway.start(server, { ...settings, port: proxy.port });
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
  });
  afterAll(async () => {
    await nurse.logout().catch(() => undefined);
    await live.gateway.stop();
    await proxy.stop();
  });

  /** A room that nurse has made and sits in. */
  beforeEach(async () => {
    const local = `tea-${randomBytes(4).toString('hex')}`;
    room = `${local}@${muc}`;
    group = trusted<GroupAddress>(`wv:/${local}@${muc}`);
    await nurseEnters();
    await nurse.asks(
      room,
      'set',
      `<query xmlns="${NS.mucOwner}"><x xmlns="jabber:x:data" type="submit"/></query>`,
    );
  });

  async function nurseEnters(nick = 'Nurse'): Promise<void> {
    await nurse.send(`<presence to="${room}/${nick}"><x xmlns="${NS.muc}"/></presence>`);
    await nurse.sees(
      `${nick} in the room`,
      (stanza) => stanza.name === 'presence' && stanza.attrs['from'] === `${room}/${nick}`,
    );
  }

  const client = (first: string, clientId?: typeof TABLET): RoomClient =>
    new RoomClient(live.gateway, live.newUser(first).user, group, clientId);
  const says = (text: string, id = `n-${randomBytes(4).toString('hex')}`): Promise<void> =>
    nurse.send(`<message type="groupchat" id="${id}" to="${room}"><body>${text}</body></message>`);
  const shown = (nick: string): string[] =>
    nurse.received
      .filter(({ attrs }) => attrs['type'] === 'groupchat' && attrs['from'] === `${room}/${nick}`)
      .map(bodyText)
      .filter((text) => text !== '');
  const hears = (who: RoomClient, line: string): Promise<unknown> =>
    eventually(
      () => `${who.user} hears ${line}; heard: ${who.heard(live.relay).join(', ')}`,
      () => who.heard(live.relay).includes(line),
    );
  const learns = (who: RoomClient, news: string): Promise<unknown> =>
    eventually(
      () => `${who.user} learns ${news}; learnt: ${who.news(live.relay).join(', ')}`,
      () => who.news(live.relay).includes(news),
    );
  const admin = (item: string): Promise<unknown> =>
    nurse.asks(room, 'set', `<query xmlns="${NS.mucAdmin}">${item}</query>`);

  test('a WV user joins, sees who is there, and both sides speak', async () => {
    const ann = client('ann');
    const entered = await ann.enter('Ann');
    expect(entered.screenName).toBe('Ann');
    expect(entered.joined?.map(({ screenName }) => screenName).toSorted()).toEqual(['Ann', 'Nurse']);
    await nurse.sees('Ann', ({ attrs }) => attrs['from'] === `${room}/Ann`);
    await says('good morning');
    await hears(ann, 'Nurse: good morning');
    expect(await ann.say('morning')).toBe(200);
    await eventually('nurse hears', () => shown('Ann').includes('morning'));
    expect(ann.heard(live.relay)).not.toContain('Ann: morning');
    expect(await ann.leave()).toBe(200);
    await nurse.sees(
      'Ann leave',
      ({ attrs }) => attrs['from'] === `${room}/Ann` && attrs['type'] === 'unavailable',
    );
    expect(await ann.say('anybody?')).toBe(808);
  });

  test('two WV users get each message once, and hear of each other', async () => {
    const [ann, bea] = [client('ann'), client('bea')];
    await ann.enter('Ann');
    await bea.enter('Bea');
    await learns(ann, '+Bea');
    await says('to all');
    await hears(bea, 'Nurse: to all');
    expect(await ann.say('from ann')).toBe(200);
    await hears(bea, 'Ann: from ann');
    await ann.leave();
    await learns(bea, '-Ann');
    await says('still there?');
    await hears(bea, 'Nurse: still there?');
    expect(bea.heard(live.relay)).toEqual(['Nurse: to all', 'Ann: from ann', 'Nurse: still there?']);
    expect(ann.heard(live.relay)).toEqual(['Nurse: to all']);
  });

  test('whispers pass both ways, and come from a nick that is gone as an error', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    expect(await ann.say('psst', { to: 'Nurse' })).toBe(200);
    await nurse.sees(
      'a whisper',
      (stanza) => stanza.attrs['from'] === `${room}/Ann` && bodyText(stanza) === 'psst',
    );
    await nurse.send(
      `<message type="chat" id="w1" to="${room}/Ann"><body>hush</body><x xmlns="${NS.mucUser}"/></message>`,
    );
    await hears(ann, 'Nurse > Ann: hush');
    expect(await ann.say('psst', { to: 'Nobody' })).toBe(410);
  });

  test('the topic changes from both sides; who may not change it gets 816', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    await nurse.send(`<message type="groupchat" to="${room}"><subject>Tea</subject></message>`);
    await learns(ann, 'Topic=Tea');
    const props = await ann.ask('GetGroupPropsRequest', {});
    expect(props).toMatchObject({ primitive: 'GetGroupPropsResponse', result: { code: 200 } });
    const wish = { properties: [{ name: 'Topic', value: 'Coffee' }] };
    const mayAtFirst = await ann.code('SetGroupPropsRequest', wish);
    expect([200, 816]).toContain(mayAtFirst);
    await admin('<item nick="Ann" role="moderator"/>');
    await eventually('Ann may', async () => (await ann.code('SetGroupPropsRequest', wish)) === 200);
    expect(await ann.code('SetGroupPropsRequest', { properties: [{ name: 'Name', value: 'Mine' }] })).toBe(
      816,
    );
    await ann.leave();
  });

  test('a taken nick is 811, and another one is found for who has no wish', async () => {
    const ann = client('ann');
    expect((await ann.join('Nurse')).result.code).toBe(811);
    const user = live.relay.account(`n-${randomBytes(4).toString('hex')}`, 'Nurse');
    const second = new RoomClient(live.gateway, user, group);
    expect((await second.enter()).screenName).toBe('Nurse (2)');
    await second.leave();
  });

  test('two clients share an occupant, who leaves with the last', async () => {
    const phone = client('ann');
    const tablet = new RoomClient(live.gateway, phone.user, group, TABLET);
    await phone.enter('Ann');
    expect((await tablet.enter()).screenName).toBe('Ann');
    await phone.leave();
    expect(await tablet.say('still here')).toBe(200);
    await eventually('nurse hears', () => shown('Ann').includes('still here'));
    expect(await tablet.leave()).toBe(200);
    expect(await tablet.leave()).toBe(808);
  });

  test('who is kicked, or banned, is told so, does not come back, and the banned cannot', async () => {
    const [ann, bea] = [client('ann'), client('bea')];
    await ann.enter('Ann');
    await bea.enter('Bea');
    await admin('<item nick="Ann" role="none"><reason>spilt tea</reason></item>');
    await learns(ann, 'out 809');
    await learns(bea, '-Ann');
    expect(await ann.say('hello?')).toBe(808);
    expect((await ann.join('Ann')).result.code).toBe(200);
    const local = ann.user.slice(3, ann.user.lastIndexOf('@'));
    await admin(`<item affiliation="outcast" jid="${local}@${server.components.test.domain}"/>`);
    await eventually(
      'out again',
      () => ann.news(live.relay).filter((news) => news === 'out 809').length === 2,
    );
    expect((await ann.join('Ann')).result.code).toBe(809);
    expect(bea.news(live.relay)).not.toContain('out 809');
  });

  test('without voice a message is 816; with it again it is heard', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    await admin('<item nick="Ann" role="visitor"/>');
    await eventually('no voice', async () => (await ann.say('may I?')) === 816);
    await admin('<item nick="Ann" role="participant"/>');
    await eventually('voice', async () => (await ann.say('thanks')) === 200);
  });

  test('a room that ends is told, and is no more', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    await nurse.asks(room, 'set', `<query xmlns="${NS.mucOwner}"><destroy/></query>`);
    await learns(ann, 'out 800');
    expect((await ann.join('Ann')).result.code).toBe(800);
  });

  test('a room that does not exist is 800, and is not made', async () => {
    const nowhere = trusted<GroupAddress>(`wv:/none-${randomBytes(4).toString('hex')}@${muc}`);
    const ann = new RoomClient(live.gateway, live.newUser('ann').user, nowhere);
    expect((await ann.join('Ann')).result.code).toBe(800);
    expect(await ann.code('GetGroupPropsRequest', {})).toBe(800);
  });

  test('an owner of ours lists, adds, rejects and ends', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    expect(await ann.code('DeleteGroupRequest', {})).toBe(816);
    expect(await ann.code('RejectListRequest', { add: [], remove: [] })).toBe(816);
    const local = ann.user.slice(3, ann.user.lastIndexOf('@'));
    await admin(`<item affiliation="owner" jid="${local}@${server.components.test.domain}"/>`);
    const romeo = live.contact('romeo');
    expect(await ann.code('AddGroupMemberRequest', { users: [romeo] })).toBe(200);
    const members = await ann.ask('GetGroupMemberRequest', {});
    expect(members).toMatchObject({ primitive: 'GetGroupMemberResponse', users: [romeo] });
    expect(await ann.ask('RejectListRequest', { add: [romeo], remove: [] })).toMatchObject({
      users: [romeo],
    });
    expect(await ann.ask('RejectListRequest', { add: [], remove: [romeo] })).toMatchObject({ users: [] });
    const named = { properties: [{ name: 'Name', value: 'Tea room' }] };
    expect(await ann.code('SetGroupPropsRequest', named)).toBe(200);
    const props = await ann.ask('GetGroupPropsRequest', {});
    expect(props).toMatchObject({ properties: expect.arrayContaining(named.properties) as unknown });
    expect(await ann.code('DeleteGroupRequest', {})).toBe(200);
    await learns(ann, 'out 800');
  });

  test('invitations come through the room and direct, and are refused through the room', async () => {
    const { user, jid } = live.newUser('ann');
    const invite = `<invite to="${jid}"><reason>tea?</reason></invite>`;
    await nurse.send(`<message to="${room}"><x xmlns="${NS.mucUser}">${invite}</x></message>`);
    const request = await live.relay.next('InviteRequest', ({ group: which }) => which === group);
    expect(request).toMatchObject({ inviteType: 'GR', invited: { user }, note: 'tea?' });
    const answer = {
      primitive: 'InviteResponse',
      meta: new RoomClient(live.gateway, user, group).meta,
      inviteId: request.inviteId,
      accepted: false,
      inviting: request.inviting,
      responding: request.invited,
      note: 'no time',
    } as const;
    expect((await live.gateway.request(answer)).result.code).toBe(200);
    await nurse.sees('a refusal', (stanza) => {
      const x = childOf(stanza, 'x', NS.mucUser);
      return x !== undefined && childOf(x, 'decline')?.attrs['from']?.startsWith(jid) === true;
    });
    const bea = live.newUser('bea');
    await nurse.send(
      `<message to="${bea.jid}"><x xmlns="${NS.conference}" jid="${room}" reason="come"/></message>`,
    );
    const direct = await live.relay.next(
      'InviteRequest',
      ({ invited }) => invited.kind === 'user' && invited.user === bea.user,
    );
    expect(direct).toMatchObject({ inviting: { user: live.contact('nurse') }, group, note: 'come' });
  });

  test('killed and started again, the gateway is in its rooms, nothing is lost and nothing said twice', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    const before = ann.message('before');
    expect((await live.gateway.request(before)).result.code).toBe(200);
    await says('heard before', 'hb');
    await hears(ann, 'Nurse: heard before');
    live = await crashed(live);
    const again = new RoomClient(live.gateway, ann.user, group);
    await eventually('in again', async () => (await again.say('after')) === 200);
    expect((await live.gateway.request(before)).result.code).toBe(200);
    await says('heard after', 'ha');
    await hears(again, 'Nurse: heard after');
    expect(shown('Ann')).toEqual(['before', 'after']);
    expect(again.heard(live.relay)).toEqual(['Nurse: heard before', 'Nurse: heard after']);
    expect(await again.names()).toEqual(expect.arrayContaining(['Ann', 'Nurse']));
  });

  /** The same house after kill -9: no goodbye to anybody, and nothing but its storage and its inbox. */
  async function crashed(old: LiveGateway): Promise<LiveGateway> {
    await proxy.stop();
    await old.gateway.stop();
    proxy = await XmppProxy.start(server.host, server.componentPort);
    return await LiveGateway.start(server, { ...settings, port: proxy.port }, old.relay);
  }

  test('whose client is gone after a restart leaves', async () => {
    const ann = client('ann');
    await ann.enter('Gone');
    await live.gateway.stop();
    live.relay.joined = () => false;
    live = await LiveGateway.start(server, { ...settings, port: proxy.port }, live.relay);
    live.relay.joined = () => true;
    await nurse.sees(
      'Gone leave',
      ({ attrs }) => attrs['from'] === `${room}/Gone` && attrs['type'] === 'unavailable',
    );
    await eventually('forgotten', async () => (await live.relay.storage.list('room-guest ')).length === 0);
  });

  test('a restart of the server puts nobody out whose room is there again', async () => {
    const ann = client('ann');
    await ann.enter('Ann');
    await restartServer(name);
    await eventually('back', () => live.gateway.health() === 'up', 60_000);
    await nurse.logout().catch(() => undefined);
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
    // The room was temporary: it is gone, or made anew by whoever comes first.
    await eventually(
      'it is settled',
      async () => ann.news(live.relay).includes('out 800') || (await ann.say('back')) === 200,
      60_000,
    );
  }, 120_000);
}
