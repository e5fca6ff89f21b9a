// The plain text syntax: what Android's client writes and reads, what cannot be known, and any octets at all.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/access/csp/codec/codec.ts';
import { readBody, readMessage, isBindError } from '../../../src/access/csp/codec/binding.ts';
import type { CspMessage, CspTransaction } from '../../../src/access/csp/codec/binding.ts';
import { isCodecError } from '../../../src/access/csp/codec/errors.ts';
import { decodePts, encodePts } from '../../../src/access/csp/codec/pts.ts';
import { parametersOf, primitiveOf } from '../../../src/access/csp/codec/pts-tables.ts';
import { words } from '../../../src/access/csp/schema/lookup.ts';
import { PTS_REQUESTS, PTS_RESPONSES } from '../../../src/access/csp/schema/pts-codes.ts';
import type { Element } from '../../../src/wv/element.ts';
import { leaf, node } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { NAMESPACES } from '../../../src/wv/version.ts';
import { expectDecoded, expectError, text, utf8 } from './documents.ts';

function read(pts: string): CspMessage {
  const message = readMessage(expectDecoded(decodePts(utf8(pts))));
  if (isBindError(message)) expect.fail(`${message.code} ${message.element}`);
  return message;
}

function only(message: CspMessage): CspTransaction {
  expect(message.transactions).toHaveLength(1);
  return message.transactions[0]!;
}

/** The primitive as XML, without the namespace of presence. */
const contentOf = (pts: string): string => text(only(read(pts)).content).replace(/ xmlns="[^"]*"/, '');

function write(message: CspMessage): string {
  const written = encodePts(message);
  if (isCodecError(written)) expect.fail(`${written.kind}: ${written.message}`);
  expect(written.leftOut).toEqual([]);
  return new TextDecoder().decode(written.bytes);
}

const request = (content: Element, more: Partial<CspMessage> = {}): CspMessage => ({
  version: '1.2',
  sessionType: 'Inband',
  sessionId: 's-81f2c0',
  transactions: [{ mode: 'Request', id: '2', primitive: content.name, content }],
  ...more,
});

