// Any SSP document, as the relay and the link may have it: what the codec must carry without a loss.

import fc from 'fast-check';
import { SSP_FUNCTIONS, SSP_VERSIONS, type SspDocument } from '../../../src/access/ssp/document.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { PRESENCE_ATTRIBUTE_NAMES, simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import { leaf } from '../../../src/wv/element.ts';
import { STATUS, type StatusCode } from '../../../src/wv/status.ts';
import { parseDomain, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { NOW } from './documents.ts';

/* oxlint-disable no-control-regex -- the point is to avoid control characters */
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u;
const anyText = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom('<&>"\']]>', '&amp;lt;', '%s\r\n\t', 'Größe 😀'),
  )
  .filter((text) => text.isWellFormed() && !FORBIDDEN.test(text));
/** White space around values is not carried. */
const value = anyText.map((text) => text.trim()).filter((text) => text !== '');
const maybeEmpty = anyText.map((text) => text.trim());
/** A value that stands in an attribute. */
const token = fc.stringMatching(/^[!-~]{1,40}$/);

const domain = fc
  .constantFrom('peer-a.example', 'peer-b.example', 'xn--gre-6ka8i.example')
  .map((name) => parseDomain(name)!);
const local = fc.oneof(
  fc.stringMatching(/^[a-z0-9.+_-]{1,20}$/),
  fc.constantFrom('größe', 'a@b', 'a/b', '50%', 'x y', '+447700900123'),
);
const user = fc.tuple(local, domain).map(([name, where]) => userAddress(name, where));
const users = fc.array(user, { maxLength: 3 });
const someUsers = fc.array(user, { minLength: 1, maxLength: 3 });
const group = fc
  .tuple(fc.constantFrom('bob', ''), fc.stringMatching(/^[a-z0-9-]{1,12}$/), domain)
  .map(([owner, name, where]) => `wv:${owner}/${name}@${where}` as never);
const service = domain.map(serviceAddress);

/** `screenName` never begins like COMPAT(Baraza)'s. */
const screenName = value.filter((name) => !name.startsWith('ScreenName='));
const named = fc.record({ name: screenName, group });
const clientId = token as fc.Arbitrary<never>;
const userParty = fc.record(
  { kind: fc.constant('user' as const), user, clientId },
  { requiredKeys: ['kind', 'user'] },
);
const groupParty = fc.record(
  { kind: fc.constant('group' as const), group, screenName },
  { requiredKeys: ['kind', 'group'] },
);
const party = fc.oneof(userParty, groupParty);

const metaOfUser = (acting: fc.Arbitrary<ReturnType<typeof userAddress>>) =>
  fc.record({ service, user: acting, clientId, friendlyName: value }, { requiredKeys: ['service', 'user'] });
const meta = fc.oneof(fc.record({ service }), metaOfUser(user));

const code = fc.constantFrom(...Object.keys(STATUS).map((text) => Number(text) as StatusCode));
/** Addresses are looked for in descriptions that stand alone. */
const description = value.filter(
  (text) => !/[@.]/.test(text) && !Object.values<string>(STATUS).includes(text),
);
const details = fc.record(
  {
    code,
    description,
    users: someUsers,
    groups: fc.array(group, { minLength: 1, maxLength: 2 }),
    screenNames: fc.array(named, { minLength: 1, maxLength: 2 }),
    domains: fc.array(domain, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['code'] },
);
const result = fc.record(
  {
    code,
    description,
    details: fc.array(details, { minLength: 1, maxLength: 3 }),
    tryAgainAfter: fc.nat(),
  },
  { requiredKeys: ['code'] },
);

// ---- messages

const base64 = fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets).toString('base64'));
const content = fc.oneof(
  fc.record({
    contentType: fc.constantFrom('text/plain', 'text/plain; charset=utf-8', 'text/x-vcard'),
    encoding: fc.constant('none' as const),
    data: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  }),
  fc.record({
    contentType: fc.constantFrom('image/gif', 'application/octet-stream', 'text/plain; charset=utf-16'),
    encoding: fc.constant('base64' as const),
    data: base64,
  }),
);

