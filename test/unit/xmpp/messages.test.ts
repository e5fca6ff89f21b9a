// Messages and receipts, both ways, without a network.

import { beforeEach, describe, expect, test } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import { ChatMemory } from '../../../adapters/xmpp/chat-memory.ts';
import { IncomingMessages } from '../../../adapters/xmpp/messages-in.ts';
import { OutgoingMessages } from '../../../adapters/xmpp/messages-out.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { Receipts } from '../../../adapters/xmpp/receipts.ts';
import { childOf, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { COMPONENT, incoming, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { eventually } from '../../support/eventually.ts';
import { reportOn, textMessage } from '../../support/xmpp-requests.ts';
import { conditionOf } from '../../support/xmpp-user.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const ALICE_JID = `alice@${COMPONENT}`;

let bridge: TestBridge;
let alice: UserAddress;
let outgoing: OutgoingMessages;
let incomingMessages: IncomingMessages;
let receipts: Receipts;
let memory: ChatMemory;

beforeEach(() => {
  bridge = testBridge();
  alice = bridge.relay.account('alice');
  receipts = new Receipts(bridge);
  memory = new ChatMemory(bridge.settings);
  outgoing = new OutgoingMessages(bridge, memory);
  incomingMessages = new IncomingMessages(bridge, receipts, memory);
});

const now = () => bridge.clock.now();
const body = (text: string) => xml(NS.component, 'body', {}, text);
const request = xml(NS.receipts, 'request');

/** bob@xmpp.example/desk writes to alice; resolves when everything it set off is done. */
async function write(attrs: Record<string, string>, ...children: readonly XmlElement[]): Promise<void> {
  const addressed = { from: 'bob@xmpp.example/desk', to: ALICE_JID, ...attrs };
  incomingMessages.received(incoming('message', addressed, ...children));
  await eventually('all queues are empty', () => bridge.queues.busy + bridge.inbox.size === 0);
}

async function only(): Promise<XmlElement> {
  return await eventually('one stanza', () =>
    bridge.link.sent.length === 1 ? bridge.link.sent[0] : undefined,
  );
}

describe('a message from WV', () => {
  test('is linked before it is sent, and a retry has the same stanza id', async () => {
    const message = textMessage(alice, BOB, 'hello', { sentAt: now() });
    bridge.link.confirms = false;
    expect((await outgoing.send(message)).result.code).toBe(503);
    bridge.link.confirms = true;
    expect((await outgoing.send(message)).result.code).toBe(200);
    const ids = bridge.link.sent.map(({ attrs }) => attrs['id']);
    expect(ids[0]).toBe(ids[1]);
    expect(bridge.relay.storage.links).toMatchObject([{ remoteId: ids[0], messageId: message.message.id }]);
  });

  test('is answered 503 while there is no stream, and nothing is linked', async () => {
    bridge.link.writable = false;
    expect((await outgoing.send(textMessage(alice, BOB, 'hello', { sentAt: now() }))).result.code).toBe(503);
    expect(bridge.relay.storage.links).toHaveLength(0);
  });

  test('carries a receipt request only when a report is asked for', async () => {
    await outgoing.send(textMessage(alice, BOB, 'a', { sentAt: now(), report: true }));
    await outgoing.send(textMessage(alice, BOB, 'b', { sentAt: now() }));
    const asked = bridge.link.sent.map((stanza) => childOf(stanza, 'request', NS.receipts) !== undefined);
    expect(asked).toEqual([true, false]);
  });

  test('says when it was sent if that was more than a minute ago', async () => {
    await outgoing.send(textMessage(alice, BOB, 'late', { sentAt: now() - 61_000 }));
    const [stanza] = bridge.link.sent;
    expect(stanza === undefined ? undefined : childOf(stanza, 'delay', NS.delay)?.attrs['stamp']).toBe(
      new Date(now() - 61_000).toISOString(),
    );
  });

  test.each([
    ['expired', () => textMessage(alice, BOB, 'x', { sentAt: 0, expiresAt: 1 }), 542],
    ['of a foreign domain', () => textMessage(alice, trusted<UserAddress>('wv:x@y.example'), 'x'), 516],
    [
      'to a name XMPP cannot hold',
      () => textMessage(alice, trusted<UserAddress>('wv:%c3%9f@xmpp.example'), 'x'),
      901,
    ],
  ])('%s is refused for good', async (_what, make, code) => {
    const made = make();
    const { message } = made;
    const live = code === 542 ? made : { ...made, message: { ...message, expiresAt: now() + 1_000 } };
    expect((await outgoing.send(live)).result.code).toBe(code);
    expect(bridge.link.sent).toHaveLength(0);
  });

  test('to several recipients has a stanza id for each', async () => {
    const one = textMessage(alice, BOB, 'hello', { sentAt: now() });
    const carol = { kind: 'user', user: trusted<UserAddress>('wv:carol@xmpp.example') } as const;
    const both = { ...one, message: { ...one.message, recipients: [...one.message.recipients, carol] } };
    expect((await outgoing.send(both)).result.code).toBe(200);
    expect(new Set(bridge.link.sent.map(({ attrs }) => attrs['id'])).size).toBe(2);
  });
});

describe('what comes back for it', () => {
  const sent = async (report: boolean): Promise<string> => {
    await outgoing.send(textMessage(alice, BOB, 'hello', { id: 'm-1', sentAt: now(), report }));
    return bridge.link.sent.splice(0)[0]?.attrs['id'] ?? '';
  };
  const error = (condition: string, type: string) =>
    xml(NS.component, 'error', { type }, xml(NS.stanzaError, condition));

  test('an error is reported with its code, once, whether a report was asked for or not', async () => {
    const id = await sent(false);
    await write({ type: 'error', id }, body('hello'), error('item-not-found', 'cancel'));
    await write({ type: 'error', id }, error('service-unavailable', 'cancel'));
    expect(bridge.relay.all('DeliveryStatusReport')).toMatchObject([
      { messageId: 'm-1', sender: alice, recipient: { user: BOB }, outcome: { code: 404 } },
    ]);
    expect(bridge.relay.all('SendMessageRequest')).toHaveLength(0);
  });

  test('a receipt is reported once, also after a restart of the gateway', async () => {
    const id = await sent(true);
    await write({}, xml(NS.receipts, 'received', { id }));
    incomingMessages = new IncomingMessages(bridge, new Receipts(bridge), new ChatMemory(bridge.settings));
    await write({}, xml(NS.receipts, 'received', { id }));
    expect(bridge.relay.all('DeliveryStatusReport')).toMatchObject([
      { messageId: 'm-1', outcome: { code: 200 } },
    ]);
  });

  test('a receipt nobody asked for, of a stranger, or of type error says nothing', async () => {
    const plain = await sent(false);
    await write({}, xml(NS.receipts, 'received', { id: plain }));
    await outgoing.send(textMessage(alice, BOB, 'hello', { id: 'm-2', sentAt: now(), report: true }));
    const id = bridge.link.sent.splice(0)[0]?.attrs['id'] ?? '';
    await write({ from: 'mallory@xmpp.example' }, xml(NS.receipts, 'received', { id }));
    await write({ type: 'error', id: 'x' }, xml(NS.receipts, 'received', { id }));
    expect(bridge.relay.all('DeliveryStatusReport')).toHaveLength(0);
  });

  test('an error for something that was no message is dropped', async () => {
    await write({ type: 'error', id: 'unknown' }, error('item-not-found', 'cancel'));
    expect(bridge.relay.emitted).toHaveLength(0);
    expect(bridge.link.sent).toHaveLength(0);
  });
});

describe('a message from XMPP', () => {
  const ids = () => bridge.relay.all('SendMessageRequest').map(({ message }) => message.id);

  test('has the same id when it is repeated, and another when the text differs', async () => {
    await write({ type: 'chat', id: '1' }, body('a'));
    await write({ type: 'chat', id: '1' }, body('a'));
    await write({ type: 'chat', id: '1' }, body('b'));
    expect(ids()[0]).toBe(ids()[1]);
    expect(ids()[2]).not.toBe(ids()[0]);
    expect(bridge.relay.inbox).toHaveLength(2);
    expect(bridge.link.sent).toHaveLength(0);
    expect(ids().every((id) => id.length <= 50)).toBe(true);
  });

  test('resent with a new stanza id is recognised by its origin-id', async () => {
    const origin = xml(NS.stanzaId, 'origin-id', { id: 'o' });
    await write({ type: 'chat', id: '1' }, body('a'), origin);
    await write({ type: 'chat', id: '2' }, body('a'), origin);
    expect(ids()[0]).toBe(ids()[1]);
  });

  test('without an id is never taken for a repeat', async () => {
    await write({ type: 'chat' }, body('a'));
    await write({ type: 'chat' }, body('a'));
    expect(bridge.relay.inbox).toHaveLength(2);
  });

  test('that failed once may be sent again', async () => {
    bridge.relay.answer = () => result(503);
    await write({ type: 'chat', id: '1' }, body('a'));
    expect(conditionOf(await only())).toBe('service-unavailable');
    bridge.relay.answer = () => undefined;
    await write({ type: 'chat', id: '1' }, body('a'));
    expect(bridge.relay.inbox).toHaveLength(1);
  });

  test.each([
    [531, 'service-unavailable'],
    [532, 'service-unavailable'],
    [507, 'resource-constraint'],
    [500, 'internal-server-error'],
  ] as const)('refused with %i comes back as %s, without its text', async (code, condition) => {
    bridge.relay.answer = () => result(code);
    await write({ type: 'chat', id: '7' }, body('secret'));
    const error = await only();
    expect(error.attrs).toMatchObject({
      type: 'error',
      id: '7',
      from: ALICE_JID,
      to: 'bob@xmpp.example/desk',
    });
    expect(conditionOf(error)).toBe(condition);
    expect(childOf(error, 'body')).toBeUndefined();
  });

  test('comes back when the relay fails', async () => {
    bridge.relay.answer = () => {
      throw new Error('broken');
    };
    await write({ type: 'chat', id: '7' }, body('x'));
    expect(conditionOf(await only())).toBe('internal-server-error');
    expect(JSON.stringify(bridge.relay.lines)).not.toContain('"x"');
  });

  test.each(['chat', 'normal', 'headline'])('of type %s is delivered', async (type) => {
    await write({ type }, body('a'));
    expect(bridge.relay.inbox).toHaveLength(1);
  });

  test('of type groupchat comes back', async () => {
    await write({ type: 'groupchat', id: '1' }, body('a'));
    expect(conditionOf(await only())).toBe('feature-not-implemented');
  });

  test('to the component itself comes back', async () => {
    await write({ to: COMPONENT }, body('a'));
    expect(conditionOf(await only())).toBe('item-not-found');
  });

  test('from an address of our own networks comes back', async () => {
    await write({ from: 'x@wv.example' }, body('a'));
    expect(conditionOf(await only())).toBe('remote-server-not-found');
    expect(bridge.relay.emitted).toHaveLength(0);
  });

  test('without a body is no message', async () => {
    await write({ type: 'chat' }, xml('http://jabber.org/protocol/chatstates', 'composing'));
    expect(bridge.relay.emitted).toHaveLength(0);
    expect(bridge.link.sent).toHaveLength(0);
  });

  test('that pretends to carry a copy is not believed', async () => {
    const forged = xml(
      'urn:xmpp:forward:0',
      'forwarded',
      {},
      xml(NS.component, 'message', { from: 'romeo@xmpp.example' }, body('forged')),
    );
    await write({ type: 'chat' }, xml(NS.carbons, 'received', {}, forged), body('outside'));
    await write({ type: 'chat' }, xml(NS.carbons, 'sent', {}, forged));
    await write({ type: 'chat' }, xml('urn:xmpp:mam:2', 'result', { id: '1' }, forged));
    expect(bridge.relay.emitted).toHaveLength(0);
    expect(bridge.link.sent).toHaveLength(0);
    expect(bridge.relay.counts.get('xmpp_stanzas_dropped_total carbon')).toBe(2);
    expect(bridge.relay.counts.get('xmpp_stanzas_dropped_total archive')).toBe(1);
  });

  test('encrypted comes back each time, and why is said once', async () => {
    const encrypted = xml(NS.omemoLegacy, 'encrypted');
    await write({ type: 'chat', id: '1' }, encrypted, body('fallback'));
    await write({ type: 'chat', id: '2' }, encrypted, body('fallback'));
    expect(
      bridge.link.sent.map((stanza) => conditionOf(stanza) ?? textOf(childOf(stanza, 'body')).slice(0, 12)),
    ).toEqual(['not-acceptable', 'This contact', 'not-acceptable']);
    expect(bridge.relay.emitted).toHaveLength(0);
  });

  test('held up on the way says when it was written, but never in the future', async () => {
    const stamp = (at: number) => xml(NS.delay, 'delay', { stamp: new Date(at).toISOString() });
    await write({ id: '1' }, body('a'), stamp(now() - 5_000));
    await write({ id: '2' }, body('b'), stamp(now() + 5_000));
    await write({ id: '3' }, body('c'), xml(NS.delay, 'delay', { stamp: 'yesterday' }));
    const times = bridge.relay.all('SendMessageRequest').map(({ message }) => message.sentAt - now());
    expect(times).toEqual([-5_000, 0, 0]);
  });

  test('waits for the one before it', async () => {
    const order: string[] = [];
    let release = (): void => undefined;
    bridge.relay.answer = async (sent) => {
      const text = (sent as SendMessageRequest).message.content.data;
      if (text === 'first') await new Promise<void>((resolve) => (release = resolve));
      order.push(text);
      return undefined;
    };
    const addressed = { from: 'bob@xmpp.example/desk', to: ALICE_JID };
    incomingMessages.received(incoming('message', addressed, body('first')));
    incomingMessages.received(incoming('message', addressed, body('second')));
    await eventually('the first is under way', () => bridge.relay.emitted.length === 1);
    release();
    await eventually('both are done', () => bridge.queues.busy + bridge.inbox.size === 0);
    expect(order).toEqual(['first', 'second']);
  });
});

describe('the report on a message from XMPP', () => {
  const arrived = async (...children: readonly XmlElement[]): Promise<SendMessageRequest> => {
    await write({ type: 'chat', id: 'their-id' }, body('a'), ...children);
    return await bridge.relay.next('SendMessageRequest');
  };

  test('becomes a receipt from the bare JID to the resource that asked, once', async () => {
    const report = reportOn(await arrived(request), 200);
    expect((await receipts.answer(report)).result.code).toBe(200);
    expect((await new Receipts(bridge).answer(report)).result.code).toBe(200);
    const receipt = await only();
    expect(receipt.attrs).toMatchObject({ from: ALICE_JID, to: 'bob@xmpp.example/desk' });
    expect(childOf(receipt, 'received', NS.receipts)?.attrs['id']).toBe('their-id');
    expect(childOf(receipt, 'request', NS.receipts)).toBeUndefined();
  });

  test('is not sent when no receipt was asked for', async () => {
    await receipts.answer(reportOn(await arrived(), 200));
    expect(bridge.link.sent).toHaveLength(0);
  });

  test('of a failure becomes an error quoting the id', async () => {
    await receipts.answer(reportOn(await arrived(), 542));
    const error = await only();
    expect(error.attrs).toMatchObject({ type: 'error', id: 'their-id' });
    expect(conditionOf(error)).toBe('recipient-unavailable');
  });

  test('that could not be confirmed is tried again', async () => {
    const report = reportOn(await arrived(request), 200);
    bridge.link.confirms = false;
    expect((await receipts.answer(report)).result.code).toBe(503);
    bridge.link.confirms = true;
    expect((await receipts.answer(report)).result.code).toBe(200);
    expect(bridge.link.sent).toHaveLength(2);
  });

  test('on a message that never was is refused', async () => {
    const report = reportOn(textMessage(BOB, alice, 'x'), 200);
    expect((await receipts.answer(report)).result.code).toBe(404);
  });
});