/** Texts that we write exactly like this, and what they mean. */
const EXACT: readonly (readonly [pts: string, content: string])[] = [
  [
    'WV12LR1 UI=wv:ann@im.example CI=http://phone.example/ua PW=sesame TL=3600 SC=ck-4711',
    '<Login-Request><UserID>wv:ann@im.example</UserID><ClientID><URL>http://phone.example/ua</URL></ClientID>' +
      '<Password>sesame</Password><TimeToLive>3600</TimeToLive><SessionCookie>ck-4711</SessionCookie></Login-Request>',
  ],
  [
    'WV13LR1 UI=wv:ann CI=34600000000 SH=(SHA,MD5)',
    '<Login-Request><UserID>wv:ann</UserID><ClientID><MSISDN>34600000000</MSISDN></ClientID>' +
      '<DigestSchema>SHA</DigestSchema><DigestSchema>MD5</DigestSchema></Login-Request>',
  ],
  [
    'WV12RL1 ST=200 SI=s-81f2c0 KA=3600 CR=F',
    '<Login-Response><Result><Code>200</Code></Result><SessionID>s-81f2c0</SessionID>' +
      '<KeepAliveTime>3600</KeepAliveTime><CapabilityRequest>F</CapabilityRequest></Login-Response>',
  ],
  [
    'WV12RL1 ST=(401,"Say it, again") NO=n-1 DI=SHA',
    '<Login-Response><Result><Code>401</Code><Description>Say it, again</Description></Result>' +
      '<Nonce>n-1</Nonce><DigestSchema>SHA</DigestSchema></Login-Response>',
  ],
  ['WV12OR4 SI=s-1', '<Logout-Request/>'],
  ['WV12PO0 SI=s-1', '<Polling-Request/>'],
  ['WV12DI9 SI=s-1 ST=601', '<Disconnect><Result><Code>601</Code></Result></Disconnect>'],
  ['WV12KA3 SI=s-1 TL=60', '<KeepAlive-Request><TimeToLive>60</TimeToLive></KeepAlive-Request>'],
  [
    'WV12AK3 SI=s-1 ST=605 KA=120',
    '<KeepAlive-Response><Result><Code>605</Code></Result><KeepAliveTime>120</KeepAliveTime></KeepAlive-Response>',
  ],
  ['WV12ST7 SI=s-81f2c0 ST=200', '<Status><Result><Code>200</Code></Result></Status>'],
  [
    'WV12SQ5 SI=s-1 RF=(FF,PF,IF,GE) AR=T',
    '<Service-Request><Functions><WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/><GroupFeat/></WVCSPFeat>' +
      '</Functions><AllFunctionsRequest>T</AllFunctionsRequest></Service-Request>',
  ],
  [
    'WV12QS5 SI=s-1 NF=(GE) AF=(WV)',
    '<Service-Response><Functions><WVCSPFeat><GroupFeat/></WVCSPFeat></Functions>' +
      '<AllFunctions><WVCSPFeat/></AllFunctions></Service-Response>',
  ],
  [
    'WV12CP6 SI=s-1 CA=((CT,MP),(PS,1024),(SC,SS),(SC,ST))',
    '<ClientCapability-Request><CapabilityList><ClientType>MOBILE_PHONE</ClientType><ParserSize>1024</ParserSize>' +
      '<SupportedCIRMethod>SSMS</SupportedCIRMethod><SupportedCIRMethod>STCP</SupportedCIRMethod></CapabilityList>' +
      '</ClientCapability-Request>',
  ],
  [
    'WV13PC6 SI=s-1 AP=((SC,SS),(CI,"http://im.example/c?a=1"),(PM,90))',
    '<ClientCapability-Response><AgreedCapabilityList><SupportedCIRMethod>SSMS</SupportedCIRMethod>' +
      '<CIRHTTPAddress><URL>http://im.example/c?a=1</URL></CIRHTTPAddress><ServerPollMin>90</ServerPollMin>' +
      '</AgreedCapabilityList></ClientCapability-Response>',
  ],
  [
    'WV12LG2 SI=s-1 CL=(wv:ann/pals@im.example,wv:ann/work@im.example) DC=wv:ann/pals@im.example',
    '<GetList-Response><ContactList>wv:ann/pals@im.example</ContactList><ContactList>wv:ann/work@im.example' +
      '</ContactList><DefaultContactList>wv:ann/pals@im.example</DefaultContactList></GetList-Response>',
  ],
  [
    'WV12CL8 SI=s-1 CL=wv:ann/pals UN=((Bea,wv:bea@x),(,wv:cy@x)) CP=((DN,"My pals"),(DE,F))',
    '<CreateList-Request><ContactList>wv:ann/pals</ContactList><NickList><NickName><Name>Bea</Name>' +
      '<UserID>wv:bea@x</UserID></NickName><NickName><UserID>wv:cy@x</UserID></NickName></NickList>' +
      '<ContactListProperties><Property><Name>DisplayName</Name><Value>My pals</Value></Property>' +
      '<Property><Name>Default</Name><Value>F</Value></Property></ContactListProperties></CreateList-Request>',
  ],
  [
    'WV12DL8 SI=s-1 CL=wv:ann/pals',
    '<DeleteList-Request><ContactList>wv:ann/pals</ContactList></DeleteList-Request>',
  ],
  [
    'WV12LM8 SI=s-1 CL=wv:ann/pals AN=((Bea,wv:bea)) RN=((,wv:cy)) RL=T',
    '<ListManage-Request><ContactList>wv:ann/pals</ContactList><AddNickList><NickName><Name>Bea</Name>' +
      '<UserID>wv:bea</UserID></NickName></AddNickList><RemoveNickList><UserID>wv:cy</UserID></RemoveNickList>' +
      '<ReceiveList>T</ReceiveList></ListManage-Request>',
  ],
  [
    'WV12GP8 SI=s-1 UI=(wv:bea,wv:cy) PS=(OS,(CF,(CT,CP)))',
    '<GetPresence-Request><User><UserID>wv:bea</UserID></User><User><UserID>wv:cy</UserID></User>' +
      '<PresenceSubList><OnlineStatus/><ClientInfo><ClientType/><ClientProducer/></ClientInfo></PresenceSubList>' +
      '</GetPresence-Request>',
  ],
  [
    'WV12SB8 SI=s-1 CL=wv:ann/pals PS=UA AS=T',
    '<SubscribePresence-Request><ContactList>wv:ann/pals</ContactList><PresenceSubList><UserAvailability/>' +
      '</PresenceSubList><AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>',
  ],
  [
    'WV12PN7 SI=s-81f2c0 PR=(wv:bea@im.example,((UA,T,AV)))',
    '<PresenceNotification-Request><Presence><UserID>wv:bea@im.example</UserID><PresenceSubList><UserAvailability>' +
      '<Qualifier>T</Qualifier><PresenceValue>AVAILABLE</PresenceValue></UserAvailability></PresenceSubList>' +
      '</Presence></PresenceNotification-Request>',
  ],
  [
    'WV12PG7 SI=s-1 ST=200 PR=((wv:bea,((OS,T,T),(ST,F,))),(wv:cy))',
    '<GetPresence-Response><Result><Code>200</Code></Result><Presence><UserID>wv:bea</UserID><PresenceSubList>' +
      '<OnlineStatus><Qualifier>T</Qualifier><PresenceValue>T</PresenceValue></OnlineStatus><StatusText>' +
      '<Qualifier>F</Qualifier></StatusText></PresenceSubList></Presence><Presence><UserID>wv:cy</UserID></Presence>' +
      '</GetPresence-Response>',
  ],
  [
    'WV12UP7 SI=s-1 UV=((UA,T,AV),(CF,T,((CT,MP),(CP,Name))),(ST,T,"On the train, ""late"""))',
    '<UpdatePresence-Request><PresenceSubList><UserAvailability><Qualifier>T</Qualifier><PresenceValue>AVAILABLE' +
      '</PresenceValue></UserAvailability><ClientInfo><Qualifier>T</Qualifier><ClientType>MOBILE_PHONE</ClientType>' +
      '<ClientProducer>Name</ClientProducer></ClientInfo><StatusText><Qualifier>T</Qualifier><PresenceValue>' +
      'On the train, "late"</PresenceValue></StatusText></PresenceSubList></UpdatePresence-Request>',
  ],
  [
    'WV12CA7 SI=s-1 PS=(OS,UA) UI=wv:bea DL=F',
    '<CreateAttributeList-Request><PresenceSubList><OnlineStatus/><UserAvailability/></PresenceSubList>' +
      '<UserID>wv:bea</UserID><DefaultList>F</DefaultList></CreateAttributeList-Request>',
  ],
  ['WV12GB7 SI=s-1', '<GetBlockedList-Request/>'],
];

