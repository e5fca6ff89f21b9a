// Which groups a session has joined: entered before the group's home is asked, so that whatever happens meanwhile the
// session knows that it may have to leave again (csp-transactions section 8).

import { domainOf, serviceAddress } from '../../wv/address.ts';
import type { GroupAddress } from '../../wv/ids.ts';
import { status, type ResponsePrimitive, type Status } from '../../wv/primitives.ts';
import { isSuccess, result, type Result } from '../../wv/status.ts';
import type { GroupDepartures } from '../../services/group-departures.ts';
import type { Participant } from '../../services/group-membership.ts';
import type { GroupDraft } from '../../services/groups/creating.ts';
import { CspSession } from './session.ts';
import type { CspServices } from './transaction.ts';

/** Codes of a home that was not reached, or whose answer was not: it may have done what it was asked. */
const UNANSWERED: ReadonlySet<number> = new Set([408, 500, 503, 504]);

/** The client as the home of a group knows it. */
export function participant({ home, clientId }: CspSession): Participant {
  return { user: home.address, clientId };
}

/**
 * Runs what makes the session a participant, with the group on record before. 814 when it is in too many. News of the
 * group from before are obsolete afterwards, unless it failed.
 */
export async function entering<T extends { readonly result: Result }>(
  services: CspServices,
  session: CspSession,
  group: GroupAddress,
  subscribed: boolean,
  work: () => Promise<T>,
): Promise<T | Status> {
  const before = session.groups.get(group);
  if (before === undefined && session.groups.size >= services.settings.maxJoinedGroups) {
    return status(result(814, 'Too many groups joined at once'));
  }
  const news = session.outbound.takeNews(group);
  let entered = false;
  let answer: T;
  session.entering.add(group);
  try {
    session.groups.set(group, { ...before, subscribed });
    await services.sessions.save(session);
    answer = await work();
    entered = isSuccess(answer.result);
  } finally {
    session.entering.delete(group);
    if (entered) session.putOut.delete(group);
    // Again: a join at the same time may have failed and have taken it off the record.
    if (entered) session.groups.set(group, { ...before, subscribed });
    else if (before === undefined) session.groups.delete(group);
    else session.groups.set(group, before);
    if (!entered) {
      for (const piece of news) session.outbound.giveBack({ kind: 'news', news: piece });
      await services.sessions.save(session);
    }
    session.groupsChanged();
    if (entered) await leaveIfEnded(services, session);
  }
  const inDoubt = UNANSWERED.has(answer.result.code) && before === undefined;
  if (inDoubt) await services.departures.withdraw(participant(session), group);
  return answer;
}

/** The session ended while it was joining, too early for its end to see that: it leaves now. */
async function leaveIfEnded(services: CspServices, session: CspSession): Promise<void> {
  if (services.sessions.find(session.id) === session) return;
  await leaveAll(services.departures, session);
}

/** Makes a group of the session's user; where the draft says so, the session is in it from the start. */
export async function create(services: CspServices, session: CspSession, draft: GroupDraft): Promise<Result> {
  const work = async () => ({ result: await services.groups.create(session.home, session.clientId, draft) });
  const answer = draft.join
    ? await entering(services, session, draft.group, draft.subscribe, work)
    : await work();
  return answer.result;
}

/** Codes after which the client is not in the group, whoever took it out. */
const OUTSIDE: ReadonlySet<number> = new Set([800, 808]);

/** The client's own wish to leave. */
export async function leaving(
  services: CspServices,
  session: CspSession,
  group: GroupAddress,
): Promise<ResponsePrimitive> {
  const answer = await services.membership.ask(participant(session), {
    primitive: 'LeaveGroupRequest',
    group,
  });
  if (isSuccess(answer.result) || OUTSIDE.has(answer.result.code)) {
    session.outbound.takeNews(group);
    const knew = session.putOut.delete(group);
    if (session.groups.delete(group) || knew) await services.sessions.save(session);
    session.groupsChanged();
  }
  return answer;
}

/**
 * The session ended: it leaves what it joined, unless a newer session of the same client is in there already.
 * Resolves when every home was told, or it is on disk that it has to be.
 */
export async function leaveAll(departures: GroupDepartures, session: CspSession): Promise<void> {
  const newer = [...session.home.clients].find(
    (client): client is CspSession => client instanceof CspSession && client.clientId === session.clientId,
  );
  const groups = [...session.groups.keys()].filter((group) => newer?.groups.has(group) !== true);
  await departures.leave(participant(session), groups);
  session.groups.clear();
  session.groupsChanged();
}

/** Whether the next poll of the client has something to find out; see settleGroups. */
export function isUnsettled({ groupsInDoubt, autoJoined }: CspSession): boolean {
  return groupsInDoubt || !autoJoined;
}

/** What a poll finds out about groups before it is answered. */
export async function settleGroups(services: CspServices, session: CspSession): Promise<void> {
  if (session.groupsInDoubt) await recheck(services, session);
  await autoJoin(services, session);
}

/**
 * A group may have put the client out shortly before a restart, when nobody was left to tell it. So the first poll
 * after one asks the groups of this server; what the client then hears is what it would have heard.
 */
async function recheck(services: CspServices, session: CspSession): Promise<void> {
  session.groupsInDoubt = false;
  const meta = { service: serviceAddress(services.homes.domain) };
  const { user } = participant(session);
  for (const group of session.groups.keys()) {
    if (domainOf(group) !== services.homes.domain) continue;
    const { result: outcome } = await services.membership.ask(participant(session), {
      primitive: 'GetGroupSubStatusRequest',
      group,
    });
    if (!OUTSIDE.has(outcome.code) || session.entering.has(group)) continue;
    const reason = result(outcome.code === 800 ? 800 : 809);
    session.groupNews({ primitive: 'LeaveGroupIndication', meta, group, users: [user], result: reason });
  }
}

/**
 * Joins the groups whose AutoJoin property says so, once a session. The client learns it by the notices of these
 * groups, which name himself. A failure costs the client nothing but these groups, and so does a limit: no session is
 * in more groups than one may join.
 */
export async function autoJoin(services: CspServices, session: CspSession): Promise<void> {
  if (session.autoJoined) return;
  session.autoJoined = true;
  session.autoJoining = true;
  const { user, clientId } = participant(session);
  try {
    const room = services.settings.maxJoinedGroups - session.groups.size;
    for (const { group } of await services.groups.autoJoin(user, clientId, room)) {
      session.groups.set(group, { ...session.groups.get(group), subscribed: true });
    }
    await leaveIfEnded(services, session);
    await services.sessions.save(session);
    session.groupsChanged();
  } catch (error) {
    services.log.error({ err: error, user }, 'groups could not be joined by themselves');
  } finally {
    session.autoJoining = false;
  }
}
