// Names in rosters where the XMPP server lets us write there (XEP-0356).

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { NotKnownNow } from '../../../src/sap/port.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { PresenceBridge } from '../../../adapters/xmpp/presence.ts';
import { serialize, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import type { IqRequests } from '../../../adapters/xmpp/iq-requests.ts';
import { COMPONENT, incoming, iqOf, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { eventually } from '../../support/eventually.ts';
import { authorisation, subscribe, unsubscribe } from '../../support/xmpp-requests.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const ALICE = trusted<UserAddress>('wv:alice@wv.example');
const JID = `alice@${COMPONENT}`;

let bridge: TestBridge;
let iq: IqRequests;
let presence: PresenceBridge;

beforeEach(() => {
  bridge = testBridge();
  bridge.relay.account('alice', 'Alice');
  iq = iqOf(bridge);
  presence = new PresenceBridge(bridge, iq);
});

const grant = (from: string, type: string, ns: string = NS.privilege2): boolean =>
  presence.roster.received(
    incoming(
      'message',
      { from, to: COMPONENT },
      xml(ns, 'privilege', {}, xml(ns, 'perm', { access: 'roster', type })),
    ),
  );

async function settled(): Promise<void> {
  for (let look = 0; look < 8; look++) await new Promise((resolve) => setImmediate(resolve));
  await eventually('all queues are empty', () => bridge.queues.busy === 0);
}

async function agree(): Promise<void> {
  await presence.subscribe(subscribe(ALICE, BOB));
  presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'subscribed' }));
  await settled();
}

const asked = (): XmlElement[] => bridge.link.sent.splice(0).filter(({ name }) => name === 'iq');

async function refuse(question: XmlElement | undefined, condition: string): Promise<void> {
  const { id = '', from: to = '', to: from = '' } = question?.attrs ?? {};
  const error = xml(NS.component, 'error', { type: 'cancel' }, xml(NS.stanzaError, condition));
  iq.received(incoming('iq', { type: 'error', id, from, to }, error));
  await settled();
}

async function answer(question: XmlElement | undefined, payload?: XmlElement): Promise<void> {
  const { id = '', from: to = '', to: from = '' } = question?.attrs ?? {};
  const children = payload === undefined ? [] : [payload];
  iq.received(incoming('iq', { type: 'result', id, from, to }, ...children));
  await settled();
}

test.each([NS.privilege1, NS.privilege2])('with %s a subscription is named once', async (ns) => {
  grant('xmpp.example', 'set', ns);
  await agree();
  const [set] = asked();
  expect(set === undefined ? '' : serialize(set)).toContain(
    `<item jid="${JID}" name="Alice"><group>Wireless Village</group></item>`,
  );
  await answer(set);
  grant('xmpp.example', 'set', ns);
  await settled();
  expect(asked()).toEqual([]);
});

test('subscriptions of before the grant are named too, and one that failed is tried again', async () => {
  await agree();
  expect(asked()).toEqual([]);
  grant('xmpp.example', 'set');
  await settled();
  expect(asked()).toHaveLength(1);
  bridge.clock.advance(8_000);
  await settled();
  grant('xmpp.example', 'set');
  await settled();
  expect(asked()).toHaveLength(1);
});

test.each([
  ['a name of its owner stays', { jid: JID, name: 'My Alice' }, 0],
  ['one without a name is named', { jid: JID }, 1],
  ['nobody is put into a roster', { jid: 'other@xmpp.example' }, 0],
])('%s', async (_, item, sets) => {
  grant('xmpp.example', 'both');
  await agree();
  const [get] = asked();
  expect(get?.attrs['type']).toBe('get');
  await answer(get, xml(NS.roster, 'query', {}, xml(NS.roster, 'item', item)));
  expect(asked()).toHaveLength(sets);
});

test.each([
  ['another server', 'evil.example', 'both'],
  ['a user', 'bob@xmpp.example', 'both'],
  ['reading alone', 'xmpp.example', 'get'],
])('%s grants nothing', async (_, from, type) => {
  expect(grant(from, type)).toBe(true);
  await agree();
  expect(asked()).toEqual([]);
});

test('a server that grants rosters and refuses to write them is left alone until the next stream', async () => {
  grant('xmpp.example', 'set');
  await agree();
  await refuse(asked()[0], 'internal-server-error');
  expect(bridge.relay.lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { fields: { domain: 'xmpp.example', condition: 'internal-server-error' } },
  ]);
  expect(bridge.relay.counts.get('xmpp_roster_failures_total internal-server-error')).toBe(1);
  presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'subscribe' }));
  await presence.authorise(authorisation(ALICE, BOB, 'GRANTED'));
  await settled();
  expect(asked()).toEqual([]);
  presence.roster.offline();
  grant('xmpp.example', 'set');
  await settled();
  expect(asked()).toHaveLength(1);
});

test('a roster with a name of its owner is read once', async () => {
  grant('xmpp.example', 'both');
  await agree();
  await answer(
    asked()[0],
    xml(NS.roster, 'query', {}, xml(NS.roster, 'item', { jid: JID, name: 'My Alice' })),
  );
  grant('xmpp.example', 'both');
  await settled();
  expect(asked()).toEqual([]);
});

test('a name that is not known now is written with the next stream', async () => {
  const known = vi.spyOn(bridge.relay, 'displayName').mockRejectedValue(new NotKnownNow());
  grant('xmpp.example', 'set');
  await agree();
  expect(asked()).toEqual([]);
  known.mockRestore();
  grant('xmpp.example', 'set');
  await settled();
  expect(asked()).toHaveLength(1);
});

describe('contacts suggested by message (XEP-0144)', () => {
  const suggested = (): string[] => bridge.link.taken().filter((text) => text.startsWith('<message'));
  const start = (suggestContacts: boolean): void => {
    bridge = testBridge({ suggestContacts });
    bridge.relay.account('alice', 'Alice');
    iq = iqOf(bridge);
    presence = new PresenceBridge(bridge, iq);
  };

  test('by default nobody is suggested', async () => {
    start(false);
    await agree();
    expect(suggested()).toEqual([]);
  });

  test('one who agreed gets our user once, and again when the user gave him up and took him back', async () => {
    start(true);
    await agree();
    expect(suggested()).toEqual([
      `<message from="${COMPONENT}" to="bob@xmpp.example"><x xmlns="${NS.rosterExchange}"><item action="add" jid="${JID}" name="Alice"><group>Wireless Village</group></item></x></message>`,
    ]);
    presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'unsubscribed' }));
    presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'subscribed' }));
    await settled();
    expect(suggested()).toEqual([]);
    await presence.unsubscribe(unsubscribe(ALICE, BOB, true));
    await agree();
    expect(suggested()).toHaveLength(1);
  });

  test('one who has our user already gets nothing', async () => {
    start(true);
    presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'subscribe' }));
    await settled();
    await agree();
    expect(suggested()).toEqual([]);
  });

  test('only where rosters cannot be written', async () => {
    start(true);
    grant('xmpp.example', 'set');
    await agree();
    const [set] = bridge.link.sent.filter(({ name }) => name === 'iq');
    expect(suggested()).toEqual([]);
    await refuse(set, 'forbidden');
    expect(suggested()).toHaveLength(1);
  });
});