describe('PTS', () => {
  it.each(EXACT)('%s', (pts, content) => {
    expect(contentOf(pts)).toBe(content);
    expect(write(read(pts))).toBe(pts);
    const { content: element } = only(read(pts));
    expect(isBindError(readBody(element))).toBe(false);
  });

  it('has an example of every transaction code', () => {
    const codes = [...words(PTS_REQUESTS), ...words(PTS_RESPONSES)].map((word) => word.slice(0, 2));
    const shown = EXACT.map(([pts]) => pts.slice(4, 6));
    // ListManage-Response has nothing that the others do not have; the property below writes it.
    expect(codes.filter((code) => !shown.includes(code) && !['GL', 'ML'].includes(code))).toEqual([]);
  });

  it('tells version, mode, transaction and session', () => {
    expect(read('WV13LG999 SI=s-1')).toMatchObject({
      version: '1.3',
      sessionType: 'Inband',
      sessionId: 's-1',
      transactions: [{ mode: 'Response', id: '999', primitive: 'GetList-Response' }],
    });
    expect(read('WV11LR1 UI=wv:ann')).toMatchObject({ version: '1.1', sessionType: 'Outband' });
    expect(decode('pts', utf8('WVXXPO1'))).toMatchObject({ version: undefined, encoding: 'pts' });
  });
});

