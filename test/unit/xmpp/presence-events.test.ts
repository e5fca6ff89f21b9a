// Personal events and questions about users through the gateway, without a network (bridging 3.2, 3.5).

import { beforeEach, describe, expect, test } from 'vitest';
import { leaf, node } from '../../../src/wv/element.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../../src/wv/presence.ts';
import { verOf } from '../../../adapters/xmpp/caps.ts';
import { ContactFacts } from '../../../adapters/xmpp/contact-facts.ts';
import type { IqRequests } from '../../../adapters/xmpp/iq-requests.ts';
import { IqResponder } from '../../../adapters/xmpp/iq.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { PresenceBridge } from '../../../adapters/xmpp/presence.ts';
import { eventMessage } from '../../../adapters/xmpp/pubsub.ts';
import { NOBODY } from '../../../adapters/xmpp/resources.ts';
import { childOf, serialize, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { COMPONENT, incoming, iqOf, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { eventually } from '../../support/eventually.ts';
import { authorisation, notification, subscribe, textMessage } from '../../support/xmpp-requests.ts';
import { conditionOf } from '../../support/xmpp-user.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const JID = `alice@${COMPONENT}`;
const BARE = 'bob@xmpp.example';
const INFO = xml(
  NS.discoInfo,
  'query',
  {},
  xml(NS.discoInfo, 'feature', { var: `${NS.mood}+notify` }),
  xml(NS.discoInfo, 'feature', { var: `${NS.geoloc}+notify` }),
);
const CAPS = xml(NS.caps, 'c', { hash: 'sha-1', node: 'x', ver: verOf(INFO) });
const ONLINE = { OnlineStatus: simple('T') };

let bridge: TestBridge;
let alice: UserAddress;
let iq: IqRequests;
let presence: PresenceBridge;

beforeEach(async () => {
  bridge = testBridge();
  alice = bridge.relay.account('alice');
  iq = iqOf(bridge);
  presence = new PresenceBridge(bridge, iq);
  await presence.subscribe(subscribe(alice, BOB));
  await bob('subscribed');
  await bob('subscribe');
  await presence.authorise(authorisation(alice, BOB, 'GRANTED'));
  bridge.link.taken();
});

async function settled(): Promise<void> {
  for (let look = 0; look < 3; look++) {
    await new Promise((resolve) => setImmediate(resolve));
    await eventually('all queues are empty', () => bridge.queues.busy === 0);
  }
}

async function bob(type: string | undefined, ...children: readonly XmlElement[]): Promise<void> {
  const from = type === undefined || type === 'unavailable' ? `${BARE}/desk` : BARE;
  const attrs = { from, to: JID, ...(type === undefined ? {} : { type }) };
  presence.received(incoming('presence', attrs, ...children));
  await settled();
}

/** Answers our last question about a client. */
async function answer(payload: XmlElement): Promise<void> {
  const asked = bridge.link.sent.findLast((each) => childOf(each, 'query', NS.discoInfo) !== undefined);
  expect(asked?.attrs['to']).toBe(`${BARE}/desk`);
  const { id = '', from: to = '', to: from = '' } = asked?.attrs ?? {};
  iq.received(incoming('iq', { type: 'result', id, from, to }, payload));
  await settled();
}

async function event(node: string, item: XmlElement, from = BARE): Promise<void> {
  const message = eventMessage(from, JID, node, 'current', item);
  expect(presence.event(incoming('message', message.attrs, ...(message.children as XmlElement[])))).toBe(
    true,
  );
  await settled();
  bridge.clock.advance(200);
  await settled();
}

const told = (): PresenceAttributes => bridge.relay.all('PresenceNotification').at(-1)?.attributes ?? {};
const messages = (): string[] => bridge.link.taken().filter((text) => text.startsWith('<message'));
const mood = (word?: string): XmlElement =>
  xml(NS.mood, 'mood', {}, word === undefined ? undefined : xml(NS.mood, word));
const show = (attributes: PresenceAttributes) => presence.notify(notification(alice, BOB, attributes));

describe('events of a user', () => {
  const listening = async (): Promise<void> => {
    await bob(undefined, CAPS);
    await answer(INFO);
    bridge.link.taken();
  };

  test('go to the client that asks for them, when they change', async () => {
    await listening();
    await show({ ...ONLINE, StatusMood: simple('HAPPY'), Alias: simple('Ann') });
    const [sent = '', ...rest] = messages();
    expect(rest).toEqual([]);
    expect(sent).toContain(`from="${JID}" to="${BARE}/desk" type="headline"`);
    expect(sent).toContain('<happy/>');
    await show({ ...ONLINE, StatusMood: simple('HAPPY') });
    expect(messages()).toEqual([]);
    await show({ StatusMood: WITHDRAWN });
    expect(messages()[0]).toContain('<mood xmlns="http://jabber.org/protocol/mood"/>');
  });

  test('come to a client that comes later', async () => {
    await show({ ...ONLINE, StatusMood: simple('SAD') });
    await listening();
    await bob('unavailable');
    bridge.link.taken();
    await bob(undefined, CAPS);
    expect(messages()[0]).toContain('<sad/>');
  });

  test('of one who is invisible or withheld are not sent', async () => {
    await listening();
    await show({ OnlineStatus: simple('F'), StatusMood: simple('HAPPY'), FreeTextLocation: simple('home') });
    await show({ OnlineStatus: WITHDRAWN });
    expect(messages()).toEqual([]);
  });

  test('go to nobody whose description is not what its hash says', async () => {
    await bob(undefined, CAPS);
    await answer(xml(NS.discoInfo, 'query', {}, xml(NS.discoInfo, 'feature', { var: `${NS.mood}+notify` })));
    await show({ ...ONLINE, StatusMood: simple('HAPPY') });
    expect(messages()).toEqual([]);
  });

  test('a blocked contact gets one unavailable, then nothing', async () => {
    await listening();
    await show({ ...ONLINE, StatusMood: simple('HAPPY') });
    bridge.link.taken();
    const hidden = { OnlineStatus: WITHDRAWN, StatusMood: WITHDRAWN };
    for (let n = 0; n < 3; n++) await show(hidden);
    expect(bridge.link.taken()).toEqual([`<presence from="${JID}/imps" to="${BARE}" type="unavailable"/>`]);
  });
});

describe('events of a contact', () => {
  beforeEach(() => bob(undefined));

  test('are told, and what does not change is not', async () => {
    await event(NS.mood, mood('grumpy'));
    expect(told().StatusMood).toEqual(simple('ANGRY'));
    const count = bridge.relay.all('PresenceNotification').length;
    await event(NS.mood, mood('angry'));
    expect(bridge.relay.all('PresenceNotification')).toHaveLength(count);
    await event(NS.mood, mood());
    expect(told().StatusMood).toEqual(WITHDRAWN);
  });

  test('what he does is a StatusText only where there is none', async () => {
    const talking = xml(NS.activity, 'talking', {}, xml(NS.activity, 'on_the_phone'));
    await event(NS.activity, xml(NS.activity, 'activity', {}, talking));
    expect(told()).toMatchObject({
      StatusText: simple('on the phone'),
      UserAvailability: simple('AVAILABLE'),
    });
    await bob(undefined, xml(NS.component, 'status', {}, 'busy'));
    bridge.clock.advance(200);
    await settled();
    expect(told().StatusText).toEqual(simple('busy'));
  });

  test('his name, from an event or his presence', async () => {
    await event(NS.nick, xml(NS.nick, 'nick', {}, 'Bobby'));
    expect(told().Alias).toEqual(simple('Bobby'));
    await bob(undefined, xml(NS.nick, 'nick', {}, 'Robert'));
    bridge.clock.advance(200);
    await settled();
    expect(told().Alias).toEqual(simple('Robert'));
  });

  test('of a client, or of one whom the user does not see, do not count; tunes neither', async () => {
    await event(NS.mood, mood('happy'), `${BARE}/desk`);
    await event(NS.mood, mood('happy'), 'eve@xmpp.example');
    await event('http://jabber.org/protocol/tune', xml('http://jabber.org/protocol/tune', 'tune'));
    expect(told().StatusMood).toBeUndefined();
  });

  test('a flood of presence is told as one, as it is in the end', async () => {
    bridge.clock.advance(200);
    await settled();
    const before = bridge.relay.all('PresenceNotification').length;
    const attrs = { from: `${BARE}/desk`, to: JID };
    for (let n = 0; n < 4_000; n++)
      presence.received(incoming('presence', attrs, xml(NS.component, 'status', {}, `s${n}`)));
    await settled();
    bridge.clock.advance(200);
    await settled();
    expect(bridge.relay.all('PresenceNotification')).toHaveLength(before + 1);
    expect(told().StatusText).toEqual(simple('s3999'));
  });

  test('empty metadata does not take away the picture of the vCard', () => {
    const hash = 'a'.repeat(40);
    const facts = new ContactFacts();
    const content = { valid: true, fields: [leaf('DirectContent', 'AAAA')] };
    expect(facts.picture(hash, 'vcard')).toBe(hash);
    facts.pictured(hash, content);
    facts.take({ node: NS.avatarMetadata, payload: xml(NS.avatarMetadata, 'metadata') });
    const attributes = (): PresenceAttributes => facts.attributes({ ...NOBODY, available: true });
    expect(attributes().StatusContent).toEqual(content);
    facts.picture('', 'vcard');
    expect(attributes().StatusContent).toEqual(WITHDRAWN);
  });

  const card = (...fields: readonly (readonly [string, string])[]): XmlElement =>
    xml(NS.vcard, 'vCard', {}, ...fields.map(([name, text]) => xml(NS.vcard, name, {}, text)));

  const answerCard = async (payload: XmlElement): Promise<void> => {
    const asked = bridge.link.sent.filter((each) => childOf(each, 'vCard', NS.vcard) !== undefined);
    expect(asked).toHaveLength(1);
    const { id = '', from: to = '', to: from = '' } = asked[0]?.attrs ?? {};
    iq.received(incoming('iq', { type: 'result', id, from, to }, payload));
    await settled();
    bridge.clock.advance(200);
    await settled();
  };

  test.each([
    ['FN', card(['NICKNAME', 'bobby'], ['FN', 'Bob Smith']), 'Bob Smith'],
    ['NICKNAME', card(['FN', ' '], ['NICKNAME', 'bobby']), 'bobby'],
  ])('who tells no name is called as in his vCard: %s', async (_, payload, name) => {
    await bob(undefined);
    await answerCard(payload);
    expect(told().Alias).toEqual(simple(name));
    await event(NS.nick, xml(NS.nick, 'nick', {}, 'Robert'));
    expect(told().Alias).toEqual(simple('Robert'));
    await event(NS.nick, xml(NS.nick, 'nick'));
    expect(told().Alias).toEqual(simple(name));
  });

  test('the client that counts: its name, what it is, and since when it is idle', async () => {
    const later = async (): Promise<void> => {
      bridge.clock.advance(200);
      await settled();
    };
    const info = xml(
      NS.discoInfo,
      'query',
      {},
      xml(NS.discoInfo, 'identity', { category: 'client', type: 'pc' }),
    );
    const caps = xml(NS.caps, 'c', { hash: 'sha-1', node: 'x', ver: verOf(info) });
    await bob(undefined, caps, xml(NS.idle, 'idle', { since: '2026-11-23T14:05:07Z' }));
    await later();
    const reached = (state: string) => ({
      valid: true,
      fields: [
        node('AddrPref', [
          leaf('PrefC', 'IM'),
          leaf('Caddr', BOB),
          leaf('Cstatus', state),
          leaf('Cname', 'desk'),
        ]),
      ],
    });
    expect(told()).toMatchObject({
      UserAvailability: simple('AVAILABLE'),
      StatusText: simple('idle since 2026-11-23 14:05 UTC'),
      PreferredContacts: reached('OPEN'),
    });
    expect(told().ClientInfo).toBeUndefined();
    await answer(info);
    await later();
    expect(told().ClientInfo).toEqual({ valid: true, fields: [leaf('ClientType', 'COMPUTER')] });
    await bob(undefined, xml(NS.component, 'priority', {}, '-1'));
    await later();
    expect(told()).toMatchObject({
      ClientInfo: WITHDRAWN,
      StatusText: WITHDRAWN,
      PreferredContacts: reached('CLOSED'),
    });
    await bob('unavailable');
    await later();
    expect(told().PreferredContacts).toEqual(WITHDRAWN);
  });

  test('mood and place end when he goes', async () => {
    await event(NS.geoloc, xml(NS.geoloc, 'geoloc', {}, xml(NS.geoloc, 'text', {}, 'in Verona')));
    expect(told().FreeTextLocation).toEqual(simple('in Verona'));
    await bob('unavailable');
    bridge.clock.advance(200);
    await settled();
    expect(told().FreeTextLocation).toEqual(WITHDRAWN);
  });
});

test('the name in a request goes with the question, and is told to the user who asks who that is', async () => {
  const attrs = { from: 'eve@xmpp.example', to: JID, type: 'subscribe' };
  presence.received(incoming('presence', attrs, xml(NS.nick, 'nick', {}, 'Eve')));
  const eve = trusted<UserAddress>('wv:eve@xmpp.example');
  const about = { ...subscribe(alice, eve), primitive: 'GetPresenceRequest' } as const;
  await settled();
  expect((await presence.get(about)).values).toMatchObject([
    { attributes: { Alias: simple('Eve'), OnlineStatus: WITHDRAWN } },
  ]);
  const request = await bridge.relay.next('SubscribeRequest', ({ watcher }) => watcher !== BOB);
  expect(request.meta.friendlyName).toBe('Eve');
});

test('who told a name with his request is called so, and his vCard is not asked', async () => {
  await bob('unsubscribe');
  await bob('subscribe', xml(NS.nick, 'nick', {}, 'Bobby'));
  await bob(undefined);
  bridge.clock.advance(200);
  await settled();
  expect(bridge.relay.all('PresenceNotification').at(-1)?.attributes.Alias).toEqual(simple('Bobby'));
  expect(bridge.link.sent.filter((each) => childOf(each, 'vCard', NS.vcard) !== undefined)).toEqual([]);
});

describe('a user who is not available', () => {
  const AWAY = { UserAvailability: simple('NOT_AVAILABLE') };
  const idle = (): (string | undefined)[] =>
    bridge.link.sent
      .filter(({ name, attrs }) => name === 'presence' && attrs['type'] === undefined)
      .map((each) => childOf(each, 'idle', NS.idle)?.attrs['since']);
  const stampNow = (): string => `${new Date(bridge.clock.now()).toISOString().slice(0, 19)}Z`;

  test('is idle since he said so, until he says otherwise', async () => {
    await show(ONLINE);
    bridge.clock.advance(60_000);
    const since = stampNow();
    await show(AWAY);
    bridge.clock.advance(60_000);
    await show({ StatusText: simple('out') });
    await show({ UserAvailability: simple('AVAILABLE') });
    expect(idle()).toEqual([undefined, since, since, undefined]);
  });

  test('and was so before we knew him is not idle: nobody knows since when', async () => {
    await show({ ...ONLINE, ...AWAY });
    expect(idle()).toEqual([undefined]);
  });

  test('is not idle when he writes, which is told once', async () => {
    await show(ONLINE);
    await show(AWAY);
    for (const text of ['one', 'two']) presence.wrote(textMessage(alice, BOB, text));
    expect(idle()).toEqual([undefined, stampNow(), undefined]);
  });

  test('and offline shows nothing but that', async () => {
    await show(ONLINE);
    await show({ ...AWAY, OnlineStatus: simple('F') });
    await show(ONLINE);
    expect(idle()).toEqual([undefined, stampNow()]);
  });

  test('was last active when he became so', async () => {
    await show(ONLINE);
    await show(AWAY);
    bridge.relay.presence.set(alice, { ...ONLINE, ...AWAY });
    bridge.clock.advance(90_000);
    bridge.link.taken();
    const query = { type: 'get', id: 'q', from: `${BARE}/d`, to: JID };
    new IqResponder(bridge, presence).received(incoming('iq', query, xml(NS.last, 'query')));
    const reply = await eventually('an answer', () => bridge.link.sent[0]);
    expect(childOf(reply, 'query', NS.last)?.attrs['seconds']).toBe('90');
  });
});

test("the user's client is what his ClientInfo says, for those who see it", async () => {
  const attributes = { ...ONLINE, ClientInfo: { valid: true, fields: [leaf('ClientType', 'COMPUTER')] } };
  await show(attributes);
  bridge.relay.presence.set(alice, attributes);
  const caps = childOf(bridge.link.sent.at(-1) ?? xml(NS.component, 'none'), 'c', NS.caps)?.attrs;
  const responder = new IqResponder(bridge, presence);
  const typeFor = async (from: string, asked: string | undefined): Promise<string | undefined> => {
    bridge.link.taken();
    const query = { type: 'get', id: 'q', from: `${from}/d`, to: `${JID}/imps` };
    responder.received(incoming('iq', query, xml(NS.discoInfo, 'query', { node: asked })));
    const reply = childOf(await eventually('an answer', () => bridge.link.sent[0]), 'query', NS.discoInfo);
    return reply === undefined ? undefined : childOf(reply, 'identity')?.attrs['type'];
  };
  expect(await typeFor(BARE, `${caps?.['node']}#${caps?.['ver']}`)).toBe('pc');
  expect(await typeFor(BARE, undefined)).toBe('pc');
  expect(await typeFor('eve@xmpp.example', undefined)).toBe('phone');
});

describe('questions about a user', () => {
  const SEEN = {
    ...ONLINE,
    StatusMood: simple('HAPPY'),
    TimeZone: { valid: true, fields: [leaf('Zone', '-05:30')] },
    ContactInfo: {
      valid: true,
      fields: [leaf('ContainedvCard', 'BEGIN:VCARD\r\nTEL;CELL:+4477\r\nEND:VCARD')],
    },
    InfoLink: {
      valid: true,
      fields: ['javascript:x', 'https://ann.example/'].map((link) => node('Inf_link', [leaf('Link', link)])),
    },
  };
  const ask = async (from: string, payload: XmlElement): Promise<XmlElement> => {
    bridge.link.taken();
    const responder = new IqResponder(bridge, presence);
    responder.received(incoming('iq', { type: 'get', id: 'q', from: `${from}/d`, to: JID }, payload));
    return await eventually('an answer', () => bridge.link.sent[0]);
  };
  const items = (node: string) => xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'items', { node }));

  test.each([
    ['card', xml(NS.vcard, 'vCard'), '<NUMBER>+4477</NUMBER>'],
    ['vCard 4', xml(NS.vcard4, 'vcard'), '<tel><text>+4477</text></tel>'],
    ['card (InfoLink)', xml(NS.vcard, 'vCard'), '</TEL><URL>https://ann.example/</URL></vCard>'],
    [
      'vCard 4 (InfoLink)',
      xml(NS.vcard4, 'vcard'),
      '</tel><url><uri>https://ann.example/</uri></url></vcard>',
    ],
    ['time', xml(NS.time, 'time'), '<tzo>-05:30</tzo>'],
    ['last activity', xml(NS.last, 'query'), 'seconds="0"'],
    ['mood', items(NS.mood), '<happy/>'],
  ])('%s is for those who see him', async (_, payload, part) => {
    bridge.relay.presence.set(alice, SEEN);
    expect(serialize(await ask(BARE, payload))).toContain(part);
    expect(serialize(await ask('eve@xmpp.example', payload))).not.toContain(part);
  });

  test('what there is not is not found, and strangers may not ask', async () => {
    bridge.relay.presence.set(alice, { ...SEEN, OnlineStatus: simple('F') });
    expect(conditionOf(await ask(BARE, items(NS.mood)))).toBe('item-not-found');
    expect(conditionOf(await ask(BARE, items('constructor')))).toBe('item-not-found');
    expect(conditionOf(await ask(BARE, items(NS.avatarData)))).toBe('item-not-found');
    expect(conditionOf(await ask('eve@xmpp.example', items(NS.mood)))).toBe('forbidden');
  });
});
