// The inviter's home (csp-transactions 2.2, 2.3): invites, cancels, and believes an answer only if it was asked for.

import type { Clock, IdSource, Log } from '../../ops/ports.ts';
import { trusted, type ClientId, type MessageId, type ServiceAddress } from '../../wv/ids.ts';
import { partyKey, type Party } from '../../wv/message.ts';
import { status, type InviteRequest, type InviteResponse, type Status } from '../../wv/primitives.ts';
import { combine, isSuccess, OK, result, type DetailedResult, type Result } from '../../wv/status.ts';
import type { SentInvitation, Store } from '../../store/store.ts';
import type { GroupQueries } from '../group-queries.ts';
import type { Home, Homes } from '../home.ts';
import type { Messaging } from '../messaging.ts';
import type { Outgoing } from '../outgoing.ts';
import {
  about,
  checkDraft,
  checkWords,
  INVITE_TYPES,
  lifetime,
  sameInvitation,
  uniqueParties,
  type InvitationLimits,
  type InviteDraft,
} from './rules.ts';

/** What a client wants to take back. */
export interface Cancellation {
  readonly inviteId: string;
  /** undefined = everybody who has not answered. */
  readonly recipients: readonly Party[] | undefined;
  readonly unresolved: readonly DetailedResult[];
  readonly urls?: readonly string[];
  readonly note?: string;
}

/** The invited user's home could not be asked: the invitation stands, the inviter may try again. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 500, 503, 504]);

/** How long the same answer again is recognised. */
const ANSWERED_KEPT_MS = 3_600_000;

export interface InvitingDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly messaging: Messaging;
  readonly groups: GroupQueries;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly service: ServiceAddress;
  readonly limits: InvitationLimits;
}

export class Inviting {
  private readonly deps: InvitingDependencies;

  constructor(deps: InvitingDependencies) {
    this.deps = deps;
  }

  /**
   * Resolves when the home of each recipient took or refused the invitation. The same invitation under the same
   * InviteID reaches who has it open only once; another one takes its place.
   */
  async invite(home: Home, clientId: ClientId, draft: InviteDraft): Promise<Result> {
    const refusal =
      checkDraft(draft, this.deps.limits) ??
      (await this.checkScreenName(home, clientId, draft)) ??
      (await this.checkGroup(home, clientId, draft));
    if (refusal !== undefined) return refusal;
    const parties = uniqueParties(draft.recipients);
    const before = await this.open(home, draft.inviteId);
    const invitations = parties.map((party) => this.invitation(home, clientId, draft, party, before));
    const sent = await this.deps.store.countSentInvitations(home.address);
    const more = invitations.length - before.filter((each) => isAmong(each, invitations)).length;
    if (sent + more > this.deps.limits.open) {
      return result(507, `More than ${this.deps.limits.open} open invitations`);
    }
    await this.deps.store.putSentInvitations(invitations);
    const outcomes = await Promise.all(
      invitations.map((invitation) => this.ask(invitation, before.some(sameAnswer(invitation)))),
    );
    const failures = outcomes.flatMap((outcome) => outcome ?? []);
    return combine(invitations.length - failures.length, [...draft.unresolved, ...failures]);
  }

  private async checkScreenName(home: Home, clientId: ClientId, { screenName }: InviteDraft) {
    if (screenName === undefined) return undefined;
    const own = await this.deps.groups.isOwnName({ user: home.address, clientId }, screenName);
    return isSuccess(own) ? undefined : own;
  }

  /** A gateway that cannot tell whether there is such a group is not in the way. */
  private async checkGroup(home: Home, clientId: ClientId, { group }: InviteDraft) {
    if (group === undefined) return undefined;
    const { code } = await this.deps.groups.exists({ user: home.address, clientId }, group);
    return code === 800 || code === 516 ? { code, details: [{ code, groups: [group] }] } : undefined;
  }

  private async open(home: Home, inviteId: string): Promise<readonly SentInvitation[]> {
    const now = this.deps.clock.now();
    const sent = await this.deps.store.sentInvitations(home.address, inviteId);
    return sent.filter(({ state, expiresAt }) => state === 'open' && expiresAt > now);
  }

  private invitation(
    home: Home,
    clientId: ClientId,
    draft: InviteDraft,
    invited: Party,
    before: readonly SentInvitation[],
  ): SentInvitation {
    const { inviteId, type, screenName, group, applicationId, attributes, urls, note } = draft;
    const life = lifetime(draft.validity, this.deps.limits);
    const request: InviteRequest = {
      primitive: 'InviteRequest',
      meta: { service: this.deps.service, user: home.address, clientId },
      inviteId,
      inviteType: type,
      inviting: { kind: 'user', user: home.address, clientId },
      invited,
      ...(screenName === undefined ? {} : { screenName }),
      ...(group === undefined ? {} : { group }),
      ...(applicationId === undefined ? {} : { applicationId }),
      ...(attributes === undefined ? {} : { attributes }),
      ...(urls === undefined ? {} : { urls }),
      ...(note === undefined ? {} : { note }),
      validity: life / 1000,
    };
    const key = partyKey(invited);
    const known = before.find((each) => partyKey(each.request.invited) === key);
    const repeated = known !== undefined && sameInvitation(known.request, request);
    return {
      inviter: home.address,
      request,
      answerId: repeated ? known.answerId : trusted<MessageId>(this.deps.ids.random(15)),
      state: 'open',
      expiresAt: this.deps.clock.now() + life,
    };
  }

