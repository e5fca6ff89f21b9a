// Exactly what is written: names, order and spelling (ssp.md sections 5, 6 and 10).

import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { encodeDocument } from '../../../src/access/ssp/codec/index.ts';
import type { SspDocument } from '../../../src/access/ssp/document.ts';
import type { Domain, MessageId } from '../../../src/wv/ids.ts';
import type { RequestPrimitive, SendMessageRequest } from '../../../src/wv/primitives.ts';
import { simple } from '../../../src/wv/presence.ts';
import {
  alice,
  ben,
  bob,
  decode,
  hikers,
  NOW,
  peerA,
  peerB,
  transactionsOf,
  unwrapped,
  written,
  writtenResponse,
} from './documents.ts';

const meta = { service: peerA, user: alice };
const META =
  '<MetaInfo clientOriginated="Yes"><Requestor serviceID="wv:@peer-a.example"><User userID="wv:alice@peer-a.example"/></Requestor></MetaInfo>';
const SERVER_META = '<MetaInfo clientOriginated="No"><Requestor serviceID="wv:@peer-b.example"/></MetaInfo>';

const message: SendMessageRequest = {
  primitive: 'SendMessageRequest',
  meta,
  deliveryReport: true,
  message: {
    id: 'm81' as MessageId,
    sender: { kind: 'user', user: alice },
    recipients: [
      { kind: 'user', user: bob },
      { kind: 'user', user: ben },
    ],
    sentAt: NOW + 123,
    expiresAt: NOW + 600_123,
    content: { contentType: 'text/plain; charset=utf-8', encoding: 'none', data: 'Hä' },
  },
};

describe('a message', () => {
  it('has one Recipient per user, a date without milliseconds, and BASE64', () => {
    expect(written(message)).toBe(
      `<SendMessageRequest deliveryReport="Yes">${META}` +
        '<MessageInfo messageID="m81" contentType="text/plain; charset=utf-8" contentSize="3" validity="600">' +
        '<Recipient><User userID="wv:bob@peer-b.example"/></Recipient>' +
        '<Recipient><User userID="wv:ben@peer-b.example"/></Recipient>' +
        '<Sender><User userID="wv:alice@peer-a.example"/></Sender>' +
        '<DateTime format="iso8601">2026-11-23T12:00:00Z</DateTime></MessageInfo>' +
        '<ContentData contentType="text/plain; charset=utf-8" encoding="base64">SMOk</ContentData>' +
        '</SendMessageRequest>',
    );
  });

  it('says how long it is still valid when it is told the time', () => {
    expect(written(message, 'standard', NOW + 300_123)).toContain(' validity="300"');
    expect(written(message, 'standard', NOW + 900_000)).toContain(' validity="0"');
  });

  it('from a group names the member, and whom it whispers to only where that is understood', () => {
    const whisper: RequestPrimitive = {
      ...message,
      meta: { service: peerB },
      message: {
        ...message.message,
        recipients: [{ kind: 'user', user: alice }],
        sender: { kind: 'group', group: hikers, screenName: 'Bobby' },
        addressedTo: { kind: 'group', group: hikers, screenName: 'Ally' },
      },
    };
    const sender = `<Sender><GroupID groupID="${hikers}"/><SenderDisplay><ScreenName groupID="${hikers}">Bobby</ScreenName></SenderDisplay></Sender>`;
    const display = `<RecipientDisplay><ScreenName groupID="${hikers}">Ally</ScreenName></RecipientDisplay>`;
    const text = written(whisper);
    expect(text).toContain(SERVER_META);
    expect(text).toContain(
      `<Recipient><User userID="wv:alice@peer-a.example"/>${display}</Recipient>${sender}`,
    );
    expect(written(whisper, 'baraza')).not.toContain('RecipientDisplay');
  });

  it('to a group and to a screen name', () => {
    const recipients = [
      { kind: 'group' as const, group: hikers },
      { kind: 'group' as const, group: hikers, screenName: 'Bobby' },
    ];
    expect(written({ ...message, message: { ...message.message, recipients } })).toContain(
      `<Recipient><GroupID groupID="${hikers}"/></Recipient><Recipient><ScreenName groupID="${hikers}">Bobby</ScreenName></Recipient>`,
    );
  });

  it('is reported with the roles turned round', () => {
    const report = written({
      primitive: 'DeliveryStatusReport',
      meta: { service: peerB, user: bob },
      messageId: 'm81' as MessageId,
      sender: alice,
      recipient: { kind: 'user', user: bob },
      outcome: { code: 200 },
      deliveredAt: NOW,
    });
    expect(report).toContain(
      '<DeliveryResult><Status code="200"><StatusDescription>Successful</StatusDescription></Status></DeliveryResult>' +
        '<DeliveryTime>2026-11-23T12:00:00Z</DeliveryTime><MessageInfo messageID="m81">' +
        '<Recipient><User userID="wv:alice@peer-a.example"/></Recipient><Sender><User userID="wv:bob@peer-b.example"/></Sender></MessageInfo>',
    );
  });
});

