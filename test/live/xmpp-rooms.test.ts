// Phones and XMPP clients in one room, through the whole product, on each of the XMPP servers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { childOf, elementsOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import type { WvClient } from '../../src/client/client.ts';
import { startScene } from '../support/e2e/scene.ts';
import type { Account, Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { TEST_DOMAIN } from '../support/house.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { itemOf, statusesOf } from '../support/xmpp-rooms.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`rooms with ${name}${missing}`, () => {
    suite(server as XmppServer);
  });
}

function suite(server: XmppServer): void {
  let scene: Scene;
  let juliet: XmppUser;
  let nurse: XmppUser;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server });
    await eventually(
      'both components are online',
      () => scene.house.house.readiness().parts['xmpp'] === 'up',
    );
    juliet = await XmppUser.login(server, 'juliet', 'window', '');
    nurse = await XmppUser.login(server, 'nurse', 'kitchen', '');
  });
  afterAll(async () => {
    await juliet.logout();
    await nurse.logout();
    await scene.stop();
  });

  const enter = (user: XmppUser, room: string, nick: string): Promise<void> =>
    user.send(`<presence to="${room}/${nick}"><x xmlns="${NS.muc}"/></presence>`);

  const presence = (user: XmppUser, from: string, type?: string): Promise<XmlElement> =>
    user.sees(
      `${type ?? 'available'} of ${from}`,
      ({ name, attrs }) => name === 'presence' && attrs['from'] === from && attrs['type'] === type,
    );
  const said = (user: XmppUser, from: string, text: string): Promise<XmlElement> =>
    user.sees(`"${text}"`, (stanza) => stanza.attrs['from'] === from && bodyText(stanza) === text);
  const heard = (phone: WvClient, text: string): Promise<unknown> =>
    phone.next('message', (message) => message.text === text, 15_000);

  async function newRoom(): Promise<{ romeo: Account; group: string; room: string; phone: WvClient }> {
    const romeo = await scene.newAccount('romeo');
    const phone = await scene.login(romeo);
    const group = `wv:${romeo.name}/balcony@${TEST_DOMAIN}`;
    await phone.groups.create(group, { screenName: 'Romeo', properties: { Topic: 'The moon' }, welcomeNote: 'Hush' }); // prettier-ignore
    return { romeo, group, phone, room: `${romeo.name}\\2fbalcony@${server.components.test.groups}` };
  }

  test('two phones and two clients join, talk, whisper, change the topic, kick, ban and leave', async () => {
    const { group, room, phone } = await newRoom();
    const second = await scene.newAccount('bea');
    const bea = await scene.login(second);
    await bea.groups.join(group, { screenName: 'Bea' });
    await enter(juliet, room, 'Juliet');
    expect(statusesOf(await presence(juliet, `${room}/Juliet`))).toContain('110');
    await presence(juliet, `${room}/Romeo`);
    await presence(juliet, `${room}/Bea`);
    await juliet.sees('the subject', (stanza) => textOf(childOf(stanza, 'subject')) === 'The moon');
    await said(juliet, room, 'Hush');
    await enter(nurse, room, 'juliet');
    expect(conditionOf(await presence(nurse, `${room}/juliet`, 'error'))).toBe('conflict');
    await enter(nurse, room, 'Nurse é');
    await presence(juliet, `${room}/Nurse é`);

    const both = [heard(phone, 'Ay me!'), heard(bea, 'Ay me!')];
    await juliet.send(`<message type="groupchat" id="ay" to="${room}"><body>Ay me!</body></message>`);
    await Promise.all(both);
    expect((await said(juliet, `${room}/Juliet`, 'Ay me!')).attrs['id']).toBe('ay');
    expect((await said(nurse, `${room}/Juliet`, 'Ay me!')).attrs['id']).toBe('ay');
    const other = heard(bea, 'She speaks');
    await phone.sendMessage({ to: { group }, content: 'She speaks' });
    await other;
    await said(juliet, `${room}/Romeo`, 'She speaks');
    await said(nurse, `${room}/Romeo`, 'She speaks');

    const whispered = heard(phone, 'psst');
    await juliet.send(`<message type="chat" id="w" to="${room}/Romeo"><body>psst</body></message>`);
    await whispered;
    await phone.sendMessage({ to: { group, screenName: 'Juliet' }, content: 'sweet' });
    expect((await said(juliet, `${room}/Romeo`, 'sweet')).attrs['type']).toBe('chat');

    await phone.groups.setProperties(group, { properties: { Topic: 'The envious moon' } });
    await nurse.sees('the topic', (stanza) => textOf(childOf(stanza, 'subject')) === 'The envious moon');
    const answer = await juliet.asks(room, 'get', `<query xmlns="${NS.discoInfo}"/>`);
    const features = elementsOf(elementsOf(answer)[0] ?? answer).map(({ attrs }) => attrs['var']);
    expect(features).toEqual(expect.arrayContaining([NS.muc, 'muc_open']));

    const julietAddress = `wv:juliet@${server.domain}`;
    await phone.groups.addMembers(group, julietAddress);
    await phone.groups.setAccess(group, { admins: [julietAddress] });
    const kick = `<item nick="Bea" role="none"><reason>Go</reason></item>`;
    const out = bea.next('groupExit', () => true, 15_000);
    await juliet.asks(room, 'set', `<query xmlns="${NS.mucAdmin}">${kick}</query>`);
    await out;
    const gone = await presence(nurse, `${room}/Bea`, 'unavailable');
    expect(statusesOf(gone)).toEqual(['307']);
    expect(
      elementsOf(itemOf(gone))
        .map(({ attrs }) => attrs['nick'])
        .at(0),
    ).toBe('Juliet');
    await phone.groups.rejected(group, { add: [`wv:nurse@${server.domain}`] });
    expect(statusesOf(await presence(nurse, `${room}/Nurse é`, 'unavailable'))).toEqual(['110', '301']);
    await juliet.send(`<presence type="unavailable" to="${room}/Juliet"/>`);
    await presence(juliet, `${room}/Juliet`, 'unavailable');
    await eventually('the group knows', async () => (await phone.groups.participants(group)).length === 1);
    await scene.everybodyOut();
  });

  test('invitations go both ways', async () => {
    const { romeo, group, room, phone } = await newRoom();
    await phone.invitations.invite('i1', { user: `wv:juliet@${server.domain}` }, { type: 'GR', group, note: 'Come' }); // prettier-ignore
    const accepted = phone.next('invitationAnswer', () => true, 15_000);
    await juliet.sees('the invitation', (stanza) => stanza.attrs['from'] === room && childOf(stanza, 'x', NS.mucUser) !== undefined); // prettier-ignore
    await enter(juliet, room, 'Juliet');
    expect(await accepted).toMatchObject({ accepted: true });
    const second = await scene.newAccount('bea');
    const bea = await scene.login(second);
    const asked = bea.next('invitation', () => true, 15_000);
    await juliet.send(`<message to="${second.name}@${server.components.test.domain}"><x xmlns="${NS.conference}" jid="${room}" reason="Join us"/></message>`); // prettier-ignore
    expect(await asked).toMatchObject({ group, note: 'Join us' });
    expect(romeo.name).not.toBe(second.name);
    await scene.everybodyOut();
  });

  test('a client that ends without a word leaves the group', async () => {
    const { group, room, phone } = await newRoom();
    const mercutio = await XmppUser.login(server, 'mercutio', 'street', '');
    await enter(mercutio, room, 'Mercutio');
    await presence(mercutio, `${room}/Mercutio`);
    await mercutio.logout();
    await phone.sendMessage({ to: { group }, content: 'Mercutio?' });
    await eventually('he is out', async () => (await phone.groups.participants(group)).length === 1);
    await scene.everybodyOut();
  });
}