describe('what phones write otherwise', () => {
  it.each([
    ['wv12lr1 ui=wv:ann', 'WV12LR1 UI=wv:ann'],
    ['WV12LR1  UI=wv:ann  \r\n', 'WV12LR1 UI=wv:ann'],
    ['WV12GP2 SI=a(b)=c UI=(wv:bea)', 'WV12GP2 SI="a(b)=c" UI=wv:bea'],
    // Android does not quote presence values.
    ['WV12UP2 UV=((ST,T,On the train))', 'WV12UP2 UV=((ST,T,"On the train"))'],
    ['WV12UP2 UV=(ua,T,av)', 'WV12UP2 UV=((UA,T,AV))'],
    ['WV12PN2 PR=((wv:bea,((OS,T))))', 'WV12PN2 PR=(wv:bea,((OS,,T)))'],
    ['WV12GP2 PS=(CF,(CT,CP)) UI=wv:bea', 'WV12GP2 UI=wv:bea PS=(CF,(CT,CP))'],
    ['WV12GP2 PS=(OS,CF,(CT),UA)', 'WV12GP2 PS=(OS,(CF,(CT)),UA)'],
    ['WV12LM2 CL=a RN=(wv:bea,wv:cy)', 'WV12LM2 CL=a RN=((,wv:bea),(,wv:cy))'],
    ['WV12CP2 CA=(CT,MP)', 'WV12CP2 CA=((CT,MP))'],
    ['WV12CP2 CA=()', 'WV12CP2 CA=()'],
    ['WV12CL2 CL=a CP=(DN,Pals)', 'WV12CL2 CL=a CP=((DN,Pals))'],
    ['WV12SQ2 RF=FF', 'WV12SQ2 RF=(FF)'],
    ['WV12ST2 ST=(200)', 'WV12ST2 ST=200'],
    ['WV12UP2 UV=((ST,T,""))', 'WV12UP2 UV=((ST,T,""))'],
  ])('%s', (pts, usual) => {
    expect(write(read(pts))).toBe(usual);
  });
});

