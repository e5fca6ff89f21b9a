// What many primitives share: meta-information, identities and outcomes (ssp.md sections 5.1 to 5.3).

import { domainOf, serviceAddress } from '../../../wv/address.ts';
import type { Element } from '../../../wv/element.ts';
import type { ClientId, GroupAddress, ServiceAddress, UserAddress } from '../../../wv/ids.ts';
import type { Party, ScreenName } from '../../../wv/message.ts';
import type { MetaInfo, ScreenMapping } from '../../../wv/primitives.ts';
import {
  isStatusCode,
  OK,
  STATUS,
  type DetailedResult,
  type Result,
  type StatusCode,
} from '../../../wv/status.ts';
import {
  attribute,
  attributeOf,
  build,
  child,
  children,
  childrenOf,
  content,
  extension,
  mapped,
  must,
  or,
  record,
  Unreadable,
  type Part,
  type Text,
} from './parts.ts';
import {
  addressesIn,
  cut,
  DOMAIN,
  domainsIn,
  GROUP,
  NUMBER,
  OUR_USER,
  PLAIN,
  SERVICE,
  USER,
  YES_NO,
} from './values.ts';

// ---- identities

/** `userID`, or the element's text. */
function userIdentity(text: Text<UserAddress>): Part<UserAddress> {
  const named = attribute('userID', text);
  return {
    read: (element, context) => {
      const found = named.read(element, context);
      return found ?? text.read(element.text.trim(), context);
    },
    write: named.write,
  };
}

/** `<UserID userID="…"/>`, also `User` and `VerUserID`: a user who is merely named. */
export const USER_ID = userIdentity(USER);
/** The same, of ours where no domain is said. */
export const OUR_USER_ID = userIdentity(OUR_USER);

export const GROUP_ID: Part<GroupAddress> = must(attribute('groupID', GROUP), 'groupID');

/** COMPAT(Baraza): writes the name in SenderDisplay as `ScreenName=Bobby`. */
const SCREEN_NAME_TEXT: Text<string> = {
  read: (text) => text.replace(/^ScreenName=/, ''),
  write: (name) => name,
};

/** `<ScreenName groupID="…">name</ScreenName>`. */
export const SCREEN_NAME: Part<ScreenName> = record({
  group: GROUP_ID,
  name: content(SCREEN_NAME_TEXT),
});

/** `<ClientID url="…"/>`; a number may be its text. */
const CLIENT_ID: Part<ClientId> = {
  read: (element) => {
    const text = attributeOf(element, 'url') ?? element.text.trim();
    if (text === '') throw new Unreadable(400, 'ClientID without a value');
    return text as ClientId;
  },
  write: (id, draft) => draft.attributes.push(['url', id]),
};

/** A ClientID that says nothing is overlooked. */
const CLIENT: Part<ClientId | undefined> = {
  read: (element, context) => {
    const found = childrenOf(element, 'ClientID')[0];
    const silent = found === undefined || (attributeOf(found, 'url') ?? found.text.trim()) === '';
    return silent ? undefined : CLIENT_ID.read(found, context);
  },
  write: child('ClientID', CLIENT_ID).write,
};

function userParty(text: Text<UserAddress>): Part<Party & { readonly kind: 'user' }> {
  return mapped(
    record({ user: userIdentity(text), clientId: CLIENT }),
    (wire) => ({ kind: 'user' as const, ...wire }),
    ({ user, clientId }) => (clientId === undefined ? { user } : { user, clientId }),
  );
}

/** All parties in an element: users, groups, screen names. COMPAT: two users in one Recipient are two recipients. */
function partiesIn(text: Text<UserAddress>): Part<readonly Party[]> {
  const user = userParty(text);
  return {
    read: (element, context) => [
      ...childrenOf(element, 'User', 'UserID').map((found) => user.read(found, context)),
      ...childrenOf(element, 'GroupID', 'Group').map((found) => groupParty(GROUP_ID.read(found, context))),
      ...childrenOf(element, 'ScreenName').map((found) => {
        const { group, name } = SCREEN_NAME.read(found, context);
        return groupParty(group, name);
      }),
    ],
    write: (parties, draft, context) => {
      for (const party of parties) {
        if (party.kind === 'user') draft.children.push(build('User', user, party, context));
        else if (party.screenName === undefined)
          draft.children.push(build('GroupID', GROUP_ID, party.group, context));
        else draft.children.push(screenNameElement(party.group, party.screenName, context));
      }
    },
  };
}

