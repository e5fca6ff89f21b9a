// The home of an invited user (csp-transactions 2.2, 2.3): asks him, and brings his answer to the inviter.

import type { Clock, IdSource } from '../../ops/ports.ts';
import {
  trusted,
  type ClientId,
  type MessageId,
  type ServiceAddress,
  type UserAddress,
} from '../../wv/ids.ts';
import { partyKey, type Party, type ScreenName } from '../../wv/message.ts';
import {
  status,
  type CancelInviteRequest,
  type InviteRequest,
  type ResponsePrimitive,
  type Status,
} from '../../wv/primitives.ts';
import { isSuccess, OK, result, type Result } from '../../wv/status.ts';
import type { ReceivedInvitation, Store } from '../../store/store.ts';
import { isBlocked } from '../access-control.ts';
import type { Home, Homes } from '../home.ts';
import type { Messaging } from '../messaging.ts';
import type { Outgoing } from '../outgoing.ts';
import { checkWords, lifetime, sameInvitation, type InvitationLimits } from './rules.ts';

/** What a client says to an invitation. */
export interface InvitationAnswer {
  readonly inviteId: string;
  readonly accepted: boolean;
  readonly note?: string;
  /** Who invited, if the client says so (1.2): InviteIDs are unique for one inviter only. */
  readonly inviter?: Party;
}

/** Who is behind a screen name: the group service knows. undefined = no such group here, or nobody of that name. */
export type ScreenNameOwner = (screenName: ScreenName) => Promise<UserAddress | undefined>;

export interface InvitedDependencies {
  readonly store: Store;
  readonly homes: Homes;
  readonly messaging: Messaging;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly service: ServiceAddress;
  readonly limits: InvitationLimits;
  readonly ownerOf: ScreenNameOwner;
}

type GroupParty = Party & { readonly kind: 'group' };

export class Invited {
  private readonly deps: InvitedDependencies;

  constructor(deps: InvitedDependencies) {
    this.deps = deps;
  }

  /** Answers when the invitation is on disk. 531, 532, 402, 507; 800 for a screen name that nobody has. */
  async receive(request: InviteRequest): Promise<ResponsePrimitive> {
    const { invited } = request;
    if (invited.kind === 'group') {
      return this.passOn(invited, (user) => ({
        ...request,
        invited: { kind: 'user', user },
        invitedAs: invited,
      }));
    }
    const home = await this.deps.homes.get(invited.user);
    if (home === undefined) return status(result(531));
    return status(
      refuses(home, request.inviting, request) ?? checkWords(request) ?? (await this.keep(home, request)),
    );
  }

  /** A party of a group here is some user, perhaps of another domain: the relay finds him. */
  private async passOn(
    { group, screenName }: GroupParty,
    build: (user: UserAddress) => InviteRequest | CancelInviteRequest,
  ): Promise<ResponsePrimitive> {
    if (screenName === undefined) return status(result(402, 'A whole group cannot be invited'));
    const user = await this.deps.ownerOf({ name: screenName, group });
    if (user === undefined) return status(result(800, 'Nobody of that screen name'));
    const request = build(user);
    return this.deps.outgoing.request({
      ...request,
      meta: { ...request.meta, service: this.deps.service },
    });
  }

  private async keep(home: Home, request: InviteRequest): Promise<Result> {
    const { store, clock, limits } = this.deps;
    const known = await this.from(home, request.inviting, request.inviteId);
    const repeated = known !== undefined && sameInvitation(known.request, request);
    if (known === undefined && (await store.countReceivedInvitations(home.address)) >= limits.open) {
      return result(507, 'Too many open invitations');
    }
    if (known !== undefined && !repeated) await this.deps.messaging.withdraw(home, known.noticeId);
    const expiresAt = clock.now() + lifetime(request.validity, limits);
    const noticeId = repeated ? known.noticeId : trusted<MessageId>(this.deps.ids.random(15));
    await store.putReceivedInvitation({ user: home.address, request, noticeId, expiresAt });
    const queued = await this.deps.messaging.notify(home.address, noticeId, expiresAt, request);
    if (!isSuccess(queued)) await store.deleteReceivedInvitation(home.address, noticeId);
    return queued;
  }

