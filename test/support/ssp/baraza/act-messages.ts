// What its users do: write, read, and invite.

import { randomBytes } from 'node:crypto';
import { report } from './reports.ts';
import { send } from './sender.ts';
import type { Peer, Sent } from './state.ts';
import { findUser, withoutPrefix, type ReceivedMessage, type User } from './world.ts';
import {
  binaryContent,
  cancelInviteRequest,
  inviteRequest,
  sendMessageRequest,
  textContent,
  type Content,
  type Invitation,
  type Recipient,
} from './write-messages.ts';

/** A text, or octets with their type. */
export type Body = string | { readonly octets: Uint8Array; readonly contentType: string };

export interface MessageOptions {
  readonly report?: boolean;
  /** Seconds: 600 when absent. Also how long it is tried. */
  readonly validity?: number;
  readonly contentType?: string;
}

export type InvitationOptions = Omit<Invitation, 'inviting' | 'clientId' | 'validity' | 'note'> & {
  readonly validity?: number;
  readonly note?: string;
};

export interface MessageActs {
  /** Writes to users of the other side (addresses), to its groups, or to screen names in them: one request. */
  sendMessage(from: string, to: readonly (string | Recipient)[], body: Body, options?: MessageOptions): Sent;
  /** A member here writes to a group here: others here have it at once, those on the other side in one request. */
  postToGroup(from: string, groupName: string, body: Body, options?: MessageOptions): Sent | undefined;
  /** His client fetched the message, or rejected it: a report goes to the sender. For a client that `waits`. */
  report(user: string, message: ReceivedMessage, result: 'Fetched' | 'Rejected'): Sent;
  /** An invitation with all that such a one may name. */
  invite(from: string, invitation: InvitationOptions): Sent;
  /** Not well formed: is refused, and tried again and again. */
  cancelInvite(from: string, invitation: InvitationOptions): Sent;
}

const contentOf = (body: Body, contentType: string | undefined): Content =>
  typeof body === 'string' ? textContent(body, contentType) : binaryContent(body.octets, body.contentType);

function newMessageId(peer: Peer): string {
  return (peer.state.nextMessage++).toString(16) + randomBytes(16).toString('hex');
}

function sendMessage(
  peer: Peer,
  from: User,
  to: readonly (string | Recipient)[],
  body: Body,
  options: MessageOptions,
): Sent {
  const { base64, ...content } = contentOf(body, options.contentType);
  const { validity = 600 } = options;
  const messageId = newMessageId(peer);
  const message = {
    ...content,
    messageId,
    validity,
    recipients: to.map((one) => (typeof one === 'string' ? { userId: one } : one)),
    sender: { userId: from.address },
    sentAt: new Date(),
  };
  const actor = { domain: peer.settings.domain, userId: from.address };
  return send(peer, {
    queue: 'messages',
    primitive: 'SendMessageRequest',
    content: sendMessageRequest(actor, options.report ?? false, message, base64),
    messageId,
    lifeMs: validity * 1000,
  });
}

function postToGroup(
  peer: Peer,
  from: User,
  groupName: string,
  body: Body,
  { validity = 600, contentType }: MessageOptions,
): Sent | undefined {
  const { domain } = peer.settings;
  const group = peer.groupOf(groupName);
  const author = group.members.find((member) => member.address === withoutPrefix(from.address));
  if (author === undefined) throw new Error(`${from.name} is not in ${group.id}`);
  const { base64, ...content } = contentOf(body, contentType);
  const message = {
    ...content,
    messageId: newMessageId(peer),
    validity,
    recipients: group.members.filter((one) => !one.local).map((one) => ({ userId: one.address })),
    sender: { groupId: group.id, screenName: author.screenName },
    sentAt: new Date(),
  };
  const others = group.members.filter((one) => one.local && one !== author);
  for (const { address } of others) {
    findUser(peer.state.world, address)?.messages.push(
      receivedHere(message, group.id, author.screenName, base64),
    );
  }
  if (message.recipients.length === 0) return undefined;
  return send(peer, {
    queue: 'messages',
    primitive: 'SendMessageRequest',
    content: sendMessageRequest({ domain }, false, message, base64),
    messageId: message.messageId,
    lifeMs: validity * 1000,
  });
}

/** A message that never was on the wire. */
function receivedHere(
  message: { readonly messageId: string; readonly contentType: string },
  groupId: string,
  screenName: string,
  base64: string,
): ReceivedMessage {
  const content = Buffer.from(base64, 'base64');
  const { messageId, contentType } = message;
  const sent = { messageId, contentType, sender: groupId, groupId, screenName, content };
  return {
    ...sent,
    text: content.toString(),
    transactionId: '',
    wantsReport: false,
    info: {},
    dateTime: undefined,
  };
}

/** All that is done with messages and invitations. */
export function messageActs(peer: Peer): MessageActs {
  const whole = (from: User, { validity = 600, note = '', ...rest }: InvitationOptions): Invitation => ({
    ...rest,
    validity,
    note,
    inviting: from.address,
    clientId: from.clientId,
  });
  const invitation = (primitive: string, write: typeof inviteRequest) => {
    return (from: string, options: InvitationOptions): Sent => {
      const user = peer.userOf(from);
      const content = write(peer.actor(user), whole(user, options));
      return send(peer, { queue: 'invitations', primitive, content });
    };
  };
  return {
    sendMessage: (from, to, body, options = {}) => sendMessage(peer, peer.userOf(from), to, body, options),
    postToGroup: (from, group, body, options = {}) =>
      postToGroup(peer, peer.userOf(from), group, body, options),
    report: (user, message, result) => report(peer, peer.userOf(user), message, result),
    invite: invitation('InviteRequest', inviteRequest),
    cancelInvite: invitation('CancelInviteRequest', cancelInviteRequest),
  };
}
