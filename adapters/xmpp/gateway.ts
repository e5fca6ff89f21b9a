// The XMPP gateway: an XEP-0114 component as a destination of the service relay (bridging.md).

import { parseDomain } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import { AddressCodec, isUnmappable } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { ChatMemory } from './chat-memory.ts';
import { Counter } from './commands/counter.ts';
import { Gate } from './commands/gate.ts';
import type { Verdict } from './commands/gate.ts';
import { invitationAnswered } from './commands/invite.ts';
import { named } from './commands/named-relay.ts';
import { ComponentLink } from './component-link.ts';
import type { Incoming } from './component-link.ts';
import { settingsOf } from './config.ts';
import type { XmppGatewayConfig, XmppSettings } from './config.ts';
import { errorReply } from './errors.ts';
import { ConversationQueues } from './conversation-queue.ts';
import { AddressGate, AllowListError } from './files/addresses.ts';
import { Inbox } from './inbox.ts';
import { IncomingFiles } from './files/incoming-files.ts';
import { OutgoingFiles } from './files/outgoing-files.ts';
import { Partners } from './files/partners.ts';
import { IqRequests } from './iq-requests.ts';
import { IqResponder } from './iq.ts';
import { MucHost } from './muc-host/host.ts';
import { otherInvitation } from './invitations.ts';
import { IncomingMessages } from './messages-in.ts';
import { OutgoingMessages } from './messages-out.ts';
import { GROUP_REQUESTS, MucGuests } from './muc-guest/muc-guests.ts';
import { PresenceBridge } from './presence.ts';
import { Receipts } from './receipts.ts';
import { isSharedContent, shareContent } from './shared-content.ts';

/** The configuration cannot work. */
export class XmppConfigError extends Error {
  override readonly name = 'XmppConfigError';
}

const CAPABILITIES: ReadonlySet<RequestName> = new Set<RequestName>([
  'SendMessageRequest',
  'DeliveryStatusReport',
  'SubscribeRequest',
  'UnsubscribeRequest',
  'PresenceNotification',
  'GetPresenceRequest',
  'PresenceAuthResponse',
  'GroupChangeNotice',
  'LeaveGroupIndication',
  'InviteRequest',
  'InviteResponse',
  'CancelInviteRequest',
  ...GROUP_REQUESTS,
]);

/** How long stop() lets things under way finish. */
const DRAIN_MS = 3_000;

/** @throws XmppConfigError when a domain is malformed or claimed twice, the secret is empty, or `files.allow` is nonsense */
export function createXmppGateway(config: XmppGatewayConfig): Gateway {
  const settings = settingsOf(config);
  checkAllowed(settings);
  return new XmppGateway(settings);
}

/** All that runs between start and stop. */
interface Running {
  readonly bridge: Bridge;
  readonly link: ComponentLink;
  readonly memory: ChatMemory;
  readonly files: OutgoingFiles;
  readonly outgoing: OutgoingMessages;
  readonly incoming: IncomingMessages;
  readonly receipts: Receipts;
  readonly presence: PresenceBridge;
  readonly iq: IqResponder;
  readonly counter: Counter;
  readonly gate: Gate;
  /** Where there is a component for groups. */
  readonly rooms: { readonly host: MucHost; readonly link: ComponentLink } | undefined;
  readonly iqRequests: IqRequests;
  /** Our users in rooms of other servers. */
  readonly guests: MucGuests;
}

class XmppGateway implements Gateway {
  readonly name: string;
  readonly domains: readonly Domain[];
  readonly capabilities = CAPABILITIES;
  readonly tellingsPerSecond: number;
  readonly #settings: XmppSettings;
  #running: Running | undefined;

  constructor(settings: XmppSettings) {
    this.name = settings.name;
    this.domains = checkedDomains(settings);
    this.tellingsPerSecond = settings.resyncRate;
    this.#settings = settings;
  }

  async start(relay: RelayPort): Promise<void> {
    if (this.domains.includes(relay.homeDomain))
      throw new XmppConfigError('the home domain cannot be bridged');
    const running = this.#assemble(relay);
    await running.counter.people.load();
    await running.guests.start();
    await running.files.forgetOld();
    await running.bridge.inbox.load();
    this.#running = running;
    await running.rooms?.host.load();
    await Promise.all([running.link.start(), running.rooms?.link.start()]);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.incoming.close();
    running.presence.stop();
    const farewell = Promise.all([running.bridge.queues.drain(), running.rooms?.host.stop()]);
    await withinDeadline(running, farewell);
    running.guests.stop();
    await Promise.all([running.link.stop(), running.rooms?.link.stop()]);
  }

