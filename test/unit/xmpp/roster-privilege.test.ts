// Names in rosters where the XMPP server lets us write there (XEP-0356).

import { beforeEach, expect, test } from 'vitest';
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
import { subscribe } from '../../support/xmpp-requests.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
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
  await presence.subscribe(subscribe(trusted<UserAddress>('wv:alice@wv.example'), BOB));
  presence.received(incoming('presence', { from: 'bob@xmpp.example', to: JID, type: 'subscribed' }));
  await settled();
}

const asked = (): XmlElement[] => bridge.link.sent.splice(0).filter(({ name }) => name === 'iq');

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
