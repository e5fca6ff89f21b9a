// Messages of every kind in rooms, ours and the XMPP server's, between phones and real clients.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileElements } from '../../adapters/xmpp/files/links.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, serialize, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { mucDomain } from '../../scripts/stack/layout.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import type { WvClient } from '../../src/client/client.ts';
import type { ReceivedMessage } from '../../src/client/messages.ts';
import { DEADLINE_MS, startScene } from '../support/e2e/scene.ts';
import type { Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { TEST_DOMAIN } from '../support/house.ts';
import { noisyJpeg, plainPicture } from '../support/pictures.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { XmppOccupant } from '../support/xmpp-occupant.ts';
import { upload } from '../support/xmpp-upload.ts';
import { itemOf } from '../support/xmpp-rooms.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`kinds of messages in rooms, ${name}${missing}`, () => {
    suite(server as XmppServer);
  });
}

interface Room {
  readonly group: string;
  readonly phone: WvClient;
  /** What the phone got in the group, in order. */
  readonly got: readonly ReceivedMessage[];
  readonly juliet: XmppOccupant;
  readonly nurse: XmppOccupant;
}

function suite(server: XmppServer): void {
  let scene: Scene;
  let juliet: XmppUser;
  let nurse: XmppUser;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server });
    await scene.connected();
    juliet = await XmppUser.login(server, 'juliet', 'window', '');
    nurse = await XmppUser.login(server, 'nurse', 'kitchen', '');
  });
  afterAll(async () => {
    await juliet.logout();
    await nurse.logout();
    await scene.stop();
  });

  /** Romeo's phone, Juliet and her nurse in a new room. */
  async function together(where: string, fields: Readonly<Record<string, string>> = {}): Promise<Room> {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const got: ReceivedMessage[] = [];
    phone.on('message', (message) => void got.push(message));
    const isOurs = where === 'of ours';
    const group = isOurs
      ? `wv:${account.name}/balcony@${TEST_DOMAIN}`
      : `wv:/${account.name}@${mucDomain(server.domain)}`;
    const jid = isOurs
      ? `${account.name}\\2fbalcony@${server.components.test.groups}`
      : `${account.name}@${mucDomain(server.domain)}`;
    const occupants = [
      new XmppOccupant(juliet, jid, 'Juliet'),
      new XmppOccupant(nurse, jid, 'Nurse'),
    ] as const;
    if (isOurs) await phone.groups.create(group, { screenName: 'Romeo' });
    else await occupants[0].creates(fields);
    if (isOurs) await occupants[0].enters();
    await occupants[1].enters();
    if (!isOurs) await phone.groups.join(group, { screenName: 'Romeo' });
    await occupants[0].sees('Romeo');
    return { group, phone, got, juliet: occupants[0], nurse: occupants[1] };
  }

  const texts = ({ got }: Room): readonly string[] => got.map(({ text }) => text);
  const hears = (room: Room, ...wanted: readonly string[]): Promise<unknown> =>
    eventually(
      () => `the phone hears ${wanted.join(', ')}; heard ${texts(room).join(', ')}`,
      () => wanted.every((text) => texts(room).includes(text)),
      DEADLINE_MS,
    );
  /** The id by which others name a message: that of the room, if it gives any. */
  const named = (message: XmlElement): string =>
    childOf(message, 'stanza-id', NS.stanzaId)?.attrs['id'] ?? message.attrs['id'] ?? '';

  describe.each(['of ours', 'of the server'])('a room %s', (where) => {
    test('corrections and withdrawals are told once, replies quote, reactions stay among clients', async () => {
      const room = await together(where);
      await room.juliet.says('Wherefore art thou?', 'm1');
      const first = await room.nurse.hears('Juliet', 'Wherefore art thou?');
      const replace = `<replace xmlns="${NS.correction}" id="m1"/>`;
      await room.juliet.says('Wherefore art thou Romeo?', 'm2', replace);
      await hears(room, 'Wherefore art thou?', 'edited: Wherefore art thou Romeo?');
      const corrected = await room.nurse.hears('Juliet', 'Wherefore art thou Romeo?');
      expect(childOf(corrected, 'replace', NS.correction)?.attrs['id']).toBe('m1');

      await room.phone.sendMessage({ to: { group: room.group }, content: 'By a name' });
      const asked = named(await room.juliet.hears('Romeo', 'By a name'));
      const reply = `<reply xmlns="${NS.reply}" to="${room.juliet.room}/Romeo" id="${asked}"/>`;
      const fallback = `<fallback xmlns="${NS.fallback}" for="${NS.reply}"><body start="0" end="12"/></fallback>`;
      await room.juliet.says('&gt; By a name\nI know', 'm3', reply + fallback);
      await hears(room, 're Romeo: By a name / I know');

      const reactions = `<reactions xmlns="${NS.reactions}" id="${named(first)}"><reaction>👍</reaction></reactions>`;
      await nurse.send(`<message type="groupchat" id="r1" to="${room.nurse.room}">${reactions}</message>`);
      const seen = await juliet.sees(
        'the reaction',
        ({ attrs, ...stanza }) =>
          attrs['from'] === room.nurse.jid &&
          childOf({ attrs, ...stanza }, 'reactions', NS.reactions) !== undefined,
      );
      expect(seen.attrs['type']).toBe('groupchat');

      // Somebody else's words are not hers to withdraw.
      const retract = `<retract xmlns="${NS.retraction}" id="${named(first)}"/>`;
      await room.nurse.says('Nurse withdrew', 'x1', retract);
      await room.juliet.says('Juliet withdrew', 'x2', retract);
      await room.juliet.says('Juliet withdrew', 'x3', retract);
      await room.juliet.says('Good night', 'end');
      await hears(room, 'message withdrawn', 'Good night');
      expect(texts(room)).toEqual([
        'Wherefore art thou?',
        'edited: Wherefore art thou Romeo?',
        're Romeo: By a name / I know',
        'message withdrawn',
        'Good night',
      ]);
      await scene.everybodyOut();
    });

    test('what is encrypted does not reach phones, and its author is told so once', async () => {
      const room = await together(where);
      const sealed = `<encrypted xmlns="${NS.omemoLegacy}"><header sid="1"/><payload>AA==</payload></encrypted>`;
      await room.juliet.says('I sent you an OMEMO encrypted message', 'e1', sealed);
      await room.juliet.says('I sent you an OMEMO encrypted message', 'e2', sealed);
      await room.juliet.says('In the open', 'e3');
      await hears(room, 'In the open');
      const told = (): readonly XmlElement[] =>
        room.juliet.heard.filter((stanza) => bodyText(stanza).includes('encrypted with OMEMO'));
      await eventually('Juliet is told', () => told().length > 0);
      await room.juliet.says('And again', 'e4', sealed);
      await room.juliet.says('Enough', 'e5');
      await hears(room, 'Enough');
      expect(texts(room)).toEqual(['In the open', 'Enough']);
      expect(told()).toHaveLength(1);
      expect(room.nurse.heard.some((stanza) => bodyText(stanza).includes('encrypted with'))).toBe(false);
      await scene.everybodyOut();
    });

    test('a long text comes in parts to phones, and whole to clients', async () => {
      const room = await together(where);
      const long = 'What light through yonder window breaks? '.repeat(50).trim();
      await room.juliet.says(long, 'long');
      await room.juliet.says('The end', 'end');
      await hears(room, 'The end');
      expect(texts(room).map((text) => /^\(\d\/\d\)/.exec(text)?.[0])).toEqual(['(1/2)', '(2/2)', undefined]);
      await room.nurse.hears('Juliet', 'The end');
      expect(room.nurse.heard.map(bodyText)).toEqual([long, 'The end']);
      await scene.everybodyOut();
    });

    test('a picture of a phone is uploaded; one of a client is fetched if it is of somebody known', async () => {
      const room = await together(where, { 'muc#roomconfig_whois': 'anyone' });
      const photograph = await noisyJpeg(120, 90);
      await room.phone.sendMessage({
        to: { group: room.group },
        content: photograph,
        contentType: 'image/jpeg',
      });
      const isPicture = (stanza: XmlElement): boolean =>
        stanza.attrs['from'] === `${room.nurse.room}/Romeo` && childOf(stanza, 'x', NS.oob) !== undefined;
      const shown = await nurse.sees('a picture', isPicture);
      await juliet.sees('a picture', isPicture);
      const oob = childOf(shown, 'x', NS.oob);
      expect(textOf(oob && childOf(oob, 'url'))).toBe(bodyText(shown));
      const stored = await fetch(bodyText(shown));
      expect(Buffer.from(await stored.arrayBuffer()).equals(photograph)).toBe(true);

      const picture = await plainPicture('png');
      const url = await upload(juliet, server.domain, picture, 'image/png');
      const file = { url, name: 'a.png', type: 'image/png', size: picture.length };
      const elements = fileElements(file)
        .map((element) => serialize(element))
        .join('');
      await room.juliet.says(url, 'p1', elements);
      await hears(room, url);
      await becomesKnown(where, room);
      await room.juliet.says(url, 'p2', elements);
      const got = await eventually('the picture', () =>
        room.got.find(({ contentType }) => contentType.startsWith('image/')),
      );
      expect(got.from).toMatchObject({ group: room.group, screenName: 'Juliet' });
      expect(got.data?.length).toBeGreaterThan(0);
      if (where === 'of ours') {
        await room.nurse.sees('Juliet', undefined, (seen) => itemOf(seen).attrs['affiliation'] === 'member');
      }
      const copies = (): readonly XmlElement[] =>
        room.nurse.heard.filter((stanza) => bodyText(stanza) === url);
      await eventually('both links', () => copies().length === 2);
      expect(copies().every((copy) => childOf(copy, 'x', NS.oob) !== undefined)).toBe(true);
      await scene.everybodyOut();
    });
  });

  /** A member of our group; to a room of others, somebody to whom our user wrote. */
  async function becomesKnown(where: string, { phone, group }: Room): Promise<void> {
    const address = `wv:juliet@${server.domain}`;
    if (where === 'of ours') {
      await phone.groups.addMembers(group, address);
      return;
    }
    await phone.sendMessage({ to: { user: address }, content: `hello from ${group}` });
    await juliet.seesMessage(`hello from ${group}`);
  }

  test('what another gateway handed to XMPP goes to no phone', async () => {
    const room = await together('of ours');
    const hop = `<hop xmlns="${NS.hop}"/>`;
    await room.phone.sendMessage({ to: { group: room.group }, content: 'Who goes there?' });
    const ours = await room.juliet.hears('Romeo', 'Who goes there?');
    expect(childOf(ours, 'hop', NS.hop)).toBeDefined();
    await room.juliet.says('A gateway', 'h1', hop);
    const refused = await juliet.sees(
      'the refusal',
      ({ attrs }) => attrs['id'] === 'h1' && attrs['type'] === 'error',
    );
    expect(conditionOf(refused)).toBe('remote-server-not-found');
    const account = await scene.newAccount('bea');
    const jid = `${account.name}@${server.components.test.domain}`;
    await juliet.send(`<message type="chat" id="h2" to="${jid}"><body>hi</body>${hop}</message>`);
    expect(conditionOf(await juliet.sees('the refusal', ({ attrs }) => attrs['id'] === 'h2'))).toBe(
      'remote-server-not-found',
    );
    const mercutio = new XmppOccupant(nurse, room.nurse.room, 'Mercutio');
    await mercutio.user.send(`<presence type="unavailable" to="${room.nurse.jid}"/>`);
    await room.nurse.sees('Nurse', 'unavailable');
    await mercutio.asks('Mercutio', hop);
    expect(conditionOf(await mercutio.sees('Mercutio', 'error'))).toBe('remote-server-not-found');
    expect(texts(room)).toEqual([]);
    await scene.everybodyOut();
  });
}
