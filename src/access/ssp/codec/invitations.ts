// Invitations on the wire (ssp.md section 6.2, observed-peer.md section 12).

import { leaf } from '../../../wv/element.ts';
import type { Party } from '../../../wv/message.ts';
import type { InviteType } from '../../../wv/primitives.ts';
import { STATUS } from '../../../wv/status.ts';
import { GROUP_ID, meta, OUR_PARTIES, OUR_PARTY, PARTY, SCREEN_NAME } from './common.ts';
import {
  also,
  attribute,
  child,
  children,
  content,
  list,
  mapped,
  must,
  record,
  Unreadable,
  type Part,
} from './parts.ts';
import { ATTRIBUTE_NAMES } from './presence.ts';
import type { Body, RequestParts } from './tables.ts';
import { ID, NUMBER, oneOf, PLAIN, YES_NO } from './values.ts';

const INVITE_TYPES = [
  'GR',
  'IM',
  'PR',
  'SC',
  'GM',
  'AP',
  'EC',
  'EG',
] as const satisfies readonly InviteType[];

const INVITE_ID = must(attribute('inviteID', ID), 'inviteID');

/** `ContentIDList`: what a shared-content invitation points to. */
const URLS: Part<readonly string[]> = list(
  'ContentIDList',
  children('ContentID', must(attribute('url', PLAIN), 'url')),
);

/** An extension: beside the invited user the screen name by which he was invited, and answers. */
interface Invited {
  readonly invited: Party;
  readonly invitedAs?: Party;
}

const INVITED: Part<Invited> = {
  read: (element, context) => {
    const [invited, invitedAs] = OUR_PARTIES.read(element, context);
    if (invited === undefined) throw new Unreadable(400, 'nobody is invited');
    return invited.kind === 'user' && invitedAs?.kind === 'group' ? { invited, invitedAs } : { invited };
  },
  write: ({ invited, invitedAs }, draft, context) => {
    const written = invitedAs !== undefined && context.dialect.extensions ? [invited, invitedAs] : [invited];
    OUR_PARTIES.write(written, draft, context);
  },
};

/** An element that is not there and one that says nothing are the same. */
function note(name: string): Part<string | undefined> {
  return mapped(
    child(name, content(PLAIN)),
    (text) => text || undefined,
    (text) => text,
  );
}

const INVITE: Part<Body<'InviteRequest'>> = mapped(
  record({
    inviteId: INVITE_ID,
    inviteType: must(attribute('inviteType', oneOf(INVITE_TYPES)), 'inviteType'),
    validity: attribute('validity', NUMBER),
    meta: meta(),
    inviting: must(child('Inviting', PARTY), 'Inviting'),
    invited: must(child('Invited', INVITED), 'Invited'),
    group: child(['GroupID', 'Group'], GROUP_ID),
    applicationId: child('ApplicationID', must(attribute('applicationID', PLAIN), 'applicationID')),
    attributes: ATTRIBUTE_NAMES,
    urls: URLS,
    note: note('InviteNote'),
    screenName: child('ScreenName', SCREEN_NAME),
  }),
  ({ invited, urls, validity, ...wire }, { maxValidity }) => ({
    ...wire,
    ...invited,
    ...(urls.length > 0 ? { urls } : {}),
    ...(validity === undefined ? {} : { validity: Math.min(validity, maxValidity) }),
  }),
  ({ invited, invitedAs, urls = [], ...value }) => ({
    ...value,
    urls,
    invited: invitedAs === undefined ? { invited } : { invited, invitedAs },
  }),
);

/** Its Status is always written and says nothing that the acceptance does not. */
const SUCCESS = {
  ...leaf('Status', ''),
  attributes: { code: '200' },
  children: [leaf('StatusDescription', STATUS[200])],
};

const INVITE_RESPONSE: Part<Body<'InviteResponse'>> = record({
  inviteId: INVITE_ID,
  accepted: must(attribute('acceptance', YES_NO), 'acceptance'),
  meta: also(meta(), (draft) => draft.children.push(SUCCESS)),
  inviting: must(child('Inviting', OUR_PARTY), 'Inviting'),
  responding: must(child('Responding', PARTY), 'Responding'),
  note: note('ResponseNote'),
});

const CANCEL_INVITE: Part<Body<'CancelInviteRequest'>> = mapped(
  record({
    inviteId: INVITE_ID,
    meta: meta(),
    canceling: must(child('Canceling', PARTY), 'Canceling'),
    canceled: must(child('Canceled', OUR_PARTY), 'Canceled'),
    urls: URLS,
    note: note('CancelNote'),
    screenName: child('ScreenName', SCREEN_NAME),
  }),
  ({ urls, ...wire }) => ({ ...wire, ...(urls.length > 0 ? { urls } : {}) }),
  ({ urls = [], ...value }) => ({ ...value, urls }),
);

export const INVITATION_REQUESTS = {
  InviteRequest: INVITE,
  InviteResponse: INVITE_RESPONSE,
  CancelInviteRequest: CANCEL_INVITE,
} satisfies Partial<RequestParts>;
