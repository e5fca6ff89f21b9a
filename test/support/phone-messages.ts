// Test support: what phones say, by hand, in their own order of elements (client-quirks sections 3 to 6). Each function
// gives the XML of one primitive; Phone.say wraps and posts it.

import { createHash } from 'node:crypto';
import { childText, type Element } from '../../src/wv/element.ts';
import { NAMESPACES, type CspVersion } from '../../src/wv/version.ts';

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const users = (...ids: string[]): string => ids.map((id) => `<User><UserID>${id}</UserID></User>`).join('');

const sublist = (version: CspVersion, content: string): string =>
  `<PresenceSubList xmlns="${NAMESPACES[version].presence}">${content}</PresenceSubList>`;

/** DigestBytes of the 4-way login for the challenge in a Login-Response. */
export function digestFor(challenge: Element | undefined, password: string): string {
  const algorithm = childText(challenge, 'DigestSchema') === 'MD5' ? 'md5' : 'sha1';
  return createHash(algorithm)
    .update((childText(challenge, 'Nonce') ?? '') + password, 'latin1')
    .digest('base64');
}

/** [A] Android's IMPS engine. */
export const android = {
  login: (user: string, password: string, clientId: string) =>
    `<Login-Request><UserID>${user}</UserID>${clientId}<TimeToLive>7205</TimeToLive>` +
    `<SessionCookie>cookie_${user.length}</SessionCookie><Password>${escaped(password)}</Password></Login-Request>`,
  loginChallenge: (user: string, clientId: string) =>
    `<Login-Request><UserID>${user}</UserID>${clientId}<TimeToLive>7205</TimeToLive>` +
    '<SessionCookie>cookie_4</SessionCookie><DigestSchema>MD5</DigestSchema><DigestSchema>SHA</DigestSchema></Login-Request>',
  loginDigest: (user: string, clientId: string, digest: string) =>
    `<Login-Request><UserID>${user}</UserID>${clientId}<TimeToLive>7205</TimeToLive>` +
    `<SessionCookie>cookie_4</SessionCookie><DigestBytes>${digest}</DigestBytes></Login-Request>`,
  capability: (cir: 'STCP' | 'SHTTP' = 'STCP') =>
    '<ClientCapability-Request><CapabilityList><ClientType>MOBILE_PHONE</ClientType>' +
    '<ParserSize>32767</ParserSize><AcceptedContentLength>32767</AcceptedContentLength><MultiTrans>1</MultiTrans>' +
    '<InitialDeliveryMethod>P</InitialDeliveryMethod><SupportedBearer>HTTP</SupportedBearer>' +
    `<SupportedCIRMethod>${cir}</SupportedCIRMethod><ServerPollMin>30</ServerPollMin>` +
    '</CapabilityList></ClientCapability-Request>',
  service: () =>
    '<Service-Request><Functions><WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/></WVCSPFeat>' +
    '</Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>',
  ownPresence: (user: string) => `<GetPresence-Request>${users(user)}</GetPresence-Request>`,
  updateClientInfo: (version: CspVersion) =>
    `<UpdatePresence-Request>${sublist(
      version,
      '<ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType>' +
        '<ClientProducer>Android</ClientProducer><ClientVersion>0.1</ClientVersion></ClientInfo>',
    )}</UpdatePresence-Request>`,
  updateStatus: (version: CspVersion, availability: string, statusText: string) =>
    `<UpdatePresence-Request>${sublist(
      version,
      '<OnlineStatus><Qualifier>T</Qualifier><PresenceValue>T</PresenceValue></OnlineStatus>' +
        `<UserAvailability><Qualifier>T</Qualifier><PresenceValue>${availability}</PresenceValue></UserAvailability>` +
        `<StatusText><Qualifier>T</Qualifier><PresenceValue>${escaped(statusText)}</PresenceValue></StatusText>`,
    )}</UpdatePresence-Request>`,
  getBlockedList: () => '<GetBlockedList-Request/>',
  getList: () => '<GetList-Request/>',
  /** NickName/User/UserID, against the DTD. */
  createList: (list: string, contact: string, nickname: string) =>
    `<CreateList-Request><ContactList>${list}</ContactList><NickList><NickName><Name>${escaped(nickname)}</Name>` +
    `<User><UserID>${contact}</UserID></User></NickName></NickList><ContactListProperties><Property><Name>DisplayName</Name>` +
    '<Value>Friends</Value></Property><Property><Name>Default</Name><Value>T</Value></Property>' +
    '</ContactListProperties></CreateList-Request>',
  /** ReceiveList before the lists. */
  readList: (list: string) =>
    `<ListManage-Request><ContactList>${list}</ContactList><ReceiveList>T</ReceiveList></ListManage-Request>`,
  addContact: (list: string, contact: string, nickname: string) =>
    `<ListManage-Request><ContactList>${list}</ContactList><ReceiveList>T</ReceiveList><AddNickList><NickName>` +
    `<Name>${escaped(nickname)}</Name><UserID>${contact}</UserID></NickName></AddNickList></ListManage-Request>`,
  removeContact: (list: string, contact: string) =>
    `<ListManage-Request><ContactList>${list}</ContactList><ReceiveList>T</ReceiveList><RemoveNickList>` +
    `<UserID>${contact}</UserID></RemoveNickList></ListManage-Request>`,
  /** All attributes, for a whole list, for good. */
  subscribe: (list: string) =>
    `<SubscribePresence-Request><ContactList>${list}</ContactList><AutoSubscribe>T</AutoSubscribe>` +
    '</SubscribePresence-Request>',
  /** ContentType after Recipient and Sender; ContentSize in UTF-16 units. */
  sendMessage: (from: string, to: string, text: string) =>
    `<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><Recipient>${users(to)}</Recipient>` +
    `<Sender>${users(from)}</Sender><ContentType>text/plain</ContentType><ContentSize>${text.length}</ContentSize>` +
    `</MessageInfo><ContentData>${escaped(text)}</ContentData></SendMessage-Request>`,
  authorize: (user: string, accepted: boolean) =>
    `<PresenceAuth-User><UserID>${user}</UserID><Acceptance>${accepted ? 'T' : 'F'}</Acceptance></PresenceAuth-User>`,
  block: (user: string) =>
    `<BlockEntity-Request><BlockList><InUse>T</InUse><AddList><UserID>${user}</UserID></AddList></BlockList>` +
    '<GrantList><InUse>F</InUse></GrantList></BlockEntity-Request>',
  joinGroup: (group: string, name: string) =>
    `<JoinGroup-Request><GroupID>${group}</GroupID><ScreenName><SName>${escaped(name)}</SName><GroupID>${group}</GroupID>` +
    '</ScreenName><JoinedRequest>T</JoinedRequest><SubscribeNotification>T</SubscribeNotification></JoinGroup-Request>',
  keepAlive: () => '<KeepAlive-Request/>',
  logout: () => '<Logout-Request/>',
} as const;

