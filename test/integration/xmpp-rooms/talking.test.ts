// Messages, whispers, the subject, invitations and administration between phones and rooms (bridging 7.1 to 7.3).

import { afterEach, describe, expect, test } from 'vitest';
import { childOf, elementsOf, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { eventually } from '../../support/eventually.ts';
import { itemOf, ROOMS, startRooms, statusesOf } from '../../support/xmpp-rooms.ts';
import type { RoomScene } from '../../support/xmpp-rooms.ts';
import { conditionOf } from '../../support/xmpp-user.ts';

const GROUP = 'wv:ann/hikers@wv.test';
const ROOM = `ann\\2fhikers@${ROOMS}`;
const BOB = 'wv:bob@xmpp.example';

let scene: RoomScene;
afterEach(() => scene.stop());

async function together(properties: Readonly<Record<string, string>> = {}) {
  scene = await startRooms();
  const ann = await scene.phone('ann');
  await ann.groups.create(GROUP, { screenName: 'Ann', properties });
  const bob = scene.client('bob@xmpp.example/desk');
  const carol = scene.client('carol@xmpp.example/tab');
  await bob.join(ROOM, 'Bob');
  await carol.join(ROOM, 'Carol');
  bob.forget();
  return { ann, bob, carol };
}

const body = (text: string): XmlElement => xml(NS.component, 'body', {}, text);
const isError = ({ attrs }: XmlElement): boolean => attrs['type'] === 'error';
const countOf = (client: { received: readonly XmlElement[] }, text: string): number =>
  client.received.filter((stanza) => textOf(childOf(stanza, 'body')) === text).length;

describe('a message to everybody', () => {
  test('reaches each client once, its author under his own ids, all under one id of the room', async () => {
    const { ann, bob, carol } = await together();
    const phone = scene.client('bob@xmpp.example/phone');
    await phone.join(ROOM, 'Bob');
    const heard = ann.next('message');
    bob.send('message', { to: ROOM, type: 'groupchat', id: 'm-1' }, body('Hi <all>'), xml(NS.stanzaId, 'origin-id', { id: 'o-1' })); // prettier-ignore
    const reflected = await bob.seesBody(`${ROOM}/Bob`, 'Hi <all>');
    const others = [await carol.seesBody(`${ROOM}/Bob`, 'Hi <all>'), await phone.seesBody(`${ROOM}/Bob`, 'Hi <all>')]; // prettier-ignore
    expect(await heard).toMatchObject({ text: 'Hi <all>', from: { group: GROUP, screenName: 'Bob' } });
    for (const copy of [reflected, ...others]) {
      expect(copy.attrs).toMatchObject({ id: 'm-1', type: 'groupchat' });
      expect(childOf(copy, 'origin-id', NS.stanzaId)?.attrs['id']).toBe('o-1');
      const id = childOf(copy, 'stanza-id', NS.stanzaId);
      expect(id?.attrs).toEqual(childOf(reflected, 'stanza-id', NS.stanzaId)?.attrs);
      expect(id?.attrs['by']).toBe(ROOM);
      expect(childOf(copy, 'occupant-id', NS.occupantId)).toEqual(childOf(reflected, 'occupant-id', NS.occupantId)); // prettier-ignore
    }
    expect([bob, carol, phone].map((client) => countOf(client, 'Hi <all>'))).toEqual([1, 1, 1]);
  });

  test('sent again by its author is no second message', async () => {
    const { bob, carol } = await together();
    bob.say(ROOM, 'once', 'same');
    await carol.seesBody(`${ROOM}/Bob`, 'once');
    bob.say(ROOM, 'once', 'same');
    await eventually('the repeat is reflected', () => countOf(bob, 'once') === 2);
    bob.say(ROOM, 'after');
    await carol.seesBody(`${ROOM}/Bob`, 'after');
    expect(countOf(carol, 'once')).toBe(1);
  });

  test('waits in the outbox while the stream is full', async () => {
    const { ann, bob } = await together();
    scene.gateway.link.writable = false;
    await ann.sendMessage({ to: { group: GROUP }, content: 'later' });
    await eventually('it was tried', () => scene.gateway.served.some(({ primitive }) => primitive === 'SendMessageRequest')); // prettier-ignore
    scene.gateway.link.writable = true;
    await bob.seesBody(`${ROOM}/Ann`, 'later');
  });

  test('of no occupant, encrypted, or to one nick is refused', async () => {
    const { bob } = await together();
    const dave = scene.client('dave@xmpp.example/x');
    dave.say(ROOM, 'hello');
    expect(conditionOf(await dave.sees('an error', isError))).toBe('not-acceptable');
    bob.send('message', { to: ROOM, type: 'groupchat', id: 'e' }, xml(NS.omemo, 'encrypted'), body('x'));
    expect(conditionOf(await bob.sees('an error', ({ attrs }) => attrs['id'] === 'e'))).toBe(
      'not-acceptable',
    );
    bob.send('message', { to: `${ROOM}/Ann`, type: 'groupchat', id: 'n' }, body('x'));
    expect(conditionOf(await bob.sees('an error', ({ attrs }) => attrs['id'] === 'n'))).toBe('bad-request');
  });
});

describe('a whisper', () => {
  test('goes both ways', async () => {
    const { ann, bob, carol } = await together();
    const heard = ann.next('message');
    bob.send('message', { to: `${ROOM}/Ann`, type: 'chat', id: 'w' }, body('psst'));
    expect(await heard).toMatchObject({ text: 'psst', from: { group: GROUP, screenName: 'Bob' } });
    await ann.sendMessage({ to: { group: GROUP, screenName: 'Bob' }, content: 'what?' });
    const whispered = await bob.seesBody(`${ROOM}/Ann`, 'what?');
    expect(whispered.attrs['type']).toBe('chat');
    expect(childOf(whispered, 'x', NS.mucUser)).toBeDefined();
    expect(countOf(carol, 'what?')).toBe(0);
  });

  test.each([
    ['a nick that nobody has', 'Nobody', {}, 'item-not-found'],
    ['where the group wants none (812)', 'Ann', { PrivateMessaging: 'F' }, 'not-allowed'],
  ])('is refused: %s', async (_why, nick, properties, condition) => {
    const { bob } = await together(properties);
    bob.send('message', { to: `${ROOM}/${nick}`, type: 'chat', id: 'w' }, body('psst'));
    expect(conditionOf(await bob.sees('an error', isError))).toBe(condition);
  });

  test('is refused by one who wants none (813)', async () => {
    const { ann, bob } = await together();
    await ann.groups.setProperties(GROUP, { own: { PrivateMessaging: 'F' } });
    bob.send('message', { to: `${ROOM}/Ann`, type: 'chat', id: 'w' }, body('psst'));
    expect(conditionOf(await bob.sees('an error', isError))).toBe('not-allowed');
  });
});

describe('the subject', () => {
  test('is the topic, both ways; only Mods change it', async () => {
    const { ann, bob, carol } = await together();
    await ann.groups.setProperties(GROUP, { properties: { Topic: 'Alps' } });
    await bob.sees('Alps', (stanza) => textOf(childOf(stanza, 'subject')) === 'Alps');
    const subject = xml(NS.component, 'subject', {}, 'Andes');
    bob.send('message', { to: ROOM, type: 'groupchat', id: 's' }, subject);
    expect(conditionOf(await bob.sees('an error', isError))).toBe('forbidden');
    await ann.groups.addMembers(GROUP, BOB);
    await ann.groups.setAccess(GROUP, { moderators: [BOB] });
    const heard = ann.next('group', ({ properties }) => properties['Topic'] === 'Andes');
    bob.send('message', { to: ROOM, type: 'groupchat', id: 't' }, subject);
    await bob.sees('Andes', (stanza) => textOf(childOf(stanza, 'subject')) === 'Andes');
    const told = await carol.sees('Andes', (stanza) => textOf(childOf(stanza, 'subject')) === 'Andes');
    expect(told.attrs['from']).toBe(`${ROOM}/Bob`);
    await heard;
  });

  test('other properties are announced as a change of the configuration (104)', async () => {
    const { ann, bob } = await together();
    await ann.groups.setProperties(GROUP, { properties: { Name: 'Hill walkers' } });
    await bob.sees('104', (stanza) => stanza.name === 'message' && statusesOf(stanza).includes('104'));
  });
});

describe('administration', () => {
  const admin = (...items: readonly XmlElement[]) => xml(NS.mucAdmin, 'query', {}, ...items);
  const item = (attrs: Readonly<Record<string, string>>, reason?: string) =>
    xml(NS.mucAdmin, 'item', attrs, reason === undefined ? undefined : xml(NS.mucAdmin, 'reason', {}, reason)); // prettier-ignore

  async function withAdmin() {
    const all = await together();
    await all.ann.groups.addMembers(GROUP, BOB);
    await all.ann.groups.setAccess(GROUP, { admins: [BOB] });
    await all.bob.join(ROOM, 'Bob');
    return all;
  }

  test('a kick is told with actor and reason on the victim, who may come back', async () => {
    const { ann, bob, carol } = await withAdmin();
    const bea = await scene.phone('bea');
    await bea.groups.join(GROUP, { screenName: 'Bea' });
    await bob.seesPresence(`${ROOM}/Bea`);
    const out = bea.next('groupExit');
    const done = await bob.asks(ROOM, 'set', admin(item({ nick: 'Bea', role: 'none' }, 'Mind')));
    expect(done.attrs['type']).toBe('result');
    expect(await out).toMatchObject({ outcome: { code: 809 } });
    for (const client of [bob, carol]) {
      const gone = await client.seesPresence(`${ROOM}/Bea`, 'unavailable');
      expect(statusesOf(gone)).toEqual(['307']);
      expect(elementsOf(itemOf(gone)).map((child) => child.attrs['nick'] ?? textOf(child))).toEqual(['Bob', 'Mind']); // prettier-ignore
    }
    await bea.groups.join(GROUP, { screenName: 'Bea' });
    const kicked = await bob.asks(ROOM, 'set', admin(item({ nick: 'Carol', role: 'none' }, 'You too')));
    expect(kicked.attrs['type']).toBe('result');
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Carol`, 'unavailable'))).toEqual(['110', '307']);
    expect((await ann.groups.participants(GROUP)).map(({ screenName }) => screenName)).not.toContain('Carol');
  });

  test('a ban is the reject list, and is lifted', async () => {
    const { ann, bob, carol } = await withAdmin();
    await bob.asks(ROOM, 'set', admin(item({ jid: 'carol@xmpp.example', affiliation: 'outcast' })));
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Carol`, 'unavailable'))).toEqual(['110', '301']);
    expect(await ann.groups.rejected(GROUP)).toEqual(['wv:carol@xmpp.example']);
    const list = await bob.asks(ROOM, 'get', admin(item({ affiliation: 'outcast' })));
    expect(elementsOf(elementsOf(list)[0] ?? list).map(({ attrs }) => attrs['jid'])).toEqual(['carol@xmpp.example']); // prettier-ignore
    await bob.asks(ROOM, 'set', admin(item({ jid: 'carol@xmpp.example', affiliation: 'none' })));
    expect(await ann.groups.rejected(GROUP)).toEqual([]);
  });

  test('members and privileges are affiliations and roles', async () => {
    const { ann, bob, carol } = await withAdmin();
    await bob.asks(ROOM, 'set', admin(item({ jid: `bea@${COMPONENT}`, affiliation: 'member' })));
    expect((await ann.groups.members(GROUP)).users).toEqual(['wv:bea@wv.test']);
    await bob.asks(ROOM, 'set', admin(item({ nick: 'Carol', role: 'moderator' })));
    expect((await ann.groups.members(GROUP)).moderators).toEqual(['wv:carol@xmpp.example']);
    const seen = await carol.sees('herself as moderator', (stanza) => stanza.name === 'presence' && itemOf(stanza).attrs['role'] === 'moderator' && stanza.attrs['from'] === `${ROOM}/Carol`); // prettier-ignore
    expect(statusesOf(seen)).toEqual(['110']);
    const owners = await bob.asks(ROOM, 'get', admin(item({ affiliation: 'owner' })));
    expect(elementsOf(elementsOf(owners)[0] ?? owners).map(({ attrs }) => attrs['jid'])).toEqual([`ann@${COMPONENT}`]); // prettier-ignore
    const moderators = await bob.asks(ROOM, 'get', admin(item({ role: 'moderator' })));
    expect(elementsOf(elementsOf(moderators)[0] ?? moderators).map(({ attrs }) => attrs['nick'])).toEqual(expect.arrayContaining(['Ann', 'Bob', 'Carol'])); // prettier-ignore
  });

  test('is for Mods and Admins only', async () => {
    const { carol } = await together();
    for (const [type, query] of [
      ['get', admin(item({ affiliation: 'member' }))],
      ['set', admin(item({ nick: 'Bob', role: 'none' }))],
      ['get', xml(NS.mucOwner, 'query')],
      ['set', xml(NS.mucOwner, 'query', {}, xml(NS.mucOwner, 'destroy'))],
    ] as const) {
      expect(conditionOf(await carol.asks(ROOM, type, query))).toBe('forbidden');
    }
  });

  test("the owner's form is the properties of the group", async () => {
    const { ann, bob } = await withAdmin();
    const form = await bob.asks(ROOM, 'get', xml(NS.mucOwner, 'query'));
    expect(form.attrs['type']).toBe('result');
    const field = (name: string, value: string) =>
      xml(NS.dataForm, 'field', { var: name }, xml(NS.dataForm, 'value', {}, value));
    const filled = (...fields: readonly XmlElement[]) =>
      xml(NS.mucOwner, 'query', {}, xml(NS.dataForm, 'x', { type: 'submit' }, ...fields));
    const set = filled(
      field('muc#roomconfig_roomname', 'Walkers'),
      field('muc#roomconfig_membersonly', '1'),
      field('muc#roomconfig_publicroom', '1'),
      field('muc#roomconfig_allowpm', 'none'),
      field('muc#roomconfig_maxusers', '30'),
      field('muc#roomconfig_persistentroom', '1'),
      field('muc#roomconfig_enablelogging', '1'),
      field('muc#roomconfig_whois', 'anyone'),
      field('wv#welcomenote', 'Boots on'),
    );
    expect((await bob.asks(ROOM, 'set', set)).attrs['type']).toBe('result');
    expect(await ann.groups.properties(GROUP)).toMatchObject({
      welcomeNote: 'Boots on',
      properties: {
        Name: 'Walkers',
        Accesstype: 'Restricted',
        Searchable: 'T',
        PrivateMessaging: 'F',
        MaxActiveUsers: '30',
        AutoDelete: 'F',
        History: 'T',
      },
    });
    const wrong = await bob.asks(ROOM, 'set', filled(field('muc#roomconfig_allowpm', 'moderators')));
    expect(conditionOf(wrong)).toBe('not-acceptable');
    const end = xml(NS.mucOwner, 'query', {}, xml(NS.mucOwner, 'destroy', { jid: 'new@muc.example' }, xml(NS.mucOwner, 'reason', {}, 'moved'))); // prettier-ignore
    expect((await bob.asks(ROOM, 'set', end)).attrs['type']).toBe('result');
    const gone = await bob.seesPresence(`${ROOM}/Bob`, 'unavailable');
    const destroyed = childOf(childOf(gone, 'x', NS.mucUser) ?? gone, 'destroy');
    expect(destroyed?.attrs['jid']).toBe('new@muc.example');
    expect(textOf(destroyed === undefined ? undefined : childOf(destroyed, 'reason'))).toBe('moved');
  });
});

