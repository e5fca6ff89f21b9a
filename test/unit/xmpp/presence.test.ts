// Presence through the gateway, without a network and with time in our hands.

import { beforeEach, describe, expect, test } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import { result } from '../../../src/wv/status.ts';
import { PresenceBridge } from '../../../adapters/xmpp/presence.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { ownClient } from '../../../adapters/xmpp/caps.ts';
import { serialize, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { COMPONENT, incoming, iqOf, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { eventually } from '../../support/eventually.ts';
import { authorisation, notification, subscribe, unsubscribe } from '../../support/xmpp-requests.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const JID = `alice@${COMPONENT}`;
const ONLINE = { OnlineStatus: simple('T'), StatusText: simple('here') };
const SHOWN = `<presence from="${JID}/imps" to="bob@xmpp.example"><status>here</status>${serialize(ownClient({ reactions: true }).caps)}</presence>`;
const ASKED = `<presence type="subscribe" from="${JID}" to="bob@xmpp.example"><nick xmlns="${NS.nick}">alice</nick></presence>`;

let bridge: TestBridge;
let alice: UserAddress;
let presence: PresenceBridge;

beforeEach(() => {
  bridge = testBridge();
  alice = bridge.relay.account('alice');
  presence = new PresenceBridge(bridge, iqOf(bridge));
});

const control = (type: string) => `<presence type="${type}" from="${JID}" to="bob@xmpp.example"/>`;

async function settled(): Promise<void> {
  // An empty queue may be filled by what follows from its last task, so look twice.
  for (let look = 0; look < 2; look++) {
    await new Promise((resolve) => setImmediate(resolve));
    await eventually('all queues are empty', () => bridge.queues.busy === 0);
  }
}

/** bob sends presence to alice. */
async function bob(
  type: string | undefined,
  resource: string,
  ...children: readonly XmlElement[]
): Promise<void> {
  const from = resource === '' ? 'bob@xmpp.example' : `bob@xmpp.example/${resource}`;
  const attrs = { from, to: JID, ...(type === undefined ? {} : { type }) };
  presence.received(incoming('presence', attrs, ...children));
  await settled();
}

const text = (name: string, value: string) => xml(NS.component, name, {}, value);
const told = () =>
  bridge.relay
    .all('PresenceNotification')
    .map(
      ({ attributes }) => `${attributes.OnlineStatus?.value ?? '-'} ${attributes.StatusText?.value ?? '-'}`,
    );

async function weSee(): Promise<void> {
  await presence.subscribe(subscribe(alice, BOB));
  await bob('subscribed', '');
  bridge.link.taken();
}

async function theySee(): Promise<void> {
  await bob('subscribe', '');
  await presence.authorise(authorisation(alice, BOB, 'GRANTED'));
  bridge.link.taken();
}

describe('our user watches a contact', () => {
  test('asks, is granted, and is told offline when nothing is heard', async () => {
    await presence.subscribe(subscribe(alice, BOB));
    expect(bridge.link.taken()).toEqual([ASKED]);
    await bob('subscribed', '');
    expect(told()).toEqual([]);
    bridge.clock.advance(3_000);
    await settled();
    expect(told()).toEqual(['F -']);
  });

  test('a burst is told once, and what did not change not at all', async () => {
    await weSee();
    for (const status of ['a', 'b', 'c']) await bob(undefined, 'desk', text('status', status));
    bridge.clock.advance(200);
    await settled();
    await bob(undefined, 'desk', text('status', 'c'));
    bridge.clock.advance(200);
    await settled();
    expect(told()).toEqual(['T c']);
  });

  test('presence of a contact who granted nothing is not believed', async () => {
    await bob(undefined, 'desk', text('status', 'look at me'));
    await presence.subscribe(subscribe(alice, BOB));
    await bob(undefined, 'desk', text('status', 'look at me'));
    bridge.clock.advance(5_000);
    await settled();
    expect(told()).toEqual([]);
  });

  test('a denial is told as withheld', async () => {
    await presence.subscribe(subscribe(alice, BOB));
    await bob('unsubscribed', '');
    expect(bridge.relay.all('PresenceNotification')).toMatchObject([
      { publisher: BOB, watchers: [alice], attributes: { OnlineStatus: WITHDRAWN } },
    ]);
  });

  test('is asked once, however many lists he is on, and again on the next stream', async () => {
    await presence.subscribe(subscribe(alice, BOB));
    await presence.subscribe(subscribe(alice, BOB));
    expect(bridge.link.taken()).toEqual([ASKED]);
    await presence.reset();
    await presence.subscribe(subscribe(alice, BOB));
    expect(bridge.link.taken()).toEqual([ASKED]);
  });

  test.each([
    ['a denial', () => presence.subscribe(subscribe(alice, BOB))],
    ['a removal', weSee],
  ])('after %s nobody is asked again until he was given up and taken back', async (_, before) => {
    await before();
    await bob('unsubscribed', '');
    bridge.link.taken();
    await presence.reset();
    await presence.subscribe(subscribe(alice, BOB));
    await settled();
    expect(bridge.link.taken()).toEqual([]);
    expect(told()).toEqual(['- -', '- -']);
    await presence.unsubscribe(unsubscribe(alice, BOB, true));
    await presence.subscribe(subscribe(alice, BOB));
    expect(bridge.link.taken()).toEqual([ASKED]);
  });

  test('a contact who had refused and comes back is asked when he may see our user', async () => {
    await weSee();
    await bob('unsubscribed', '');
    await bob('subscribe', '');
    expect(bridge.link.taken()).toEqual([]);
    await presence.authorise(authorisation(alice, BOB, 'GRANTED'));
    expect(bridge.link.taken()).toEqual([control('subscribed'), ASKED]);
  });

  test('an address that does not exist is told as withheld', async () => {
    await presence.subscribe(subscribe(alice, BOB));
    await bob(
      'error',
      '',
      xml(NS.component, 'error', { type: 'cancel' }, xml(NS.stanzaError, 'remote-server-not-found')),
    );
    expect(told()).toEqual(['- -']);
  });

  test('after a reconnect the probe decides: who left meanwhile is told offline', async () => {
    await weSee();
    await bob(undefined, 'desk', text('status', 'here'));
    bridge.clock.advance(200);
    await settled();
    await presence.reset();
    bridge.link.taken();
    await presence.subscribe(subscribe(alice, BOB));
    expect(bridge.link.taken()).toEqual([control('probe')]);
    bridge.clock.advance(3_000);
    await settled();
    expect(told()).toEqual(['T here', 'F -']);
  });

  test('a watcher whose session ended is not told; the subscription stays', async () => {
    await weSee();
    await presence.unsubscribe(unsubscribe(alice, BOB, false));
    await bob(undefined, 'desk');
    bridge.clock.advance(5_000);
    await settled();
    expect(told()).toEqual([]);
    expect(bridge.link.taken()).toEqual([]);
  });

  test('a contact given up loses our presence too', async () => {
    await weSee();
    await theySee();
    await presence.notify(notification(alice, BOB, ONLINE));
    bridge.link.taken();
    await presence.unsubscribe(unsubscribe(alice, BOB, true));
    expect(bridge.link.taken()).toEqual([
      control('unsubscribe'),
      control('unsubscribed'),
      `<presence from="${JID}/imps" to="bob@xmpp.example" type="unavailable"/>`,
    ]);
    await bridge.relay.next('UnsubscribeRequest', ({ final, watcher }) => final && watcher === BOB);
  });

  test('probes go out at the configured rate', async () => {
    const contacts = Array.from({ length: 200 }, (_, n) => trusted<UserAddress>(`wv:c${n}@xmpp.example`));
    for (const contact of contacts) {
      await presence.subscribe(subscribe(alice, contact));
      const attrs = { from: `${contact.slice(3)}`, to: JID, type: 'subscribed' };
      presence.received(incoming('presence', attrs));
    }
    await settled();
    bridge.link.taken();
    await presence.subscribe({ ...subscribe(alice, BOB), publishers: contacts });
    const first = bridge.link.taken().length;
    expect(first).toBeLessThanOrEqual(50);
    bridge.clock.advance(1_000);
    expect(bridge.link.taken().length).toBeLessThanOrEqual(51);
    bridge.clock.advance(3_000);
    expect(first).toBeGreaterThan(0);
  });

  test('a contact given up while there is no stream is told when there is one, until the server has it', async () => {
    await weSee();
    await theySee();
    bridge.link.online = false;
    bridge.link.writable = false;
    expect((await presence.unsubscribe(unsubscribe(alice, BOB, true))).result.code).toBe(200);
    await settled();
    bridge.link.online = true;
    bridge.link.writable = true;
    const gone = `<presence type="unavailable" from="${JID}/imps" to="bob@xmpp.example"/>`;
    bridge.link.confirms = false;
    for (let stream = 0; stream < 2; stream++) {
      // A new process, too, knows what is owed.
      presence = new PresenceBridge(bridge, iqOf(bridge));
      await presence.reset();
      await settled();
      expect(bridge.link.taken()).toEqual([control('unsubscribe'), control('unsubscribed'), gone]);
      bridge.link.confirms = true;
    }
    await presence.reset();
    expect(bridge.link.taken()).toEqual([]);
  });

  test('what ends a subscription is not said after a new one was asked for', async () => {
    await weSee();
    bridge.link.confirms = false;
    await presence.unsubscribe(unsubscribe(alice, BOB, true));
    await presence.subscribe(subscribe(alice, BOB));
    bridge.link.taken();
    await presence.reset();
    expect(bridge.link.taken()).toEqual([]);
  });

  test('a denial while there is no stream is sent when there is one', async () => {
    await bob('subscribe', '');
    bridge.link.online = false;
    bridge.link.writable = false;
    await presence.authorise(authorisation(alice, BOB, 'DENIED'));
    bridge.link.online = true;
    bridge.link.writable = true;
    await presence.reset();
    expect(bridge.link.taken()[0]).toBe(control('unsubscribed'));
  });

  test('nothing is changed while there is no stream', async () => {
    bridge.link.writable = false;
    expect((await presence.subscribe(subscribe(alice, BOB))).result.code).toBe(503);
    expect(bridge.relay.storage.values.size).toBe(0);
  });

  test('a contact of another network is refused', async () => {
    const other = trusted<UserAddress>('wv:x@other.example');
    expect((await presence.subscribe(subscribe(alice, other))).result.code).toBe(516);
  });
});

describe('GetPresence', () => {
  const get = () => presence.get({ ...subscribe(alice, BOB), primitive: 'GetPresenceRequest' });

  test('probes, waits, and takes what is known as offline after 3 s', async () => {
    await weSee();
    const answer = get();
    await settled();
    expect(bridge.link.taken()).toEqual([control('probe')]);
    bridge.clock.advance(3_000);
    expect(await answer).toMatchObject({ values: [{ attributes: { OnlineStatus: { value: 'F' } } }] });
  });

  test('answers at once when the contact was heard', async () => {
    await weSee();
    await bob(undefined, 'desk', text('status', 'here'));
    bridge.link.taken();
    expect(await get()).toMatchObject({
      values: [{ user: BOB, attributes: { StatusText: { value: 'here' } } }],
    });
    expect(bridge.link.taken()).toEqual([]);
  });

  test('gives only what is asked for', async () => {
    await weSee();
    await bob(undefined, 'desk', text('status', 'here'));
    const answer = await presence.get({
      ...subscribe(alice, BOB),
      primitive: 'GetPresenceRequest',
      attributes: new Set(['OnlineStatus']),
    });
    expect(Object.keys(answer.values[0]?.attributes ?? {})).toEqual(['OnlineStatus']);
  });
});

describe('a contact watches our user', () => {
  test('is not granted before the user says so', async () => {
    await bob('subscribe', '');
    expect(bridge.relay.all('SubscribeRequest')).toMatchObject([{ watcher: BOB, publishers: [alice] }]);
    expect(bridge.link.taken()).toEqual([]);
    await presence.authorise(authorisation(alice, BOB, 'GRANTED'));
    await presence.notify(notification(alice, BOB, ONLINE));
    expect(bridge.link.taken()).toEqual([control('subscribed'), SHOWN]);
  });

  test('a notification that shows something is a grant', async () => {
    await bob('subscribe', '');
    await presence.notify(notification(alice, BOB, { OnlineStatus: WITHDRAWN }));
    expect(bridge.link.taken()).toEqual([]);
    await presence.notify(notification(alice, BOB, ONLINE));
    expect(bridge.link.taken()).toEqual([control('subscribed'), SHOWN]);
  });

  test('a relay that answers with a grant before its answer does not lock up', async () => {
    bridge.relay.answer = async (request) => {
      if (request.primitive === 'SubscribeRequest') await presence.notify(notification(alice, BOB, ONLINE));
      return undefined;
    };
    await bob('subscribe', '');
    expect(bridge.link.taken()).toEqual([control('subscribed'), SHOWN]);
  });

  test('asking again when granted is answered at once, with the present value', async () => {
    await theySee();
    await presence.notify(notification(alice, BOB, ONLINE));
    bridge.link.taken();
    await bob('subscribe', '');
    expect(bridge.link.taken()).toEqual([control('subscribed'), SHOWN]);
  });

  test('unchanged presence is never sent again, and changes are merged', async () => {
    await theySee();
    await presence.notify(notification(alice, BOB, ONLINE));
    await presence.notify(notification(alice, BOB, ONLINE));
    await presence.notify(notification(alice, BOB, { UserAvailability: simple('DISCREET') }));
    expect(bridge.link.taken()).toEqual([SHOWN, SHOWN.replace('<status>', '<show>dnd</show><status>')]);
    await presence.reset();
    await presence.notify(notification(alice, BOB, { UserAvailability: simple('AVAILABLE') }));
    expect(bridge.link.taken()).toEqual([SHOWN]);
  });

  test('half a value after a restart makes the relay send all of it', async () => {
    await theySee();
    presence = new PresenceBridge(bridge, iqOf(bridge));
    await presence.notify(notification(alice, BOB, { StatusText: simple('changed') }));
    expect(bridge.link.taken()).toEqual([]);
    await eventually('a resync', () => bridge.relay.all('SubscribeRequest').length === 2);
  });

  test.each(['DENIED', 'CANCELLED'] as const)('%s is told', async (state) => {
    if (state === 'CANCELLED') await theySee();
    else await bob('subscribe', '');
    await presence.authorise(authorisation(alice, BOB, state));
    expect(bridge.link.taken()[0]).toBe(control('unsubscribed'));
  });

  test.each([531, 532] as const)('a refusal with %i ends the request', async (code) => {
    bridge.relay.answer = () => result(code);
    await bob('subscribe', '');
    await eventually('the refusal', () => bridge.link.sent.length === 1);
    expect(bridge.link.taken()).toEqual([control('unsubscribed')]);
    expect(bridge.relay.storage.values.size).toBe(0);
  });

  test('a probe is answered with the present value, or with unsubscribed', async () => {
    await bob('probe', '');
    expect(bridge.link.taken()).toEqual([control('unsubscribed')]);
    await theySee();
    await presence.notify(notification(alice, BOB, ONLINE));
    bridge.link.taken();
    await bob('probe', '');
    expect(bridge.link.taken()).toEqual([SHOWN]);
  });

  test('stopping takes our users offline for those who saw them', async () => {
    await theySee();
    await presence.notify(notification(alice, BOB, ONLINE));
    bridge.link.taken();
    presence.stop();
    expect(bridge.link.taken()).toEqual([
      `<presence from="${JID}/imps" to="bob@xmpp.example" type="unavailable"/>`,
    ]);
  });
});