/** [S] Nokia S60: ClientID in negotiation (1.1), a shorter idle time. */
export const s60 = {
  login: (user: string, password: string, clientId: string) =>
    `<Login-Request><UserID>${user}</UserID>${clientId}<Password>${escaped(password)}</Password>` +
    '<TimeToLive>3600</TimeToLive><SessionCookie>s60cookie</SessionCookie></Login-Request>',
  capability: (clientId: string, cir: 'STCP' | 'SUDP' = 'STCP') =>
    `<ClientCapability-Request>${clientId}<CapabilityList><ClientType>MOBILE_PHONE</ClientType>` +
    '<InitialDeliveryMethod>P</InitialDeliveryMethod><AnyContent>T</AnyContent><AcceptedCharSet>106</AcceptedCharSet>' +
    '<AcceptedContentLength>32767</AcceptedContentLength><SupportedBearer>HTTP</SupportedBearer><MultiTrans>3</MultiTrans>' +
    `<ParserSize>32767</ParserSize><SupportedCIRMethod>${cir}</SupportedCIRMethod><ServerPollMin>8</ServerPollMin>` +
    '<DefaultLanguage>eng</DefaultLanguage></CapabilityList></ClientCapability-Request>',
  service: (clientId: string) =>
    `<Service-Request>${clientId}<Functions><WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/></WVCSPFeat>` +
    '</Functions><AllFunctionsRequest>F</AllFunctionsRequest></Service-Request>',
  logout: () => '<Logout-Request/>',
} as const;

/** The ten attributes that the Movistar clients ask for. */
const MOVISTAR_ATTRIBUTES =
  '<OnlineStatus/><ClientInfo/><FreeTextLocation/><CommCap/><UserAvailability/><StatusText/><StatusMood/><Alias/>' +
  '<StatusContent/><ContactInfo/>';

