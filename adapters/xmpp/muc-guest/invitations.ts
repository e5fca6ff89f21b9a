// Invitations to rooms of other servers, both ways: through the room (XEP-0045 section 7.8) and direct (XEP-0249).

import { createHash } from 'node:crypto';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import { status } from '../../../src/wv/primitives.ts';
import type { InviteRequest, InviteResponse, Status } from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { BoundedMap } from '../bounded-map.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { errorReply, stanzaErrorOf } from '../errors.ts';
import { bareJid, parseJid } from '../jid.ts';
import type { BareJid, JidParts } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import type { Guest } from './room.ts';
import { puppetJid } from './stanzas.ts';

/** Longest note handed on, characters (csp-datatypes section 2). */
const MAX_NOTE = 400;
/** Invitations of our users whose refusal is still recognised. */
const MAX_OPEN = 10_000;

/** What the invitations need of the rooms. */
export interface InvitedRooms {
  guest(userJid: BareJid, roomJid: BareJid): Guest | undefined;
  rememberPassword(userJid: BareJid, roomJid: BareJid, password: string): void;
}

/** An invitation from XMPP to one of our users. */
interface Invitation {
  readonly room: JidParts;
  /** Who invites; undefined: the room does not say. */
  readonly inviter: JidParts | undefined;
  readonly reason: string;
  readonly password: string;
  /** A refusal goes through the room. */
  readonly mediated: boolean;
}

interface Sent {
  readonly request: InviteRequest;
  readonly user: UserAddress;
}

export class RoomInvitations {
  readonly #bridge: Bridge;
  readonly #rooms: InvitedRooms;
  /** By room, user and invited JID, and by stanza id. */
  readonly #sent = new BoundedMap<string, Sent>(MAX_OPEN);

  constructor(bridge: Bridge, rooms: InvitedRooms) {
    this.#bridge = bridge;
    this.#rooms = rooms;
  }

  // ---- from XMPP

  /** True when the message was an invitation to a room of another server, or the end of one. */
  received(incoming: Incoming): boolean {
    const { stanza: message, to } = incoming;
    if (to.local === '' || message.attrs['type'] === 'groupchat') return false;
    if (message.attrs['type'] === 'error') return this.#failed(incoming);
    if (this.#declined(incoming)) return true;
    const invitation = mediatedIn(incoming) ?? directIn(incoming);
    if (invitation === undefined) return false;
    const group = this.#bridge.codec.roomGroup(invitation.room);
    // One of our own groups: not to be had here.
    if (isUnmappable(group)) return false;
    guarded(this.#bridge, 'invitation', this.#invited(incoming, invitation, group));
    return true;
  }

  async #invited(incoming: Incoming, invitation: Invitation, group: GroupAddress): Promise<void> {
    const { codec, relay, link } = this.#bridge;
    const user = codec.localUser(incoming.to);
    if (isUnmappable(user)) return this.#refuse(incoming, user.unmappable);
    const { room, reason, mediated } = invitation;
    const userJid = bareJid(incoming.to);
    const inviting = this.#partyOf(invitation, group, userJid);
    const inviter =
      invitation.inviter === undefined ? '' : `${bareJid(invitation.inviter)}/${invitation.inviter.resource}`;
    const inviteId = idOf([userJid, bareJid(room), inviter, reason]);
    await relay.storage.link(
      `invited ${userJid}`,
      JSON.stringify([inviteId, bareJid(room), inviter, mediated ? 1 : 0]),
      inviteId,
    );
    if (invitation.password !== '') this.#rooms.rememberPassword(userJid, bareJid(room), invitation.password);
    const domain = domainOf(inviting.kind === 'user' ? inviting.user : inviting.group);
    const answer = await relay.emit({
      primitive: 'InviteRequest',
      meta: { service: serviceAddress(domain), ...(inviting.kind === 'user' ? { user: inviting.user } : {}) },
      inviteId,
      inviteType: 'GR',
      inviting,
      invited: { kind: 'user', user },
      group,
      ...(reason === '' ? {} : { note: reason }),
    });
    if (isSuccess(answer.result)) return undefined;
    if (mediated) return void link.send(declination(userJid, bareJid(room), inviter, ''));
    return this.#refuse(incoming, answer.result.code);
  }

  /** The inviter as a user, else under his nick, else the room itself under its name. */
  #partyOf({ inviter, room }: Invitation, group: GroupAddress, userJid: BareJid): Party {
    if (inviter !== undefined && bareJid(inviter) === bareJid(room)) {
      return { kind: 'group', group, screenName: inviter.resource === '' ? room.local : inviter.resource };
    }
    const user = inviter === undefined ? undefined : this.#bridge.codec.foreignUser(inviter);
    if (user !== undefined && !isUnmappable(user)) return { kind: 'user', user };
    const occupants = this.#rooms.guest(userJid, bareJid(room))?.room.occupants ?? [];
    const known = [...occupants].find(
      ({ jid }) => jid !== undefined && inviter !== undefined && bareJid(jid) === bareJid(inviter),
    );
    return { kind: 'group', group, screenName: known?.nick ?? room.local };
  }