describe('presence', () => {
  const NAMES =
    '<AttributeList><PresenceSubList xmlns="http://www.openmobilealliance.org/DTD/IMPS-PA1.3"><OnlineStatus/><StatusText/></PresenceSubList></AttributeList>';
  const asked = { meta, watcher: alice, publishers: [bob] };
  const attributes = new Set(['StatusText', 'OnlineStatus'] as const);

  it('is asked for by UserID, once by VerUserID', () => {
    expect(written({ primitive: 'SubscribeRequest', ...asked, attributes })).toBe(
      `<SubscribeRequest>${META}<UserID userID="wv:bob@peer-b.example"/>${NAMES}</SubscribeRequest>`,
    );
    expect(written({ primitive: 'GetPresenceRequest', ...asked })).toBe(
      `<GetPresenceRequest>${META}<VerUserID userID="wv:bob@peer-b.example"/></GetPresenceRequest>`,
    );
  });

  it('the watcher is the user in MetaInfo, whoever asks for him', () => {
    expect(written({ primitive: 'SubscribeRequest', ...asked, meta: { service: peerA } })).toContain(META);
  });

  it('is given up for good only where that is understood', () => {
    const end: RequestPrimitive = { primitive: 'UnsubscribeRequest', ...asked, final: true };
    expect(written(end)).toMatch(/^<UnsubscribeRequest final="Yes">/);
    expect(written(end, 'baraza')).toMatch(/^<UnsubscribeRequest><MetaInfo/);
    expect(written({ ...end, final: false })).toMatch(/^<UnsubscribeRequest><MetaInfo/);
  });

  it('is answered with a Status always', () => {
    const values = [{ user: bob, attributes: { OnlineStatus: simple('T') } }];
    expect(writtenResponse({ primitive: 'GetPresenceResponse', result: { code: 200 }, values })).toBe(
      '<GetPresenceResponse><Status code="200"><StatusDescription>Successful</StatusDescription></Status>' +
        '<PresenceValue userID="wv:bob@peer-b.example"><PresenceSubList xmlns="http://www.openmobilealliance.org/DTD/IMPS-PA1.3">' +
        '<OnlineStatus><Qualifier>T</Qualifier><PresenceValue>T</PresenceValue></OnlineStatus></PresenceSubList></PresenceValue></GetPresenceResponse>',
    );
  });

  const notification = (publisher: typeof bob, watchers = [alice]): RequestPrimitive => ({
    primitive: 'PresenceNotification',
    meta: { service: peerB },
    publisher,
    watchers,
    attributes: { OnlineStatus: simple('F') },
  });
  const together = (...requests: readonly RequestPrimitive[]): string =>
    encodeDocument(
      {
        kind: 'session',
        version: '1.2',
        sessionId: '1',
        transactions: [{ mode: 'Request', transactionId: '1', content: { kind: 'relay', requests } }],
      },
      DIALECTS.standard,
    );

  it('several notifications for the same watchers are one', () => {
    const text = together(notification(bob), notification(ben));
    expect(unwrapped(text).match(/<PresenceValue userID="[^"]*">/g)).toEqual([
      '<PresenceValue userID="wv:bob@peer-b.example">',
      '<PresenceValue userID="wv:ben@peer-b.example">',
    ]);
    expect(text).toContain('http://www.openmobilealliance.org/DTD/WV-PA1.2');
    const [read] = transactionsOf(decode(text));
    expect(read?.content).toEqual({ kind: 'relay', requests: [notification(bob), notification(ben)] });
    expect(unwrapped(together())).toBe('<PresenceNotification/>');
  });

  it('nothing else travels together', () => {
    expect(() => together(notification(bob), notification(ben, [ben]))).toThrow(TypeError);
    expect(() => together(message, message)).toThrow(TypeError);
    expect(() => together(notification(bob), message)).toThrow(TypeError);
  });
});

