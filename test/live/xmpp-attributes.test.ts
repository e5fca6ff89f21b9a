// Presence attributes one by one, both ways, between the XMPP gateway and a client of real servers (bridging 3.1 to
// 3.3). Pictures are in xmpp-events.test.ts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { verOf } from '../../adapters/xmpp/caps.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, serialize, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { leaf, node } from '../../src/wv/element.ts';
import type { Element } from '../../src/wv/element.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { PRESENCE_ATTRIBUTES, simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute, PresenceAttributes } from '../../src/wv/presence.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { authorisation, notification, subscribe, textMessage } from '../support/xmpp-requests.ts';
import { XmppUser } from '../support/xmpp-user.ts';

/** The contact's client. An account that no other test publishes anything for. */
const ACCOUNT = 'load4';
const INFO = xml(
  NS.discoInfo,
  'query',
  {},
  xml(NS.discoInfo, 'identity', { category: 'client', type: 'web' }),
  ...[NS.mood, NS.geoloc].map((each) => xml(NS.discoInfo, 'feature', { var: `${each}+notify` })),
);
const CAPS = serialize(xml(NS.caps, 'c', { hash: 'sha-1', node: 'https://web.example', ver: verOf(INFO) }));

const fields = (...inside: readonly Element[]): PresenceAttribute => ({ valid: true, fields: inside });
const ONLINE = { OnlineStatus: simple('T'), UserAvailability: simple('AVAILABLE') };

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`presence attributes through ${name}${missing}`, () =>
    suite(server as XmppServer),
  );
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let desk: XmppUser;
  let user: UserAddress;
  let jid: string;

  /** Both see each other. */
  beforeAll(async () => {
    live = await LiveGateway.start(server);
    ({ user, jid } = live.newUser('alice'));
    desk = await XmppUser.login(server, ACCOUNT, 'desk');
    desk.answersWith(INFO);
    await shows('');
    await live.gateway.request(subscribe(user, live.contact(ACCOUNT)));
    await desk.seesPresence(jid, 'subscribe');
    await desk.send(`<presence type="subscribed" to="${jid}"/>`);
    await desk.send(`<presence type="subscribe" to="${jid}"/>`);
    await live.relay.next('SubscribeRequest', ({ publishers }) => publishers[0] === user);
    await live.gateway.request(authorisation(user, live.contact(ACCOUNT), 'GRANTED'));
    await desk.seesPresence(jid, 'subscribed');
  });
  afterAll(async () => {
    for (const each of [NS.mood, NS.geoloc, NS.activity]) await publish(each, xml(each, wordOf(each)));
    await desk.logout();
    await live.gateway.stop();
  });

  const wordOf = (namespace: string): string => namespace.slice(namespace.lastIndexOf('/') + 1);
  const publish = async (namespace: string, item: XmlElement): Promise<void> => {
    const payload = xml(NS.pubsub, 'item', { id: 'current' }, item);
    const pubsub = xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'publish', { node: namespace }, payload));
    expect((await desk.asks(desk.jid, 'set', serialize(pubsub))).attrs['type']).toBe('result');
  };
  /** The contact's client shows this. */
  const shows = async (presence: string): Promise<void> =>
    desk.send(`<presence>${presence}${CAPS}</presence>`);
  const told = (): PresenceAttributes =>
    live.relay
      .all('PresenceNotification')
      .filter(({ watchers }) => watchers[0] === user)
      .at(-1)?.attributes ?? {};
  const isTold = (wanted: PresenceAttributes): Promise<unknown> =>
    eventually(
      () => `told ${JSON.stringify(wanted)}; is told ${JSON.stringify(told())}`,
      () =>
        Object.entries(wanted).every(
          ([name, value]) =>
            JSON.stringify(told()[name as keyof PresenceAttributes]) === JSON.stringify(value),
        ),
    );

  /** Our user shows this; the presence that the contact then gets. */
  const presenceFor = async (attributes: PresenceAttributes): Promise<XmlElement> => {
    const contact = live.contact(ACCOUNT);
    // Withdrawn first, so that what comes next is news.
    await live.gateway.request(notification(user, contact, { OnlineStatus: WITHDRAWN }));
    const before = desk.received.length;
    live.relay.presence.set(user, attributes);
    const withdrawn = Object.fromEntries(
      Object.keys(PRESENCE_ATTRIBUTES).map((name) => [name, WITHDRAWN]),
    ) as PresenceAttributes;
    await live.gateway.request(notification(user, contact, { ...withdrawn, ...attributes }));
    await live.gateway.request(textMessage(user, contact, `fence ${before}`));
    await desk.seesMessage(`fence ${before}`);
    const shown = desk.received.findLast(
      (each) => each.name === 'presence' && each.attrs['from'] === `${jid}/imps`,
    );
    return shown ?? xml(NS.component, 'nothing');
  };
  const textIn = (stanza: XmlElement, child: string, ns?: string): string =>
    textOf(ns === undefined ? childOf(stanza, child) : childOf(stanza, child, ns));
  const payloadOf = (answer: XmlElement): string => serialize(elementsOf(answer)[0] ?? answer);
  const eventText = (namespace: string, part: string): Promise<XmlElement> =>
    desk.sees(
      `${part} in ${namespace}`,
      (each) =>
        each.name === 'message' &&
        each.attrs['from'] === jid &&
        serialize(each).includes(`node="${namespace}"`) &&
        serialize(each).includes(part),
    );

  describe('of a WV user', () => {
    test.each([
      ['AVAILABLE', ''],
      ['DISCREET', 'dnd'],
      ['NOT_AVAILABLE', 'xa'],
    ])('UserAvailability %s is show "%s"', async (availability, show) => {
      const presence = await presenceFor({ ...ONLINE, UserAvailability: simple(availability) });
      expect(presence.attrs['type']).toBeUndefined();
      expect(textIn(presence, 'show')).toBe(show);
    });

    test.each([
      ['F', simple('F')],
      ['withheld', WITHDRAWN],
    ])('OnlineStatus %s is unavailable, and nothing else is shown', async (_, OnlineStatus) => {
      const presence = await presenceFor({ ...ONLINE, StatusText: simple('secret'), OnlineStatus });
      expect(presence.attrs['type']).toBe('unavailable');
      expect(elementsOf(presence).filter(({ ns }) => ns === NS.component)).toEqual([]);
    });

    test('StatusText, Alias and PreferredLanguage are status, nick and xml:lang', async () => {
      const presence = await presenceFor({
        ...ONLINE,
        StatusText: simple('in <the> orchard 😀'),
        Alias: simple('Allie'),
        PreferredLanguage: simple('deu'),
      });
      expect(textIn(presence, 'status')).toBe('in <the> orchard 😀');
      expect(textIn(presence, 'nick', NS.nick)).toBe('Allie');
      expect(presence.attrs['xml:lang']).toBe('de');
    });

    test.each([
      ['CommCap', fields(node('CommC', [leaf('Cap', 'IM'), leaf('Status', 'CLOSED')]))],
      ['PreferredContacts', fields(node('AddrPref', [leaf('PrefC', 'IM'), leaf('Cstatus', 'CLOSED')]))],
    ])('%s that says IM is closed is a negative priority', async (name, value) => {
      expect(textIn(await presenceFor({ ...ONLINE, [name]: value }), 'priority')).toBe('-1');
      expect(textIn(await presenceFor(ONLINE), 'priority')).not.toBe('-1');
    });

    test.each([
      ['MOBILE_PHONE', 'phone'],
      ['COMPUTER', 'pc'],
      ['PDA', 'handheld'],
      ['CLI', 'sms'],
    ])('ClientType %s is the identity %s, which its capabilities name', async (type, identity) => {
      const presence = await presenceFor({ ...ONLINE, ClientInfo: fields(leaf('ClientType', type)) });
      const caps = childOf(presence, 'c', NS.caps)?.attrs;
      const asked = `<query xmlns="${NS.discoInfo}" node="${caps?.['node']}#${caps?.['ver']}"/>`;
      const info = childOf(await desk.asks(`${jid}/imps`, 'get', asked), 'query', NS.discoInfo);
      expect(info === undefined ? undefined : childOf(info, 'identity')?.attrs).toMatchObject({
        category: 'client',
        type: identity,
      });
      expect(info === undefined ? '' : verOf(info)).toBe(caps?.['ver']);
      const plain = await desk.asks(`${jid}/imps`, 'get', `<query xmlns="${NS.discoInfo}"/>`);
      expect(payloadOf(plain)).toContain(`type="${identity}"`);
    });

    test.each(PRESENCE_ATTRIBUTES.StatusMood.values)('StatusMood %s is a mood', async (mood) => {
      await presenceFor({ ...ONLINE, StatusMood: simple(mood) });
      await eventText(NS.mood, `<${mood.toLowerCase()}/>`);
    });

    test('GeoLocation, Address and FreeTextLocation are a place', async () => {
      await presenceFor({
        ...ONLINE,
        GeoLocation: fields(
          leaf('Longitude', '10 59 54W'),
          leaf('Latitude', '45 26 19N'),
          leaf('Accuracy', '50'),
        ),
        Address: fields(leaf('Country', 'IT'), leaf('City', 'Verona'), leaf('Street', 'Via Cappello')),
        FreeTextLocation: simple('on the balcony'),
      });
      const event = serialize(await eventText(NS.geoloc, 'on the balcony'));
      for (const part of [
        '<lat>45.438',
        '<lon>-10.998',
        '<accuracy>50',
        '<countrycode>IT',
        '<locality>Verona',
      ]) {
        expect(event).toContain(part);
      }
    });

    test('TimeZone, ContactInfo and InfoLink are told who asks and sees him', async () => {
      const card = 'BEGIN:VCARD\r\nTEL;CELL:+447700900123\r\nEND:VCARD';
      await presenceFor({
        ...ONLINE,
        TimeZone: fields(leaf('Zone', '+02')),
        ContactInfo: fields(leaf('ContainedvCard', card)),
        InfoLink: fields(node('Inf_link', [leaf('Link', 'https://alice.example/')])),
      });
      const time = payloadOf(await desk.asks(`${jid}/imps`, 'get', `<time xmlns="${NS.time}"/>`));
      expect(time).toContain('<tzo>+02:00</tzo>');
      const vcard = payloadOf(await desk.asks(jid, 'get', `<vCard xmlns="${NS.vcard}"/>`));
      expect(vcard).toContain('<NUMBER>+447700900123</NUMBER>');
      expect(vcard).toContain('<URL>https://alice.example/</URL>');
      const vcard4 = payloadOf(await desk.asks(jid, 'get', `<vcard xmlns="${NS.vcard4}"/>`));
      expect(vcard4).toContain('<uri>https://alice.example/</uri>');
    });

    test('one who becomes not available is idle since then, until he writes', async () => {
      const contact = live.contact(ACCOUNT);
      await presenceFor(ONLINE);
      const since = (stanza: XmlElement): number =>
        Date.parse(childOf(stanza, 'idle', NS.idle)?.attrs['since'] ?? '');
      const before = desk.received.length;
      const away = { UserAvailability: simple('NOT_AVAILABLE') };
      await live.gateway.request(notification(user, contact, away));
      live.relay.presence.set(user, { ...ONLINE, ...away });
      const isXa = (stanza: XmlElement): boolean =>
        desk.received.indexOf(stanza) >= before && textIn(stanza, 'show') === 'xa';
      const shown = await desk.sees('him away', isXa);
      expect(Math.abs(since(shown) - Date.now())).toBeLessThan(10_000);
      const last = await desk.asks(`${jid}/imps`, 'get', `<query xmlns="${NS.last}"/>`);
      expect(childOf(last, 'query', NS.last)?.attrs['seconds']).toMatch(/^\d$/);
      await live.gateway.request(textMessage(user, contact, 'back for a word'));
      await desk.sees(
        'him away, and not idle',
        (stanza) => isXa(stanza) && childOf(stanza, 'idle', NS.idle) === undefined,
      );
    });

    test('PLMN and Registration are not shown', async () => {
      const presence = await presenceFor({ ...ONLINE, PLMN: simple('23415'), Registration: simple('T') });
      expect(serialize(presence)).not.toContain('23415');
      expect(elementsOf(presence).map(({ name }) => name)).toEqual(
        elementsOf(await presenceFor(ONLINE)).map(({ name }) => name),
      );
    });
  });

  describe('of an XMPP user', () => {
    test.each([
      ['', 'AVAILABLE'],
      ['<show>chat</show>', 'AVAILABLE'],
      ['<show>away</show>', 'NOT_AVAILABLE'],
      ['<show>xa</show>', 'NOT_AVAILABLE'],
      ['<show>dnd</show>', 'DISCREET'],
    ])('%j is UserAvailability %s', async (show, availability) => {
      const status = `with "${show.replaceAll(/[<>]/g, '')}"`;
      await shows(`${show}<status>${status}</status>`);
      await isTold({
        OnlineStatus: simple('T'),
        UserAvailability: simple(availability),
        StatusText: simple(status),
      });
    });

    test('unavailable is OnlineStatus F, and what was shown is over', async () => {
      await shows('<status>here</status>');
      await isTold({ OnlineStatus: simple('T'), StatusText: simple('here') });
      await desk.send('<presence type="unavailable"/>');
      await isTold({
        OnlineStatus: simple('F'),
        UserAvailability: simple('NOT_AVAILABLE'),
        StatusText: WITHDRAWN,
        PreferredContacts: WITHDRAWN,
        ClientInfo: WITHDRAWN,
      });
      await shows('');
      await isTold({ OnlineStatus: simple('T') });
    });

    test('the identity of his client is ClientInfo', async () => {
      await shows('');
      await isTold({ ClientInfo: fields(leaf('ClientType', 'COMPUTER')) });
    });

    test('his client of highest priority is the preferred contact, of equal ones the one in use', async () => {
      const preferred = (resource: string, state: string): PresenceAttributes => ({
        PreferredContacts: fields(
          node('AddrPref', [
            leaf('PrefC', 'IM'),
            leaf('Caddr', live.contact(ACCOUNT)),
            leaf('Cstatus', state),
            leaf('Cname', resource),
          ]),
        ),
      });
      await shows('');
      await isTold(preferred('desk', 'OPEN'));
      const sofa = await XmppUser.login(server, ACCOUNT, 'sofa', '<priority>3</priority>');
      await isTold(preferred('sofa', 'OPEN'));
      await sofa.send(`<presence><idle xmlns="${NS.idle}" since="2026-01-01T00:00:00Z"/></presence>`);
      await isTold(preferred('desk', 'OPEN'));
      await sofa.logout();
      await shows('<priority>-5</priority>');
      await isTold({ ...preferred('desk', 'CLOSED'), UserAvailability: simple('NOT_AVAILABLE') });
      await shows('');
      await isTold(preferred('desk', 'OPEN'));
    });

    test('an idle time is a StatusText where there is no other, and changes nothing else', async () => {
      const idle = `<idle xmlns="${NS.idle}" since="2026-11-23T15:05:00+01:00"/>`;
      await shows(idle);
      await isTold({
        StatusText: simple('idle since 2026-11-23 14:05 UTC'),
        UserAvailability: simple('AVAILABLE'),
      });
      await shows(`<status>reading</status>${idle}`);
      await isTold({ StatusText: simple('reading') });
      await shows('');
      await isTold({ StatusText: WITHDRAWN });
    });

    test('an activity is a StatusText where there is no other', async () => {
      await shows('');
      const talking = xml(NS.activity, 'talking', {}, xml(NS.activity, 'on_the_phone'));
      await publish(NS.activity, xml(NS.activity, 'activity', {}, talking));
      await isTold({ StatusText: simple('on the phone'), UserAvailability: simple('AVAILABLE') });
      await publish(NS.activity, xml(NS.activity, 'activity'));
      await isTold({ StatusText: WITHDRAWN });
    });

    test.each([
      ['in_love', 'IN_LOVE'],
      ['outraged', 'ANGRY'],
      ['restless', 'ANXIOUS'],
    ])('the mood %s is StatusMood %s', async (word, mood) => {
      await publish(NS.mood, xml(NS.mood, 'mood', {}, xml(NS.mood, word)));
      await isTold({ StatusMood: simple(mood) });
    });

    test('a place is GeoLocation, Address, FreeTextLocation and InfoLink', async () => {
      const values = {
        lat: '45.5',
        lon: '-11',
        accuracy: '20',
        countrycode: 'IT',
        locality: 'Verona',
        text: 'at home',
        uri: 'https://verona.example/',
      };
      const children = Object.entries(values).map(([name, value]) => xml(NS.geoloc, name, {}, value));
      await publish(NS.geoloc, xml(NS.geoloc, 'geoloc', {}, ...children));
      await isTold({
        GeoLocation: fields(
          leaf('Longitude', '11 0 0W'),
          leaf('Latitude', '45 30 0N'),
          leaf('Accuracy', '20'),
        ),
        Address: fields(leaf('Country', 'IT'), leaf('City', 'Verona')),
        FreeTextLocation: simple('at home'),
        InfoLink: fields(node('Inf_link', [leaf('Link', 'https://verona.example/')])),
      });
      await publish(NS.geoloc, xml(NS.geoloc, 'geoloc'));
      await isTold({ GeoLocation: WITHDRAWN, InfoLink: WITHDRAWN });
    });
  });
}