  /** Somebody whom one of our users invited does not want to come. */
  #declined({ stanza: message, from, to }: Incoming): boolean {
    const x = childOf(message, 'x', NS.mucUser);
    const decline = x === undefined ? undefined : childOf(x, 'decline');
    if (decline === undefined) return false;
    const invitee = parseJid(decline.attrs['from'] ?? '');
    const sent =
      invitee === undefined ? undefined : this.#sent.get(keyOf(bareJid(to), bareJid(from), bareJid(invitee)));
    if (sent === undefined) this.#drop('unasked_decline');
    else this.#tellDeclined(sent, textOf(childOf(decline, 'reason')));
    return true;
  }

  /** The room did not pass an invitation on. */
  #failed({ stanza: message, from, to }: Incoming): boolean {
    const sent = this.#sent.get(`${message.attrs['id'] ?? ''} ${bareJid(to)} ${bareJid(from)}`);
    if (sent === undefined) return false;
    const error = childOf(message, 'error');
    this.#tellDeclined(
      sent,
      textOf(error === undefined ? undefined : childOf(error, 'text', NS.stanzaError)),
    );
    return true;
  }

  #tellDeclined({ request, user }: Sent, reason: string): void {
    const { relay } = this.#bridge;
    const note = reason.slice(0, MAX_NOTE);
    const telling = relay.emit({
      primitive: 'InviteResponse',
      meta: { service: serviceAddress(domainOf(user)), user },
      inviteId: request.inviteId,
      accepted: false,
      inviting: request.inviting,
      responding: request.invited,
      ...(note === '' ? {} : { note }),
    });
    guarded(this.#bridge, 'answer to an invitation', telling);
  }

  // ---- from the relay

  /** Undefined for what is no invitation to a room of another server. 405, 503, 901. */
  async invite(request: InviteRequest): Promise<Status | undefined> {
    const { inviting, invited, group, inviteType, note = '' } = request;
    if (group === undefined || (inviteType !== 'GR' && inviteType !== 'GM')) return undefined;
    const { codec, link, relay } = this.#bridge;
    if (domainOf(group) === relay.homeDomain) return undefined;
    const room = codec.roomJid(group);
    if (isUnmappable(room)) return room.unmappable === 516 ? undefined : status(result(901, room.reason));
    if (inviting.kind !== 'user' || invited.kind !== 'user') return status(result(405));
    const userJid = codec.localJid(inviting.user);
    const to = codec.foreignJid(invited.user);
    if (isUnmappable(userJid)) return status(result(userJid.unmappable, userJid.reason));
    if (isUnmappable(to)) return status(result(to.unmappable, to.reason));
    if (!link.writable) return status(result(503));
    const id = `invite-${idOf([userJid, room, to, request.inviteId])}`;
    const sent: Sent = { request, user: invited.user };
    this.#sent.set(keyOf(userJid, room, to), sent);
    this.#sent.set(`${id} ${userJid} ${room}`, sent);
    const mediated = this.#rooms.guest(userJid, room)?.state === 'in';
    link.send(
      mediated ? mediatedStanza(id, userJid, room, to, note) : directStanza(id, userJid, room, to, note),
    );
    return status((await link.confirmed()) ? OK : result(503));
  }

  /** The answer of our user. Who comes joins the room; of XEP-0249 nobody is told a refusal. 423 unknown, 503. */
  async answered({ inviteId, accepted, note = '' }: InviteResponse): Promise<Status | undefined> {
    const { relay, link } = this.#bridge;
    const known = await relay.storage.remoteOf(trusted<MessageId>(inviteId));
    if (known === undefined || !known.conversation.startsWith('invited ')) return undefined;
    const [, room, inviter, mediated] = JSON.parse(known.remoteId) as [string, BareJid, string, number];
    if (accepted || mediated !== 1) return status(OK);
    if (!link.writable) return status(result(503));
    const userJid = known.conversation.slice('invited '.length) as BareJid;
    link.send(declination(userJid, room, inviter, note));
    return status((await link.confirmed()) ? OK : result(503));
  }

  #refuse(incoming: Incoming, code: Parameters<typeof result>[0]): void {
    const reply = errorReply(incoming.stanza, stanzaErrorOf(result(code)));
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

