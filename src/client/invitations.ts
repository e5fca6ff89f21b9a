// Invitations of a client (csp-transactions 2.2, 2.3).

import type { Body } from '../access/csp/codec/binding.ts';
import { readPresenceSubList, writeAttributeNames } from '../access/csp/presence-sublist.ts';
import type { PresenceAttributeName } from '../wv/presence.ts';
import type { InviteType } from '../wv/primitives.ts';
import type { Outcome } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { partyOf, recipientOf, type Correspondent, type OutgoingMessage } from './messages.ts';

/** What somebody is invited to. */
export interface Offer {
  /** GR join a group, IM talk, PR see presence, SC look at content, GM become a member; 1.3: AP, EC, EG. */
  readonly type: InviteType;
  /** Of GR, GM, EC, EG. */
  readonly group?: string;
  /** Of PR. */
  readonly attributes?: Iterable<PresenceAttributeName>;
  /** Of SC. */
  readonly urls?: readonly string[];
  /** Of AP. */
  readonly application?: string;
  /** At most 400 characters. */
  readonly note?: string;
  /** Seconds. Default 3,600. */
  readonly validity?: number;
  /** Invite under this name, which the user has in a group, instead of the address. */
  readonly screenName?: { readonly name: string; readonly group: string };
}

/** An invitation that came. */
export interface Invitation {
  readonly id: string;
  readonly type: string;
  readonly from: Correspondent | undefined;
  readonly group: string | undefined;
  readonly attributes: readonly PresenceAttributeName[];
  readonly urls: readonly string[];
  readonly application: string | undefined;
  readonly note: string | undefined;
  /** Seconds left. */
  readonly validity: number | undefined;
}

export interface InvitationAnswer {
  readonly id: string;
  readonly accepted: boolean;
  readonly from: Correspondent | undefined;
  readonly note: string | undefined;
}

export interface InvitationCancelled {
  readonly id: string;
  readonly from: Correspondent | undefined;
  readonly note: string | undefined;
}

const DEFAULT_VALIDITY = 3_600;

export class Invitations {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** `id`: unique among the user's open invitations; answers and cancellation name it. Sent again, it is the same. */
  invite(id: string, to: OutgoingMessage['to'], offer: Offer): Promise<Outcome> {
    const { user, clientId, version } = this.#exchange.settings;
    const { screenName, attributes, urls } = offer;
    return this.#exchange.tell('Invite-Request', {
      InviteID: id,
      InviteType: offer.type,
      Sender: { User: { UserID: user, ClientID: { URL: clientId } } },
      Recipient: recipientOf(to),
      ApplicationID: offer.application,
      GroupID: offer.group,
      PresenceSubList: attributes === undefined ? undefined : writeAttributeNames(attributes, version),
      URLList: urls === undefined ? undefined : { URL: urls },
      InviteNote: offer.note,
      ScreenName:
        screenName === undefined ? undefined : { SName: screenName.name, GroupID: screenName.group },
      Validity: offer.validity ?? DEFAULT_VALIDITY,
    });
  }

  /** Takes it back from those named who have not answered; without `to` from everybody. */
  cancel(id: string, to: OutgoingMessage['to'] = [], note?: string): Promise<Outcome> {
    const { user, clientId } = this.#exchange.settings;
    return this.#exchange.tell('CancelInvite-Request', {
      InviteID: id,
      Sender: { User: { UserID: user, ClientID: { URL: clientId } } },
      Recipient: recipientOf(to),
      InviteNote: note,
    });
  }

  /** Answers an invitation that came. 423 when it is no longer open. */
  answer(invitation: Pick<Invitation, 'id' | 'from'>, accepted: boolean, note?: string): Promise<Outcome> {
    const { id, from } = invitation;
    return this.#exchange.tell('InviteUser-Response', {
      InviteID: id,
      Acceptance: accepted,
      Sender: from === undefined ? undefined : partyBody(from),
      InviteNote: note,
      ResponseNote: note,
    });
  }
}

function partyBody(party: Correspondent): Body<'Sender'> {
  const { User, Group } = recipientOf(party);
  return { User: User?.[0], Group: Group?.[0] };
}

export function invitationOf(body: Body<'InviteUser-Request'>): Invitation {
  const list = body.PresenceSubList;
  return {
    id: body.InviteID,
    type: body.InviteType,
    from: partyOf(body.Sender.User, body.Sender.Group),
    group: body.GroupID,
    attributes: list === undefined ? [] : readPresenceSubList(list).requested,
    urls: body.URLList?.URL ?? [],
    application: body.ApplicationID,
    note: body.InviteNote,
    validity: body.Validity,
  };
}

export function answerOf(body: Body<'Invite-Response'>): InvitationAnswer {
  return {
    id: body.InviteID,
    accepted: body.Acceptance,
    from: partyOf(body.Sender?.User, body.Sender?.Group),
    note: body.ResponseNote ?? body.InviteNote,
  };
}

export function cancelledOf(body: Body<'CancelInviteUser-Request'>): InvitationCancelled {
  return {
    id: body.InviteID,
    from: partyOf(body.Sender.User, body.Sender.Group),
    note: body.InviteNote,
  };
}
