// The XMPP gateway: an XEP-0114 component as a destination of the service relay (bridging.md).

import { parseDomain } from '../../src/wv/address.ts';
import type { Domain } from '../../src/wv/ids.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import { AddressCodec } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { ComponentLink } from './component-link.ts';
import type { Incoming } from './component-link.ts';
import { settingsOf } from './config.ts';
import type { XmppGatewayConfig, XmppSettings } from './config.ts';
import { ConversationQueues } from './conversation-queue.ts';
import { IqRequests } from './iq-requests.ts';
import { IqResponder } from './iq.ts';
import { MucHost } from './muc-host/host.ts';
import { otherInvitation } from './invitations.ts';
import { IncomingMessages } from './messages-in.ts';
import { OutgoingMessages } from './messages-out.ts';
import { GROUP_REQUESTS, MucGuests } from './muc-guest/muc-guests.ts';
import { PresenceBridge } from './presence.ts';
import { Receipts } from './receipts.ts';

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

/** @throws XmppConfigError when a domain is malformed or claimed twice, or the secret is empty */
export function createXmppGateway(config: XmppGatewayConfig): Gateway {
  return new XmppGateway(settingsOf(config));
}

/** All that runs between start and stop. */
interface Running {
  readonly bridge: Bridge;
  readonly link: ComponentLink;
  readonly outgoing: OutgoingMessages;
  readonly incoming: IncomingMessages;
  readonly receipts: Receipts;
  readonly presence: PresenceBridge;
  readonly iq: IqResponder;
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
    await running.guests.start();
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
      return await this.#serve(running, request);
    } catch (error) {
      running.bridge.relay.log.error(
        { err: error, primitive: request.primitive },
        'XMPP gateway: request failed',
      );
      running.bridge.relay.metrics.count('xmpp_failures_total', { what: request.primitive });
      return refused(request, result(503, 'the XMPP gateway failed'));
    }
  }

  async #serve(running: Running, request: RequestPrimitive): Promise<ResponsePrimitive> {
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
        return await running.presence.notify(request);
      case 'GetPresenceRequest':
        return await running.presence.get(request);
      case 'PresenceAuthResponse':
        return await running.presence.authorise(request);
      default:
        return (
          (await running.guests.serve(request)) ??
          (await running.rooms?.host.serve(request)) ??
          (await otherInvitation(running, request))
        );
    }
  }

  #assemble(relay: RelayPort): Running {
    const settings = this.#settings;
    const link = new ComponentLink(settings, relay, {
      online: () => {
        running.presence.reset();
        running.guests.online();
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
    });
    const queues = new ConversationQueues(settings.maxConversationQueue);
    const bridge: Bridge = { relay, settings, codec, link, queues };
    const receipts = new Receipts(bridge);
    const iqRequests = new IqRequests(link, relay.clock, settings.roomWaitMs);
    const presence = new PresenceBridge(bridge, iqRequests);
    const running: Running = {
      bridge,
      link,
      receipts,
      outgoing: new OutgoingMessages(bridge),
      incoming: new IncomingMessages(bridge, receipts),
      presence,
      iq: new IqResponder(bridge, presence),
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
    offline: () => undefined,
    stanza: (incoming) => host.received(incoming),
  });
  const host = new MucHost(bridge, link, groupsComponent);
  return { host, link };
}

function dispatch(running: Running, incoming: Incoming): void {
  if (running.guests.received(incoming) || running.iqRequests.received(incoming)) return undefined;
  switch (incoming.stanza.name) {
    case 'message':
      if (running.rooms?.host.invitations.direct(incoming) === true) return undefined;
      if (running.presence.event(incoming) || running.presence.roster.received(incoming)) return undefined;
      return running.incoming.received(incoming);
    case 'presence':
      return running.presence.received(incoming);
    default:
      return running.iq.received(incoming);
  }
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