describe('outcomes', () => {
  it('name everybody, each kind in its element', () => {
    const details = [
      {
        code: 531 as const,
        users: [bob],
        groups: [hikers],
        screenNames: [{ group: hikers, name: 'B&B' }],
        domains: ['peer-c.example' as Domain],
      },
    ];
    const result = { code: 201 as const, description: 'Partial', details, tryAgainAfter: 30 };
    expect(writtenResponse({ primitive: 'Status', result })).toBe(
      '<Status code="201"><StatusDescription>Partial</StatusDescription><DetailedResult code="531">' +
        `<UserID userID="wv:bob@peer-b.example"/><GroupID groupID="${hikers}"/><ScreenName groupID="${hikers}">B&amp;B</ScreenName>` +
        '<Domain>peer-c.example</Domain></DetailedResult><TryAgainTimeout>30</TryAgainTimeout></Status>',
    );
  });

  it('lists that are empty are not there', () => {
    const details = [{ code: 531 as const, users: [bob], groups: [], lists: [], messages: [] }];
    expect(writtenResponse({ primitive: 'Status', result: { code: 531, details } })).toContain(
      '<DetailedResult code="531"><UserID userID="wv:bob@peer-b.example"/></DetailedResult>',
    );
  });
});

describe('groups', () => {
  it('are joined', () => {
    expect(
      written({
        primitive: 'JoinGroupRequest',
        meta,
        group: hikers,
        screenName: 'Ally',
        wantsJoinedList: true,
        subscribe: false,
      }),
    ).toBe(
      `<JoinGroupRequest groupID="${hikers}" joinedListRequest="Yes" subscribeNotif="No">${META}<ScreenName groupID="${hikers}">Ally</ScreenName></JoinGroupRequest>`,
    );
  });

  it('tell who is joined under the names that the peer reads, and who they are where that is understood', () => {
    const joined = [{ screenName: 'Bobby', user: bob }];
    const maps = (inside: string): string =>
      `<UserMapList><UserMapping><Mapping><SName>Bobby</SName>${inside}</Mapping></UserMapping></UserMapList>`;
    const standard = writtenResponse({ primitive: 'GetJoinedUsersResponse', result: { code: 200 }, joined });
    expect(standard).toContain(
      `<JoinedUsers>${maps('<UserID userID="wv:bob@peer-b.example"/>')}</JoinedUsers>`,
    );
    const baraza = writtenResponse(
      { primitive: 'GetJoinedUsersResponse', result: { code: 200 }, joined },
      'baraza',
    );
    expect(baraza).toContain(`<JoinedUsers>${maps('')}</JoinedUsers><JoinedUser>${maps('')}</JoinedUser>`);
  });

  it('tell who is out where that is understood', () => {
    const out: RequestPrimitive = {
      primitive: 'LeaveGroupIndication',
      meta: { service: peerB },
      group: hikers,
      users: [alice],
      result: { code: 809 },
    };
    const end =
      '<Status code="809"><StatusDescription>Rejected</StatusDescription></Status><ReasonText>Rejected</ReasonText></LeaveGroupIndication>';
    const start = `<LeaveGroupIndication groupID="${hikers}">${SERVER_META}`;
    expect(written(out)).toBe(`${start}<User userID="wv:alice@peer-a.example"/>${end}`);
    expect(written(out, 'baraza')).toBe(start + end);
  });
});