const keyOf = (userJid: BareJid, room: BareJid, invitee: BareJid): string => `${userJid} ${room} ${invitee}`;

/** At most 50 characters, the same for the same invitation. */
function idOf(parts: readonly string[]): MessageId {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  return trusted<MessageId>(`i${digest.slice(0, 27)}`);
}

function mediatedIn({ stanza: message, from }: Incoming): Invitation | undefined {
  const x = childOf(message, 'x', NS.mucUser);
  const invite = x === undefined ? undefined : childOf(x, 'invite');
  if (x === undefined || invite === undefined) return undefined;
  return {
    room: from,
    inviter: parseJid(invite.attrs['from'] ?? ''),
    reason: textOf(childOf(invite, 'reason')).slice(0, MAX_NOTE),
    password: textOf(childOf(x, 'password')),
    mediated: true,
  };
}

function directIn({ stanza: message, from }: Incoming): Invitation | undefined {
  const x = childOf(message, 'x', NS.conference);
  const room = parseJid(x?.attrs['jid'] ?? '');
  if (x === undefined || room === undefined || room.local === '') return undefined;
  const reason = x.attrs['reason'] ?? textOf(x);
  return {
    room: { ...room, resource: '' },
    inviter: from,
    reason: reason.slice(0, MAX_NOTE),
    password: x.attrs['password'] ?? '',
    mediated: false,
  };
}

function reasonElement(reason: string): XmlElement | undefined {
  return reason === '' ? undefined : xml(NS.mucUser, 'reason', {}, reason);
}

function mediatedStanza(id: string, userJid: BareJid, room: BareJid, to: BareJid, note: string): XmlElement {
  const invite = xml(NS.mucUser, 'invite', { to }, reasonElement(note));
  return stanza('message', { id, from: puppetJid(userJid), to: room }, xml(NS.mucUser, 'x', {}, invite));
}

function directStanza(id: string, from: BareJid, room: BareJid, to: BareJid, note: string): XmlElement {
  const reason = note === '' ? undefined : note;
  return stanza('message', { id, from, to }, xml(NS.conference, 'x', { jid: room, reason }));
}

function declination(userJid: BareJid, room: BareJid, inviter: string, note: string): XmlElement {
  const to = inviter === '' ? undefined : inviter.replace(/\/$/, '');
  const decline = xml(NS.mucUser, 'decline', { to }, reasonElement(note));
  return stanza('message', { from: puppetJid(userJid), to: room }, xml(NS.mucUser, 'x', {}, decline));
}