describe('what nobody knows', () => {
  it.each([
    [
      'a transaction',
      'WV12SM5 SI=s-1 XX=(a,"b c") CL=a',
      '<PTS-SM><PTS-XX>(a,"b c")</PTS-XX><PTS-CL>a</PTS-CL></PTS-SM>',
    ],
    [
      'a parameter',
      'WV12GL5 SI=s-1 Q7=1 ZZ',
      '<GetList-Request><PTS-Q7>1</PTS-Q7><PTS-ZZ/></GetList-Request>',
    ],
    [
      'a capability',
      'WV12CP5 CA=((CT,MP),(XY,(1,2)))',
      '<ClientCapability-Request><CapabilityList><ClientType>MOBILE_PHONE</ClientType><PTS-XY>(1,2)</PTS-XY>' +
        '</CapabilityList></ClientCapability-Request>',
    ],
    [
      'an attribute',
      'WV12UP5 UV=((GL,T,(1,2)))',
      '<UpdatePresence-Request><PresenceSubList><PTS-GL><Qualifier>T</Qualifier><PresenceValue>(1,2)</PresenceValue>' +
        '</PTS-GL></PresenceSubList></UpdatePresence-Request>',
    ],
    [
      'a value',
      'WV12CP5 CA=((CT,QQ))',
      '<ClientCapability-Request><CapabilityList><ClientType>QQ</ClientType></CapabilityList></ClientCapability-Request>',
    ],
  ])('%s is shown by its code, and written as it was', (_, pts, content) => {
    expect(contentOf(pts)).toBe(content);
    expect(write(read(pts))).toBe(pts);
  });

  it('values that have no place are shown', () => {
    expect(contentOf('WV12ST5 ST=(200,OK,x)')).toContain('<PTS-EXTRA>x</PTS-EXTRA>');
    expect(contentOf('WV12UP5 UV=((UA,T,AV,x))')).toContain('<PTS-EXTRA>x</PTS-EXTRA>');
  });

  it('is not written, and the writer says what', () => {
    const content = node('Status', [
      node('Result', [leaf('Code', '201'), node('DetailedResult', [leaf('Code', '531')])]),
    ]);
    expect(encodePts(request(content))).toMatchObject({ leftOut: ['Result/DetailedResult'] });
    const functions = node('Functions', [
      node('WVCSPFeat', [node('IMFeat', [node('IMSendFunc')]), node('GroupFeat')]),
    ]);
    // IF would mean all of IMFeat.
    const written = encodePts(request(node('Service-Response', [functions])));
    expect(written).toMatchObject({ leftOut: ['Functions/IMFeat'] });
    expect(new TextDecoder().decode('bytes' in written ? written.bytes : undefined)).toContain('NF=(GE)');
  });

  it.each([
    ['a message has no code', request(node('NewMessage')), 'unsupported-document'],
    ['two transactions', request(node('GetList-Request'), { transactions: [] }), 'malformed'],
    [
      'a TransactionID that is no number',
      request(node('GetList-Request'), {
        transactions: [
          { mode: 'Request', id: '1000', primitive: 'GetList-Request', content: node('GetList-Request') },
        ],
      }),
      'malformed',
    ],
  ] as const)('%s: an error', (_, message, kind) => {
    expect(encodePts(message)).toMatchObject({ kind });
  });
});

describe('errors', () => {
  it.each([
    ['', 'malformed', 0],
    ['Hello', 'malformed', 0],
    ['WV12LR', 'malformed', 0],
    ['WV12LR1234', 'malformed', 0],
    ['WV20LR1', 'unsupported-document', 2],
    ['WV12LR1 =x', 'malformed', 8],
    ['WV12LR1 UI="x', 'malformed', 11],
    ['WV12LR1 UI=(x', 'malformed', 13],
    ['WV12LR1 UI=(x)y', 'malformed', 14],
    ['WV12LR1 UI="x"y', 'malformed', 14],
    ['WV12LR1 UI=(("a"b))', 'malformed', 16],
    ['WV12LR1ac UI=x', 'unsupported-document', 9],
    ['WV12LR1ca UI=x', 'malformed', 7],
    [`WV12LR1 UI=${'('.repeat(100_000)}`, 'too-deep', 43],
    [`WV12LR1 UI=(${','.repeat(100_000)})`, 'too-many', 20_010],
    [`WV12LR1 UI=${'x'.repeat(300_000)}`, 'too-large', 0],
  ] as const)('%.30s', (pts, kind, offset) => {
    expect(expectError(decodePts(utf8(pts)))).toMatchObject({ kind, offset });
  });

  it('octets that are not UTF-8', () => {
    expect(expectError(decodePts(Uint8Array.of(0x57, 0x56, 0xff)))).toMatchObject({
      kind: 'unsupported-charset',
    });
  });

  it('keep what was read before', () => {
    const { partial } = expectError(decodePts(utf8('WV12LM7 SI=s-1 CL=wv:ann/pals RN=((')));
    expect(partial).toMatchObject({ sessionId: 's-1', transactionId: '7', version: '1.2' });
    expect(text(partial!.root!)).toContain('<ContactList>wv:ann/pals</ContactList></ListManage-Request>');
  });
});

// ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────

/** Characters that mean something to PTS, and some of every length in UTF-8. */
const character = fc.constantFrom(...' ",()=&\n\r\taAT0é€', '😀');
const free = fc.string({ unit: character, maxLength: 12 });
const filled = free.filter((value) => value !== '');
const flag = fc.constantFrom('T', 'F');

