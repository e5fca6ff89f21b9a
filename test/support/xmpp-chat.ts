// A chat through the XMPP gateway without a network: bob of XMPP and alice of ours, both ways.

import { ChatMemory } from '../../adapters/xmpp/chat-memory.ts';
import { Inbox } from '../../adapters/xmpp/inbox.ts';
import { IncomingMessages } from '../../adapters/xmpp/messages-in.ts';
import { OutgoingMessages } from '../../adapters/xmpp/messages-out.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { Receipts } from '../../adapters/xmpp/receipts.ts';
import type { XmppSettings } from '../../adapters/xmpp/config.ts';
import { childOf, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlAttributes, XmlElement } from '../../adapters/xmpp/xml.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { SendMessageRequest } from '../../src/wv/primitives.ts';
import type { StatusCode } from '../../src/wv/status.ts';
import { eventually } from './eventually.ts';
import { COMPONENT, incoming, testBridge } from './xmpp-bridge.ts';
import type { TestBridge } from './xmpp-bridge.ts';
import { MemoryStorage } from './xmpp-relay.ts';
import { reportOn, textMessage } from './xmpp-requests.ts';
import type { MessageOptions } from './xmpp-requests.ts';
import { conditionOf } from './xmpp-user.ts';

export const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
export const BOB_JID = 'bob@xmpp.example/desk';
export const ALICE_JID = `alice@${COMPONENT}`;

export const body = (text: string, attrs: XmlAttributes = {}) => xml(NS.component, 'body', attrs, text);
export const subject = (text: string) => xml(NS.component, 'subject', {}, text);
export const receiptRequest = xml(NS.receipts, 'request');
export const delay = (at: number, from?: string) =>
  xml(NS.delay, 'delay', { stamp: new Date(at).toISOString(), from });
/** XEP-0428 for an extension, with or without a range. */
export const fallback = (to: string | undefined, start?: number, end?: number) =>
  xml(
    NS.fallback,
    'fallback',
    { for: to },
    start === undefined ? undefined : xml(NS.fallback, 'body', { start: `${start}`, end: `${end}` }),
  );

export class ChatScene {
  readonly bridge: TestBridge;
  readonly alice: UserAddress;
  memory: ChatMemory;
  receipts: Receipts;
  outgoing: OutgoingMessages;
  incoming: IncomingMessages;

  /** @param storage the disk of an earlier scene */
  constructor(settings: Partial<XmppSettings> = {}, storage = new MemoryStorage()) {
    const bridge = testBridge({}, storage);
    const changed = { ...bridge.settings, ...settings };
    this.bridge = { ...bridge, settings: changed, inbox: new Inbox(bridge.relay, changed) };
    this.memory = new ChatMemory(this.bridge.settings);
    this.alice = this.bridge.relay.account('alice', 'Alice');
    this.receipts = new Receipts(this.bridge);
    this.outgoing = new OutgoingMessages(this.bridge, this.memory);
    this.incoming = new IncomingMessages(this.bridge, this.receipts, this.memory);
  }

  /** The gateway starts anew: what was not on disk is forgotten. */
  restart(): void {
    this.memory = new ChatMemory(this.bridge.settings);
    this.receipts = new Receipts(this.bridge);
    this.outgoing = new OutgoingMessages(this.bridge, this.memory);
    this.incoming = new IncomingMessages(this.bridge, this.receipts, this.memory);
  }

  now(): number {
    return this.bridge.clock.now();
  }

  /** Bob writes; resolves when everything it set off is done. */
  async bobWrites(attrs: Record<string, string>, ...children: readonly XmlElement[]): Promise<void> {
    const addressed = { type: 'chat', from: BOB_JID, to: ALICE_JID, ...attrs };
    this.incoming.received(incoming('message', addressed, ...children));
    const { queues, inbox } = this.bridge;
    await eventually('all queues are empty', () => queues.busy + inbox.size === 0);
  }

  /** Alice writes; the stanza that bob gets. */
  async aliceWrites(text: string, options: MessageOptions = {}): Promise<XmlElement> {
    const before = this.bridge.link.sent.length;
    await this.outgoing.send(textMessage(this.alice, BOB, text, { sentAt: this.now(), ...options }));
    const stanza = this.bridge.link.sent[before];
    if (stanza === undefined) throw new Error('nothing was sent');
    return stanza;
  }

  /** The phone's home reports on a message. */
  async reports(request: SendMessageRequest | undefined, code: StatusCode): Promise<StatusCode> {
    if (request === undefined) throw new Error('no such message');
    return (await this.receipts.answer(reportOn(request, code))).result.code;
  }

  /** Messages as the phone has them. */
  get requests(): readonly SendMessageRequest[] {
    return this.bridge.relay.inbox;
  }

  get texts(): readonly string[] {
    return this.requests.map(({ message }) => message.content.data);
  }

  /** What bob got that is no message of alice: `receipt ID`, an error's condition, or a body. */
  get answers(): readonly string[] {
    return this.bridge.link.sent.map((stanza) => {
      const receipt = childOf(stanza, 'received', NS.receipts);
      if (receipt !== undefined) return `receipt ${receipt.attrs['id']}`;
      return conditionOf(stanza) ?? textOf(childOf(stanza, 'body'));
    });
  }

  dropped(reason: string): number {
    return this.bridge.relay.counts.get(`xmpp_stanzas_dropped_total ${reason}`) ?? 0;
  }
}
