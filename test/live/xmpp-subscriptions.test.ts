// Who sees whom: the rest of the subscription table (bridging 3.4), what each contact may see (3.5), blocking (6) and
// invitations (1), with two clients of real servers. The main ways are in xmpp-presence.test.ts.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, serialize, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import { leaf } from '../../src/wv/element.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import type { InviteRequest, InviteType, RequestPrimitive } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import {
  authorisation,
  notification,
  subscribe,
  textMessage,
  unsubscribe,
} from '../support/xmpp-requests.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

const ONLINE = { OnlineStatus: simple('T') };

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`who sees whom through ${name}${missing}`, () =>
    suite(server as XmppServer),
  );
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let nurse: XmppUser;
  let romeo: XmppUser;

  beforeAll(async () => {
    live = await LiveGateway.start(server);
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
    romeo = await XmppUser.login(server, 'romeo', 'wall', '');
  });
  afterAll(async () => {
    await nurse.logout();
    await romeo.logout();
    await live.gateway.stop();
  });

  const addressOf = (client: XmppUser): UserAddress => live.contact(client.jid.split('@')[0] ?? '');
  const presencesFrom = (client: XmppUser, jid: string): XmlElement[] =>
    client.received.filter(({ name, attrs }) => name === 'presence' && attrs['from']?.split('/')[0] === jid);
  const typesFrom = (client: XmppUser, jid: string): string[] =>
    presencesFrom(client, jid).map(({ attrs }) => attrs['type'] ?? 'available');
  /** What was sent to the client before now has come. */
  const fence = async (client: XmppUser, user: UserAddress): Promise<void> => {
    const text = randomUUID();
    await live.gateway.request(textMessage(user, addressOf(client), text));
    await client.seesMessage(text);
  };
  /** Our user lets the client see him. */
  const lets = async (user: UserAddress, jid: string, client: XmppUser): Promise<void> => {
    await client.send(`<presence type="subscribe" to="${jid}"/>`);
    await live.relay.next(
      'SubscribeRequest',
      ({ publishers, watcher }) => publishers[0] === user && watcher === addressOf(client),
    );
    await live.gateway.request(authorisation(user, addressOf(client), 'GRANTED'));
    await client.seesPresence(jid, 'subscribed');
  };
  /** The client lets our user see it. */
  const isLet = async (user: UserAddress, jid: string, client: XmppUser): Promise<void> => {
    await live.gateway.request(subscribe(user, addressOf(client)));
    await client.seesPresence(jid, 'subscribe');
    await client.send(`<presence type="subscribed" to="${jid}"/>`);
    await eventually('he is seen', () => lastTold(user).OnlineStatus?.value === 'T');
  };
  const lastTold = (user: UserAddress): PresenceAttributes =>
    live.relay
      .all('PresenceNotification')
      .filter(({ watchers }) => watchers[0] === user)
      .at(-1)?.attributes ?? {};
  const shows = (user: UserAddress, client: XmppUser, attributes: PresenceAttributes) =>
    live.gateway.request(notification(user, addressOf(client), attributes));

  test('a contact that is deleted gets unsubscribe, unsubscribed and unavailable', async () => {
    const { user, jid } = live.newUser('alice');
    await isLet(user, jid, nurse);
    await lets(user, jid, nurse);
    await shows(user, nurse, ONLINE);
    await nurse.seesPresence(jid, undefined);
    await live.gateway.request(unsubscribe(user, addressOf(nurse), true));
    for (const type of ['unsubscribe', 'unsubscribed', 'unavailable']) await nurse.seesPresence(jid, type);
    const ended = await live.relay.next('UnsubscribeRequest', ({ publishers }) => publishers[0] === user);
    expect(ended).toMatchObject({ watcher: addressOf(nurse), final: true });
  });

  test('who is let already, and asks because his server forgot it, is let at once', async () => {
    const { user, jid } = live.newUser('alice');
    await lets(user, jid, nurse);
    await live.gateway.stop();
    const removed = `<query xmlns="${NS.roster}"><item jid="${jid}" subscription="remove"/></query>`;
    expect((await nurse.asks(nurse.jid, 'set', removed)).attrs['type']).toBe('result');
    live = await LiveGateway.start(server, {}, live.relay);
    await nurse.send(`<presence type="subscribe" to="${jid}"/>`);
    const granted = (): number => typesFrom(nurse, jid).filter((type) => type === 'subscribed').length;
    await eventually('the second grant', () => granted() === 2);
  });

  test('a grant that nobody asked for makes nobody see anything', async () => {
    const { user, jid } = live.newUser('alice');
    await nurse.send(`<presence type="subscribed" to="${jid}"/>`);
    await nurse.send(`<presence to="${jid}"><status>look at me</status></presence>`);
    await nurse.send(`<message type="chat" to="${jid}" id="f-${jid}"><body>seen?</body></message>`);
    await live.relay.next(
      'SendMessageRequest',
      ({ message: { id, recipients } }) =>
        id !== '' && recipients.some((party) => party.kind === 'user' && party.user === user),
    );
    expect(lastTold(user)).toEqual({});
  });

  test('a gateway that starts again finds out who is there, and shows its users anew', async () => {
    const { user, jid } = live.newUser('alice');
    await isLet(user, jid, nurse);
    await lets(user, jid, nurse);
    await shows(user, nurse, ONLINE);
    await nurse.seesPresence(jid, undefined);
    await live.gateway.stop();
    await nurse.seesPresence(jid, 'unavailable');
    live = await LiveGateway.start(server, {}, live.relay);
    const asked = Date.now();
    const known = await live.gateway.request({
      ...subscribe(user, addressOf(nurse)),
      primitive: 'GetPresenceRequest',
    });
    expect(known).toMatchObject({
      result: { code: 200 },
      values: [{ attributes: { OnlineStatus: { value: 'T' } } }],
    });
    expect(Date.now() - asked).toBeLessThan(3_000);
    // What the relay does when a gateway is usable again.
    await shows(user, nurse, ONLINE);
    await eventually('he is shown again', () => typesFrom(nurse, jid).at(-1) === 'available');
  });

  test('each contact sees what is authorised for him, and no more', async () => {
    const { user, jid } = live.newUser('alice');
    for (const client of [nurse, romeo]) {
      await isLet(user, jid, client);
      await lets(user, jid, client);
    }
    const secret = { StatusText: simple('for romeo only'), StatusMood: simple('IN_LOVE'), FreeTextLocation: simple('the garden') }; // prettier-ignore
    await shows(user, romeo, { ...ONLINE, ...secret });
    await shows(user, nurse, { ...ONLINE, StatusText: WITHDRAWN, StatusMood: WITHDRAWN });
    const isShown = (client: XmppUser) => client.seesPresence(jid, undefined);
    expect(textOf(childOf(await isShown(romeo), 'status'))).toBe('for romeo only');
    expect(textOf(childOf(await isShown(nurse), 'status'))).toBe('');
    await fence(nurse, user);
    const everything = nurse.received.map((stanza) => serialize(stanza)).join('\n');
    for (const part of ['for romeo only', 'in_love', 'the garden']) expect(everything).not.toContain(part);
  });

  test('one who sees nothing gets nothing by asking either', async () => {
    const { user, jid } = live.newUser('alice');
    const card = 'BEGIN:VCARD\r\nTEL:+447700900123\r\nEND:VCARD';
    live.relay.presence.set(user, {
      ...ONLINE,
      StatusMood: simple('SAD'),
      TimeZone: { valid: true, fields: [leaf('Zone', '+02')] },
      ContactInfo: { valid: true, fields: [leaf('ContainedvCard', card)] },
    });
    const items = `<pubsub xmlns="${NS.pubsub}"><items node="${NS.mood}"/></pubsub>`;
    for (const question of [items, `<time xmlns="${NS.time}"/>`, `<query xmlns="${NS.last}"/>`]) {
      expect(conditionOf(await nurse.asks(jid, 'get', question))).toBe('forbidden');
    }
    const answer = await nurse.asks(jid, 'get', `<vCard xmlns="${NS.vcard}"/>`);
    expect(elementsOf(elementsOf(answer)[0] ?? answer).map(({ name }) => name)).toEqual(['FN', 'NICKNAME']);
    // A probe of one who was not let says nothing of whether the user is there.
    await nurse.send(`<presence type="probe" to="${jid}"/>`);
    await fence(nurse, user);
    expect(typesFrom(nurse, jid)).not.toContain('available');
  });

  test('an invisible user is just offline, whatever else he shows and does', async () => {
    const { user, jid } = live.newUser('alice');
    await isLet(user, jid, nurse);
    await lets(user, jid, nurse);
    const hidden = { OnlineStatus: simple('F'), StatusText: simple('hidden'), StatusMood: simple('ANXIOUS') };
    await shows(user, nurse, hidden);
    live.relay.presence.set(user, hidden);
    await fence(nurse, user);
    const shown = presencesFrom(nurse, jid).filter(({ attrs }) => attrs['type'] !== 'subscribe' && attrs['type'] !== 'subscribed'); // prettier-ignore
    expect(shown.map(({ attrs }) => attrs['type'])).toEqual(shown.map(() => 'unavailable'));
    expect(nurse.received.map((each) => serialize(each)).join('')).not.toMatch(/hidden|anxious/);
    expect(conditionOf(await nurse.asks(`${jid}/imps`, 'get', `<query xmlns="${NS.last}"/>`))).toBe(
      'forbidden',
    );
  });

  test('one who is blocked sees the user go once, and is told what everybody is who writes to nobody', async () => {
    const { user, jid } = live.newUser('alice');
    await lets(user, jid, nurse);
    await shows(user, nurse, { ...ONLINE, StatusMood: simple('HAPPY') });
    await nurse.seesPresence(jid, undefined);
    live.relay.answer = (request: RequestPrimitive) =>
      request.primitive === 'SendMessageRequest' ? result(532) : undefined;
    const before = presencesFrom(nurse, jid).length;
    for (let time = 0; time < 3; time++) {
      await shows(user, nurse, {
        OnlineStatus: WITHDRAWN,
        UserAvailability: WITHDRAWN,
        StatusMood: WITHDRAWN,
      });
    }
    const errors: XmlElement[] = [];
    for (const to of [jid, `nobody-${randomUUID()}@${server.components.test.domain}`]) {
      const id = randomUUID();
      await nurse.send(`<message type="chat" id="${id}" to="${to}"><body>hello?</body></message>`);
      errors.push(
        await nurse.sees('an error', ({ attrs }) => attrs['id'] === id && attrs['type'] === 'error'),
      );
    }
    live.relay.answer = () => undefined;
    await fence(nurse, user);
    expect(
      presencesFrom(nurse, jid)
        .slice(before)
        .map(({ attrs }) => attrs['type']),
    ).toEqual(['unavailable']);
    const [blocked, absent] = errors.map((error) => serialize(childOf(error, 'error') ?? error));
    expect(blocked).toBe(absent);
  });

  const invitation = (user: UserAddress, inviteType: InviteType, note: string): InviteRequest => ({
    primitive: 'InviteRequest',
    meta: { service: serviceAddress(domainOf(user)), user },
    inviteId: randomUUID(),
    inviteType,
    inviting: { kind: 'user', user },
    invited: { kind: 'user', user: addressOf(nurse) },
    note,
    urls: ['https://a.example/x?y=1&z=<2>', 'https://b.example/'],
  });

  test('an invitation to talk is a message with the note', async () => {
    const { user, jid } = live.newUser('alice');
    const note = `Do you have a minute? ${jid}`;
    expect((await live.gateway.request(invitation(user, 'IM', note))).result.code).toBe(200);
    expect((await nurse.seesMessage(note)).attrs).toMatchObject({ from: jid, type: 'chat' });
  });

  test('an invitation to watch is a subscription request and the note', async () => {
    const { user, jid } = live.newUser('alice');
    const note = `See me! ${jid}`;
    expect((await live.gateway.request(invitation(user, 'PR', note))).result.code).toBe(200);
    await nurse.seesPresence(jid, 'subscribe');
    await nurse.seesMessage(note);
  });

  test('an invitation to shared content is a text with a link for each address', async () => {
    const { user, jid } = live.newUser('alice');
    expect((await live.gateway.request(invitation(user, 'SC', `Look ${jid}`))).result.code).toBe(200);
    const message = await nurse.sees('the links', (stanza) => bodyText(stanza).startsWith(`Look ${jid}`));
    const links = elementsOf(message).filter(({ ns }) => ns === NS.oob);
    expect(links.map((link) => textOf(childOf(link, 'url')))).toEqual(['https://a.example/x?y=1&z=<2>', 'https://b.example/']); // prettier-ignore
  });

  test('other kinds of invitations are refused', async () => {
    const { user } = live.newUser('alice');
    for (const kind of ['GM', 'AP', 'EC'] as const) {
      expect((await live.gateway.request(invitation(user, kind, 'x'))).result.code).toBe(405);
    }
  });
}
