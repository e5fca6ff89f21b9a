// What of the gateway a stanza of the component's stream is for, and which of our users speak otherwise.

import type { UserAddress } from '../../src/wv/ids.ts';
import { isUnmappable } from './addresses.ts';
import type { Bridge, StanzaPort } from './bridge.ts';
import type { ChatMemory } from './chat-memory.ts';
import type { Counter } from './commands/counter.ts';
import type { Gate, Verdict } from './commands/gate.ts';
import type { ComponentLink, Incoming } from './component-link.ts';
import { result } from '../../src/wv/status.ts';
import { errorReply, stanzaErrorOf } from './errors.ts';
import { hasHopped } from './hop.ts';
import type { IqRequests } from './iq-requests.ts';
import type { IqResponder } from './iq.ts';
import { parseJid } from './jid.ts';
import type { BareJid } from './jid.ts';
import type { Lane } from './lane.ts';
import type { Accounts } from './linked/accounts.ts';
import type { MucGuests } from './muc-guest/muc-guests.ts';
import type { MucHost } from './muc-host/host.ts';
import { stanza } from './xml.ts';

/** All that runs between start and stop. */
export interface Running {
  readonly bridge: Bridge;
  readonly link: ComponentLink;
  readonly memory: ChatMemory;
  /** Of users below the component. */
  readonly lane: Lane;
  readonly iq: IqResponder;
  readonly counter: Counter;
  readonly gate: Gate;
  /** Where there is a component for groups. */
  readonly rooms: { readonly host: MucHost; readonly link: ComponentLink } | undefined;
  /** Users who speak as accounts of their own; where the operator lets them. */
  readonly accounts: Accounts | undefined;
  /** Requests about rooms, through whichever stream. */
  readonly roomRequests: IqRequests;
  /** Our users in rooms of other servers. */
  readonly guests: MucGuests;
}

/** No transit from one WV network into another. */
const HOPPED = { error: stanzaErrorOf(result(516, 'no second gateway')) } as const;

/** Hands a stanza to whom it is for. */
export function dispatch(running: Running, incoming: Incoming): void {
  if (running.guests.received(incoming) || running.roomRequests.received(incoming)) return undefined;
  const { lane } = running;
  if (lane.iqRequests.received(incoming)) return undefined;
  const toGateway = incoming.to.local === '';
  const verdict = toGateway ? 'pass' : running.gate.incoming(incoming);
  if (verdict !== 'pass') return refuse(running, incoming, verdict);
  switch (incoming.stanza.name) {
    case 'message':
      if (lane.presence.roster.received(incoming)) return undefined;
      if (hasHopped(incoming.stanza)) return refuse(running, incoming, HOPPED);
      if (toGateway) return running.counter.message(incoming);
      if (running.rooms?.host.invitations.direct(incoming) === true) return undefined;
      if (lane.presence.event(incoming)) return undefined;
      return lane.incoming.received(incoming);
    case 'presence':
      if (toGateway) return running.counter.presence(incoming);
      return isLinked(running, incoming) ? elsewhere(running, incoming) : lane.presence.received(incoming);
    default:
      if (lane.incoming.receivedQuery(incoming)) return undefined;
      return running.iq.received(incoming);
  }
}

function isLinked({ accounts, bridge }: Running, { to }: Incoming): boolean {
  const user = accounts === undefined ? undefined : bridge.codec.localUser(to);
  return user !== undefined && !isUnmappable(user) && accounts?.of(user) !== undefined;
}

/** What somebody hears who asks after the presence of a user who shows it elsewhere. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['subscribe', 'unsubscribed'],
  ['probe', 'unavailable'],
]);

/** Presence for a user who shows his as an account of his own. */
function elsewhere({ bridge }: Running, { stanza: { attrs } }: Incoming): void {
  const type = INSTEAD.get(attrs['type'] ?? '');
  bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'linked' });
  if (type !== undefined)
    bridge.link.send(stanza('presence', { type, from: attrs['to']?.split('/')[0], to: attrs['from'] }));
}

/** Refused at the gate: an error where one is due, else nothing. */
function refuse({ bridge }: Running, incoming: Incoming, verdict: Exclude<Verdict, 'pass'>): void {
  bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'gate' });
  const reply = verdict === 'drop' ? undefined : errorReply(incoming.stanza, verdict.error);
  if (reply !== undefined) bridge.link.send(reply);
}

/** The stream of a user's own account, if he has one. */
export function accountLink({ accounts, bridge }: Running, userJid: BareJid): StanzaPort | undefined {
  const parts = accounts === undefined ? undefined : parseJid(userJid);
  const user = parts === undefined ? undefined : bridge.codec.localUser(parts);
  return user === undefined || isUnmappable(user) ? undefined : accounts?.of(user)?.account?.link;
}

export function userJidOf({ bridge }: Running, user: UserAddress): BareJid | undefined {
  const jid = bridge.codec.localJid(user);
  return isUnmappable(jid) ? undefined : jid;
}

/** A user was linked or unlinked: the one he was until now leaves. */
export function identityChanged(running: Running, user: UserAddress): void {
  const userJid = userJidOf(running, user);
  if (userJid === undefined) return;
  running.lane.presence.withdrawUser(userJid);
  running.guests.offline(userJid);
  // Below the component he is back at once; an account takes its time, and says so itself.
  if (running.accounts?.of(user) === undefined) running.guests.online(userJid);
}
