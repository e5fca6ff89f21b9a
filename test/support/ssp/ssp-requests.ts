// One right request of every primitive that a server may send, as text, with the parts that say who is who.

export interface Who {
  /** The server that asks. */
  readonly service: string;
  /** Its user. */
  readonly user: string;
  /** Ours. */
  readonly other: string;
  /** A group of theirs, and one of ours. */
  readonly theirGroup: string;
  readonly ourGroup: string;
}

export const meta = ({ service, user }: Pick<Who, 'service' | 'user'>): string =>
  `<MetaInfo clientOriginated="Yes"><Requestor serviceID="${service}"><User userID="${user}"/></Requestor></MetaInfo>`;

const content = '<ContentData contentType="text/plain" encoding="base64">SGVsbG8=</ContentData>';
let ids = 0;
const fresh = (prefix: string): string => `${prefix}-${(ids += 1)}`;

/** Every primitive of ssp.md section 6 that is a request, by name. */
export const SSP_REQUESTS: Readonly<Record<string, (who: Who) => string>> = {
  SendMessageRequest: (who) =>
    `<SendMessageRequest deliveryReport="Yes">${meta(who)}<MessageInfo messageID="${fresh('m')}" contentType="text/plain" contentSize="5" validity="600"><Recipient><User userID="${who.other}"/></Recipient><Sender><User userID="${who.user}"/></Sender><DateTime format="iso8601">2026-11-23T00:00:00Z</DateTime></MessageInfo>${content}</SendMessageRequest>`,
  DeliveryStatusReport: (who) =>
    `<DeliveryStatusReport>${meta(who)}<DeliveryResult><Status code="200"/></DeliveryResult><DeliveryTime>2026-11-23T00:00:00Z</DeliveryTime><MessageInfo messageID="${fresh('r')}"><Recipient><User userID="${who.other}"/></Recipient><Sender><User userID="${who.user}"/></Sender></MessageInfo></DeliveryStatusReport>`,
  SubscribeRequest: (who) =>
    `<SubscribeRequest>${meta(who)}<UserID userID="${who.other}"/><AttributeList><PresenceSubList><OnlineStatus/></PresenceSubList></AttributeList></SubscribeRequest>`,
  UnsubscribeRequest: (who) =>
    `<UnsubscribeRequest>${meta(who)}<UserID userID="${who.other}"/></UnsubscribeRequest>`,
  GetPresenceRequest: (who) =>
    `<GetPresenceRequest>${meta(who)}<VerUserID userID="${who.other}"/></GetPresenceRequest>`,
  PresenceNotification: (who) =>
    `<PresenceNotification>${meta(who)}<User userID="${who.other}"/><PresenceValue userID="${who.user}"><PresenceSubList><OnlineStatus><Qualifier>T</Qualifier><PresenceValue>T</PresenceValue></OnlineStatus></PresenceSubList></PresenceValue></PresenceNotification>`,
  InviteRequest: (who) =>
    `<InviteRequest inviteID="${fresh('i')}" inviteType="IM" validity="600">${meta(who)}<Inviting><User userID="${who.user}"/></Inviting><Invited><User userID="${who.other}"/></Invited><InviteNote>come</InviteNote></InviteRequest>`,
  InviteResponse: (who) =>
    `<InviteResponse inviteID="${fresh('i')}" acceptance="Yes">${meta(who)}<Status code="200"/><Inviting><User userID="${who.other}"/></Inviting><Responding><User userID="${who.user}"/></Responding></InviteResponse>`,
  CancelInviteRequest: (who) =>
    `<CancelInviteRequest inviteID="${fresh('i')}">${meta(who)}<Canceling><User userID="${who.user}"/></Canceling><Canceled><User userID="${who.other}"/></Canceled></CancelInviteRequest>`,
  GroupChangeNotice: (who) =>
    `<GroupChangeNotice groupID="${who.theirGroup}">${meta(who)}<User userID="${who.other}"/><Joined><Name>Eve</Name></Joined></GroupChangeNotice>`,
  LeaveGroupIndication: (who) =>
    `<LeaveGroupIndication groupID="${who.theirGroup}">${meta(who)}<User userID="${who.other}"/><Status code="809"/></LeaveGroupIndication>`,
  PresenceAuthResponse: (who) =>
    `<PresenceAuthResponse state="GRANTED">${meta(who)}<UserID userID="${who.other}"/></PresenceAuthResponse>`,
  JoinGroupRequest: (who) =>
    `<JoinGroupRequest groupID="${who.ourGroup}" joinedListRequest="Yes" subscribeNotif="Yes">${meta(who)}<ScreenName groupID="${who.ourGroup}">Eve</ScreenName></JoinGroupRequest>`,
  ...Object.fromEntries(
    [
      'LeaveGroupRequest',
      'DeleteGroupRequest',
      'GetGroupMemberRequest',
      'GetJoinedUsersRequest',
      'GetGroupPropsRequest',
      'SubscribeGroupChangeRequest',
      'UnsubscribeGroupChangeRequest',
      'GetGroupSubStatusRequest',
    ].map((name) => [name, (who: Who) => `<${name} groupID="${who.ourGroup}">${meta(who)}</${name}>`]),
  ),
  AddGroupMemberRequest: (who) =>
    `<AddGroupMemberRequest groupID="${who.ourGroup}">${meta(who)}<UserID userID="${who.other}"/></AddGroupMemberRequest>`,
  RemoveGroupMemberRequest: (who) =>
    `<RemoveGroupMemberRequest groupID="${who.ourGroup}">${meta(who)}<UserID userID="${who.other}"/></RemoveGroupMemberRequest>`,
  MemberAccessRequest: (who) =>
    `<MemberAccessRequest groupID="${who.ourGroup}">${meta(who)}<Admins><UserID userID="${who.other}"/></Admins></MemberAccessRequest>`,
  SetGroupPropsRequest: (who) =>
    `<SetGroupPropsRequest groupID="${who.ourGroup}">${meta(who)}<GroupProperties><Property><Name>Name</Name><Value>x</Value></Property></GroupProperties></SetGroupPropsRequest>`,
  RejectListRequest: (who) =>
    `<RejectListRequest groupID="${who.ourGroup}">${meta(who)}<AddUsers><UserID userID="${who.other}"/></AddUsers></RejectListRequest>`,
};