function screenNameElement(group: GroupAddress, name: string, context: Parameters<typeof build>[3]): Element {
  return build('ScreenName', SCREEN_NAME, { group, name }, context);
}

export function groupParty(group: GroupAddress, screenName?: string): Party & { readonly kind: 'group' } {
  return screenName === undefined ? { kind: 'group', group } : { kind: 'group', group, screenName };
}

const PARTIES = partiesIn(USER);
export const OUR_PARTIES = partiesIn(OUR_USER);

function single(parties: Part<readonly Party[]>): Part<Party> {
  return mapped(
    parties,
    ([party]) => {
      if (party === undefined) throw new Unreadable(400, 'nobody is named');
      return party;
    },
    (party) => [party],
  );
}

/** Exactly one: the first counts. */
export const PARTY = single(PARTIES);
export const OUR_PARTY = single(OUR_PARTIES);

/** Sender of a message or a report: a group's member has his name in SenderDisplay. */
export const SENDER: Part<Party> = {
  read: (element, context) => {
    const party = PARTY.read(element, context);
    const display = childrenOf(element, 'SenderDisplay').flatMap((found) =>
      childrenOf(found, 'ScreenName'),
    )[0];
    if (party.kind === 'user' || display === undefined) return party;
    const name = SCREEN_NAME_TEXT.read(display.text.trim(), context);
    return name === '' ? party : groupParty(party.group, name);
  },
  write: (party, draft, context) => {
    PARTY.write(party.kind === 'user' ? party : groupParty(party.group), draft, context);
    if (party.kind === 'group' && party.screenName !== undefined) {
      const name = screenNameElement(party.group, party.screenName, context);
      draft.children.push({ name: 'SenderDisplay', text: '', children: [name] });
    }
  },
};

/** `<Name>Ally</Name>` of joined and left lists; who it is, where that may be told, as attribute. */
export const NAME: Part<ScreenMapping> = record({
  screenName: content(PLAIN),
  user: extension(attribute('userID', USER)),
});

// ---- meta-information

const REQUESTOR = record({
  service: attribute('serviceID', SERVICE),
  acting: child(
    'User',
    record({
      user: userIdentity(USER),
      clientId: CLIENT,
      friendlyName: attribute('friendlyName', PLAIN),
    }),
  ),
});

const META_INFO: Part<MetaInfo> = mapped(
  record({
    originated: attribute('clientOriginated', YES_NO),
    requestor: must(child('Requestor', REQUESTOR), 'Requestor'),
  }),
  ({ requestor: { service, acting } }) => {
    const named = service ?? (acting === undefined ? undefined : serviceAddress(domainOf(acting.user)));
    if (named === undefined) throw new Unreadable(400, 'serviceID is missing');
    return { service: named, ...acting };
  },
  ({ service, user, clientId, friendlyName }) => ({
    originated: user !== undefined,
    requestor: {
      service,
      ...(user === undefined
        ? {}
        : {
            acting: {
              user,
              ...(clientId === undefined ? {} : { clientId }),
              ...(friendlyName === undefined ? {} : { friendlyName }),
            },
          }),
    },
  }),
);

/** Who must have asked when MetaInfo does not say it; undefined when nothing tells. */
export type Origin = (
  element: Element,
  context: Parameters<Part<unknown>['read']>[1],
) => MetaInfo | undefined;

/** MetaInfo. COMPAT(Baraza): notices of its servers come without; what else they say tells whose they are. */
export function meta(origin: Origin = () => undefined): Part<MetaInfo> {
  const told = child('MetaInfo', META_INFO);
  return must(
    {
      read: (element, context) => told.read(element, context) ?? origin(element, context),
      write: told.write,
    },
    'MetaInfo',
  );
}

/** The home of the group that the request is about. */
export const groupOrigin: Origin = (element, context) => {
  const group = attribute('groupID', GROUP).read(element, context);
  return group === undefined ? undefined : { service: serviceAddress(domainOf(group)) };
};

/** Whoever sent the message or the report. */
export const senderOrigin: Origin = (element, context) => {
  const found = childrenOf(element, 'MessageInfo').flatMap((info) => childrenOf(info, 'Sender'))[0];
  if (found === undefined) return undefined;
  const party = SENDER.read(found, context);
  return party.kind === 'user'
    ? { service: serviceOf(party.user), user: party.user }
    : { service: serviceOf(party.group) };
};

