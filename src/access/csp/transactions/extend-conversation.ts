// ExtendConversation (1.3, csp-transactions section 11): a talk between two becomes a private group of its own.

import { parseGroup, isAddressError, userPartOf, escapePart } from '../../../wv/address.ts';
import type { GroupAddress } from '../../../wv/ids.ts';
import { combine, isSuccess } from '../../../wv/status.ts';
import type { GroupDraft } from '../../../services/groups/creating.ts';
import { addresseesOf } from '../addressing.ts';
import { MAX_NOTE } from '../../../services/invitations/rules.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { screenNameIn, welcomeNoteIn } from '../group-forms.ts';
import { create } from '../group-participation.ts';
import { inSession, type Handlers, type SessionExchange } from '../transaction.ts';

/** Octets of randomness in the group's name: it is open to all who know it. */
const NAME_BYTES = 15;

const PROPERTIES = [
  { name: 'Accesstype', value: 'Open' },
  { name: 'Searchable', value: 'F' },
  { name: 'PrivateMessaging', value: 'T' },
  { name: 'AutoDelete', value: 'T' },
];

const extend = inSession(
  'ExtendConversation-Request',
  async (exchange, body) => {
    const { services, version } = exchange;
    if (version !== '1.3') return statusOf(405, version, 'ExtendConversation begins with 1.3');
    const { users, failures } = invitees(exchange, body);
    if (users.length === 0) {
      return failures.length === 0
        ? statusOf(402, version, 'Nobody is named')
        : statusElement(combine(0, failures), version);
    }
    if (users.length > services.settings.maxEntities) return statusOf(402, version, 'Too many users at once');
    const note = welcomeNoteIn(body.WelcomeNote);
    if (note === 'unreadable') return statusOf(415, version, 'WelcomeNote is not text');
    const group = newGroup(exchange);
    const created = await create(services, exchange.session, draftOf(group, body, note.text));
    if (!isSuccess(created)) return statusElement(created, version);
    const { home, clientId } = exchange.session;
    const invited = await services.inviting.invite(home, clientId, {
      inviteId: body.ExtendConversationID,
      type: 'EC',
      recipients: users.map((user) => ({ kind: 'user', user })),
      unresolved: failures,
      group,
      ...(note.text === undefined ? {} : { note: note.text.slice(0, MAX_NOTE) }),
    });
    return buildElement(
      'ExtendConversation-Response',
      {
        ExtendConversationID: body.ExtendConversationID,
        GroupID: group,
        Result: resultBody(invited),
      },
      version,
    );
  },
  'EXCON',
);

/** Everybody named but the user himself. */
function invitees({ services, session }: SessionExchange, body: Body<'ExtendConversation-Request'>) {
  const UserID = (body.ExtendConversationUser ?? []).flatMap((user) => user.UserID ?? []);
  const { users, failures } = addresseesOf({ UserID, UserIDList: body.UserIDList }, services.homes.domain);
  return { users: users.filter((user) => user !== session.home.address), failures };
}

function newGroup({ services, session }: SessionExchange): GroupAddress {
  const { domain } = services.homes;
  const owner = escapePart(userPartOf(session.home.address));
  const name = `talk-${services.ids.random(NAME_BYTES).toLowerCase()}`;
  const group = parseGroup(`wv:${owner}/${name}@${domain}`, domain);
  if (isAddressError(group)) throw new Error(`no address for a group: ${group.reason}`);
  return group;
}

function draftOf(
  group: GroupAddress,
  body: Body<'ExtendConversation-Request'>,
  note: string | undefined,
): GroupDraft {
  const screenName = screenNameIn(body.ScreenName);
  return {
    group,
    properties: PROPERTIES,
    join: true,
    subscribe: body.SubscribeNotification === true,
    ...(screenName === undefined ? {} : { screenName }),
    ...(note === undefined ? {} : { welcomeNote: note }),
  };
}

export const extendConversationTransactions: Handlers = {
  'ExtendConversation-Request': extend,
};
