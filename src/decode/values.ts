// What values of CSP have to look like, beyond their type (CSP data types; lengths are those of Nokia's client, in
// which longer values break things).

const lengths = (max: number, names: string): [string, number][] =>
  names.split(' ').map((name) => [name, max]);

/** Characters that a phone keeps. */
export const LENGTHS: ReadonlyMap<string, number> = new Map([
  ...lengths(
    50,
    'UserID Name SessionID GroupID MessageID TransactionID Password SessionCookie SName ContentEncoding',
  ),
  ...lengths(50, 'Property/Value'),
  ...lengths(100, 'SearchString MessageURI ContactList DefaultContactList InviteID'),
  ...lengths(200, 'Description DigestBytes Nonce URL'),
  ...lengths(400, 'InviteNote ResponseNote'),
]);

const METHODS = 'WAPSMS WAPUDP SUDP STCP SSMS SHTTP';

/** Values of enumerations, compared without regard to case. Elements that are not here may hold anything. */
export const ENUMERATIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    SessionType: 'Inband Outband',
    TransactionMode: 'Request Response',
    DigestSchema: 'PWD SHA MD4 MD5 MD6',
    ClientType: 'MOBILE_PHONE COMPUTER PDA CLI OTHER',
    InitialDeliveryMethod: 'P N',
    DeliveryMethod: 'P N',
    SupportedBearer: 'SMS WSP HTTP HTTPS',
    SupportedCIRMethod: METHODS,
    AcceptedTransferEncoding: 'BASE64 None',
    ContentEncoding: 'BASE64 None',
    InviteType: 'GR IM PR SC GM EC EG AP',
    SubscribeType: 'G S U',
    ReactiveAuthState: 'GRANTED DENIED PENDING',
    WatcherStatus: 'CURRENT_SUBSCRIBER FORMER_SUBSCRIBER PRESENCE_ACCESS',
    'UserAvailability/PresenceValue': 'AVAILABLE DISCREET NOT_AVAILABLE',
  }).map(([name, values]) => [name, new Set(values.toUpperCase().split(' '))]),
);

/** The form of dates that every client reads. */
export const CANONICAL_DATE = /^\d{8}T\d{4}(?:\d{2})?Z?$/;
export const DATE =
  /^\d{4}-?\d{2}-?\d{2}T\d{2}:?\d{2}(?::?\d{2}(?:[.,]\d+)?)?\s*(?:Z|[A-IK-Y]|[+-]\d{2}(?::?\d{2})?)?$/i;
export const INTEGER = /^\d{1,10}$/;
export const MAX_INTEGER = 0xffff_ffff;
