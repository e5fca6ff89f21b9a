// Invitations between a client and the server (csp-transactions 2.2, 2.3).

import { isAddressError, parseGroup, parseUser } from '../../../wv/address.ts';
import type { Domain } from '../../../wv/ids.ts';
import type { Party, ScreenName } from '../../../wv/message.ts';
import { result, type DetailedResult, type Result } from '../../../wv/status.ts';
import { isInviteType, type InviteDraft } from '../../../services/invitations/rules.ts';
import { statusElement, statusOf } from '../answers.ts';
import type { Body } from '../codec/binding.ts';
import { confirmed } from '../confirm.ts';
import { recipientsOf } from '../message-info.ts';
import { readPresenceSubList } from '../presence-sublist.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

/** Types that a version has no word for. */
const ONLY_1_3: ReadonlySet<string> = new Set(['AP', 'EC', 'EG']);

const invite = inSession(
  'Invite-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const draft = readDraft(exchange, body);
    if ('code' in draft) return statusElement(draft, version);
    const outcome = await services.inviting.invite(session.home, session.clientId, draft);
    return statusElement(outcome, version);
  },
  'INVIT',
);

function readDraft(exchange: SessionExchange, body: Body<'Invite-Request'>): InviteDraft | Result {
  const { services, session, version } = exchange;
  const { domain } = services.homes;
  const type = body.InviteType.toUpperCase();
  if (!isInviteType(type) || (ONLY_1_3.has(type) && version !== '1.3')) return result(402, 'InviteType');
  const stranger = checkSender(exchange, body.Sender, body.ApplicationID);
  if (stranger !== undefined) return stranger;
  const group = readGroup(body.GroupID, domain);
  if (isAddressError(group)) return result(901, group.reason);
  const screenName = readScreenName(body.ScreenName ?? body.Sender?.Group?.ScreenName, domain);
  if (screenName !== undefined && 'code' in screenName) return screenName;
  const { parties, failures } = recipientsOf(session.home, body.Recipient, domain);
  return {
    inviteId: body.InviteID,
    type,
    recipients: parties,
    unresolved: failures,
    ...(screenName === undefined ? {} : { screenName }),
    ...(group === undefined ? {} : { group }),
    ...readOffer(body),
  };
}

/** What is offered; empty elements count as absent. */
function readOffer(body: Body<'Invite-Request'>): Partial<InviteDraft> {
  const attributes =
    body.PresenceSubList === undefined ? [] : readPresenceSubList(body.PresenceSubList).requested;
  const urls = readUrls(body.URLList);
  const { ApplicationID = '', InviteNote = '', Validity } = body;
  return {
    ...(ApplicationID === '' ? {} : { applicationId: ApplicationID }),
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(urls.length === 0 ? {} : { urls }),
    ...(InviteNote === '' ? {} : { note: InviteNote }),
    ...(Validity === undefined ? {} : { validity: Validity }),
  };
}

function readUrls(list: Body<'URLList'> | undefined): readonly string[] {
  return (list?.URL ?? []).filter((url) => url !== '');
}

function readGroup(text: string | undefined, domain: Domain) {
  return text === undefined || text === '' ? undefined : parseGroup(text, domain);
}

/** 429 without its group; one without a name is none. */
function readScreenName(
  body: Body<'ScreenName'> | undefined,
  domain: Domain,
): ScreenName | Result | undefined {
  const name = body?.SName ?? '';
  if (name === '') return undefined;
  const group = readGroup(body?.GroupID, domain);
  if (group === undefined) return result(429);
  return isAddressError(group) ? result(901, group.reason) : { name, group };
}

/**
 * 1.3 names the sender: it must be the session's user (427) and client (428), and for an application the application
 * invited to (450). A sender that is only a screen name is checked as such.
 */
