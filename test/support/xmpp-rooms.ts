// The room service of the XMPP gateway at a real house: WV phones on one side, stanzas on the other, no network to XMPP.

import { MucHost } from '../../adapters/xmpp/muc-host/host.ts';
import { Inbox } from '../../adapters/xmpp/inbox.ts';
import { AddressCodec } from '../../adapters/xmpp/addresses.ts';
import { settingsOf } from '../../adapters/xmpp/config.ts';
import type { XmppGatewayConfig } from '../../adapters/xmpp/config.ts';
import { ConversationQueues } from '../../adapters/xmpp/conversation-queue.ts';
import { childOf, elementsOf, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { WvClient } from '../../src/client/client.ts';
import { nodeDigest } from '../../src/client/node-digest.ts';
import { stcp } from '../../src/client/stcp.ts';
import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Domain } from '../../src/wv/ids.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import { eventually } from './eventually.ts';
import { startTestHouse, TEST_DOMAIN } from './house.ts';
import type { TestHouse } from './house.ts';
import { COMPONENT, FakeLink, incoming } from './xmpp-bridge.ts';

export const ROOMS = 'groups.imps.xmpp.example';

export class RoomGateway implements Gateway {
  readonly name = 'xmpp';
  readonly domains = [trusted<Domain>('xmpp.example')];
  readonly capabilities: ReadonlySet<RequestName> = new Set<RequestName>([
    'SendMessageRequest',
    'DeliveryStatusReport',
    'GroupChangeNotice',
    'LeaveGroupIndication',
    'InviteRequest',
    'InviteResponse',
    'CancelInviteRequest',
  ]);
  readonly link = new FakeLink();
  readonly users = new FakeLink();
  readonly served: RequestPrimitive[] = [];
  /** True: takes nothing any more, and ends as a process that is killed does, saying nothing. */
  dies = false;
  #host: MucHost | undefined;
  readonly #changes: Partial<XmppGatewayConfig>;

  constructor(changes: Partial<XmppGatewayConfig> = {}) {
    this.#changes = changes;
  }

  get host(): MucHost {
    if (this.#host === undefined) throw new Error('not started');
    return this.#host;
  }

  async start(relay: RelayPort): Promise<void> {
    const settings = settingsOf({
      host: '127.0.0.1',
      port: 1,
      componentDomain: COMPONENT,
      groupsComponent: ROOMS,
      secret: 'secret',
      domains: ['xmpp.example'],
      ...this.#changes,
    });
    const codec = new AddressCodec({
      home: relay.homeDomain,
      componentDomain: COMPONENT,
      groupsDomain: ROOMS,
      domains: ['xmpp.example'],
      pseudoDomain: undefined,
    });
    const queues = new ConversationQueues(settings.maxConversationQueue);
    const inbox = new Inbox(relay, settings);
    this.#host = new MucHost({ relay, settings, codec, link: this.users, queues, inbox }, this.link, ROOMS);
    await this.#host.load();
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    this.served.push(request);
    if (this.dies) return status(result(503));
    if (request.primitive === 'SendMessageRequest') return await this.host.deliver(request);
    return (await this.host.serve(request)) ?? status(result(405));
  }

  async stop(): Promise<void> {
    if (!this.dies) await this.host.stop();
  }

  health(): GatewayHealth {
    return 'up';
  }
}

/** A client of an XMPP user, as the room service sees it. */
export class RoomClient {
  readonly jid: string;
  readonly #gateway: () => RoomGateway;
  #serial = 0;

  constructor(gateway: () => RoomGateway, jid: string) {
    this.#gateway = gateway;
    this.jid = jid;
  }

  /** Everything that was sent to it. */
  get received(): readonly XmlElement[] {
    const { link, users } = this.#gateway();
    const bare = this.jid.split('/')[0];
    return [...link.sent, ...users.sent].filter(
      ({ attrs }) => attrs['to'] === this.jid || attrs['to'] === bare,
    );
  }

  forget(): void {
    this.#gateway().link.sent.splice(0);
    this.#gateway().users.sent.splice(0);
  }