const common = {
  id: token as fc.Arbitrary<never>,
  recipients: fc.array(party, { minLength: 1, maxLength: 3 }),
  sentAt: fc.constant(NOW),
  expiresAt: fc.nat({ max: 604_800 }).map((seconds) => NOW + seconds * 1000),
  content,
};
const message = fc.oneof(
  fc.record({ ...common, sender: userParty }),
  groupParty.chain((sender) =>
    fc.record({
      ...common,
      sender: fc.constant(sender),
      addressedTo: fc.oneof(
        fc.constant({ kind: 'group' as const, group: sender.group }),
        fc.record({ kind: fc.constant('group' as const), group: fc.constant(sender.group), screenName }),
      ),
    }),
  ),
);

// ---- presence

const attributeName = fc.constantFrom(...PRESENCE_ATTRIBUTE_NAMES.filter((name) => name !== 'InfoLink'));
const filter = fc.uniqueArray(attributeName, { minLength: 1 }).map((names) => inOrder(names));

function inOrder<Name extends string>(names: readonly Name[]): readonly Name[] {
  return PRESENCE_ATTRIBUTE_NAMES.filter((name) => names.includes(name as never)) as never;
}

const structured = {
  valid: true,
  fields: [leaf('ClientType', 'MOBILE_PHONE'), leaf('DevManufacturer', 'Größe & <Co>')],
};
const attributes = fc.record(
  {
    OnlineStatus: fc.constantFrom(simple('T'), simple('F'), WITHDRAWN),
    ClientInfo: fc.constantFrom(structured, WITHDRAWN),
    UserAvailability: fc.constantFrom(simple('AVAILABLE'), simple('DISCREET'), WITHDRAWN),
    StatusText: fc.oneof(maybeEmpty.map(simple), fc.constant(WITHDRAWN)),
    StatusMood: fc.constantFrom(simple('IN_LOVE')),
    Alias: maybeEmpty.map(simple),
  },
  { requiredKeys: [] },
);

const watch = user.chain((watcher) =>
  fc.record({ meta: metaOfUser(fc.constant(watcher)), watcher: fc.constant(watcher), publishers: someUsers }),
);

// ---- groups

const properties = fc.array(fc.record({ name: value, value: maybeEmpty }), { minLength: 1, maxLength: 3 });
const anyProperties = fc.array(fc.record({ name: value, value: maybeEmpty }), { maxLength: 3 });
const mapping = fc.record({ screenName: value, user }, { requiredKeys: ['screenName'] });
const mappings = fc.uniqueArray(mapping, { maxLength: 3, selector: (one) => JSON.stringify(one) });
const text = fc.string({ unit: 'binary', minLength: 1 }).filter((note) => note.isWellFormed());

const seconds = fc.nat({ max: 604_800 });
const inviteType = fc.constantFrom('GR', 'IM', 'PR', 'SC', 'GM', 'AP', 'EC', 'EG');
const urls = fc.array(token, { minLength: 1, maxLength: 3 });

type Fields = Record<string, fc.Arbitrary<unknown>>;

