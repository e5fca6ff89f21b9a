// The SSP primitives (ssp.md sections 5, 6): the one currency of the service relay. Every user, local or foreign,
// is reached by handing a request primitive to the relay and taking a response primitive back.

import type { ClientId, GroupAddress, MessageId, ServiceAddress, UserAddress } from './ids.ts';
import type { Message, Party, ScreenName } from './message.ts';
import type { AttributeFilter, PresenceAttributeName, PresenceAttributes } from './presence.ts';
import type { Result } from './status.ts';

/** Who asks (ssp 5.1). `user` is present exactly when a user acts; else the server or a group does. */
export interface MetaInfo {
  readonly service: ServiceAddress;
  readonly user?: UserAddress;
  readonly clientId?: ClientId;
  readonly friendlyName?: string;
}

// ---- instant messaging (6.5)

/** `message.recipients` are all in one domain. */
export interface SendMessageRequest {
  readonly primitive: 'SendMessageRequest';
  readonly meta: MetaInfo;
  readonly deliveryReport: boolean;
  readonly message: Message;
  /** The message may have been handed in before under the same id: look for repeats. Always so from other networks. */
  readonly repeatable?: boolean;
}

export interface SendMessageResponse {
  readonly primitive: 'SendMessageResponse';
  readonly messageId: MessageId;
  readonly result: Result;
}

/** What became of one message at one recipient. 200 delivered, 538 rejected, 541 forwarded, 542 expired, … */
export interface DeliveryStatusReport {
  readonly primitive: 'DeliveryStatusReport';
  readonly meta: MetaInfo;
  readonly messageId: MessageId;
  /** The user whose message it was, who gets this report. */
  readonly sender: UserAddress;
  readonly recipient: Party;
  readonly outcome: Result;
  /** Milliseconds since the epoch. */
  readonly deliveredAt: number;
}

// ---- presence (6.4)

/** A fresh request replaces the watcher's previous one at the same publisher. */
export interface SubscribeRequest {
  readonly primitive: 'SubscribeRequest';
  readonly meta: MetaInfo;
  readonly watcher: UserAddress;
  readonly publishers: readonly UserAddress[];
  /** Attributes wanted; undefined = all the watcher is allowed. */
  readonly attributes?: AttributeFilter;
}

/**
 * `final` = the user gave the contact up (a network with lasting subscriptions ends its own); otherwise only the
 * watching session ended, and notifications are pointless until the next SubscribeRequest.
 */
export interface UnsubscribeRequest {
  readonly primitive: 'UnsubscribeRequest';
  readonly meta: MetaInfo;
  readonly watcher: UserAddress;
  readonly publishers: readonly UserAddress[];
  readonly final: boolean;
}

export interface PresenceNotification {
  readonly primitive: 'PresenceNotification';
  readonly meta: MetaInfo;
  readonly publisher: UserAddress;
  /** Watchers at the receiving domain. */
  readonly watchers: readonly UserAddress[];
  /** What changed, or everything after a SubscribeRequest; withheld attributes have `valid: false`. */
  readonly attributes: PresenceAttributes;
}

export interface GetPresenceRequest {
  readonly primitive: 'GetPresenceRequest';
  readonly meta: MetaInfo;
  readonly watcher: UserAddress;
  readonly publishers: readonly UserAddress[];
  readonly attributes?: AttributeFilter;
}

export interface PresenceValue {
  readonly user: UserAddress;
  readonly attributes: PresenceAttributes;
}

export interface GetPresenceResponse {
  readonly primitive: 'GetPresenceResponse';
  readonly result: Result;
  readonly values: readonly PresenceValue[];
}

/**
 * The publisher's (changed) answer to a watcher's request: GRANTED, DENIED, or CANCELLED after a grant.
 * Not in the sources for the wire; networks with explicit subscription answers need it (bridging.md 3.4).
 */
export interface PresenceAuthResponse {
  readonly primitive: 'PresenceAuthResponse';
  readonly meta: MetaInfo;
  readonly publisher: UserAddress;
  readonly watcher: UserAddress;
  readonly state: 'GRANTED' | 'DENIED' | 'CANCELLED';
}