function checkSender(
  { services, session }: SessionExchange,
  sender: Body<'Sender'> | undefined,
  application: string | undefined,
): Result | undefined {
  const { UserID = '', ClientID, ApplicationID } = sender?.User ?? {};
  if (UserID !== '') {
    const user = parseUser(UserID, services.homes.domain);
    if (isAddressError(user) || user !== session.home.address) return result(427);
  }
  const client = ClientID?.URL ?? ClientID?.MSISDN;
  if (client !== undefined && client !== '' && client !== session.clientId) return result(428);
  const mismatch = application !== undefined && ApplicationID !== undefined && ApplicationID !== application;
  return mismatch ? result(450) : undefined;
}

const cancelInvite = inSession(
  'CancelInvite-Request',
  async (exchange, body) => {
    const { services, session, version } = exchange;
    const stranger = checkSender(exchange, body.Sender, body.ApplicationID);
    if (stranger !== undefined) return statusElement(stranger, version);
    const { parties, failures } = recipientsOf(session.home, body.Recipient, services.homes.domain);
    // 1.1 requires the element: an empty one is as good as none, which means everybody (1.2).
    const everybody = parties.length + failures.length === 0 && !namesAnybody(body.Recipient);
    const urls = readUrls(body.URLList);
    const outcome = await services.inviting.cancel(session.home, session.clientId, {
      inviteId: body.InviteID,
      recipients: everybody ? undefined : parties,
      unresolved: failures,
      ...(urls.length === 0 ? {} : { urls }),
      ...(body.InviteNote === undefined || body.InviteNote === '' ? {} : { note: body.InviteNote }),
    });
    return statusElement(outcome, version);
  },
  'CAINV',
);

function namesAnybody(recipient: Body<'Recipient'> | undefined): boolean {
  const { User = [], Group = [], ContactList = [] } = recipient ?? {};
  return User.length + Group.length + ContactList.length > 0;
}

/** What the invited user says. In either mode: Nokia answers in a transaction of its own, as the examples do. */
const answerInvitation = inSession('InviteUser-Response', async (exchange, body) => {
  const { services, session, version, transaction } = exchange;
  const outbound = session.outbound.confirmed(transaction.id);
  if (outbound !== undefined) await confirmed(services, session, outbound);
  const inviter = readInviter(exchange, body);
  if (inviter === 'malformed') return statusOf(427, version);
  const note = body.ResponseNote ?? body.InviteNote ?? '';
  const outcome = await services.invited.answer(session.home, session.clientId, {
    inviteId: body.InviteID,
    accepted: body.Acceptance,
    ...(note === '' ? {} : { note }),
    ...(inviter === undefined ? {} : { inviter }),
  });
  return statusElement(outcome, version);
});

/**
 * Who invited, if the answer tells. The sources do not agree on whom Sender names: the specification's example the
 * inviter, other servers the one who answers; COMPAT(aosp): a bare User. So the answering user's own address says
 * nothing, and any other one is the inviter. 1.3 has him in Recipient.
 */
function readInviter(
  { services, session }: SessionExchange,
  body: Body<'InviteUser-Response'>,
): Party | 'malformed' | undefined {
  const { domain } = services.homes;
  const failures: DetailedResult[] = [];
  const named = [
    ...recipientsOf(session.home, body.Recipient, domain).parties,
    ...[body.Sender?.User ?? body.User].flatMap((user) => readUser(user, domain, failures)),
    ...readSenderGroup(body.Sender?.Group, domain),
  ];
  if (failures.length > 0) return 'malformed';
  return named.find((party) => party.kind === 'group' || party.user !== session.home.address);
}

function readUser(user: Body<'User'> | undefined, domain: Domain, failures: DetailedResult[]): Party[] {
  if (user === undefined || user.UserID === '') return [];
  const address = parseUser(user.UserID, domain);
  if (!isAddressError(address)) return [{ kind: 'user', user: address }];
  failures.push({ code: 901 });
  return [];
}

function readSenderGroup(group: Body<'Group'> | undefined, domain: Domain): Party[] {
  const screenName = readScreenName(group?.ScreenName, domain);
  if (screenName === undefined || 'code' in screenName) return [];
  return [{ kind: 'group', group: screenName.group, screenName: screenName.name }];
}

export const invitationTransactions: Handlers = {
  'Invite-Request': invite,
  'CancelInvite-Request': cancelInvite,
  'InviteUser-Response': answerInvitation,
};