const requestFields: Readonly<Record<RequestName, { readonly needs: Fields; readonly may?: Fields }>> = {
  SendMessageRequest: {
    needs: { meta, deliveryReport: fc.boolean(), message, repeatable: fc.constant(true) },
  },
  DeliveryStatusReport: {
    needs: {
      meta,
      messageId: token,
      sender: user,
      recipient: party,
      outcome: result,
      deliveredAt: fc.nat({ max: 4_000_000_000 }).map((time) => time * 1000),
    },
  },
  SubscribeRequest: { needs: {} },
  UnsubscribeRequest: { needs: {} },
  GetPresenceRequest: { needs: {} },
  PresenceNotification: { needs: { meta, publisher: user, watchers: someUsers, attributes } },
  PresenceAuthResponse: { needs: {} },
  InviteRequest: {
    needs: { meta, inviteId: token, inviteType, inviting: party, invited: party },
    may: {
      screenName: named,
      group,
      applicationId: token,
      attributes: filter,
      urls,
      note: value,
      validity: seconds,
    },
  },
  InviteResponse: {
    needs: { meta, inviteId: token, accepted: fc.boolean(), inviting: party, responding: party },
    may: { note: value },
  },
  CancelInviteRequest: {
    needs: { meta, inviteId: token, canceling: party, canceled: party },
    may: { screenName: named, urls, note: value },
  },
  JoinGroupRequest: {
    needs: { meta, group, wantsJoinedList: fc.boolean(), subscribe: fc.boolean() },
    may: { screenName, ownProperties: anyProperties },
  },
  LeaveGroupRequest: { needs: { meta, group } },
  DeleteGroupRequest: { needs: { meta, group } },
  GetGroupMemberRequest: { needs: { meta, group } },
  GetJoinedUsersRequest: { needs: { meta, group } },
  AddGroupMemberRequest: { needs: { meta, group, users: someUsers } },
  RemoveGroupMemberRequest: { needs: { meta, group, users: someUsers } },
  MemberAccessRequest: { needs: { meta, group, admins: users, moderators: users, users } },
  GetGroupPropsRequest: { needs: { meta, group } },
  SetGroupPropsRequest: {
    needs: { meta, group },
    may: { properties, welcomeNote: fc.oneof(fc.constant(''), text), ownProperties: anyProperties },
  },
  RejectListRequest: { needs: { meta, group, add: users, remove: users } },
  SubscribeGroupChangeRequest: { needs: { meta, group } },
  UnsubscribeGroupChangeRequest: { needs: { meta, group } },
  GetGroupSubStatusRequest: { needs: { meta, group } },
  GroupChangeNotice: {
    needs: { meta, group, recipients: someUsers, joined: mappings, left: mappings },
    may: { properties: anyProperties },
  },
  LeaveGroupIndication: { needs: { meta, group, users, result } },
};

/** Primitives whose fields depend on each other. */
const dependent: Partial<Record<RequestName, fc.Arbitrary<object>>> = {
  SubscribeRequest: withFilter(watch),
  GetPresenceRequest: withFilter(watch),
  UnsubscribeRequest: fc.tuple(watch, fc.boolean()).map(([who, final]) => ({ ...who, final })),
  PresenceAuthResponse: fc
    .tuple(watch, user, fc.constantFrom('GRANTED', 'DENIED', 'CANCELLED'))
    .map(([who, watcher, state]) => ({ meta: who.meta, publisher: who.watcher, watcher, state })),
};

function withFilter(who: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc
    .tuple(who, fc.option(filter, { nil: undefined }))
    .map(([fields, names]) => (names === undefined ? fields : { ...fields, attributes: new Set(names) }));
}

export const REQUEST_NAMES = Object.keys(requestFields) as readonly RequestName[];

export function requestOf(name: RequestName): fc.Arbitrary<RequestPrimitive> {
  const { needs, may = {} } = requestFields[name];
  const body =
    dependent[name] ??
    fc.record({ ...needs, ...may }, { requiredKeys: Object.keys(needs), noNullPrototype: true });
  return body.map((fields) => ({ primitive: name, ...fields }) as RequestPrimitive);
}

/** An invitation of a user by the name he has in a group. */
export const invitedByName: fc.Arbitrary<RequestPrimitive> = fc
  .tuple(
    requestOf('InviteRequest'),
    userParty,
    fc.record({ kind: fc.constant('group' as const), group, screenName }),
  )
  .map(([invitation, invited, invitedAs]) => ({ ...invitation, invited, invitedAs }) as RequestPrimitive);

type ResponseName = ResponsePrimitive['primitive'];

