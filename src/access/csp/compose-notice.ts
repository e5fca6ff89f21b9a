// What other users tell a client beside messages: invitations, their answers and their end (csp-transactions 2.2, 2.3).

import type { Element } from '../../wv/element.ts';
import type { Party, ScreenName } from '../../wv/message.ts';
import type { CancelInviteRequest, InviteRequest, InviteResponse } from '../../wv/primitives.ts';
import type { Notice } from '../../store/store.ts';
import { buildElement, type Body } from './codec/binding.ts';
import { composeSystemMessage } from './compose-system-message.ts';
import { partyElement } from './message-info.ts';
import { writeAttributeNames } from './presence-sublist.ts';
import type { CspSession } from './session.ts';

/** `secondsLeft`: how long the notice is still of use. */
export function composeNotice(session: CspSession, notice: Notice, secondsLeft: number): Element {
  switch (notice.primitive) {
    case 'InviteRequest':
      return composeInvitation(session, notice, secondsLeft);
    case 'InviteResponse':
      return composeAnswer(session, notice);
    case 'CancelInviteRequest':
      return composeCancellation(session, notice);
    case 'SystemMessage':
      return composeSystemMessage(session, notice);
  }
}

function composeInvitation(session: CspSession, request: InviteRequest, secondsLeft: number): Element {
  const { attributes, screenName, urls } = request;
  return buildElement(
    'InviteUser-Request',
    {
      InviteID: request.inviteId,
      InviteType: request.inviteType,
      Sender: named(session, request, senderElement(request.inviting, screenName)),
      Recipient: recipientElement(request.invitedAs ?? request.invited),
      ApplicationID: request.applicationId,
      GroupID: request.group,
      PresenceSubList:
        attributes === undefined ? undefined : writeAttributeNames(attributes, session.version),
      URLList: urls === undefined ? undefined : { URL: urls },
      InviteNote: request.note,
      ScreenName: screenName === undefined ? undefined : screenNameElement(screenName),
      Validity: secondsLeft,
    },
    session.version,
  );
}

/** The elements of other versions are left out by the writer: the note changed its name in 1.3. */
function composeAnswer(session: CspSession, response: InviteResponse): Element {
  return buildElement(
    'Invite-Response',
    {
      InviteID: response.inviteId,
      Acceptance: response.accepted,
      Sender: named(session, response, partyElement(response.responding)),
      Recipient: recipientElement(response.inviting),
      InviteNote: response.note,
      ResponseNote: response.note,
    },
    session.version,
  );
}

function composeCancellation(session: CspSession, request: CancelInviteRequest): Element {
  const { screenName, urls } = request;
  return buildElement(
    'CancelInviteUser-Request',
    {
      InviteID: request.inviteId,
      Sender: named(session, request, senderElement(request.canceling, screenName)),
      Recipient: recipientElement(request.canceled),
      InviteNote: request.note,
      URLList: urls === undefined ? undefined : { URL: urls },
      ScreenName: screenName === undefined ? undefined : screenNameElement(screenName),
    },
    session.version,
  );
}

/** 1.3: with what the sender is called, if his network says so. */
function named(
  { version }: CspSession,
  { meta }: Pick<InviteRequest, 'meta'>,
  sender: Body<'Sender'>,
): Body<'Sender'> {
  const { User } = sender;
  const { friendlyName, user } = meta;
  if (version !== '1.3' || friendlyName === undefined || User === undefined || User.UserID !== user)
    return sender;
  return { User: { ...User, FriendlyName: friendlyName } };
}

/** Who wants to be seen by a screen name is not shown by address (example 028). */
function senderElement(party: Party, screenName: ScreenName | undefined): Body<'Sender'> {
  return screenName === undefined
    ? partyElement(party)
    : { Group: { ScreenName: screenNameElement(screenName) } };
}

function screenNameElement({ name, group }: ScreenName): Body<'ScreenName'> {
  return { SName: name, GroupID: group };
}

function recipientElement(party: Party): Body<'Recipient'> {
  const { User, Group } = partyElement(party);
  return {
    ...(User === undefined ? {} : { User: [User] }),
    ...(Group === undefined ? {} : { Group: [Group] }),
  };
}
