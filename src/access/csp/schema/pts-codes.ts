// The two-letter codes of the plain text syntax (PTS, the form of CSP that travels in SMS; OMA-WV-CSP_PTS 1.2,
// OMA-TS-IMPS_CSP_PTS 1.3). Facts only. No PTS document could be read: these are the codes that Android's client
// knows, which are those of access, negotiation, contact lists and presence. Messages, groups, search and
// invitations have codes too, which nobody of our sources knows: codec/pts-reader.ts shows what is not here by its
// code, and codec/pts-writer.ts says what it cannot write. Notation: `LR=Login-Request`.

/** Transaction codes whose mode is Request. */
export const PTS_REQUESTS = `
  LR=Login-Request OR=Logout-Request KA=KeepAlive-Request PO=Polling-Request SQ=Service-Request
  CP=ClientCapability-Request GL=GetList-Request CL=CreateList-Request DL=DeleteList-Request
  LM=ListManage-Request GP=GetPresence-Request SB=SubscribePresence-Request PN=PresenceNotification-Request
  UP=UpdatePresence-Request CA=CreateAttributeList-Request GB=GetBlockedList-Request
`;

/** Transaction codes whose mode is Response; COMPAT(aosp): Disconnect too, whoever begins. */
export const PTS_RESPONSES = `
  RL=Login-Response DI=Disconnect AK=KeepAlive-Response ST=Status QS=Service-Response
  PC=ClientCapability-Response LG=GetList-Response ML=ListManage-Response PG=GetPresence-Response
`;

/**
 * Parameter codes. Where several elements share one, the first that the primitive has is meant: `UI` is UserID in
 * Login-Request and a User with a UserID in GetPresence-Request.
 */
export const PTS_PARAMETERS = `
  UI=UserID|User/UserID|UserIDList/UserID CI=ClientID PW=Password DB=DigestBytes SH=DigestSchema NO=Nonce
  SC=SessionCookie SI=SessionID TL=TimeToLive KA=KeepAliveTime CR=CapabilityRequest CA=CapabilityList
  AP=AgreedCapabilityList RF=Functions AR=AllFunctionsRequest AF=AllFunctions ST=Result
  CL=ContactList|ContactListIDList/ContactList DC=DefaultContactList UN=NickList AN=AddNickList
  RN=RemoveNickList CP=ContactListProperties RL=ReceiveList PS=PresenceSubList PR=Presence DL=DefaultList
  AS=AutoSubscribe
`;

/** Parameter codes that differ in one primitive. In responses Functions are those that are not available. */
export const PTS_PARAMETERS_OF: Readonly<Record<string, string>> = {
  'Login-Response': 'DI=DigestSchema NF=Functions',
  'Service-Response': 'NF=Functions',
  'UpdatePresence-Request': 'UV=PresenceSubList',
};

/** How the value of an element that holds others is written. */
export type PtsForm =
  /** `(a,b)`: these children in this order; a value that is no list is the first of them. */
  | { readonly form: 'tuple'; readonly children: readonly string[] }
  /**
   * `((a,b),(c,d))`: children of this name. `bare` is the element that a text instead of a pair stands for, and with
   * `alone` also a pair that has nothing but that.
   */
  | { readonly form: 'rows'; readonly of: string; readonly bare?: string; readonly alone?: true }
  /** `((CODE,value),…)`: one leaf a pair. */
  | { readonly form: 'pairs' }
  /** `(CODE,…)`: the parts of the tree of functions. */
  | { readonly form: 'features' }
  /** Presence attributes: `(CODE,…)` when they are asked for, `((CODE,qualifier,value),…)` when they are told. */
  | { readonly form: 'attributes' };

export const PTS_FORMS: Readonly<Record<string, PtsForm>> = {
  Result: { form: 'tuple', children: ['Code', 'Description'] },
  Presence: { form: 'tuple', children: ['UserID', 'PresenceSubList'] },
  NickName: { form: 'tuple', children: ['Name', 'UserID'] },
  Property: { form: 'tuple', children: ['Name', 'Value'] },
  NickList: { form: 'rows', of: 'NickName', bare: 'UserID' },
  AddNickList: { form: 'rows', of: 'NickName', bare: 'UserID' },
  RemoveNickList: { form: 'rows', of: 'NickName', bare: 'UserID', alone: true },
  ContactListProperties: { form: 'rows', of: 'Property' },
  CapabilityList: { form: 'pairs' },
  AgreedCapabilityList: { form: 'pairs' },
  Functions: { form: 'features' },
  AllFunctions: { form: 'features' },
  PresenceSubList: { form: 'attributes' },
};

/** Names inside capability lists. `CI` is CIRURL in 1.1 and 1.2. */
export const PTS_CAPABILITIES = `
  CT=ClientType CI=CIRHTTPAddress DL=DefaultLanguage ID=InitialDeliveryMethod MT=MultiTrans PS=ParserSize
  PM=ServerPollMin SB=SupportedBearer SC=SupportedCIRMethod TA=TCPAddress TP=TCPPort UP=UDPPort
`;

/** Parts of the tree of functions. Codes of function groups and functions are not known. */
export const PTS_FEATURES = 'WV=WVCSPFeat FF=FundamentalFeat PF=PresenceFeat IF=IMFeat GE=GroupFeat';

export const PTS_ATTRIBUTES =
  'OS=OnlineStatus CF=ClientInfo UA=UserAvailability ST=StatusText SC=StatusContent';

/** What is inside of presence attributes that have no PresenceValue. */
export const PTS_SUB_ATTRIBUTES: Readonly<Record<string, string>> = {
  ClientInfo: 'CT=ClientType CP=ClientProducer CV=ClientVersion',
  StatusContent: 'RC=ReferredContent CY=ContentType',
};

/** Values that have a code, by element (by its parent where the name alone does not tell). */
export const PTS_VALUES: Readonly<Record<string, string>> = {
  ClientType: 'MP=MOBILE_PHONE CO=COMPUTER PD=PDA CL=CLI OT=OTHER',
  SupportedCIRMethod: 'SS=SSMS ST=STCP SU=SUDP WS=WAPSMS WU=WAPUDP',
  'UserAvailability/PresenceValue': 'AV=AVAILABLE DI=DISCREET NA=NOT_AVAILABLE',
  'Property/Name': 'DN=DisplayName DE=Default',
};
