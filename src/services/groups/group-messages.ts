// Messages to a group and whispers to one screen name in it (csp-transactions section 8; ssp 6.5). The group's home
// makes the copies: their sender is a screen name, so that nobody learns who is behind it.

import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { domainOf } from '../../wv/address.ts';
import { trusted, type ClientId, type GroupAddress, type MessageId, type UserAddress } from '../../wv/ids.ts';
import type { Message, Party } from '../../wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../../wv/primitives.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../../wv/status.ts';
import { takeOut } from './changing.ts';
import { isNamedAndBlocked } from '../access-control.ts';
import type { GroupContext } from './context.ts';
import type { GroupHome } from './group-home.ts';
import { chunksByDomain } from './notices.ts';
import { groupFlag } from './properties.ts';

type GroupParty = Party & { readonly kind: 'group' };

/** Messages of one group that may wait for their turn; 503 beyond. */
const MAX_WAITING = 500;
/** Answers of a destination that mean that the sender should try again. */
const NOT_NOW: ReadonlySet<number> = new Set([500, 503, 504]);

/** Hands a message to the groups it is for. Resolves when all copies are on disk. */
export async function receive(
  context: GroupContext,
  request: SendMessageRequest,
): Promise<SendMessageResponse> {
  const { message } = request;
  const failures: DetailedResult[] = [];
  let reached = 0;
  for (const party of message.recipients) {
    if (party.kind === 'user') {
      failures.push({ code: 531, users: [party.user] });
      continue;
    }
    const outcome = await toGroup(context, request, party);
    if (isSuccess(outcome)) reached++;
    else failures.push({ ...withoutDetails(outcome), groups: [party.group] });
  }
  return { primitive: 'SendMessageResponse', messageId: message.id, result: combine(reached, failures) };
}

function withoutDetails({ code, description }: Result): DetailedResult {
  return description === undefined ? { code } : { code, description };
}

async function toGroup(
  context: GroupContext,
  request: SendMessageRequest,
  party: GroupParty,
): Promise<Result> {
  const home = await context.groups.get(party.group);
  if (home === undefined) return result(800);
  const { sender } = request.message;
  // A group never writes to a group: that would be a loop.
  if (sender.kind !== 'user') return result(403);
  const screenName = nameOfSender(home, sender.user, sender.clientId);
  if (screenName === undefined) return result(808);
  if (home.messagesWaiting >= MAX_WAITING) return result(503);
  const outcome = await inTurn(home, async () => {
    const recipients =
      party.screenName === undefined
        ? everybodyBut(home, sender.user)
        : await whispered(context, home, party, sender.user);
    return 'code' in recipients ? recipients : giveOut(context, home, request, { screenName, ...recipients });
  });
  if (isSuccess(outcome) && request.deliveryReport) await report(context, request, party, sender.user);
  return outcome;
}

/** The screen name of the client that writes; where only another client of the user is joined, of that one. */
function nameOfSender(
  home: GroupHome,
  user: UserAddress,
  clientId: ClientId | undefined,
): string | undefined {
  return (home.joinedAs(user, clientId)[0] ?? home.joinedAs(user)[0])?.screenName;
}

interface Recipients {
  readonly users: readonly UserAddress[];
  readonly addressedTo: GroupParty;
}

function everybodyBut(home: GroupHome, sender: UserAddress): Recipients {
  return {
    users: [...home.joinedUsers()].filter((user) => user !== sender),
    addressedTo: { kind: 'group', group: home.address },
  };
}

/**
 * 812 and 813 where private messages are not wanted, 410 for nobody of that name. Only here it is known who whispers,
 * so his being blocked is looked at here; it looks like 813, for 532 would tell who is behind the name.
 */
async function whispered(
  { homes }: GroupContext,
  home: GroupHome,
  { screenName = '' }: GroupParty,
  sender: UserAddress,
): Promise<Recipients | Result> {
  if (!groupFlag(home.profile, 'PrivateMessaging')) return result(812);
  const bearer = home.bearerOf(screenName);
  if (bearer === undefined) return result(410, 'Unknown screen name');
  if (!home.settingsOf(bearer.user).privateMessaging) return result(813);
  const recipient = domainOf(bearer.user) === homes.domain ? await homes.get(bearer.user) : undefined;
  if (recipient !== undefined && isNamedAndBlocked(recipient, sender)) return result(813);
  return {
    users: [bearer.user],
    addressedTo: { kind: 'group', group: home.address, screenName: bearer.screenName },
  };
}