const told: fc.Arbitrary<Element> = fc.oneof(
  fc
    .tuple(fc.constantFrom('OnlineStatus', 'StatusText'), fc.option(flag), fc.option(free))
    .map(([name, q, value]) =>
      node(name, [
        ...(q === null ? [] : [leaf('Qualifier', q)]),
        ...(value === null ? [] : [leaf('PresenceValue', value)]),
      ]),
    ),
  fc
    .tuple(flag, fc.constantFrom('AVAILABLE', 'DISCREET', 'NOT_AVAILABLE'))
    .map(([q, value]) => node('UserAvailability', [leaf('Qualifier', q), leaf('PresenceValue', value)])),
  fc
    .tuple(flag, fc.constantFrom('PDA', 'CLI', 'OTHER'), free)
    .map(([q, type, made]) =>
      node('ClientInfo', [leaf('Qualifier', q), leaf('ClientType', type), leaf('ClientProducer', made)]),
    ),
  fc
    .tuple(free, free)
    .map(([at, type]) => node('StatusContent', [leaf('ReferredContent', at), leaf('ContentType', type)])),
);
const asked = fc.constantFrom(
  node('OnlineStatus'),
  node('UserAvailability'),
  node('ClientInfo'),
  node('ClientInfo', [node('ClientVersion'), node('ClientType')]),
  node('StatusContent', [node('ReferredContent')]),
);
const feature = fc
  .constantFrom('FundamentalFeat', 'PresenceFeat', 'IMFeat', 'GroupFeat')
  .map((name) => node(name));
const nick = fc
  .tuple(fc.option(filled), filled)
  .map(([name, id]) =>
    node('NickName', [...(name === null ? [] : [leaf('Name', name)]), leaf('UserID', id)]),
  );
const property = fc
  .tuple(fc.oneof(fc.constantFrom('DisplayName', 'Default'), fc.constant('Other')), filled)
  .map(([name, value]) => node('Property', [leaf('Name', name), leaf('Value', value)]));
const capability = fc.oneof(
  fc.constantFrom('MOBILE_PHONE', 'COMPUTER').map((type) => leaf('ClientType', type)),
  fc
    .constantFrom('SSMS', 'STCP', 'SUDP', 'WAPSMS', 'SHTTP')
    .map((method) => leaf('SupportedCIRMethod', method)),
  fc
    .tuple(fc.constantFrom('TCPAddress', 'DefaultLanguage', 'ParserSize'), free)
    .map(([name, value]) => leaf(name, value)),
);
const listOf = (name: string, inside: fc.Arbitrary<Element>, xmlns?: string): fc.Arbitrary<Element> =>
  fc.array(inside, { maxLength: 4 }).map((children) => node(name, children, xmlns));

/** Something to stand in each element that has a parameter code. */
function value(name: string, primitive: string, presence: string): fc.Arbitrary<Element> {
  switch (name) {
    case 'Result':
      return fc
        .tuple(fc.integer({ min: 100, max: 999 }), fc.option(filled))
        .map(([code, why]) =>
          node('Result', [leaf('Code', String(code)), ...(why === null ? [] : [leaf('Description', why)])]),
        );
    case 'ClientID':
      return fc.oneof(
        free.filter((url) => !/^\+?\d+$/.test(url)).map((url) => node('ClientID', [leaf('URL', url)])),
        fc.integer({ min: 0 }).map((number) => node('ClientID', [leaf('MSISDN', String(number))])),
      );
    case 'NickList':
    case 'AddNickList':
      return listOf(name, nick);
    case 'RemoveNickList':
      return listOf(
        name,
        filled.map((id) => leaf('UserID', id)),
      );
    case 'ContactListProperties':
      return listOf(name, property);
    case 'CapabilityList':
    case 'AgreedCapabilityList':
      return listOf(name, capability);
    case 'Functions':
    case 'AllFunctions':
      return fc.array(feature, { maxLength: 3 }).map((parts) => node(name, [node('WVCSPFeat', parts)]));
    case 'PresenceSubList':
      return listOf(name, primitive === 'UpdatePresence-Request' ? told : asked, presence);
    case 'Presence':
      return fc
        .tuple(filled, fc.option(listOf('PresenceSubList', told, presence)))
        .map(([id, list]) => node('Presence', [leaf('UserID', id), ...(list === null ? [] : [list])]));
    default:
      return free.map((text) => leaf(name, text));
  }
}