describe('questions', () => {
  const query = (ns: string, ...children: readonly XmlElement[]) => xml(ns, 'query', {}, ...children);
  const payload = (answer: XmlElement): readonly XmlElement[] => elementsOf(elementsOf(answer)[0] ?? answer);

  test('a room says what it is', async () => {
    const { bob } = await together({ Name: 'Hikers', Topic: 'Alps', Searchable: 'T' });
    const answer = payload(await bob.asks(ROOM, 'get', query(NS.discoInfo)));
    expect(answer[0]?.attrs).toEqual({ category: 'conference', type: 'text', name: 'Hikers' });
    const features = answer.map(({ attrs }) => attrs['var']);
    expect(features).toEqual(expect.arrayContaining([NS.muc, 'muc_public', 'muc_open', 'muc_persistent', 'muc_semianonymous', 'muc_unmoderated', 'muc_unsecured', NS.occupantId, NS.selfPing])); // prettier-ignore
    expect(elementsOf(answer.at(-1) ?? query('')).map((field) => textOf(elementsOf(field)[0]))).toEqual(['http://jabber.org/protocol/muc#roominfo', 'Hikers', 'Alps', '3']); // prettier-ignore
    const items = payload(await bob.asks(ROOM, 'get', query(NS.discoItems)));
    expect(items.map(({ attrs }) => attrs['name'])).toEqual(['Ann', 'Bob', 'Carol']);
  });

  test('the service lists the rooms that can be found, page by page', async () => {
    const { ann, bob } = await together();
    for (const name of ['x1', 'x2', 'x3']) await ann.groups.create(`wv:ann/${name}@wv.test`, { join: false, properties: { Name: name, Searchable: 'T' } }); // prettier-ignore
    const page = async (after: string): Promise<readonly string[]> => {
      const set = xml(NS.rsm, 'set', {}, xml(NS.rsm, 'max', {}, '2'), xml(NS.rsm, 'after', {}, after));
      const items = payload(await bob.asks(ROOMS, 'get', query(NS.discoItems, set)));
      return items.flatMap(({ name, attrs }) => (name === 'item' ? (attrs['jid'] ?? []) : []));
    };
    expect(await page('')).toEqual([`ann\\2fx1@${ROOMS}`, `ann\\2fx2@${ROOMS}`]);
    expect(await page(`ann\\2fx2@${ROOMS}`)).toEqual([`ann\\2fx3@${ROOMS}`]);
    expect(payload(await bob.asks(ROOMS, 'get', query(NS.discoInfo)))[0]?.attrs['category']).toBe(
      'conference',
    );
  });

  test('a ping to oneself tells whether one is in (XEP-0410)', async () => {
    const { bob } = await together();
    const ping = xml(NS.ping, 'ping');
    const dave = scene.client('dave@xmpp.example/x');
    expect((await bob.asks(`${ROOM}/Bob`, 'get', ping)).attrs['type']).toBe('result');
    expect(conditionOf(await dave.asks(`${ROOM}/Bob`, 'get', ping))).toBe('not-acceptable');
    expect(conditionOf(await bob.asks(`${ROOM}/Ann`, 'get', ping))).toBe('service-unavailable');
    expect(conditionOf(await bob.asks(`${ROOM}/Nobody`, 'get', ping))).toBe('item-not-found');
  });

  test('every other question is answered', async () => {
    const { bob } = await together();
    const none = `ann\\2fnone@${ROOMS}`;
    expect(conditionOf(await bob.asks(none, 'get', query(NS.discoInfo)))).toBe('item-not-found');
    expect(conditionOf(await bob.asks(`nogroup@${ROOMS}`, 'get', query(NS.discoInfo)))).toBe('jid-malformed');
    expect(conditionOf(await bob.asks(ROOM, 'get', query('jabber:iq:register')))).toBe('service-unavailable');
    expect(conditionOf(await bob.asks(ROOMS, 'set', query('urn:x')))).toBe('service-unavailable');
    for (const to of [ROOM, ROOMS]) {
      expect((await bob.asks(to, 'get', xml(NS.ping, 'ping'))).attrs['type']).toBe('result');
      expect((await bob.asks(to, 'get', xml(NS.vcard, 'vCard'))).attrs['type']).toBe('result');
    }
  });
});

