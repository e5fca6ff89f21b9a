// Invitations both ways (bridging section 1, 7.3). A mediated invitation (XEP-0045 section 7.8) is used towards XMPP also
// for who is no member: a direct one (XEP-0249) cannot be declined, and WV wants an answer.

import { createHash } from 'node:crypto';
import { domainOf } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import type {
  CancelInviteRequest,
  InviteRequest,
  InviteResponse,
  Status,
} from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded, metaOf } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { bareJid, parseJid } from '../jid.ts';
import type { BareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { jidOf, refuse } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { occupantJid } from './room-addresses.ts';

/** What is kept of an invitation to a user of XMPP until he comes or declines. */
interface Open {
  readonly inviteId: string;
  readonly inviting: Party;
  readonly expiresAt: number;
}

/** Longest note handed on, characters. */
const MAX_NOTE = 1_000;
/** Validity of an invitation that names none, ms. */
const VALIDITY_MS = 7 * 86_400_000;
/** Where the ids of our own invitations are linked with what they were about. */
const SENT = 'invite ';

export class RoomInvitations {
  readonly #context: HostContext;
  /** The users' component: 0249 comes from and goes to users. */
  readonly #users: Bridge;

  constructor(context: HostContext, users: Bridge) {
    this.#context = context;
    this.#users = users;
  }

  // ---- from WV

  /** GR with a group of ours. 405 for other kinds, which have no counterpart in rooms. */
  async invite(request: InviteRequest): Promise<Status> {
    const { group, invited, note = '', screenName, inviting } = request;
    if (group === undefined || invited.kind !== 'user') return status(result(405));
    const { bridge, codec } = this.#context;
    const roomJid = codec.roomJid(group);
    const to = bridge.codec.foreignJid(invited.user);
    if (isUnmappable(roomJid)) return status(result(roomJid.unmappable, roomJid.reason));
    if (isUnmappable(to)) return status(result(to.unmappable, to.reason));
    if (!bridge.link.writable) return status(result(503));
    const seconds = request.validity ?? VALIDITY_MS / 1_000;
    const expiresAt = bridge.relay.clock.now() + seconds * 1_000;
    const open: Open = { inviteId: request.inviteId, inviting, expiresAt };
    await bridge.relay.storage.put(keyOf(to, roomJid), JSON.stringify(open));
    const from = this.#inviterJid(roomJid, inviting, screenName?.name);
    const x = xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'invite', { from }, reasonOf(note)));
    // Also in the form that older clients know.
    const direct = xml(NS.conference, 'x', { jid: roomJid, reason: note === '' ? undefined : note });
    bridge.link.send(stanza('message', { from: roomJid, to }, x, direct));
    if (await bridge.link.confirmed()) return status(OK);
    return status(result(503));
  }

  async cancel({ canceled, inviteId, canceling, note = '' }: CancelInviteRequest): Promise<Status> {
    const { bridge } = this.#context;
    const to = canceled.kind === 'user' ? bridge.codec.foreignJid(canceled.user) : undefined;
    if (to === undefined || isUnmappable(to)) return status(result(423));
    for (const [key, value] of await bridge.relay.storage.list(`muc-invited ${to} `)) {
      const open = JSON.parse(value) as Open;
      if (open.inviteId !== inviteId || !sameParty(open.inviting, canceling)) continue;
      const from = key.slice(key.lastIndexOf(' ') + 1);
      const body = `The invitation to ${from} was withdrawn.${note === '' ? '' : ` ${note}`}`;
      if (!bridge.link.writable) return status(result(503));
      bridge.link.send(stanza('message', { from, to }, xml(NS.component, 'body', {}, body)));
      if (!(await bridge.link.confirmed())) return status(result(503));
      await bridge.relay.storage.delete(key);
      return status(OK);
    }
    return status(result(423));
  }

  /** A user of ours answered an invitation from XMPP. Who accepts comes into the room; a refusal is told. */
  async answered({ inviteId, accepted, responding, note = '' }: InviteResponse): Promise<Status> {
    const { bridge } = this.#context;
    const sent = await bridge.relay.storage.remoteOf(trusted<MessageId>(inviteId));
    if (sent === undefined || !sent.conversation.startsWith(SENT)) return status(result(423));
    if (accepted) return status(OK);
    if (!bridge.link.writable) return status(result(503));
    const [roomJid, to] = sent.conversation.slice(SENT.length).split(' ') as [BareJid, string];
    const from = responding.kind === 'user' ? jidOf(this.#context, responding.user) : undefined;
    const decline = xml(NS.mucUser, 'decline', { from: from ?? roomJid }, reasonOf(note));
    bridge.link.send(stanza('message', { from: roomJid, to }, xml(NS.mucUser, 'x', {}, decline)));
    return status((await bridge.link.confirmed()) ? OK : result(503));
  }

  // ---- from XMPP

  /** Coming is accepting. */
  async accepted({ jid, roomJid, user }: Visit): Promise<void> {
    const open = await this.#take(jid, roomJid);
    if (open !== undefined) await this.#answer(open, user, true, '');
  }

  /** True when the message to a room was an invitation, or declines one. */
  async mediated(visit: Visit): Promise<boolean> {
    const x = childOf(visit.incoming.stanza, 'x', NS.mucUser);
    const invite = x === undefined ? undefined : childOf(x, 'invite');
    const decline = x === undefined ? undefined : childOf(x, 'decline');
    if (invite !== undefined) await this.#invited(visit, invite);
    else if (decline !== undefined) await this.#declined(visit, decline);
    else return false;
    return true;
  }

  /** True for an invitation (XEP-0249) of one of our users into one of our rooms: it is no message for him. */
  direct(incoming: Incoming): boolean {
    const x = childOf(incoming.stanza, 'x', NS.conference);
    const room = parseJid(x?.attrs['jid'] ?? '');
    const { settings, codec } = this.#users;
    if (x === undefined || room === undefined || room.domain !== settings.groupsComponent) return false;
    if (incoming.stanza.attrs['type'] === 'error') return false;
    const group = this.#context.codec.group(room);
    const invited = codec.localUser(incoming.to);
    const inviter = codec.foreignUser(incoming.from);
    const problem = [group, invited, inviter].find((each) => isUnmappable(each));
    const users = { ...this.#context, bridge: this.#users };
    if (isUnmappable(group) || isUnmappable(invited) || isUnmappable(inviter)) {
      if (isUnmappable(problem)) {
        refuse(users, incoming.stanza, result(problem.unmappable, problem.reason));
      }
      return true;
    }
    const note = x.attrs['reason'] ?? '';
    const [roomJid, to] = [bareJid(room), bareJid(incoming.from)];
    const task = this.#emit({ inviter, invited, group, note, roomJid, to }).then((outcome) => {
      if (!isSuccess(outcome)) refuse(users, incoming.stanza, outcome);
    });
    guarded(this.#users, 'invitation', task);
    return true;
  }

  /** Invitations that nobody answered in time. */
  async expire(): Promise<void> {
    const { storage, clock } = this.#context.bridge.relay;
    for (const [key, value] of await storage.list('muc-invited ')) {
      if ((JSON.parse(value) as Open).expiresAt <= clock.now()) await storage.delete(key);
    }
  }

  async #invited(visit: Visit, invite: XmlElement): Promise<void> {
    const { bridge, rooms } = this.#context;
    const message = visit.incoming.stanza;
    const occupant = rooms.get(visit.roomJid)?.occupants.get(visit.jid);
    if (occupant?.resources.has(visit.resource) !== true) {
      return refuse(this.#context, message, result(808));
    }
    const parts = parseJid(invite.attrs['to'] ?? '');
    if (parts === undefined) return refuse(this.#context, message, result(901));
    const note = textOf(childOf(invite, 'reason')).slice(0, MAX_NOTE);
    const local = bridge.codec.localUser(parts);
    if (!isUnmappable(local)) {
      const { user: inviter, group, roomJid, jid: to } = visit;
      const outcome = await this.#emit({ inviter, invited: local, group, note, roomJid, to });
      if (!isSuccess(outcome)) refuse(this.#context, message, outcome);
      return;
    }
    // From XMPP to XMPP: no business of the relay.
    const foreign = bridge.codec.foreignUser(parts);
    if (isUnmappable(foreign)) {
      return refuse(this.#context, message, result(foreign.unmappable, foreign.reason));
    }
    const x = xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'invite', { from: visit.jid }, reasonOf(note)));
    bridge.link.send(stanza('message', { from: visit.roomJid, to: bareJid(parts) }, x));
  }

  async #declined({ jid, roomJid, user, incoming }: Visit, decline: XmlElement): Promise<void> {
    const note = textOf(childOf(decline, 'reason')).slice(0, MAX_NOTE);
    const open = await this.#take(jid, roomJid);
    if (open !== undefined) return await this.#answer(open, user, false, note);
    const to = parseJid(decline.attrs['to'] ?? '');
    const { codec, link } = this.#context.bridge;
    // Of somebody of XMPP whom another invited.
    if (to === undefined || isUnmappable(codec.foreignUser(to))) {
      return refuse(this.#context, incoming.stanza, result(404));
    }
    const x = xml(NS.mucUser, 'x', {}, xml(NS.mucUser, 'decline', { from: jid }, reasonOf(note)));
    link.send(stanza('message', { from: roomJid, to: bareJid(to) }, x));
  }

  async #emit(wish: Wish): Promise<Result> {
    const { relay } = this.#context.bridge;
    const { inviter, invited, group, note, roomJid, to } = wish;
    const inviteId = `x${createHash('sha256').update(`${roomJid}\n${to}\n${invited}`).digest('base64url').slice(0, 27)}`; // prettier-ignore
    // Before the home is asked: the answer names nothing but this id.
    await relay.storage.link(`${SENT}${roomJid} ${to}`, inviteId, trusted<MessageId>(inviteId));
    const answer = await relay.emit({
      primitive: 'InviteRequest',
      meta: metaOf(inviter),
      inviteId,
      inviteType: 'GR',
      inviting: { kind: 'user', user: inviter },
      invited: { kind: 'user', user: invited },
      group,
      ...(note === '' ? {} : { note: note.slice(0, MAX_NOTE) }),
      validity: VALIDITY_MS / 1_000,
    });
    return answer.result;
  }

  async #take(jid: BareJid, roomJid: BareJid): Promise<Open | undefined> {
    const { storage, clock } = this.#context.bridge.relay;
    const text = await storage.get(keyOf(jid, roomJid));
    if (text === undefined) return undefined;
    await storage.delete(keyOf(jid, roomJid));
    const open = JSON.parse(text) as Open;
    return open.expiresAt > clock.now() ? open : undefined;
  }

  async #answer(
    { inviteId, inviting }: Open,
    user: UserAddress,
    accepted: boolean,
    note: string,
  ): Promise<void> {
    const { relay } = this.#context.bridge;
    const answer = await relay.emit({
      primitive: 'InviteResponse',
      meta: metaOf(user),
      inviteId,
      accepted,
      inviting,
      responding: { kind: 'user', user },
      ...(note === '' ? {} : { note }),
    });
    // Taken back meanwhile, perhaps: no reason not to try the door.
    relay.log.debug({ code: answer.result.code, accepted }, 'XMPP gateway: an invitation was answered');
  }

  /** By the screen name, if he wants to be seen by it. */
  #inviterJid(roomJid: BareJid, inviting: Party, screenName: string | undefined): string {
    const name = inviting.kind === 'group' ? inviting.screenName : screenName;
    if (name !== undefined) {
      const jid = occupantJid(roomJid, name);
      return isUnmappable(jid) ? roomJid : jid;
    }
    return (inviting.kind === 'user' ? jidOf(this.#context, inviting.user) : undefined) ?? roomJid;
  }
}

interface Wish {
  readonly inviter: UserAddress;
  readonly invited: UserAddress;
  readonly group: GroupAddress;
  readonly note: string;
  readonly roomJid: BareJid;
  readonly to: BareJid;
}

function keyOf(jid: BareJid, roomJid: BareJid): string {
  return `muc-invited ${jid} ${roomJid}`;
}

function reasonOf(note: string): XmlElement | undefined {
  return note === '' ? undefined : xml(NS.mucUser, 'reason', {}, note);
}

function sameParty(a: Party, b: Party): boolean {
  if (a.kind === 'user') return b.kind === 'user' && a.user === b.user;
  return b.kind === 'group' && a.group === b.group && a.screenName === b.screenName;
}

/** True when the group of an invitation, or its inviter's home, is ours. */
export function isOfHome(request: InviteRequest, home: string): boolean {
  return request.group !== undefined && domainOf(request.group) === home;
}