  private async open(home: Home, inviteId: string): Promise<readonly ReceivedInvitation[]> {
    const now = this.deps.clock.now();
    const received = await this.deps.store.receivedInvitations(home.address, inviteId);
    return received.filter(({ expiresAt }) => expiresAt > now);
  }

  private async from(home: Home, inviting: Party, inviteId: string): Promise<ReceivedInvitation | undefined> {
    const key = partyKey(inviting);
    return (await this.open(home, inviteId)).find(({ request }) => partyKey(request.inviting) === key);
  }

  /**
   * The user's answer, told to the inviter's home. 423 = no such invitation (any more), 427 = there is one, but not
   * of the inviter named. When the inviter's home cannot be reached the invitation stays open.
   */
  async answer(home: Home, clientId: ClientId, answer: InvitationAnswer): Promise<Result> {
    const refusal = checkWords(answer);
    if (refusal !== undefined) return refusal;
    const open = await this.open(home, answer.inviteId);
    const [newest] = open;
    if (newest === undefined) return result(423);
    const meant = answer.inviter === undefined ? newest : findFrom(open, answer.inviter);
    if (meant === undefined) return result(427, 'This user did not invite');
    const outcome = await this.tell(home, clientId, meant.request, answer);
    if (isSuccess(outcome) || outcome.code === 423) await this.close(home, meant);
    return outcome;
  }

  private async tell(
    home: Home,
    clientId: ClientId,
    request: InviteRequest,
    { accepted, note }: InvitationAnswer,
  ): Promise<Result> {
    const answer = await this.deps.outgoing.request({
      primitive: 'InviteResponse',
      meta: { service: this.deps.service, user: home.address, clientId },
      inviteId: request.inviteId,
      accepted,
      inviting: request.inviting,
      // As he was invited: a screen name stays one.
      responding: request.invitedAs ?? { kind: 'user', user: home.address, clientId },
      ...(note === undefined ? {} : { note }),
    });
    return answer.result;
  }

  /** Nobody need be asked any more. True = nobody has been asked yet. */
  private async close(home: Home, { noticeId }: ReceivedInvitation): Promise<boolean> {
    await this.deps.store.deleteReceivedInvitation(home.address, noticeId);
    return this.deps.messaging.withdraw(home, noticeId);
  }

  /** The inviter took it back. The user hears of it only if he may have heard of the invitation. 423 = unknown. */
  async cancelled(request: CancelInviteRequest): Promise<ResponsePrimitive> {
    const { canceled, canceling, inviteId } = request;
    if (canceled.kind === 'group') {
      return this.passOn(canceled, (user) => ({ ...request, canceled: { kind: 'user', user } }));
    }
    const home = await this.deps.homes.get(canceled.user);
    if (home === undefined) return status(result(531));
    const invitation = await this.from(home, canceling, inviteId);
    if (invitation === undefined) return status(result(423));
    return this.tellCancelled(home, invitation, request);
  }

  private async tellCancelled(
    home: Home,
    invitation: ReceivedInvitation,
    request: CancelInviteRequest,
  ): Promise<Status> {
    const refusal = checkWords(request);
    if (refusal !== undefined) return status(refusal);
    if (await this.close(home, invitation)) return status(OK);
    const id = trusted<MessageId>(`cancel ${invitation.noticeId}`);
    return status(await this.deps.messaging.notify(home.address, id, invitation.expiresAt, request));
  }
}

/** 532 when the user does not want to hear from the inviter. */
function refuses(home: Home, inviting: Party, { meta }: InviteRequest): Result | undefined {
  const inviter = inviting.kind === 'user' ? inviting.user : meta.user;
  return inviter !== undefined && isBlocked(home, inviter) ? result(532) : undefined;
}

/** The inviter may be named by the address or by the screen name under which he invited. */
function findFrom(open: readonly ReceivedInvitation[], inviter: Party): ReceivedInvitation | undefined {
  const key = partyKey(inviter);
  return open.find(({ request: { inviting, screenName } }) => {
    if (partyKey(inviting) === key) return true;
    if (screenName === undefined) return false;
    return partyKey({ kind: 'group', group: screenName.group, screenName: screenName.name }) === key;
  });
}