// ---- common services (6.2)

export type InviteType = 'GR' | 'IM' | 'PR' | 'SC' | 'GM' | 'AP' | 'EC' | 'EG';

export interface InviteRequest {
  readonly primitive: 'InviteRequest';
  readonly meta: MetaInfo;
  readonly inviteId: string;
  readonly inviteType: InviteType;
  /** Who the answer goes to. */
  readonly inviting: Party;
  readonly invited: Party;
  /** The screen name that was invited; the group's home found out that it is `invited`. The answer comes from it. */
  readonly invitedAs?: Party;
  /** The inviter wants to be seen by this name, not by his address. */
  readonly screenName?: ScreenName;
  readonly group?: GroupAddress;
  readonly applicationId?: string;
  /** What a presence invitation offers; absent = all. A list and no set: it is kept as JSON. */
  readonly attributes?: readonly PresenceAttributeName[];
  readonly urls?: readonly string[];
  readonly note?: string;
  /** Seconds. */
  readonly validity?: number;
}

export interface InviteResponse {
  readonly primitive: 'InviteResponse';
  readonly meta: MetaInfo;
  readonly inviteId: string;
  readonly accepted: boolean;
  readonly inviting: Party;
  readonly responding: Party;
  readonly note?: string;
}

export interface CancelInviteRequest {
  readonly primitive: 'CancelInviteRequest';
  readonly meta: MetaInfo;
  readonly inviteId: string;
  readonly canceling: Party;
  readonly canceled: Party;
  /** As in the invitation. */
  readonly screenName?: ScreenName;
  readonly urls?: readonly string[];
  readonly note?: string;
}

// ---- groups (6.6)

export interface GroupProperty {
  readonly name: string;
  readonly value: string;
}

export interface ScreenMapping {
  readonly screenName: string;
  readonly user?: UserAddress;
}

interface GroupRequest<Name extends string> {
  readonly primitive: Name;
  readonly meta: MetaInfo;
  readonly group: GroupAddress;
}

export interface JoinGroupRequest extends GroupRequest<'JoinGroupRequest'> {
  readonly screenName?: string;
  readonly wantsJoinedList: boolean;
  readonly subscribe: boolean;
  readonly ownProperties?: readonly GroupProperty[];
}
/** `joined`: when asked for. `screenName`: the one given, also where the group's server chose it. */
export interface JoinGroupResponse {
  readonly primitive: 'JoinGroupResponse';
  readonly result: Result;
  readonly screenName?: string;
  readonly joined?: readonly ScreenMapping[];
  readonly welcomeNote?: string;
}
export type LeaveGroupRequest = GroupRequest<'LeaveGroupRequest'>;
/**
 * The group's server tells users that they are out. All `users` are in one domain; none = everybody of the server that
 * gets it, from servers that name nobody (observed-peer section 12). Ours always name them.
 */
