// The XMPP gateway: an XEP-0114 component as a destination of the service relay (bridging.md).

import { parseDomain } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import { AddressCodec, isUnmappable } from './addresses.ts';
import { guarded } from './bridge.ts';
import type { Bridge } from './bridge.ts';
import { ChatMemory } from './chat-memory.ts';
import { Counter } from './commands/counter.ts';
import { Gate } from './commands/gate.ts';
import { invitationAnswered } from './commands/invite.ts';
import { named } from './commands/named-relay.ts';
import { ComponentLink } from './component-link.ts';
import { settingsOf } from './config.ts';
import type { XmppGatewayConfig, XmppSettings } from './config.ts';
import { accountLink, dispatch, identityChanged, userJidOf } from './dispatch.ts';
import type { Running } from './dispatch.ts';
import { ConversationQueues } from './conversation-queue.ts';
import { AddressGate, AllowListError } from './files/addresses.ts';
import { Inbox } from './inbox.ts';
import { IqRequests } from './iq-requests.ts';
import { IqResponder } from './iq.ts';
import { laneOf, serveInLane } from './lane.ts';
import { Accounts } from './linked/accounts.ts';
import type { Linked } from './linked/accounts.ts';
import { RoutedLink } from './linked/routed-link.ts';
import { MucHost } from './muc-host/host.ts';
import type { RoomParts } from './muc-host/messages.ts';
import { otherInvitation } from './invitations.ts';
import { GROUP_REQUESTS, MucGuests } from './muc-guest/muc-guests.ts';

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
    await running.lane.files.forgetOld();
    await running.bridge.inbox.load();
    this.#running = running;
    await running.rooms?.host.load();
    await Promise.all([running.link.start(), running.rooms?.link.start()]);
    running.accounts?.start();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.lane.incoming.close();
    running.lane.presence.stop();
    const farewell = Promise.all([running.bridge.queues.drain(), running.rooms?.host.stop()]);
    await withinDeadline(running, farewell);
    running.guests.stop();
    await Promise.all([running.accounts?.stop(), running.link.stop(), running.rooms?.link.stop()]);
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
      const linked = running.accounts?.speaking(request);
      if (linked !== undefined && !isForRoom(request)) return await this.#serveLinked(linked, request);
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
    if (request.primitive === 'SendMessageRequest')
      await this.#running?.lane.files.concluded(request.message);
  }

  /** A user who speaks as an account of his own. One that cannot be used is told so at every message. */
  async #serveLinked(linked: Linked, request: RequestPrimitive): Promise<ResponsePrimitive> {
    const { account, state } = linked;
    if (account === undefined || state.state === 'refused')
      return refused(request, result(403, `the linked account cannot be used: ${state.reason ?? 'refused'}`));
    const { bridge, presence } = account.lane;
    return (
      (await serveInLane(account.lane, request)) ?? (await otherInvitation({ bridge, presence }, request))
    );
  }

  async #serve(running: Running, request: RequestPrimitive): Promise<ResponsePrimitive> {
    if (request.primitive === 'SendMessageRequest') {
      if (request.message.sender.kind === 'group' && running.rooms !== undefined)
        return await running.rooms.host.deliver(request);
      if (isForRoom(request)) return await running.guests.send(request);
    }
    if (request.primitive === 'PresenceNotification') running.memory.noticed(request);
    const { bridge, presence } = running.lane;
    return (
      (await serveInLane(running.lane, request)) ??
      (request.primitive === 'InviteResponse' ? await invitationAnswered(bridge, request) : undefined) ??
      (await running.guests.serve(request)) ??
      (await running.rooms?.host.serve(request)) ??
      (await otherInvitation({ bridge, presence }, request))
    );
  }

  #assemble(relay: RelayPort): Running {
    const settings = this.#settings;
    const memory = new ChatMemory(settings);
    const link = new ComponentLink(settings, relay, {
      online: () => {
        running.guests.online();
        for (const incoming of running.bridge.inbox.takeUp()) dispatch(running, incoming);
        guarded(
          bridge,
          'presence',
          running.lane.presence.reset().finally(() => relay.becameUsable()),
        );
      },
      offline: () => {
        running.lane.iqRequests.lost();
        running.roomRequests.lost();
        running.lane.presence.roster.offline();
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
    const queues = new ConversationQueues(settings.maxConversationQueue, settings.maxQueued);
    const bridge: Bridge = {
      relay: named(relay, (user) => nameOf(running, user)),
      settings,
      codec,
      link,
      queues,
      inbox: new Inbox(relay, settings),
    };
    const lane = laneOf(bridge, memory);
    const forRooms = { memory, files: lane.fetched, uploads: lane.files };
    const counter = new Counter(bridge, (asker, user) => lane.presence.endFor(asker.jid, user));
    const roomLink = new RoutedLink(link, (userJid) => accountLink(running, userJid));
    const roomRequests = new IqRequests(roomLink, relay.clock, settings.roomWaitMs);
    const running: Running = {
      bridge,
      link,
      memory,
      lane,
      counter,
      gate: new Gate(bridge, counter.people),
      iq: new IqResponder(bridge, lane.presence, counter),
      rooms: roomsOf(bridge, forRooms),
      roomRequests,
      guests: new MucGuests({ ...bridge, link: roomLink }, roomRequests, forRooms),
      accounts:
        settings.linked === undefined
          ? undefined
          : new Accounts(bridge, settings.linked, memory, {
              changed: (user) => identityChanged(running, user),
              online: (user) => running.guests.online(userJidOf(running, user)),
              offline: (user) => running.guests.offline(userJidOf(running, user)),
              inRoom: (incoming) =>
                running.guests.received(incoming) || running.roomRequests.received(incoming),
            }),
    };
    return running;
  }
}

/** To a room, or about one. */
function isForRoom(request: RequestPrimitive): boolean {
  switch (request.primitive) {
    case 'SendMessageRequest':
      return request.message.recipients.some(({ kind }) => kind === 'group');
    case 'InviteRequest':
      return request.inviteType !== 'IM' && request.inviteType !== 'PR';
    default:
      return false;
  }
}

/** The second component, whose rooms are our groups, with a stream of its own. */
function roomsOf(bridge: Bridge, parts: RoomParts): Running['rooms'] {
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
  const host = new MucHost(bridge, link, groupsComponent, parts);
  return { host, link };
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
