// The features of the XMPP gateway without a network: a link that keeps what is sent, confirmed when tests say so.

import { AddressCodec } from '../../adapters/xmpp/addresses.ts';
import type { Bridge, StanzaPort } from '../../adapters/xmpp/bridge.ts';
import type { Incoming } from '../../adapters/xmpp/component-link.ts';
import { settingsOf } from '../../adapters/xmpp/config.ts';
import type { XmppGatewayConfig } from '../../adapters/xmpp/config.ts';
import { ConversationQueues } from '../../adapters/xmpp/conversation-queue.ts';
import { Inbox } from '../../adapters/xmpp/inbox.ts';
import { IqRequests } from '../../adapters/xmpp/iq-requests.ts';
import { parseJid } from '../../adapters/xmpp/jid.ts';
import { serialize, stanza } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { ManualClock } from './manual-clock.ts';
import { FakeRelay, HOME, MemoryStorage } from './xmpp-relay.ts';

export const COMPONENT = 'imps.xmpp.example';

export class FakeLink implements StanzaPort {
  online = true;
  writable = true;
  confirms = true;
  readonly sent: XmlElement[] = [];

  send(element: XmlElement): boolean {
    if (this.online) this.sent.push(element);
    return this.online;
  }

  confirmed(): Promise<boolean> {
    return Promise.resolve(this.confirms && this.online);
  }

  /** What was sent since the last call, as text. */
  taken(): string[] {
    return this.sent.splice(0).map((element) => serialize(element));
  }
}

export interface TestBridge extends Bridge {
  readonly relay: FakeRelay;
  readonly link: FakeLink;
  readonly clock: ManualClock;
}

export const CODEC = new AddressCodec({
  home: HOME,
  componentDomain: COMPONENT,
  domains: ['xmpp.example'],
  pseudoDomain: 'xmpp.wv.example',
});

export function testBridge(
  changes: Partial<XmppGatewayConfig> = {},
  storage = new MemoryStorage(),
): TestBridge {
  const clock = new ManualClock();
  const settings = settingsOf({
    host: '127.0.0.1',
    port: 1,
    componentDomain: COMPONENT,
    secret: 'secret',
    domains: ['xmpp.example'],
    pseudoDomain: 'xmpp.wv.example',
    ...changes,
  });
  const queues = new ConversationQueues(settings.maxConversationQueue);
  const relay = new FakeRelay(clock, storage);
  const inbox = new Inbox(relay, settings);
  return { relay, link: new FakeLink(), clock, settings, codec: CODEC, queues, inbox };
}

/** Requests over that bridge, given up after 8 s. */
export function iqOf(bridge: TestBridge): IqRequests {
  return new IqRequests(bridge.link, bridge.clock, bridge.settings.roomWaitMs);
}

/** A stanza as the link hands it on. */
export function incoming(
  name: 'message' | 'presence' | 'iq',
  attrs: Readonly<Record<string, string>>,
  ...children: readonly XmlElement[]
): Incoming {
  const from = parseJid(attrs['from'] ?? '');
  const to = parseJid(attrs['to'] ?? '');
  if (from === undefined || to === undefined) throw new Error('a stanza needs from and to');
  return { stanza: stanza(name, attrs, ...children), from, to };
}
