// The status codes that csp-transactions and csp-status-codes give each transaction. The transcripts are held against
// it: every code of `sent` has to be heard in every binding of every version that has the transaction (`422@1.3`: in
// that version only), no other may be. Not repeated here: 604 without a session, 506 without agreement, and 400 or 402
// without a part that the schema demands, which every request is tried for.

export interface Expectation {
  /** Of csp-transactions. */
  readonly section: string;
  readonly sent: string;
  /** Codes that the sources name and that are never sent, and why. */
  readonly never?: Readonly<Record<number, string>>;
}

const NO_PREPAID = 'nobody pays by the message';
const BETTER = 'a code that says what is missing is sent: 531, 700, 800, 516';
const ATTRIBUTES = 'unknown attributes are overlooked: phones name those of their vendors';
const NOT_THERE = 'what is not there is no error: phones delete and unsubscribe blindly';

export const EXPECTED: Readonly<Record<string, Expectation>> = {
  'Login-Request': {
    section: '1.1',
    sent: '200 401 402 403 409 422@1.3 502@1.3 503 531 543 603 920',
    never: {
      505: 'a message of another version is answered so before anybody looks at what is in it',
    },
  },
  'Logout-Request': { section: '1.3', sent: '200 600 601' },
  Disconnect: {
    section: '1.3',
    sent: '200 403 601',
    never: { 600: 'who is silent is not called for it: the next request is answered 600' },
  },
  'KeepAlive-Request': { section: '1.4', sent: '200 600 605' },
  'Service-Request': {
    section: '1.6',
    sent: '200',
    never: {
      402: 'unknown functions are overlooked',
      503: 'what is not to be had stands in Functions',
      506: 'what is not to be had stands in Functions',
    },
  },
  'ClientCapability-Request': { section: '1.7', sent: '200' },
  'GetSPInfo-Request': { section: '1.8', sent: '200' },
  'WV-CSP-NSDiscovery-Request': { section: '1.9', sent: '200' },
  'Extended-Request': { section: '10', sent: '405' },

  'Search-Request': {
    section: '2.1',
    sent: '200 402 424 425 501 536 537 562@1.3',
    never: {
      405: 'search is served; 506 without agreement',
      535: 'a search takes milliseconds',
    },
  },
  'StopSearch-Request': { section: '2.1', sent: '200 424' },
  'Invite-Request': {
    section: '2.2',
    sent: '200 201 400 402 427 428 429 450@1.3 507 516 531 532 700 800 810 900 901',
    never: { 404: BETTER, 821: 'an invitation asks for no history' },
  },
  'InviteUser-Request': { section: '2.2', sent: 'sent' },
  'InviteUser-Response': { section: '2.2', sent: '200 423 427 816' },
  'Invite-Response': { section: '2.2', sent: 'sent' },
  'CancelInvite-Request': { section: '2.3', sent: '200 201 423 427' },
  'CancelInviteUser-Request': { section: '2.3', sent: 'sent' },
  'VerifyID-Request': { section: '2.4', sent: '200 201 402 404 516 531 700 800 900 901' },

  'GetList-Request': { section: '3', sent: '200 600' },
  'CreateList-Request': {
    section: '3',
    sent: '200 201 403 701 752 753 754',
    never: {
      402: '752 says it',
      404: BETTER,
      531: 'the list is made without who does not exist: 201',
      900: 'the list is made: 201',
    },
  },
  'DeleteList-Request': { section: '3', sent: '200 700', never: { 402: '700 says it', 404: BETTER } },
  'ListManage-Request': {
    section: '3',
    sent: '200 201 531 700 752 754',
    never: { 402: '752 says it', 404: BETTER },
  },

  'CreateAttributeList-Request': {
    section: '4',
    sent: '200 201 531 700 755 900 901',
    never: { 750: ATTRIBUTES },
  },
  'DeleteAttributeList-Request': { section: '4', sent: '200', never: { 531: NOT_THERE, 700: NOT_THERE } },
  'GetAttributeList-Request': {
    section: '4',
    sent: '200',
    never: { 531: 'what there is is shown', 700: 'what there is is shown' },
  },

  'SubscribePresence-Request': {
    section: '5.1',
    sent: '200 201 507 516 531 532 700 754 900 901',
    never: { 750: ATTRIBUTES, 751: 'no values are subscribed to', 760: 'subscriptions follow their lists' },
  },
  'UnsubscribePresence-Request': { section: '5.1', sent: '200', never: { 531: NOT_THERE, 700: NOT_THERE } },
  'PresenceNotification-Request': { section: '5.2', sent: 'sent' },
  'GetPresence-Request': {
    section: '5.3',
    sent: '200 201 516 531 700 754 900 901',
    never: { 750: ATTRIBUTES },
  },
  'UpdatePresence-Request': {
    section: '5.4',
    sent: '200 751',
    never: { 201: 'all or nothing', 402: '751 says it', 750: ATTRIBUTES },
  },
  'GetWatcherList-Request': { section: '5.5', sent: '200' },
  'PresenceAuth-Request': { section: '5.6', sent: 'sent' },
  'PresenceAuth-User': {
    section: '5.6',
    sent: '200 531',
    never: { 521: 'an open question stays open: nobody is told that it was not answered' },
  },
  'CancelAuth-Request': { section: '5.6', sent: '200 531' },
  'GetReactiveAuthStatus-Request': { section: '5.6', sent: '200 531 754 901' },

  'GetBlockedList-Request': { section: '6', sent: '200' },
  'BlockEntity-Request': {
    section: '6',
    sent: '200 201 901',
    never: {
      531: 'who does not exist may be blocked too',
      700: 'entities are users and groups',
      800: 'a group that does not exist may be blocked too',
    },
  },

  'SendMessage-Request': {
    section: '7.1',
    sent: '200 201 402 403 410 415 507 516 531 532 700 800 808 812 813 900 901',
    never: {
      533: 'messages wait for who is not logged in',
      534: '532 and 808 say it',
      538: 'nothing is rejected before its recipient saw it: the report says 538',
      540: 'there are no headers to encode',
      902: NO_PREPAID,
    },
  },
  NewMessage: { section: '7.2', sent: 'sent' },
  MessageNotification: { section: '7.3', sent: 'sent' },
  'GetMessage-Request': { section: '7.3', sent: '200 426 432 542' },
  MessageDelivered: { section: '7.3', sent: '200 426' },
  'RejectMessage-Request': { section: '7.3', sent: '200 201 426' },
  'GetMessageList-Request': { section: '7.4', sent: '200 800 808 821' },
  'SetDeliveryMethod-Request': { section: '7.5', sent: '200 402 800 808' },
  'DeliveryReport-Request': {
    section: '7.6',
    sent: '200 538 541 542',
    never: { 410: 'only gateways say so of a message that they took: their tests have it' },
  },
  'ForwardMessage-Request': { section: '7.7', sent: '200 201 403 426 516 531 532 542 901' },

  'CreateGroup-Request': {
    section: '8',
    sent: '200 402 415 516 801 806 814 815 822',
    never: { 811: 'nobody else is in a new group' },
  },
  'DeleteGroup-Request': { section: '8', sent: '200 800 804 816' },
  'JoinGroup-Request': {
    section: '8',
    sent: '200 402 800 803 806 809 811 814 817',
    never: {
      807: 'joining again changes screen name and subscription: phones do it after every log-in',
      810: '803 says it',
    },
  },
  'LeaveGroup-Request': { section: '8', sent: '200 800 808' },
  'LeaveGroup-Response': {
    section: '8',
    sent: '800 809',
    never: { 824: 'a session that ended cannot be told' },
  },
  'GetGroupMembers-Request': { section: '8', sent: '200 800 816' },
  'GetJoinedUsers-Request': { section: '8', sent: '200 800 808' },
  'AddGroupMembers-Request': {
    section: '8',
    sent: '200 201 402 410 531 800 816 817 900',
    never: { 801: 'who is a member stays one: no error' },
  },
  'RemoveGroupMembers-Request': { section: '8', sent: '200 201 402 531 800 810 816' },
  'MemberAccess-Request': { section: '8', sent: '200 201 402 800 810 816' },
  'GetGroupProps-Request': { section: '8', sent: '200 800' },
  'SetGroupProps-Request': { section: '8', sent: '200 402 415 800 804 806 808 816 822' },
  'RejectList-Request': { section: '8', sent: '200 201 507 531 800 816' },
  'SubscribeGroupNotice-Request': { section: '8', sent: '200 402 800 808' },
  GroupChangeNotice: { section: '8', sent: 'sent' },

  'SubscribeNotification-Request': { section: '11', sent: '200 201 402 506' },
  'UnsubscribeNotification-Request': { section: '11', sent: '200 201 402 506' },
  'Notification-Request': { section: '11', sent: 'sent' },
  'SystemMessage-Request': { section: '11', sent: 'sent' },
  'SystemMessage-User': { section: '11', sent: '200 201 402 426' },
  'ExtendConversation-Request': { section: '11', sent: '200 201 402 415 531' },
  'GetPublicProfile-Request': { section: '11', sent: '200 201 402 516 531 900 901' },
  'UpdatePublicProfile-Request': { section: '11', sent: '200 402 403 702 901' },
  'GetMap-Request': { section: '11', sent: '501' },
  'GetSegment-Request': { section: '11', sent: '501' },
  'DropSegment-Request': { section: '11', sent: '501' },
};
