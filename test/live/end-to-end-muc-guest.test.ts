// Phones in a room of a real XMPP server, through the whole product.

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { mucDomain } from '../../scripts/stack/layout.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { DEADLINE_MS, PHONES, startScene } from '../support/e2e/scene.ts';
import type { Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { bodyText, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`phones in rooms of ${name}${missing}`, () => {
    suite(server as XmppServer);
  });
}

function suite(server: XmppServer): void {
  let scene: Scene;
  let nurse: XmppUser;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server });
    await eventually('the component is online', () => scene.house.house.readiness().parts['xmpp'] === 'up');
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await nurse.logout();
    await scene.stop();
  });

  test.each(PHONES)('a phone with $phone joins, speaks, whispers and is put out', async ({ kind }) => {
    const muc = mucDomain(server.domain);
    const local = `tea-${randomBytes(4).toString('hex')}`;
    const [room, group] = [`${local}@${muc}`, `wv:/${local}@${muc}`];
    await nurse.send(`<presence to="${room}/Nurse"><x xmlns="${NS.muc}"/></presence>`);
    await nurse.sees('the room', ({ attrs }) => attrs['from'] === `${room}/Nurse`);
    const form = `<x xmlns="${NS.dataForm}" type="submit"/>`;
    await nurse.asks(room, 'set', `<query xmlns="${NS.mucOwner}">${form}</query>`);

    const phone = await scene.login(await scene.newAccount('ann'), kind);
    const joined = await phone.groups.join(group, { screenName: 'Ann' });
    expect(joined.participants.map(({ screenName }) => screenName)).toEqual(
      expect.arrayContaining(['Ann', 'Nurse']),
    );

    const heard = phone.next('message', undefined, DEADLINE_MS);
    await nurse.send(`<message type="groupchat" id="m1" to="${room}"><body>morning</body></message>`);
    expect(await heard).toMatchObject({ from: { group, screenName: 'Nurse' }, text: 'morning' });

    await phone.sendMessage({ to: { group }, content: 'hello' });
    await nurse.sees(
      'hello',
      (stanza) => stanza.attrs['from'] === `${room}/Ann` && bodyText(stanza) === 'hello',
    );
    await phone.sendMessage({ to: { group, screenName: 'Nurse' }, content: 'psst' });
    await nurse.sees('a whisper', (stanza) => stanza.attrs['type'] === 'chat' && bodyText(stanza) === 'psst');

    const out = phone.next('groupExit', undefined, DEADLINE_MS);
    const item = '<item nick="Ann" role="none"/>';
    await nurse.asks(room, 'set', `<query xmlns="${NS.mucAdmin}">${item}</query>`);
    expect(await out).toMatchObject({ group, outcome: { code: 809 } });
    await phone.groups.join(group, { screenName: 'Ann' });
    await phone.groups.leave(group);
    await nurse.sees(
      'Ann leave by herself',
      ({ attrs, name }) =>
        name === 'presence' && attrs['from'] === `${room}/Ann` && attrs['type'] === 'unavailable',
    );
  });
}