  health(): GatewayHealth {
    const running = this.#running;
    if (running === undefined) return 'down';
    const links = running.rooms === undefined ? [running.link] : [running.link, running.rooms.link];
    if (!links.every(({ online }) => online)) return 'down';
    return links.every(({ writable }) => writable) ? 'up' : 'degraded';
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const running = this.#running;
    if (running === undefined) return refused(request, result(503, 'the XMPP gateway is not running'));
    try {
      const passed = running.gate.outgoing(request);
      return 'answer' in passed ? passed.answer : await this.#serve(running, passed.request);
    } catch (error) {
      running.bridge.relay.log.error(
        { err: error, primitive: request.primitive },
        'XMPP gateway: request failed',
      );
      running.bridge.relay.metrics.count('xmpp_failures_total', { what: request.primitive });
      return refused(request, result(503, 'the XMPP gateway failed'));
    }
  }

  async concluded(request: RequestPrimitive): Promise<void> {
    if (request.primitive === 'SendMessageRequest') await this.#running?.files.concluded(request.message);
  }

  async #serve(running: Running, request: RequestPrimitive): Promise<ResponsePrimitive> {
    if (isSharedContent(request)) return await shareContent(running.bridge, request);
    switch (request.primitive) {
      case 'SendMessageRequest':
        if (request.message.sender.kind === 'group' && running.rooms !== undefined)
          return await running.rooms.host.deliver(request);
        return request.message.recipients.some(({ kind }) => kind === 'group')
          ? await running.guests.send(request)
          : await running.outgoing.send(request);
      case 'DeliveryStatusReport':
        return await running.receipts.answer(request);
      case 'SubscribeRequest':
        return await running.presence.subscribe(request);
      case 'UnsubscribeRequest':
        return await running.presence.unsubscribe(request);
      case 'PresenceNotification':
        running.memory.noticed(request);
        return await running.presence.notify(request);
      case 'GetPresenceRequest':
        return await running.presence.get(request);
      case 'PresenceAuthResponse':
        return await running.presence.authorise(request);
      default:
        return (
          (request.primitive === 'InviteResponse'
            ? await invitationAnswered(running.bridge, request)
            : undefined) ??
          (await running.guests.serve(request)) ??
          (await running.rooms?.host.serve(request)) ??
          (await otherInvitation(running, request))
        );
    }
  }

  #assemble(relay: RelayPort): Running {
    const settings = this.#settings;
    const memory = new ChatMemory(settings);
    const link = new ComponentLink(settings, relay, {
      online: () => {
        running.presence.reset();
        running.guests.online();
        for (const incoming of running.bridge.inbox.takeUp()) dispatch(running, incoming);
        relay.becameUsable();
      },
      offline: () => {
        running.iqRequests.lost();
        running.presence.roster.offline();
        running.guests.offline();
      },
      stanza: (incoming) => dispatch(running, incoming),
    });
    const { componentDomain, domains, pseudoDomain, groupDomains, groupsComponent } = settings;
    const codec = new AddressCodec({
      home: relay.homeDomain,
      componentDomain,
      groupsDomain: groupsComponent,
      domains,
      pseudoDomain,
      groupDomains,
      elsewhere: settings.elsewhere,
    });
    const queues = new ConversationQueues(settings.maxConversationQueue);
    const bridge: Bridge = {
      relay: named(relay, (user) => nameOf(running, user)),
      settings,
      codec,
      link,
      queues,
      inbox: new Inbox(relay, settings),
    };
    const receipts = new Receipts(bridge);
    const iqRequests = new IqRequests(link, relay.clock, settings.roomWaitMs);
    const presence = new PresenceBridge(bridge, iqRequests);
    const counter = new Counter(bridge, (asker, user) => presence.endFor(asker.jid, user));
    const partners = new Partners(relay.storage);
    const files = new OutgoingFiles(bridge, iqRequests);
    const running: Running = {
      bridge,
      link,
      receipts,
      memory,
      files,
      outgoing: new OutgoingMessages(bridge, memory, { files, partners }),
      incoming: new IncomingMessages(bridge, receipts, memory, new IncomingFiles(bridge, partners)),
      presence,
      counter,
      gate: new Gate(bridge, counter.people),
      iq: new IqResponder(bridge, presence, counter),
      rooms: roomsOf(bridge),
      iqRequests,
      guests: new MucGuests(bridge, iqRequests),
    };
    return running;
  }
}