describe('an invitation', () => {
  const mucUser = (...children: readonly XmlElement[]) => xml(NS.mucUser, 'x', {}, ...children);

  test('of a phone reaches XMPP; coming accepts it', async () => {
    const { ann } = await together();
    const dave = scene.client('dave@xmpp.example/x');
    const answer = ann.next('invitationAnswer');
    await ann.invitations.invite('i1', { user: 'wv:dave@xmpp.example' }, { type: 'GR', group: GROUP, note: 'Join us' }); // prettier-ignore
    const invitation = await dave.sees('the invitation', ({ name }) => name === 'message');
    const invite = childOf(childOf(invitation, 'x', NS.mucUser) ?? invitation, 'invite');
    expect(invite?.attrs['from']).toBe(`ann@${COMPONENT}`);
    expect(textOf(invite === undefined ? undefined : childOf(invite, 'reason'))).toBe('Join us');
    expect(childOf(invitation, 'x', NS.conference)?.attrs['jid']).toBe(ROOM);
    await dave.join(ROOM, 'Dave');
    expect(await answer).toMatchObject({ accepted: true });
  });

  test('of a phone is declined, or taken back', async () => {
    const { ann } = await together();
    const dave = scene.client('dave@xmpp.example/x');
    const answer = ann.next('invitationAnswer');
    await ann.invitations.invite('i1', { user: 'wv:dave@xmpp.example' }, { type: 'GR', group: GROUP });
    await dave.sees('the invitation', ({ name }) => name === 'message');
    dave.send('message', { to: ROOM }, mucUser(xml(NS.mucUser, 'decline', { to: `ann@${COMPONENT}` }, xml(NS.mucUser, 'reason', {}, 'Too cold')))); // prettier-ignore
    expect(await answer).toMatchObject({ accepted: false, note: 'Too cold' });
    await ann.invitations.invite('i2', { user: 'wv:dave@xmpp.example' }, { type: 'GR', group: GROUP });
    await ann.invitations.cancel('i2', { user: 'wv:dave@xmpp.example' });
    await dave.sees('the withdrawal', (stanza) => textOf(childOf(stanza, 'body')).includes('withdrawn'));
  });

  test.each(['mediated', 'direct'])('of XMPP (%s) asks a phone, whose refusal comes back', async (kind) => {
    const { bob } = await together();
    const bea = await scene.phone('bea');
    const asked = bea.next('invitation');
    if (kind === 'mediated') {
      const invite = xml(
        NS.mucUser,
        'invite',
        { to: `bea@${COMPONENT}` },
        xml(NS.mucUser, 'reason', {}, 'Come'),
      );
      bob.send('message', { to: ROOM }, mucUser(invite));
    } else {
      const x = xml(NS.conference, 'x', { jid: ROOM, reason: 'Come' });
      const { host } = scene.gateway;
      const { incoming } = await import('../../support/xmpp-bridge.ts');
      expect(host.invitations.direct(incoming('message', { from: bob.jid, to: `bea@${COMPONENT}` }, x))).toBe(
        true,
      );
    }
    const invitation = await asked;
    expect(invitation).toMatchObject({ group: GROUP, note: 'Come' });
    await bea.invitations.answer(invitation, false, 'No boots');
    const told = await bob.sees('the refusal', (stanza) => childOf(stanza, 'x', NS.mucUser) !== undefined && stanza.name === 'message'); // prettier-ignore
    const decline = childOf(childOf(told, 'x', NS.mucUser) ?? told, 'decline');
    expect(decline?.attrs['from']).toBe(`bea@${COMPONENT}`);
  });

  test('of no occupant is refused', async () => {
    await together();
    const dave = scene.client('dave@xmpp.example/x');
    dave.send('message', { to: ROOM }, mucUser(xml(NS.mucUser, 'invite', { to: `bea@${COMPONENT}` })));
    expect(conditionOf(await dave.sees('an error', isError))).toBe('not-acceptable');
  });
});