export interface LeaveGroupIndication extends GroupRequest<'LeaveGroupIndication'> {
  readonly users: readonly UserAddress[];
  /** 824 own wish, 809 expelled, 800 deleted. */
  readonly result: Result;
}
export type DeleteGroupRequest = GroupRequest<'DeleteGroupRequest'>;
export type GetGroupMemberRequest = GroupRequest<'GetGroupMemberRequest'>;
export interface GetGroupMemberResponse {
  readonly primitive: 'GetGroupMemberResponse';
  readonly result: Result;
  readonly admins: readonly UserAddress[];
  readonly moderators: readonly UserAddress[];
  readonly users: readonly UserAddress[];
}
export type GetJoinedUsersRequest = GroupRequest<'GetJoinedUsersRequest'>;
export interface GetJoinedUsersResponse {
  readonly primitive: 'GetJoinedUsersResponse';
  readonly result: Result;
  readonly joined: readonly ScreenMapping[];
}
export interface AddGroupMemberRequest extends GroupRequest<'AddGroupMemberRequest'> {
  readonly users: readonly UserAddress[];
}
export interface RemoveGroupMemberRequest extends GroupRequest<'RemoveGroupMemberRequest'> {
  readonly users: readonly UserAddress[];
}
export interface MemberAccessRequest extends GroupRequest<'MemberAccessRequest'> {
  readonly admins: readonly UserAddress[];
  readonly moderators: readonly UserAddress[];
  readonly users: readonly UserAddress[];
}
export type GetGroupPropsRequest = GroupRequest<'GetGroupPropsRequest'>;
export interface GetGroupPropsResponse {
  readonly primitive: 'GetGroupPropsResponse';
  readonly result: Result;
  readonly properties: readonly GroupProperty[];
  readonly ownProperties: readonly GroupProperty[];
  readonly welcomeNote?: string;
}
export interface SetGroupPropsRequest extends GroupRequest<'SetGroupPropsRequest'> {
  readonly properties?: readonly GroupProperty[];
  /** Counts as a property of the group; '' takes it away. */
  readonly welcomeNote?: string;
  readonly ownProperties?: readonly GroupProperty[];
}
export interface RejectListRequest extends GroupRequest<'RejectListRequest'> {
  readonly add: readonly UserAddress[];
  readonly remove: readonly UserAddress[];
}
export interface RejectListResponse {
  readonly primitive: 'RejectListResponse';
  readonly result: Result;
  readonly users: readonly UserAddress[];
}
export type SubscribeGroupChangeRequest = GroupRequest<'SubscribeGroupChangeRequest'>;
export type UnsubscribeGroupChangeRequest = GroupRequest<'UnsubscribeGroupChangeRequest'>;
export type GetGroupSubStatusRequest = GroupRequest<'GetGroupSubStatusRequest'>;
export interface GetGroupSubStatusResponse {
  readonly primitive: 'GetGroupSubStatusResponse';
  readonly result: Result;
  readonly subscribed: boolean;
}
/** All `recipients` are in one domain; they are joined and subscribed. */
export interface GroupChangeNotice extends GroupRequest<'GroupChangeNotice'> {
  readonly recipients: readonly UserAddress[];
  readonly joined: readonly ScreenMapping[];
  readonly left: readonly ScreenMapping[];
  readonly properties?: readonly GroupProperty[];
}

// ---- all of them

/** The answer to every primitive that has no answer of its own. */
export interface Status {
  readonly primitive: 'Status';
  readonly result: Result;
}

export type RequestPrimitive =
  | SendMessageRequest
  | DeliveryStatusReport
  | SubscribeRequest
  | UnsubscribeRequest
  | PresenceNotification
  | GetPresenceRequest
  | PresenceAuthResponse
  | InviteRequest
  | InviteResponse
  | CancelInviteRequest
  | JoinGroupRequest
  | LeaveGroupRequest
  | DeleteGroupRequest
  | GetGroupMemberRequest
  | GetJoinedUsersRequest
  | AddGroupMemberRequest
  | RemoveGroupMemberRequest
  | MemberAccessRequest
  | GetGroupPropsRequest
  | SetGroupPropsRequest
  | RejectListRequest
  | SubscribeGroupChangeRequest
  | UnsubscribeGroupChangeRequest
  | GetGroupSubStatusRequest
  | GroupChangeNotice
  | LeaveGroupIndication;

export type ResponsePrimitive =
  | Status
  | SendMessageResponse
  | GetPresenceResponse
  | JoinGroupResponse
  | GetGroupMemberResponse
  | GetJoinedUsersResponse
  | GetGroupPropsResponse
  | RejectListResponse
  | GetGroupSubStatusResponse;

/** Requests about one group that its home answers. */
export type GroupPrimitive =
  | JoinGroupRequest
  | LeaveGroupRequest
  | DeleteGroupRequest
  | GetGroupMemberRequest
  | GetJoinedUsersRequest
  | AddGroupMemberRequest
  | RemoveGroupMemberRequest
  | MemberAccessRequest
  | GetGroupPropsRequest
  | SetGroupPropsRequest
  | RejectListRequest
  | SubscribeGroupChangeRequest
  | UnsubscribeGroupChangeRequest
  | GetGroupSubStatusRequest;

export type RequestName = RequestPrimitive['primitive'];

/** A bare Status. */
export function status(outcome: Result): Status {
  return { primitive: 'Status', result: outcome };
}