export function serviceOf(address: UserAddress | GroupAddress): ServiceAddress {
  return serviceAddress(domainOf(address));
}

// ---- outcomes

/** Codes that nobody here knows fail like those of their class that say least. None may end the session. */
const CLASS_CODES: ReadonlyMap<number, StatusCode> = new Map([
  [2, 200],
  [4, 400],
  [6, 500],
  [7, 400],
  [8, 400],
  [9, 900],
]);

const STATUS_CODE: Text<StatusCode> = {
  read: (text, context) => {
    const code = NUMBER.read(text, context);
    return isStatusCode(code) ? code : (CLASS_CODES.get(Math.floor(code / 100)) ?? 500);
  },
  write: String,
};

const CODE = must(attribute('code', STATUS_CODE), 'code');
const DESCRIPTION = child('StatusDescription', content(cut(2_000)));

/** COMPAT: `ScreenNames` may hold the names or be one. */
const SCREEN_NAMES: Part<readonly ScreenName[]> = {
  read: (element, context) =>
    childrenOf(element, 'ScreenName', 'ScreenNames')
      .flatMap((found) => (found.name === 'ScreenNames' ? expanded(found) : [found]))
      .map((found) => SCREEN_NAME.read(found, context)),
  write: children('ScreenName', SCREEN_NAME).write,
};

function expanded(found: Element): readonly Element[] {
  const inner = childrenOf(found, 'ScreenName');
  return inner.length > 0 ? inner : [found];
}

const DOMAIN_NAME: Part<DetailedResult['domains'] & {}> = children('Domain', content(DOMAIN));

/** Lists never travel, and no SSP primitive is about several messages: those details stay at home. */
const DETAILED_RESULT: Part<DetailedResult> = mapped(
  record({
    code: CODE,
    description: DESCRIPTION,
    users: children('UserID', USER_ID),
    groups: children('GroupID', GROUP_ID),
    screenNames: SCREEN_NAMES,
    domains: DOMAIN_NAME,
  }),
  ({ code, description, ...entities }) => ({
    code,
    ...described(code, description),
    ...filled(
      Object.values(entities).some(({ length }) => length > 0) ? entities : mentioned(code, description),
    ),
  }),
  ({ code, description, users = [], groups = [], screenNames = [], domains = [] }) => ({
    code,
    users,
    groups,
    screenNames,
    domains,
    ...(description === undefined ? {} : { description }),
  }),
);

type Entities = Pick<DetailedResult, 'users' | 'groups' | 'screenNames' | 'domains'>;

/** Without the lists that are empty. */
function filled({ users = [], groups = [], screenNames = [], domains = [] }: Entities): Entities {
  return {
    ...(users.length > 0 ? { users } : {}),
    ...(groups.length > 0 ? { groups } : {}),
    ...(screenNames.length > 0 ? { screenNames } : {}),
    ...(domains.length > 0 ? { domains } : {}),
  };
}

/** COMPAT(Baraza): "invalid userid: nobody@b", "Forwarding to domain a is not supported!" and nothing else. */
function mentioned(code: StatusCode, description = ''): Entities {
  return code === 516 ? { domains: domainsIn(description) } : addressesIn(description);
}

/** The code's own name says nothing more than the code. */
function described(code: StatusCode, description: string | undefined): { description?: string } {
  return description === undefined || description === '' || description === STATUS[code]
    ? {}
    : { description };
}

/** The inside of a Status element. */
export const STATUS_CONTENT: Part<Result> = mapped(
  record({
    code: CODE,
    description: DESCRIPTION,
    details: children('DetailedResult', DETAILED_RESULT),
    tryAgainAfter: child('TryAgainTimeout', content(NUMBER)),
  }),
  ({ code, description, details, tryAgainAfter }) => ({
    code,
    ...described(code, description),
    ...(details.length > 0 ? { details } : {}),
    ...(tryAgainAfter === undefined ? {} : { tryAgainAfter }),
  }),
  ({ code, description, details = [], tryAgainAfter }) => ({
    code,
    description: description ?? STATUS[code],
    details,
    ...(tryAgainAfter === undefined ? {} : { tryAgainAfter }),
  }),
);

/** A Status that must be there. */
export const STATUS_CHILD: Part<Result> = must(child('Status', STATUS_CONTENT), 'Status');

/** COMPAT(Baraza): an answer without Status went well. It is always written. */
export const OUTCOME: Part<Result> = or(child('Status', STATUS_CONTENT), OK);