  /** Asks one party; what failed is no open invitation, unless it was one before and could only not be repeated now. */
  private async ask(
    { inviter, request, answerId }: SentInvitation,
    repeated: boolean,
  ): Promise<DetailedResult | undefined> {
    const { code, description } = (await this.deps.outgoing.request(request)).result;
    if (isSuccess({ code })) return undefined;
    if (!repeated || !NOT_NOW.has(code)) await this.deps.store.deleteSentInvitation(inviter, answerId);
    return about(code, request.invited, description);
  }

  /** Takes an invitation back from those who have not answered. 423 = nobody like that. */
  async cancel(home: Home, clientId: ClientId, cancellation: Cancellation): Promise<Result> {
    const refusal = checkWords(cancellation);
    if (refusal !== undefined) return refusal;
    const open = await this.open(home, cancellation.inviteId);
    if (open.length === 0) return result(423);
    const { recipients, unresolved } = cancellation;
    const wanted = new Map(recipients?.map((party) => [partyKey(party), party] as const));
    const chosen = open.filter(
      ({ request }) => recipients === undefined || wanted.delete(partyKey(request.invited)),
    );
    const failures: DetailedResult[] = [...wanted.values()].map((party) => about(423, party));
    const outcomes = await Promise.all(
      chosen.map((invitation) => this.callOff(invitation, clientId, cancellation)),
    );
    const refused = outcomes.flatMap((outcome) => outcome ?? []);
    return combine(chosen.length - refused.length, [...unresolved, ...failures, ...refused]);
  }

  private async callOff(
    { inviter, request, answerId }: SentInvitation,
    clientId: ClientId,
    { urls, note }: Cancellation,
  ): Promise<DetailedResult | undefined> {
    const { screenName } = request;
    const answer = await this.deps.outgoing.request({
      primitive: 'CancelInviteRequest',
      meta: { service: this.deps.service, user: inviter, clientId },
      inviteId: request.inviteId,
      canceling: { kind: 'user', user: inviter, clientId },
      canceled: request.invited,
      ...(screenName === undefined ? {} : { screenName }),
      ...(urls === undefined ? {} : { urls }),
      ...(note === undefined ? {} : { note }),
    });
    const { code, description } = answer.result;
    if (!NOT_NOW.has(code)) await this.deps.store.deleteSentInvitation(inviter, answerId);
    return isSuccess({ code }) ? undefined : about(code, request.invited, description);
  }

  /**
   * An invited party answered. 423 = was not invited, has answered otherwise, or too late. The same answer again is
   * fine and reaches the inviter once: its sender may not have seen ours.
   */
  async answered(response: InviteResponse): Promise<Status> {
    const { inviting, responding, inviteId, accepted } = response;
    const refusal = checkWords(response);
    if (refusal !== undefined) return status(refusal);
    const home = inviting.kind === 'user' ? await this.deps.homes.get(inviting.user) : undefined;
    if (home === undefined) return status(result(531));
    const key = partyKey(responding);
    const asked = (await this.open(home, inviteId)).find(({ request }) => partyKey(request.invited) === key);
    const admission = asked === undefined || !accepted ? OK : await this.admit(asked.request, response);
    if (!isSuccess(admission)) return status(admission);
    const state = accepted ? 'accepted' : 'refused';
    const now = this.deps.clock.now();
    const sent = await this.deps.store.answerSentInvitation(home.address, inviteId, key, {
      state,
      now,
      keepUntil: now + ANSWERED_KEPT_MS,
    });
    if (sent?.state !== state) return status(result(423));
    const until = now + this.deps.limits.defaultValidity * 1000;
    return status(await this.deps.messaging.notify(home.address, sent.answerId, until, response));
  }

  /** Membership was offered and accepted: the group's home adds the member, in the name of the inviter. */
  private async admit(request: InviteRequest, { responding, meta }: InviteResponse): Promise<Result> {
    const { inviteType, group } = request;
    if (INVITE_TYPES[inviteType].admits !== true || group === undefined) return OK;
    const member = responding.kind === 'user' ? responding.user : meta.user;
    if (member === undefined) return result(531);
    const answer = await this.deps.outgoing.request({
      primitive: 'AddGroupMemberRequest',
      meta: request.meta,
      group,
      users: [member],
    });
    if (!isSuccess(answer.result)) {
      this.deps.log.warn({ group, code: answer.result.code }, 'invited user could not become a member');
    }
    return answer.result;
  }
}

/** An invitation keeps its answer's id when it is repeated. */
function sameAnswer({ answerId }: SentInvitation): (other: SentInvitation) => boolean {
  return (other) => other.answerId === answerId;
}

function isAmong({ request }: SentInvitation, others: readonly SentInvitation[]): boolean {
  const key = partyKey(request.invited);
  return others.some((other) => partyKey(other.request.invited) === key);
}