/** [P] [H] [C] [J]: the "SMS 2.0" clients, for a Colibria server. */
export const movistar = {
  login: (user: string, password: string, clientId: string) =>
    `<Login-Request><UserID>${user}</UserID>${clientId}<Password>${escaped(password)}</Password>` +
    '<TimeToLive>3600</TimeToLive><SessionCookie>wv:cookie</SessionCookie></Login-Request>',
  /** ColibriaExtensions: an element nobody else knows. */
  capability: (clientId: string) =>
    `<ClientCapability-Request>${clientId}<CapabilityList><ClientType>COMPUTER</ClientType>` +
    '<AcceptedContentLength>0</AcceptedContentLength><InitialDeliveryMethod>P</InitialDeliveryMethod>' +
    '<AnyContent>T</AnyContent><SupportedBearer>HTTP</SupportedBearer><MultiTrans>1</MultiTrans>' +
    '<ParserSize>300000</ParserSize><SupportedCIRMethod>STCP</SupportedCIRMethod>' +
    '<ColibriaExtensions>T</ColibriaExtensions></CapabilityList></ClientCapability-Request>',
  service: (clientId: string) =>
    `<Service-Request>${clientId}<Functions><WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/></WVCSPFeat>` +
    '</Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>',
  ownPresence: (user: string) => `<GetPresence-Request>${users(user)}</GetPresence-Request>`,
  /** OnlineStatus without a value; an element of another namespace inside ClientInfo. */
  updatePresence: (version: CspVersion) =>
    `<UpdatePresence-Request>${sublist(
      version,
      '<OnlineStatus><Qualifier>T</Qualifier></OnlineStatus><ClientInfo><Qualifier>T</Qualifier>' +
        '<ClientType>COMPUTER</ClientType>' +
        '<ClientTypeDetail xmlns="http://imps.colibria.com/PA-ext-1.2">PC</ClientTypeDetail>' +
        '<ClientProducer>Colibria As</ClientProducer><Model>TELEFONICA Messenger</Model>' +
        '<ClientVersion>1.0</ClientVersion></ClientInfo><CommCap><Qualifier>T</Qualifier><CommC><Cap>IM</Cap>' +
        '<Status>OPEN</Status></CommC></CommCap><UserAvailability><Qualifier>T</Qualifier>' +
        '<PresenceValue>AVAILABLE</PresenceValue></UserAvailability>',
    )}</UpdatePresence-Request>`,
  getList: () => '<GetList-Request/>',
  createList: (list: string) =>
    `<CreateList-Request><ContactList>${list}</ContactList><NickList/></CreateList-Request>`,
  subscribe: (list: string, version: CspVersion) =>
    `<SubscribePresence-Request><ContactList>${list}</ContactList>${sublist(version, MOVISTAR_ATTRIBUTES)}` +
    '<AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>',
  contactAlias: (user: string, version: CspVersion) =>
    `<GetPresence-Request>${users(user)}${sublist(version, '<Alias/>')}</GetPresence-Request>`,
  addContact: (list: string, contact: string, alias: string) =>
    `<ListManage-Request><ContactList>${list}</ContactList><AddNickList><NickName><Name>${escaped(alias)}</Name>` +
    `<UserID>${contact}</UserID></NickName></AddNickList><ReceiveList>T</ReceiveList></ListManage-Request>`,
  /** [H]: the quote before the namespace is missing. Post it with `brokenAddContact(phone.document(…))`. */
  broken: (document: string): string =>
    document.replace('<TransactionContent xmlns="', '<TransactionContent xmlns=http"'),
  deleteContact: (user: string) => [
    `<UnsubscribePresence-Request>${users(user)}</UnsubscribePresence-Request>`,
    `<DeleteAttributeList-Request><UserID>${user}</UserID><DefaultList>F</DefaultList></DeleteAttributeList-Request>`,
    `<CancelAuth-Request><UserID>${user}</UserID></CancelAuth-Request>`,
  ],
  /** ContentType first, ContentSize always 148, Sender without its scheme. */
  sendMessage: (from: string, to: string, text: string) =>
    '<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/html</ContentType>' +
    `<ContentSize>148</ContentSize><Recipient>${users(to)}</Recipient><Sender>${users(from.replace(/^wv:/, ''))}</Sender>` +
    `</MessageInfo><ContentData>${escaped(text)}</ContentData></SendMessage-Request>`,
  searchByNumber: (number: string) =>
    '<Search-Request><SearchPairList><SearchElement>USER_MOBILE_NUMBER</SearchElement>' +
    `<SearchString>${number}</SearchString></SearchPairList><SearchLimit>50</SearchLimit></Search-Request>`,
  /** [C] as a Request of its own; [P,H] as Response with the server's id; [J] with a mangled one. */
  status: () => '<Status><Result><Code>200</Code></Result></Status>',
  authorize: (user: string, accepted: boolean) =>
    `<PresenceAuth-User><UserID>${user}</UserID><Acceptance>${accepted ? 'T' : 'F'}</Acceptance></PresenceAuth-User>`,
  logout: () => '<Logout-Request/>',
} as const;
