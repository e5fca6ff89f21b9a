// Messages, reports and invitations from the other side.

import { randomBytes } from 'node:crypto';
import { report } from './reports.ts';
import type { Serve, Served } from './serve.ts';
import { domainOf, findGroup, findUser, sameAddress, withoutPrefix } from './world.ts';
import type { Group, Member, ReceivedMessage, User, World } from './world.ts';
import { statusElement, type Detail } from './write.ts';
import { sendMessageResponse } from './write-messages.ts';
import { all, at, child, type Xml } from './xml.ts';

export const SERVED_MESSAGES: Readonly<Record<string, Serve>> = {
  SendMessageRequest: serveMessage,
  DeliveryStatusReport: loseReport,
  InviteRequest: (served) => serveInvitation(served, 'invited', 'Inviting', 'Invited', 'InviteNote'),
  CancelInviteRequest: (served) =>
    serveInvitation(served, 'cancelled', 'Canceling', 'Canceled', 'CancelNote'),
  // Never reaches the inviter.
  InviteResponse: () => ({ content: statusElement(200, 'Complete') }),
};

interface Delivery {
  readonly user: User;
  readonly groupId: string | undefined;
}

/** Who gets it, and for whom it cannot be delivered. */
interface Resolved {
  readonly deliveries: readonly Delivery[];
  readonly details: readonly Detail[];
}

const foreign = (domain: string): Detail => ({
  code: 516,
  description: `Forwarding to domain ${domain} is not supported!`,
});

const unknown = (id: string): Detail => ({ code: 427, description: `invalid userid: ${id}` });

function toUser(world: World, address: string): Resolved {
  const domain = domainOf(world, address);
  if (domain !== world.domain) return { deliveries: [], details: [foreign(domain)] };
  const user = findUser(world, address);
  return user === undefined
    ? { deliveries: [], details: [unknown(withoutPrefix(address))] }
    : { deliveries: [{ user, groupId: undefined }], details: [] };
}

/** Members here get it. It relays to no other server, not even to that of the author. */
function toMembers(world: World, group: Group, members: readonly Member[]): Resolved {
  const users = members.filter((one) => one.local).map((one) => findUser(world, one.address));
  const domains = members.filter((one) => !one.local).map((one) => domainOf(world, one.address));
  return {
    deliveries: users.filter((user) => user !== undefined).map((user) => ({ user, groupId: group.id })),
    details: [...new Set(domains)].map(foreign),
  };
}

function toGroup({ peer, requestor = '' }: Served, id: string, screenName: string | undefined): Resolved {
  const { world } = peer.state;
  const group = findGroup(world, id);
  const refused = (code: number, description: string): Resolved => ({
    deliveries: [],
    details: [{ code, description }],
  });
  if (group === undefined) return refused(800, 'Group does not exist');
  if (!group.members.some((member) => sameAddress(member.address, requestor))) {
    return refused(808, 'Not joined');
  }
  if (screenName === undefined) {
    const others = group.members.filter((member) => !sameAddress(member.address, requestor));
    return toMembers(world, group, others);
  }
  const named = group.members.find((member) => member.screenName === screenName);
  return named === undefined
    ? { deliveries: [], details: [unknown(screenName)] }
    : toMembers(world, group, [named]);
}

/** Of several users in one Recipient only the first is served. */
function resolve(served: Served, recipient: Xml): Resolved {
  const first = recipient.children[0];
  const group = first?.attributes['groupID'] ?? '';
  if (first?.name === 'GroupID') return toGroup(served, group, undefined);
  if (first?.name === 'ScreenName') return toGroup(served, group, first.text);
  return toUser(served.peer.state.world, first?.attributes['userID'] ?? '');
}

/** Anything but base64 in `encoding` destroys the content; without it, `&` arrives as `&amp;`. */
function contentOf(data: Xml | undefined): Buffer {
  if (data === undefined) return Buffer.alloc(0);
  if (data.attributes['encoding'] === undefined) return Buffer.from(data.text.replaceAll('&', '&amp;'));
  return Buffer.from(data.text, 'base64');
}

function readMessage({ primitive, transactionId }: Served): ReceivedMessage {
  const info = child(primitive, 'MessageInfo');
  const sender = child(info, 'Sender');
  const group = at(sender, 'GroupID')?.attributes['groupID'];
  const data = child(primitive, 'ContentData');
  const content = contentOf(data);
  return {
    messageId: info?.attributes['messageID'] ?? randomBytes(16).toString('hex'),
    transactionId,
    sender: group ?? at(sender, 'User')?.attributes['userID'] ?? '',
    screenName: at(sender, 'SenderDisplay', 'ScreenName')?.text,
    groupId: group,
    contentType: data?.attributes['contentType'] ?? info?.attributes['contentType'] ?? '',
    content,
    text: content.toString(),
    wantsReport: primitive.attributes['deliveryReport'] === 'Yes',
    info: info?.attributes ?? {},
    dateTime: at(info, 'DateTime')?.text,
  };
}

/** Delivers as often as it is asked to: it knows neither transactions nor messages again. */
function serveMessage(served: Served): ReturnType<Serve> {
  const message = readMessage(served);
  const recipients = all(child(served.primitive, 'MessageInfo'), 'Recipient');
  const resolved = recipients.map((recipient) => resolve(served, recipient));
  const deliveries = resolved.flatMap((one) => one.deliveries);
  const details = resolved.flatMap((one) => one.details);
  const received = deliveries.map(({ user, groupId }) => {
    const mine = { ...message, groupId: groupId ?? message.groupId };
    user.messages.push(mine);
    return { user, message: mine };
  });
  return {
    content: messageAnswer(message.messageId, deliveries.length, details),
    afterwards: () => {
      for (const { user, message: mine } of received) reportAtOnce(served, user, mine);
    },
  };
}

function messageAnswer(messageId: string, delivered: number, details: readonly Detail[]): string {
  if (details.length === 0) return sendMessageResponse(messageId, 200, 'Success', []);
  return delivered === 0
    ? sendMessageResponse('', 900, 'Errors', details)
    : sendMessageResponse(messageId, 201, 'Partial Success', details);
}

function reportAtOnce({ peer }: Served, user: User, message: ReceivedMessage): void {
  if (!message.wantsReport || user.client === 'waits') return;
  report(peer, user, message, user.client === 'rejects' ? 'Rejected' : 'Fetched');
}

/** Taken without an answer, and lost. */
function loseReport({ peer, primitive }: Served): ReturnType<Serve> {
  const about = at(primitive, 'MessageInfo', 'Recipient', 'User')?.attributes['userID'] ?? '';
  findUser(peer.state.world, about)?.lostReports.push(primitive);
  return {};
}

function serveInvitation(
  { peer, primitive }: Served,
  kind: 'invited' | 'cancelled',
  from: string,
  to: string,
  note: string,
): ReturnType<Serve> {
  const invited = at(primitive, to, 'User')?.attributes['userID'] ?? '';
  findUser(peer.state.world, invited)?.invitations.push({
    kind,
    inviteId: primitive.attributes['inviteID'] ?? '',
    type: primitive.attributes['inviteType'],
    inviting: at(primitive, from, 'User')?.attributes['userID'],
    note: child(primitive, note)?.text,
    element: primitive,
  });
  return { content: statusElement(200, 'Complete') };
}