it('an invitation', () => {
  const invited = { kind: 'user' as const, user: bob };
  const invitedAs = { kind: 'group' as const, group: hikers, screenName: 'Bobby' };
  const invitation: RequestPrimitive = {
    primitive: 'InviteRequest',
    meta,
    inviteId: 'i1',
    inviteType: 'SC',
    inviting: { kind: 'user', user: alice },
    invited,
    invitedAs,
    urls: ['http://x/?a&b'],
    note: 'Look',
    validity: 600,
  };
  const named = `<ScreenName groupID="${hikers}">Bobby</ScreenName>`;
  expect(written(invitation)).toBe(
    `<InviteRequest inviteID="i1" inviteType="SC" validity="600">${META}<Inviting><User userID="wv:alice@peer-a.example"/></Inviting>` +
      `<Invited><User userID="wv:bob@peer-b.example"/>${named}</Invited><ContentIDList><ContentID url="http://x/?a&amp;b"/></ContentIDList><InviteNote>Look</InviteNote></InviteRequest>`,
  );
  expect(written(invitation, 'baraza')).not.toContain(named);
});

describe('documents', () => {
  const setup = (step: object): SspDocument =>
    ({ kind: 'setup', version: '1.3', mode: 'Request', transactionId: 'a-901', step }) as SspDocument;
  const domain = 'wv.example' as Domain;

  it('begin with a declaration and the namespace of their version', () => {
    const document: SspDocument = {
      kind: 'session',
      version: '1.1',
      sessionId: '12@wv.example',
      transactions: [],
    };
    expect(encodeDocument(document, DIALECTS.standard)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><WV-SSP-Message xmlns="http://www.wireless-village.org/SSP1.1"><Session sessionID="12@wv.example"/></WV-SSP-Message>',
    );
  });

  it('of the set-up misspell the version for those who do', () => {
    const step = {
      name: 'SendSecretToken',
      service: domain,
      protocolVersion: '1.3',
      token: Buffer.from('forty'),
    };
    const start =
      '<SetupTransaction mode="Request" transactionID="a-901"><SendSecretToken serviceID="wv:@wv.example" protocol="WV-SSP" protocolVersion="1.3"';
    const end = '><SecretToken encoding="base64">Zm9ydHk=</SecretToken></SendSecretToken></SetupTransaction>';
    expect(encodeDocument(setup(step), DIALECTS.standard)).toContain(start + end);
    expect(encodeDocument(setup(step), DIALECTS.baraza)).toContain(`${start} procotolVersion="1.3"${end}`);
  });

  it('of the log-in name the digest only when it is not MD5', () => {
    const login = (schema: string): string =>
      encodeDocument(
        setup({ name: 'LoginRequest', service: domain, timeToLive: 3600, digest: Buffer.from('x'), schema }),
        DIALECTS.standard,
      );
    expect(login('MD5')).toContain(
      '<LoginRequest serviceID="wv:@wv.example" timeToLive="3600"><PasswordDigest encoding="base64">eA==</PasswordDigest></LoginRequest>',
    );
    expect(login('SHA256')).toContain(
      '<PasswordDigest encoding="base64" schema="SHA256">eA==</PasswordDigest>',
    );
  });

  it('of the negotiation hold the tree of functions', () => {
    const functions = new Set(['IMSendFunc', 'GroupUseFunc', 'PresenceDeliverFunc'] as const);
    const document: SspDocument = {
      kind: 'session',
      version: '1.3',
      sessionId: '1',
      transactions: [
        {
          mode: 'Request',
          transactionId: '1',
          content: { kind: 'control', control: { name: 'ServiceRequest', functions } },
        },
      ],
    };
    expect(unwrapped(encodeDocument(document, DIALECTS.standard))).toBe(
      '<ServiceRequest><Functions><WVCSPFeat><PresenceFeat><PresenceDeliverFunc/></PresenceFeat><IMFeat><IMSendFunc/></IMFeat><GroupFeat><GroupUseFunc/></GroupFeat></WVCSPFeat></Functions></ServiceRequest>',
    );
  });

  it('that are unreadable are never written', () => {
    const content = { kind: 'unreadable' as const, primitive: 'x', code: 405 as const, reason: '' };
    const document = (mode: 'Request' | 'Response'): SspDocument => ({
      kind: 'session',
      version: '1.3',
      sessionId: '1',
      transactions: [{ mode, transactionId: '1', content }],
    });
    expect(() => encodeDocument(document('Request'), DIALECTS.standard)).toThrow(TypeError);
    expect(() => encodeDocument(document('Response'), DIALECTS.standard)).toThrow(TypeError);
  });
});
