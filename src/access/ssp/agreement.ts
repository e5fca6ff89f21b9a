// Which requests servers agreed to send each other (ssp.md sections 6.1 and 11): the functions of SSP as sets of
// primitives, and the services that an operator names for a peer as sets of functions. An agreement holds in both
// directions; what lies outside of it is answered 506.

import type { RequestName } from '../../wv/primitives.ts';
import { SSP_FUNCTIONS, type SspFunction } from './document.ts';

/** What an operator may switch on and off for a peer. */
export const PEER_SERVICES = ['im', 'presence', 'invitations', 'groups'] as const;
export type PeerService = (typeof PEER_SERVICES)[number];

const FUNCTIONS_OF_SERVICE: Readonly<Record<PeerService, readonly SspFunction[]>> = {
  im: SSP_FUNCTIONS.IMFeat,
  presence: SSP_FUNCTIONS.PresenceFeat,
  invitations: SSP_FUNCTIONS.FundamentalFeat,
  groups: SSP_FUNCTIONS.GroupFeat,
};

/** The one function that each request belongs to. The groups' functions are cut as in CSP's service tree. */
const FUNCTION_OF_REQUEST: Readonly<Record<RequestName, SspFunction>> = {
  SendMessageRequest: 'IMSendFunc',
  DeliveryStatusReport: 'IMReceiveFunc',
  SubscribeRequest: 'PresenceDeliverFunc',
  UnsubscribeRequest: 'PresenceDeliverFunc',
  PresenceNotification: 'PresenceDeliverFunc',
  GetPresenceRequest: 'PresenceDeliverFunc',
  PresenceAuthResponse: 'PresenceAuthFunc',
  InviteRequest: 'InviteFunc',
  InviteResponse: 'InviteFunc',
  CancelInviteRequest: 'InviteFunc',
  DeleteGroupRequest: 'GroupMgmtFunc',
  GetGroupPropsRequest: 'GroupMgmtFunc',
  SetGroupPropsRequest: 'GroupMgmtFunc',
  JoinGroupRequest: 'GroupUseFunc',
  LeaveGroupRequest: 'GroupUseFunc',
  LeaveGroupIndication: 'GroupUseFunc',
  GetJoinedUsersRequest: 'GroupUseFunc',
  SubscribeGroupChangeRequest: 'GroupUseFunc',
  UnsubscribeGroupChangeRequest: 'GroupUseFunc',
  GetGroupSubStatusRequest: 'GroupUseFunc',
  GroupChangeNotice: 'GroupUseFunc',
  GetGroupMemberRequest: 'GroupAuthFunc',
  AddGroupMemberRequest: 'GroupAuthFunc',
  RemoveGroupMemberRequest: 'GroupAuthFunc',
  MemberAccessRequest: 'GroupAuthFunc',
  RejectListRequest: 'GroupAuthFunc',
};

const ALL_FUNCTIONS: readonly SspFunction[] = Object.values(SSP_FUNCTIONS).flat();
const ALL_REQUESTS = Object.keys(FUNCTION_OF_REQUEST) as readonly RequestName[];

/**
 * What a peer serves that never said what it serves: the interoperability profile (section 11). PresenceAuthFunc is
 * not in it: no source has its primitive, so a peer that does not ask for it does not know it.
 */
export const DEFAULT_PROFILE: ReadonlySet<SspFunction> = new Set(
  ALL_FUNCTIONS.filter((name) => name !== 'PresenceAuthFunc'),
);

/** Peers with the same agreement share one set. There are as many as ways to choose functions, which are few. */
const requestsByFunctions = new Map<string, ReadonlySet<RequestName>>();
const functionsByServices = new Map<string, ReadonlySet<SspFunction>>();

/** The functions that the services of a peer's configuration stand for: what we offer it. */
export function functionsOf(services: readonly PeerService[]): ReadonlySet<SspFunction> {
  const key = PEER_SERVICES.filter((service) => services.includes(service)).join();
  const known = functionsByServices.get(key);
  if (known !== undefined) return known;
  const functions = new Set(services.flatMap((service) => FUNCTIONS_OF_SERVICE[service]));
  functionsByServices.set(key, functions);
  return functions;
}

/** The function a request belongs to. */
export function functionOf(request: RequestName): SspFunction {
  return FUNCTION_OF_REQUEST[request];
}

/** The requests of these functions: the capabilities of a peer as a gateway, and what it may send. */
export function requestsOf(functions: ReadonlySet<SspFunction>): ReadonlySet<RequestName> {
  const key = ALL_FUNCTIONS.filter((name) => functions.has(name)).join();
  const known = requestsByFunctions.get(key);
  if (known !== undefined) return known;
  const requests = new Set(ALL_REQUESTS.filter((name) => functions.has(FUNCTION_OF_REQUEST[name])));
  requestsByFunctions.set(key, requests);
  return requests;
}

/** What both want. `theirs` undefined = there was no negotiation. */
export function agreed(
  ours: ReadonlySet<SspFunction>,
  theirs: ReadonlySet<SspFunction> = DEFAULT_PROFILE,
): ReadonlySet<SspFunction> {
  return ours.intersection(theirs);
}