  send(
    name: 'message' | 'presence' | 'iq',
    attrs: Readonly<Record<string, string>>,
    ...children: readonly XmlElement[]
  ): void {
    this.#gateway().host.received(incoming(name, { from: this.jid, ...attrs }, ...children));
  }

  /** Sends the presence of a join. */
  enter(room: string, nick: string): void {
    this.send('presence', { to: `${room}/${nick}` }, xml(NS.muc, 'x'));
  }

  /** Joins and waits for the subject, which is the last of it. */
  async join(room: string, nick: string): Promise<void> {
    this.enter(room, nick);
    await this.sees('the subject', (stanza) => childOf(stanza, 'subject') !== undefined);
  }

  say(room: string, body: string, id = `m${(this.#serial += 1)}`): void {
    this.send('message', { to: room, type: 'groupchat', id }, xml(NS.component, 'body', {}, body));
  }

  async asks(to: string, type: 'get' | 'set', payload: XmlElement): Promise<XmlElement> {
    const id = `q${(this.#serial += 1)}`;
    this.send('iq', { to, type, id }, payload);
    return await this.sees('an answer', ({ name, attrs }) => name === 'iq' && attrs['id'] === id);
  }

  async sees(what: string, matches: (stanza: XmlElement) => boolean): Promise<XmlElement> {
    return await eventually(
      () => `${this.jid} sees ${what}; saw ${JSON.stringify(this.received)}`,
      () => this.received.find(matches),
      5_000,
    );
  }

  seesPresence(from: string, type?: string): Promise<XmlElement> {
    return this.sees(
      `presence ${type ?? ''} of ${from}`,
      ({ name, attrs }) => name === 'presence' && attrs['from'] === from && attrs['type'] === type,
    );
  }

  seesBody(from: string, body: string): Promise<XmlElement> {
    return this.sees(
      `"${body}" of ${from}`,
      (stanza) => stanza.attrs['from'] === from && textOf(childOf(stanza, 'body')) === body,
    );
  }
}

/** The status codes of a presence. */
export function statusesOf(presence: XmlElement): readonly string[] {
  const x = childOf(presence, 'x', NS.mucUser);
  return (x === undefined ? [] : elementsOf(x)).flatMap(({ name, attrs }) =>
    name === 'status' ? (attrs['code'] ?? []) : [],
  );
}

export function itemOf(presence: XmlElement): XmlElement {
  const x = childOf(presence, 'x', NS.mucUser);
  const item = x === undefined ? undefined : childOf(x, 'item');
  if (item === undefined) throw new Error('no item');
  return item;
}

export interface RoomScene {
  house: TestHouse;
  gateway: RoomGateway;
  client(jid: string): RoomClient;
  phone(name: string): Promise<WvClient>;
  /** Ends and starts again on the same data. `killed`: without a word to anybody. */
  restart(killed: boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startRooms(changes: Partial<XmppGatewayConfig> = {}): Promise<RoomScene> {
  let gateway = new RoomGateway(changes);
  let house = await startTestHouse({ users: ['ann', 'bea', 'cy'], gateways: [gateway] });
  const phones: WvClient[] = [];
  return {
    get house() {
      return house;
    },
    get gateway() {
      return gateway;
    },
    client: (jid) => new RoomClient(() => gateway, jid),
    async phone(name) {
      const phone = new WvClient({
        url: house.url,
        user: `wv:${name}@${TEST_DOMAIN}`,
        password: `${name}-secret`,
        version: '1.2',
        encoding: 'xml',
        login: '4-way',
        digest: nodeDigest,
        pollSeconds: 0,
        cirPollSeconds: 0,
        cir: stcp({ reconnectMs: 100 }),
      });
      phones.push(phone);
      await phone.connect();
      return phone;
    },
    async restart(killed) {
      gateway.dies = killed;
      const before = house;
      for (const phone of phones.splice(0)) await phone.logout();
      await before.house.stop();
      gateway = new RoomGateway(changes);
      house = await startTestHouse({
        users: ['ann', 'bea', 'cy'],
        gateways: [gateway],
        folder: before.folder,
      });
    },
    async stop() {
      for (const phone of phones.splice(0)) await phone.logout();
      await house.stop();
    },
  };
}