const REPEATED: ReadonlySet<string> = new Set(['DigestSchema', 'ContactList', 'User', 'UserID', 'Presence']);

function primitive(code: string, version: CspVersion): fc.Arbitrary<Element> {
  const { name = '' } = primitiveOf(code) ?? {};
  const places = [...parametersOf(name).byCode.values()];
  const children = places.map(({ name: inner, wrapper }) => {
    const one = value(inner, name, NAMESPACES[version].presence).map((element) =>
      wrapper === undefined ? element : node(wrapper, [element]),
    );
    const many = REPEATED.has(wrapper ?? inner) && !(name.startsWith('Login-') && inner !== 'DigestSchema');
    return fc.array(one, { maxLength: many ? 3 : 1 });
  });
  return fc.tuple(...children).map((found) => node(name, found.flat()));
}

const codes = [...words(PTS_REQUESTS), ...words(PTS_RESPONSES)].map((word) => word.slice(0, 2));

describe.each(codes)('any %s', (code) => {
  const versions = fc.constantFrom<CspVersion>('1.1', '1.2', '1.3');
  const documents = versions.chain((version) =>
    fc.tuple(fc.constant(version), primitive(code, version), fc.nat(999)),
  );

  it('survives', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(documents, ([version, content, id]) => {
        const { mode = 'Request' } = primitiveOf(code) ?? {};
        const login = content.name.startsWith('Login-');
        const message: CspMessage = {
          version,
          ...(login ? { sessionType: 'Outband' } : { sessionType: 'Inband', sessionId: 's 1"' }),
          transactions: [{ mode, id: String(id), primitive: content.name, content }],
        };
        const again = only(read(write(message)));
        const sorted = (element: Element): string[] => element.children.map(text).toSorted();
        expect(sorted(again.content)).toEqual(sorted(content));
        expect(read(write(message))).toMatchObject({ version, sessionType: message.sessionType });
      }),
      { numRuns: 60 },
    );
  });
});

describe('any octets', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '(',
      ')',
      ',',
      '"',
      '=',
      ' ',
      '&',
      'UV=',
      'PR=',
      'PS=',
      'CA=',
      'UA',
      'CF',
      'CT',
      'ST=',
      'T',
      '',
    ),
    fc.constantFrom('UN=', 'CP=', 'RF=', 'UI=', '((', '))', '""', '\r\n', 'é', 'XX'),
  );
  const start = fc.constantFrom('', ...codes.map((code) => `WV12${code}1 `), 'WV12UP1 UV=', 'WV13PN1 PR=');

  it('give a tree or an error', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(
        start,
        fc.array(piece, { maxLength: 60 }),
        fc.uint8Array({ maxLength: 3 }),
        (head, pieces, tail) => {
          const bytes = Uint8Array.from([...utf8(head + pieces.join('')), ...tail]);
          const result = decodePts(bytes);
          if (isCodecError(result)) {
            expect(result.offset).toBeLessThanOrEqual(bytes.length);
            return;
          }
          const message = readMessage(result);
          if (isBindError(message) || message.transactions[0] === undefined) return;
          expectDecoded(decode('xml', utf8(text(result.root))));
          encodePts(message);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('cost time in proportion', { timeout: 30_000 }, () => {
    const begun = performance.now();
    for (const unit of ['(', '"', '""', ',', '(,', 'a=(', ' a', '\n', 'UV=((', '=(),'])
      decodePts(utf8(`WV12UP1 UV=(${unit.repeat(250_000 / unit.length)}`));
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
