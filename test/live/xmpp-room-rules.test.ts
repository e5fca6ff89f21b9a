// What rooms of ours are and who may do what there, row by row of bridging 7.1 to 7.3, with phones and real clients.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import type { WvClient } from '../../src/client/client.ts';
import { DEADLINE_MS, startScene } from '../support/e2e/scene.ts';
import type { Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { TEST_DOMAIN } from '../support/house.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { XmppOccupant } from '../support/xmpp-occupant.ts';
import { itemOf, statusesOf } from '../support/xmpp-rooms.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`rules of rooms, ${name}${missing}`, () => {
    suite(server as XmppServer);
  });
}

interface Room {
  readonly group: string;
  readonly phone: WvClient;
  readonly jid: string;
  readonly juliet: XmppOccupant;
  readonly nurse: XmppOccupant;
}

function suite(server: XmppServer): void {
  let scene: Scene;
  let juliet: XmppUser;
  let tablet: XmppUser;
  let nurse: XmppUser;
  const julietAddress = `wv:juliet@${server.domain}`;
  const nurseAddress = `wv:nurse@${server.domain}`;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server });
    await scene.connected();
    juliet = await XmppUser.login(server, 'juliet', 'window', '');
    tablet = await XmppUser.login(server, 'juliet', 'tablet', '');
    nurse = await XmppUser.login(server, 'nurse', 'kitchen', '');
  });
  afterAll(async () => {
    for (const user of [juliet, tablet, nurse]) await user.logout();
    await scene.stop();
  });

  /** A group of Romeo's, who is in it with his phone. */
  async function newRoom(properties: Readonly<Record<string, string>> = {}): Promise<Room> {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const group = `wv:${account.name}/balcony@${TEST_DOMAIN}`;
    await phone.groups.create(group, { screenName: 'Romeo', properties });
    const jid = `${account.name}\\2fbalcony@${server.components.test.groups}`;
    return {
      group,
      phone,
      jid,
      juliet: new XmppOccupant(juliet, jid, 'Juliet'),
      nurse: new XmppOccupant(nurse, jid, 'Nurse'),
    };
  }

  const payload = (answer: XmlElement): readonly XmlElement[] => elementsOf(elementsOf(answer)[0] ?? answer);
  const info = async (to: string): Promise<readonly XmlElement[]> =>
    payload(await nurse.asks(to, 'get', `<query xmlns="${NS.discoInfo}"/>`));
  const form = (fields: Readonly<Record<string, string>>): string => {
    const written = Object.entries(fields).map(
      ([name, value]) => `<field var="${name}"><value>${value}</value></field>`,
    );
    return `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit">${written.join('')}</x></query>`;
  };
  /** Juliet is Admin of the group and in it. */
  async function withAdmin(properties: Readonly<Record<string, string>> = {}): Promise<Room> {
    const room = await newRoom(properties);
    await room.phone.groups.addMembers(room.group, julietAddress, nurseAddress);
    await room.phone.groups.setAccess(room.group, { admins: [julietAddress] });
    await room.juliet.enters();
    return room;
  }

  test('properties are what the room says of itself, and the form of its owner', async () => {
    const room = await withAdmin({ Name: 'Balcony', Searchable: 'T', Accesstype: 'Restricted' });
    const said = await info(room.jid);
    expect(said[0]?.attrs).toEqual({ category: 'conference', type: 'text', name: 'Balcony' });
    expect(said.map(({ attrs }) => attrs['var'])).toEqual(
      expect.arrayContaining([NS.muc, 'muc_public', 'muc_membersonly', NS.selfPing, NS.occupantId]),
    );
    const filled = {
      'muc#roomconfig_roomname': 'Orchard',
      'muc#roomconfig_membersonly': '0',
      'muc#roomconfig_publicroom': '0',
      'muc#roomconfig_allowpm': 'none',
      'muc#roomconfig_maxusers': '30',
      'muc#roomconfig_persistentroom': '1',
      'muc#roomconfig_enablelogging': '1',
      'muc#roomconfig_whois': 'anyone',
      'wv#welcomenote': 'Softly',
    };
    expect((await juliet.asks(room.jid, 'set', form(filled))).attrs['type']).toBe('result');
    await juliet.sees(
      '104',
      (stanza) =>
        stanza.name === 'message' && stanza.attrs['from'] === room.jid && statusesOf(stanza).includes('104'),
    );
    expect(await room.phone.groups.properties(room.group)).toMatchObject({
      welcomeNote: 'Softly',
      properties: {
        Name: 'Orchard',
        Accesstype: 'Open',
        Searchable: 'F',
        PrivateMessaging: 'F',
        MaxActiveUsers: '30',
        AutoDelete: 'F',
        History: 'T',
      },
    });
    await room.nurse.enters();
    await room.nurse.hears('', 'Softly');
    // Juliet shows who she is (ShowID), and learns so when she comes in again.
    expect(itemOf(await room.nurse.sees('Juliet')).attrs['jid']).toContain('juliet@');
    await juliet.send(`<presence type="unavailable" to="${room.juliet.jid}"/>`);
    await room.juliet.sees('Juliet', 'unavailable');
    await room.juliet.asks();
    await room.juliet.sees('Juliet', undefined, (seen) => statusesOf(seen).includes('100'));
    await scene.everybodyOut();
  });

  test('rooms that can be found are listed page by page (XEP-0059)', async () => {
    const found = { Name: 'Verona', Searchable: 'T' };
    const rooms = [await newRoom(found), await newRoom(found), await newRoom({ Name: 'Mantua' })];
    const seen: string[] = [];
    const service = server.components.test.groups;
    for (let after: string | undefined = ''; after !== undefined;) {
      const set: string = `<set xmlns="${NS.rsm}"><max>1</max>${after === '' ? '' : `<after>${after}</after>`}</set>`;
      const page = payload(
        await nurse.asks(service, 'get', `<query xmlns="${NS.discoItems}">${set}</query>`),
      );
      const items = page.flatMap(({ name, attrs }) => (name === 'item' ? (attrs['jid'] ?? []) : []));
      expect(items.length).toBeLessThanOrEqual(1);
      seen.push(...items);
      after = items.at(-1);
    }
    expect(seen).toEqual(expect.arrayContaining([rooms[0]?.jid, rooms[1]?.jid]));
    expect(seen).not.toContain(rooms[2]?.jid);
    await scene.everybodyOut();
  });

  test.each([
    ['a member only', { Accesstype: 'Restricted' }, 'registration-required'],
    ['nobody more', { MaxActiveUsers: '1' }, 'service-unavailable'],
  ])('a room that takes %s refuses', async (_what, properties, condition) => {
    const room = await newRoom(properties);
    await room.juliet.asks();
    expect(conditionOf(await room.juliet.sees('Juliet', 'error'))).toBe(condition);
    await scene.everybodyOut();
  });

  test('who is banned is refused, until that is taken back; and a room that is not there', async () => {
    const room = await newRoom();
    await room.phone.groups.rejected(room.group, { add: [julietAddress] });
    await room.juliet.asks();
    expect(conditionOf(await room.juliet.sees('Juliet', 'error'))).toBe('forbidden');
    await room.phone.groups.rejected(room.group, { remove: [julietAddress] });
    await room.juliet.enters();
    const nowhere = new XmppOccupant(juliet, `nobody\\2fnowhere@${server.components.test.groups}`, 'J');
    await nowhere.asks();
    expect(conditionOf(await nowhere.sees('J', 'error'))).toBe('item-not-found');
    await scene.everybodyOut();
  });

  test('ranks in the group are affiliations and roles', async () => {
    const room = await withAdmin();
    const bea = await scene.newAccount('bea');
    await room.phone.groups.addMembers(room.group, bea.address);
    await room.phone.groups.setAccess(room.group, { moderators: [nurseAddress] });
    const self = (occupant: XmppOccupant) => occupant.sees(occupant.nick).then((seen) => itemOf(seen).attrs);
    expect(await self(room.juliet)).toMatchObject({ affiliation: 'admin', role: 'moderator' });
    await room.nurse.enters();
    expect(await self(room.nurse)).toMatchObject({ affiliation: 'member', role: 'moderator' });
    const listed = async (affiliation: string): Promise<readonly (string | undefined)[]> => {
      const query = `<query xmlns="${NS.mucAdmin}"><item affiliation="${affiliation}"/></query>`;
      return payload(await juliet.asks(room.jid, 'get', query)).map(({ attrs }) => attrs['jid']);
    };
    const { domain } = server.components.test;
    expect(await listed('owner')).toEqual([`${room.jid.split('\\')[0]}@${domain}`]);
    expect(await listed('admin')).toEqual([juliet.jid]);
    expect(await listed('member')).toEqual(expect.arrayContaining([nurse.jid, `${bea.name}@${domain}`]));
    await room.juliet.administers(`<item jid="mercutio@${server.domain}" affiliation="outcast"/>`);
    expect(await room.phone.groups.rejected(room.group)).toEqual([`wv:mercutio@${server.domain}`]);
    await room.juliet.administers('<item nick="Nurse" role="participant"/>');
    expect((await room.phone.groups.members(room.group)).moderators).toEqual([]);
    await room.nurse.sees('Nurse', undefined, (seen) => itemOf(seen).attrs['role'] === 'participant');
    // Who has no right to it is told so.
    const refused = await room.nurse.administers('<item nick="Juliet" role="none"/>');
    expect(conditionOf(refused)).toBe('forbidden');
    await scene.everybodyOut();
  });

  test('another nick is 303; a taken one a conflict; a phone is renamed alike', async () => {
    const room = await newRoom();
    await room.juliet.enters();
    await room.nurse.enters();
    await juliet.send(`<presence to="${room.jid}/Jule"/>`);
    for (const occupant of [room.juliet, room.nurse]) {
      const gone = await occupant.sees('Juliet', 'unavailable');
      expect(statusesOf(gone)).toContain('303');
      expect(itemOf(gone).attrs['nick']).toBe('Jule');
      await occupant.sees('Jule');
    }
    await juliet.send(`<presence to="${room.jid}/Nurse"/>`);
    expect(conditionOf(await room.juliet.sees('Nurse', 'error'))).toBe('conflict');
    await room.phone.groups.join(room.group, { screenName: 'Montague' });
    const gone = await room.nurse.sees('Romeo', 'unavailable');
    expect(statusesOf(gone)).toEqual(['303']);
    await scene.everybodyOut();
  });

  test('who is put out by a phone sees why: membership taken, group ended', async () => {
    const room = await withAdmin({ Accesstype: 'Restricted' });
    await room.nurse.enters();
    await room.phone.groups.removeMembers(room.group, nurseAddress);
    expect(statusesOf(await room.nurse.sees('Nurse', 'unavailable'))).toEqual(['110', '321']);
    await room.phone.groups.delete(room.group);
    const ended = await room.juliet.sees('Juliet', 'unavailable');
    expect(childOf(childOf(ended, 'x', NS.mucUser) ?? ended, 'destroy', NS.mucUser)).toBeDefined();
    await scene.everybodyOut();
  });

  test('clients of one user share a nick; the dead one is dropped, the other stays', async () => {
    const room = await newRoom();
    await room.juliet.enters();
    const other = new XmppOccupant(tablet, room.jid, 'Juliet');
    await other.asks('Capulet');
    expect(statusesOf(await other.sees('Juliet'))).toEqual(['110', '210']);
    const ping = `<ping xmlns="${NS.ping}"/>`;
    expect((await tablet.asks(room.juliet.jid, 'get', ping)).attrs['type']).toBe('result');
    const outside = await nurse.asks(room.juliet.jid, 'get', ping);
    expect(conditionOf(outside)).toBe('not-acceptable');
    await tablet.logout();
    tablet = await XmppUser.login(server, 'juliet', 'tablet', '');
    await room.phone.sendMessage({ to: { group: room.group }, content: 'O, speak again' });
    await room.juliet.hears('Romeo', 'O, speak again');
    expect((await tablet.asks(room.juliet.jid, 'get', ping)).attrs['type']).toBe('error');
    const names = (await room.phone.groups.participants(room.group)).map(({ screenName }) => screenName);
    expect(names.toSorted()).toEqual(['Juliet', 'Romeo']);
    await scene.everybodyOut();
  });

  test('whispers that are not wanted, or for nobody, come back', async () => {
    const room = await newRoom();
    await room.juliet.enters();
    const whisper = async (id: string, nick: string): Promise<string | undefined> => {
      await juliet.send(
        `<message type="chat" id="${id}-${room.jid}" to="${room.jid}/${nick}"><body>psst</body></message>`,
      );
      const refused = await juliet.sees('the refusal', ({ attrs }) => attrs['id'] === `${id}-${room.jid}`);
      return conditionOf(refused);
    };
    expect(await whisper('w1', 'Nobody')).toBe('item-not-found');
    await room.phone.groups.setProperties(room.group, { own: { PrivateMessaging: 'F' } });
    expect(await whisper('w2', 'Romeo')).toBe('not-allowed');
    await room.phone.groups.setProperties(room.group, {
      own: { PrivateMessaging: 'T' },
      properties: { PrivateMessaging: 'F' },
    });
    expect(await whisper('w3', 'Romeo')).toBe('not-allowed');
    const outside = new XmppOccupant(nurse, room.jid, 'Nurse');
    await outside.says('hello?', `o-${room.jid}`);
    const refused = await nurse.sees('the refusal', ({ attrs }) => attrs['id'] === `o-${room.jid}`);
    expect(conditionOf(refused)).toBe('not-acceptable');
    await scene.everybodyOut();
  });

  test('invitations are declined, withdrawn, and mediated', async () => {
    const room = await newRoom();
    const { phone, group, jid } = room;
    const declined = phone.next('invitationAnswer', () => true, DEADLINE_MS);
    await phone.invitations.invite('i1', { user: julietAddress }, { type: 'GR', group, note: 'Come' });
    const invitation = await juliet.sees('the invitation', ({ attrs }) => attrs['from'] === jid);
    // Both forms in one: clients know one or the other.
    expect(childOf(invitation, 'x', NS.conference)?.attrs['jid']).toBe(jid);
    const inviter = `${jid.split('\\')[0]}@${server.components.test.domain}`;
    const decline = `<decline to="${inviter}"><reason>Too late</reason></decline>`;
    await juliet.send(`<message to="${jid}"><x xmlns="${NS.mucUser}">${decline}</x></message>`);
    expect(await declined).toMatchObject({ accepted: false, note: 'Too late' });
    await phone.invitations.invite('i2', { user: julietAddress }, { type: 'GR', group });
    await phone.invitations.cancel('i2', { user: julietAddress });
    await juliet.sees('the withdrawal', (stanza) => bodyText(stanza).includes(`${jid} was withdrawn`));

    await room.juliet.enters();
    const account = await scene.newAccount('bea');
    const bea = await scene.login(account);
    const asked = bea.next('invitation', () => true, DEADLINE_MS);
    const invite = `<invite to="${account.name}@${server.components.test.domain}"><reason>Join us</reason></invite>`;
    await juliet.send(`<message to="${jid}"><x xmlns="${NS.mucUser}">${invite}</x></message>`);
    const got = await asked;
    expect(got).toMatchObject({ group, note: 'Join us' });
    await bea.invitations.answer(got, false, 'No');
    const told = await juliet.sees('the refusal', (stanza) => {
      const x = childOf(stanza, 'x', NS.mucUser);
      const refusal = x && childOf(x, 'decline');
      return refusal !== undefined && textOf(childOf(refusal, 'reason')) === 'No';
    });
    expect(told.attrs['from']).toBe(jid);
    await scene.everybodyOut();
  });

  test('a nick is never escaped, whatever is in it', async () => {
    const room = await newRoom();
    const nick = `O'Neil & "co" @ <here>/there\\20`;
    const written = nick
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;');
    const neil = new XmppOccupant(juliet, room.jid, nick);
    await neil.asks(written);
    await neil.sees(nick);
    const names = (await room.phone.groups.participants(room.group)).map(({ screenName }) => screenName);
    expect(names).toContain(nick);
    await room.phone.sendMessage({ to: { group: room.group, screenName: nick }, content: 'psst' });
    await neil.hears('Romeo', 'psst');
    await scene.everybodyOut();
  });

  test('occupants have an id that stays (XEP-0421), in presence and messages', async () => {
    const room = await newRoom();
    const idOf = (stanza: XmlElement): string | undefined =>
      childOf(stanza, 'occupant-id', NS.occupantId)?.attrs['id'];
    const own = idOf(await room.juliet.enters());
    await room.nurse.enters();
    expect(own).toBeDefined();
    await room.juliet.says('Ay me', 'ay');
    expect(idOf(await room.nurse.hears('Juliet', 'Ay me'))).toBe(own);
    expect(idOf(await room.nurse.sees('Romeo'))).not.toBe(own);
    await scene.everybodyOut();
  });

  // The last one: nothing is there after it.
  test('when wvgate stops, occupants are told (332), and are in no group after that', async () => {
    const room = await newRoom();
    await room.juliet.enters();
    await scene.stop();
    const gone = await room.juliet.sees('Juliet', 'unavailable');
    expect(statusesOf(gone)).toContain('332');
    scene = await startScene({ xmpp: server });
    await scene.connected();
    await eventually('the rooms are there again', async () => {
      const answer = await nurse.asks(
        server.components.test.groups,
        'get',
        `<query xmlns="${NS.discoInfo}"/>`,
      );
      return answer.attrs['type'] === 'result';
    });
  });
}