/** The second component, whose rooms are our groups, with a stream of its own. */
function roomsOf(bridge: Bridge): Running['rooms'] {
  const { settings, relay } = bridge;
  const { groupsComponent, groupsSecret } = settings;
  if (groupsComponent === undefined) return undefined;
  const own = { ...settings, componentDomain: groupsComponent, secret: groupsSecret };
  const link = new ComponentLink(own, relay, {
    online: () => {
      host.online();
      relay.becameUsable();
    },
    offline: () => host.offline(),
    stanza: (incoming) => host.received(incoming),
  });
  const host = new MucHost(bridge, link, groupsComponent);
  return { host, link };
}

function dispatch(running: Running, incoming: Incoming): void {
  if (running.guests.received(incoming) || running.iqRequests.received(incoming)) return undefined;
  const toGateway = incoming.to.local === '';
  const verdict = toGateway ? 'pass' : running.gate.incoming(incoming);
  if (verdict !== 'pass') return refuse(running, incoming, verdict);
  switch (incoming.stanza.name) {
    case 'message':
      if (toGateway) return running.counter.message(incoming);
      if (running.rooms?.host.invitations.direct(incoming) === true) return undefined;
      if (running.presence.event(incoming) || running.presence.roster.received(incoming)) return undefined;
      return running.incoming.received(incoming);
    case 'presence':
      if (toGateway) return running.counter.presence(incoming);
      return running.presence.received(incoming);
    default:
      if (running.incoming.receivedQuery(incoming)) return undefined;
      return running.iq.received(incoming);
  }
}

/** Refused at the gate: an error where one is due, else nothing. */
function refuse({ bridge }: Running, incoming: Incoming, verdict: Exclude<Verdict, 'pass'>): void {
  bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'gate' });
  const reply = verdict === 'drop' ? undefined : errorReply(incoming.stanza, verdict.error);
  if (reply !== undefined) bridge.link.send(reply);
}

/** The name under which a user of XMPP registered; '' = none. */
function nameOf({ bridge, counter }: Running, user: UserAddress): string {
  const jid = bridge.codec.foreignJid(user);
  return isUnmappable(jid) ? '' : counter.people.get(jid).name;
}

/** Waits for a task, but no longer than DRAIN_MS. */
async function withinDeadline({ bridge }: Running, task: Promise<unknown>): Promise<void> {
  let cancel: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = bridge.relay.clock.after(DRAIN_MS, resolve);
  });
  await Promise.race([task, late]);
  cancel();
}

/** The failure in the form that the request's answer has. */
function refused(request: RequestPrimitive, outcome: ReturnType<typeof result>): ResponsePrimitive {
  if (request.primitive === 'SendMessageRequest') {
    return { primitive: 'SendMessageResponse', messageId: request.message.id, result: outcome };
  }
  if (request.primitive === 'GetPresenceRequest') {
    return { primitive: 'GetPresenceResponse', result: outcome, values: [] };
  }
  return status(outcome);
}

function checkAllowed({ files }: XmppSettings): void {
  try {
    void new AddressGate(files.allow);
  } catch (error) {
    if (error instanceof AllowListError) throw new XmppConfigError(`files.allow: ${error.message}`);
    throw error;
  }
}

function checkedDomains(settings: XmppSettings): readonly Domain[] {
  const { domains, groupDomains, pseudoDomain, componentDomain, groupsComponent, groupsSecret, secret } =
    settings;
  const components = groupsComponent === undefined ? [componentDomain] : [componentDomain, groupsComponent];
  const all = [...domains, ...groupDomains, ...(pseudoDomain === undefined ? [] : [pseudoDomain])];
  const parsed = all.map((text) => {
    const domain = parseDomain(text);
    if (domain === undefined || domain !== text)
      throw new XmppConfigError(`not a domain in lower case: ${text}`);
    return domain;
  });
  for (const component of components) {
    if (parseDomain(component) !== component)
      throw new XmppConfigError(`not a domain in lower case: ${component}`);
  }
  if (new Set([...parsed, ...components]).size !== parsed.length + components.length) {
    throw new XmppConfigError('a domain of the XMPP gateway is named twice');
  }
  if (parsed.length === 0) throw new XmppConfigError('the XMPP gateway serves no domain');
  if (secret === '' || groupsSecret === '') throw new XmppConfigError('the component secret is empty');
  return parsed;
}