/** One message after another, so that everybody sees them in the same order. */
async function inTurn(home: GroupHome, task: () => Promise<Result> | Result): Promise<Result> {
  home.messagesWaiting++;
  // Whoever waits here does not depend on how the message before fared.
  const turn = home.lastMessage.then(task, task);
  home.lastMessage = turn;
  try {
    return await turn;
  } finally {
    home.messagesWaiting--;
  }
}

async function giveOut(
  context: GroupContext,
  home: GroupHome,
  request: SendMessageRequest,
  { screenName, users, addressedTo }: Recipients & { readonly screenName: string },
): Promise<Result> {
  if (home.gone) return result(800);
  const { message } = request;
  const copy: Message = {
    ...message,
    id: copyId(message.id, addressedTo),
    sender: { kind: 'group', group: home.address, screenName },
    recipients: [addressedTo],
  };
  const hasHistory = addressedTo.screenName === undefined && groupFlag(home.profile, 'History');
  const staysHere = hasHistory || users.some((user) => domainOf(user) === context.homes.domain);
  // Once for all copies. Other networks get the octets: what is stored is stored for this server.
  const kept = staysHere ? await keep(context, copy) : copy;
  if ('code' in kept) return kept;
  if (hasHistory) await context.store.addGroupHistory(home.address, kept, context.limits.history);
  const repeatable = request.repeatable === true || domainOf(request.meta.service) !== context.homes.domain;
  let trouble: Result | undefined;
  for (const [domain, chunk] of chunksByDomain(users)) {
    const recipients = chunk.map((user): Party => ({ kind: 'user', user }));
    const { result: outcome } = await context.outgoing.request({
      primitive: 'SendMessageRequest',
      meta: { service: context.service },
      deliveryReport: false,
      message: { ...(domain === context.homes.domain ? kept : copy), recipients, addressedTo },
      repeatable,
    });
    if (NOT_NOW.has(outcome.code)) trouble = outcome;
    else if (!isSuccess(outcome) || outcome.details !== undefined) await notTaken(context, home, outcome);
    await breathe();
  }
  // Who has his copy already will not get it twice when the sender tries again.
  return trouble === undefined ? OK : withoutDetails(trouble);
}

/** The message as it waits here; 415, 503 or 507 when its attachment cannot. */
async function keep({ attachments }: GroupContext, message: Message): Promise<Message | Result> {
  return (await attachments?.keep(message)) ?? message;
}

/**
 * A message may reach a user on several ways (two groups, and by himself): each copy has its own id, and the same
 * one when the message comes again.
 */
function copyId(id: MessageId, { group, screenName = '' }: GroupParty): MessageId {
  const digest = createHash('sha256').update(`${id}\n${group}\n${screenName}`).digest('base64url');
  return trusted<MessageId>(digest.slice(0, 24));
}

/** Who could not take his copy is nobody's business but the operator's; users that are no more leave the group. */
async function notTaken(context: GroupContext, home: GroupHome, outcome: Result): Promise<void> {
  context.log.debug({ group: home.address, code: outcome.code }, 'copies of a group message not taken');
  const unknown = (outcome.details ?? []).flatMap(({ code, users = [] }) => (code === 531 ? users : []));
  const clients = unknown.flatMap((user) => home.joinedAs(user));
  if (clients.length > 0) await takeOut(context, home, clients, { removedPeople: unknown });
}

/** One report from the group, however many are in it. */
async function report(
  context: GroupContext,
  request: SendMessageRequest,
  recipient: GroupParty,
  sender: UserAddress,
): Promise<void> {
  const { result: outcome } = await context.outgoing.request({
    primitive: 'DeliveryStatusReport',
    meta: { service: context.service },
    messageId: request.message.id,
    sender,
    recipient,
    outcome: OK,
    deliveredAt: context.clock.now(),
  });
  if (isSuccess(outcome)) return;
  context.log.warn({ messageId: request.message.id, code: outcome.code }, 'delivery report not taken');
}

export interface GroupHistory {
  /** 800, 808 neither joined nor member, 821 the group keeps none. */
  readonly result: Result;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

export async function history(
  { groups, store, limits }: GroupContext,
  user: UserAddress,
  group: GroupAddress,
  count: number,
): Promise<GroupHistory> {
  const home = await groups.get(group);
  const refused = home === undefined ? result(800) : historyRefusal(home, user);
  if (refused !== undefined) return { result: refused, messages: [] };
  const messages = await store.groupHistory(group, Math.max(0, Math.min(count, limits.history)));
  return { result: OK, messages };
}

function historyRefusal(home: GroupHome, user: UserAddress): Result | undefined {
  if (!home.isInside(user)) return result(808);
  return groupFlag(home.profile, 'History') ? undefined : result(821);
}