const responseFields: Readonly<Record<ResponseName, { readonly needs: Fields; readonly may?: Fields }>> = {
  Status: { needs: { result } },
  SendMessageResponse: { needs: { result, messageId: fc.oneof(fc.constant(''), token) } },
  GetPresenceResponse: {
    needs: { result, values: fc.array(fc.record({ user, attributes }), { maxLength: 3 }) },
  },
  JoinGroupResponse: { needs: { result }, may: { screenName, joined: mappings, welcomeNote: text } },
  GetGroupMemberResponse: { needs: { result, admins: users, moderators: users, users } },
  GetJoinedUsersResponse: { needs: { result, joined: mappings } },
  GetGroupPropsResponse: {
    needs: { result, properties: anyProperties, ownProperties: anyProperties },
    may: { welcomeNote: text },
  },
  RejectListResponse: { needs: { result, users } },
  GetGroupSubStatusResponse: { needs: { result, subscribed: fc.boolean() } },
};

export const RESPONSE_NAMES = Object.keys(responseFields) as readonly ResponseName[];

export function responseOf(name: ResponseName): fc.Arbitrary<ResponsePrimitive> {
  const { needs, may = {} } = responseFields[name];
  return fc
    .record({ ...needs, ...may }, { requiredKeys: Object.keys(needs), noNullPrototype: true })
    .map((fields) => ({ primitive: name, ...fields }) as ResponsePrimitive);
}

// ---- documents

const transactionId = token;
const functions = fc
  .subarray(Object.values(SSP_FUNCTIONS).flat() as readonly string[] as string[])
  .map((names) => new Set(names));
const timeToLive = fc.nat();

const controlRequest = fc.oneof(
  fc.record({ name: fc.constant('KeepAliveRequest'), timeToLive }, { requiredKeys: ['name'] }),
  fc.record({ name: fc.constant('LogoutRequest') }),
  fc.record({ name: fc.constant('Disconnect'), result }),
  fc.record({ name: fc.constant('ServiceRequest'), functions }),
  fc.record({ name: fc.constant('UserQuery'), user }),
  fc.record({
    name: fc.constant('GatewayState'),
    run: token,
    health: fc.constantFrom('up', 'degraded', 'down'),
    usable: fc.boolean(),
  }),
);
const controlResponse = fc.oneof(
  fc.record(
    { name: fc.constant('KeepAliveResponse'), result, timeToLive },
    { requiredKeys: ['name', 'result'] },
  ),
  fc.record({ name: fc.constant('ServiceResponse'), result, functions }),
  fc.record(
    { name: fc.constant('UserQueryResponse'), result, displayName: token },
    { requiredKeys: ['name', 'result'] },
  ),
);

const relay = { kind: fc.constant('relay' as const) };
const control = { kind: fc.constant('control' as const) };

export const anyTransaction = fc.oneof(
  fc.record({
    mode: fc.constant('Request'),
    transactionId,
    content: fc.oneof(
      fc.record({
        ...relay,
        requests: fc
          .constantFrom(...REQUEST_NAMES)
          .chain(requestOf)
          .map((one) => [one]),
      }),
      fc.record({ ...control, control: controlRequest }),
    ),
  }),
  fc.record({
    mode: fc.constant('Response'),
    transactionId,
    content: fc.oneof(
      fc.record({ ...relay, response: fc.constantFrom(...RESPONSE_NAMES).chain(responseOf) }),
      fc.record({ ...control, control: controlResponse }),
    ),
  }),
);

const octets = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const step = fc.oneof(
  fc.record({ name: fc.constant('SendSecretToken'), service: domain, protocolVersion: token, token: octets }),
  fc.record({
    name: fc.constant('LoginRequest'),
    service: domain,
    timeToLive,
    digest: octets,
    schema: fc.constantFrom('MD5', 'SHA256'),
  }),
  fc.record({
    name: fc.constant('LoginResponse'),
    sessionId: fc.oneof(fc.constant(''), token),
    timeToLive,
    result,
  }),
);

const version = fc.constantFrom(...SSP_VERSIONS);

export const setupDocument = fc.record({
  kind: fc.constant('setup'),
  version,
  mode: fc.constantFrom('Request', 'Response'),
  transactionId: fc.oneof(fc.constant(''), token),
  step,
}) as fc.Arbitrary<SspDocument>;

export const sessionDocument = fc.record({
  kind: fc.constant('session'),
  version,
  sessionId: token,
  transactions: fc.array(anyTransaction, { maxLength: 4 }),
}) as fc.Arbitrary<SspDocument>;
