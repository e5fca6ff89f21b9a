// What peers write otherwise than ssp.md has it, and what it means (ssp.md section 13, observed-peer.md sections 12 to 14).

import { describe, expect, it } from 'vitest';
import { simple } from '../../../src/wv/presence.ts';
import {
  alice,
  ben,
  bob,
  decode,
  hikers,
  inSession,
  NOW,
  peerA,
  peerB,
  request,
  requests,
  response,
  transaction,
  transactionsOf,
} from './documents.ts';

const META = `<MetaInfo clientOriginated="Yes"><Requestor serviceID="wv:@peer-a.example"><User userID="wv:alice@peer-a.example"/></Requestor></MetaInfo>`;
const FROM_ALICE = '<Sender><User userID="wv:alice@peer-a.example"/></Sender>';
const TO_BOB = '<Recipient><User userID="wv:bob@peer-b.example"/></Recipient>';

interface MessageParts {
  readonly attributes?: string;
  readonly meta?: string;
  readonly recipients?: string;
  readonly sender?: string;
  readonly more?: string;
  readonly content?: string;
}

function message(parts: MessageParts = {}) {
  const { attributes = 'messageID="m1"', meta = META, recipients = TO_BOB, sender = FROM_ALICE } = parts;
  const { more = '', content = '<ContentData contentType="text/plain">Hi</ContentData>' } = parts;
  return request(
    'SendMessageRequest',
    `<SendMessageRequest deliveryReport="No">${meta}<MessageInfo ${attributes}>${recipients}${sender}${more}</MessageInfo>${content}</SendMessageRequest>`,
  );
}

const user = (address: string): object => ({ kind: 'user', user: address });

describe('addresses', () => {
  it.each([
    ['bob@peer-b.example'],
    ['WV:bob@peer-b.example'],
    ['wv:wv:bob@peer-b.example'],
    ['wv:Bob@Peer-B.Example'],
    [' wv:bob@peer-b.example\n'],
  ])('%s is read', (written) => {
    const recipients = `<Recipient><User userID="${written}"/></Recipient>`;
    expect(message({ recipients }).message.recipients).toEqual([user(bob)]);
  });

  it('a bare number or name as a recipient is one of ours', () => {
    const recipients =
      '<Recipient><User userID="+447700900123"/></Recipient><Recipient><User userID="wv:ben"/></Recipient>';
    expect(message({ recipients }).message.recipients).toEqual([
      user('wv:+447700900123@peer-b.example'),
      user(ben),
    ]);
  });

  it('two users in one Recipient are two recipients, each with his client', () => {
    const recipients = `<Recipient><User userID="bob@peer-b.example"><ClientID url="c1"/></User><User userID="ben@peer-b.example"><ClientID/></User></Recipient>`;
    expect(message({ recipients }).message.recipients).toEqual([{ ...user(bob), clientId: 'c1' }, user(ben)]);
  });

  it('may stand as text', () => {
    expect(
      message({ sender: '<Sender><User>\nwv:alice@peer-a.example\n</User></Sender>' }).message.sender,
    ).toEqual(user(alice));
  });
});

describe('attributes', () => {
  it('are found in any case', () => {
    const read = message({
      attributes: 'MessageID=" m1 " CONTENTTYPE="text/html" Validity=" 60 "',
      content: '',
    });
    expect(read.message).toMatchObject({
      id: 'm1',
      expiresAt: NOW + 60_000,
      content: { contentType: 'text/html', data: '' },
    });
  });

  it('validity may be misspelt, missing or immense', () => {
    expect(message({ attributes: 'messageID="m" validlity="60"' }).message.expiresAt).toBe(NOW + 60_000);
    expect(message().message.expiresAt).toBe(NOW + 86_400_000);
    expect(message({ attributes: `messageID="m" validity="${'9'.repeat(30)}"` }).message.expiresAt).toBe(
      NOW + 604_800_000,
    );
  });

  it('contentSize may be anything', () => {
    expect(message({ attributes: 'messageID="m" contentSize="about 5"' }).message.id).toBe('m');
  });

  it('a message without an id gets the same one whenever its transaction is repeated', () => {
    const id = message({ attributes: 'messageID=""' }).message.id;
    expect(id).toMatch(/^ssp-[0-9a-f]{40}$/);
    expect(message({ attributes: '' }).message.id).toBe(id);
  });
});

describe('dates', () => {
  it.each([
    ['2008-02-18T09:30:00Z', Date.UTC(2008, 1, 18, 9, 30)],
    ['\n20080218T093000Z ', Date.UTC(2008, 1, 18, 9, 30)],
    ['2008-02-18T10:30:00+01:00', Date.UTC(2008, 1, 18, 9, 30)],
    ['2008-02-18T09:30:00.123', Date.UTC(2008, 1, 18, 9, 30)],
    ['yesterday', NOW],
    ['', NOW],
  ])('%j', (written, time) => {
    expect(message({ more: `<DateTime format="iso8601">${written}</DateTime>` }).message.sentAt).toBe(time);
  });

  it('without one it was sent now', () => expect(message().message.sentAt).toBe(NOW));
});

describe('content', () => {
  const content = (element: string) => message({ content: element }).message.content;

  it.each([
    [
      'without encoding is text as it stands',
      '<ContentData contentType="text/plain"> a\n</ContentData>',
      'none',
      ' a\n',
    ],
    [
      'with encoding None too',
      '<ContentData contentType="text/plain" encoding="None">SGk=</ContentData>',
      'none',
      'SGk=',
    ],
    [
      'BASE64 of text is text',
      '<ContentData contentType="text/plain" encoding="BASE64">\n w6Qg\n8J+YgA==\n</ContentData>',
      'none',
      'ä 😀',
    ],
    ['without padding too', '<ContentData encoding="base64">SGk</ContentData>', 'none', 'Hi'],
    [
      'text that is no UTF-8 stays BASE64',
      '<ContentData contentType="text/plain" encoding="base64">5A==</ContentData>',
      'base64',
      '5A==',
    ],
    [
      'text of another charset too',
      '<ContentData contentType="text/plain; charset=UTF-16" encoding="base64">AEg=</ContentData>',
      'base64',
      'AEg=',
    ],
    [
      'octets stay BASE64, white space removed',
      '<ContentData contentType="image/gif" encoding="base64">R0 lG\nOA==</ContentData>',
      'base64',
      'R0lGOA==',
    ],
    ['empty', '<ContentData encoding="base64">\n</ContentData>', 'none', ''],
    ['escaped markup', '<ContentData>&lt;b&gt; &amp;amp;</ContentData>', 'none', '<b> &amp;'],
    ['CDATA', '<ContentData><![CDATA[<b>]]></ContentData>', 'none', '<b>'],
    ['missing', '', 'none', ''],
  ])('%s', (_, element, encoding, data) => expect(content(element)).toMatchObject({ encoding, data }));

  it('is text/plain unless something else is said, in ContentData before MessageInfo', () => {
    expect(content('<ContentData>x</ContentData>').contentType).toBe('text/plain');
    const attributes = 'messageID="m" contentType="text/x-a"';
    expect(message({ attributes, content: '<ContentData>x</ContentData>' }).message.content.contentType).toBe(
      'text/x-a',
    );
    expect(
      message({ attributes, content: '<ContentData contentType="text/x-b"/>' }).message.content.contentType,
    ).toBe('text/x-b');
  });
});

describe('missing MetaInfo', () => {
  it('of a message is told by its sender', () => {
    expect(message({ meta: '' }).meta).toEqual({ service: peerA, user: alice });
    const sender = `<Sender><GroupID groupID="${hikers}"/></Sender>`;
    expect(message({ meta: '', sender }).meta).toEqual({ service: peerB });
  });

  it('of a notice by its group', () => {
    const notice = `<GroupChangeNotice groupID="${hikers}"><User userID="alice@peer-a.example"/></GroupChangeNotice>`;
    expect(request('GroupChangeNotice', notice)).toMatchObject({
      meta: { service: peerB },
      joined: [],
      left: [],
    });
  });

  it('without serviceID it is that of the user', () => {
    const meta = '<MetaInfo><Requestor><User userID="alice@peer-a.example"/></Requestor></MetaInfo>';
    expect(message({ meta }).meta).toEqual({ service: peerA, user: alice });
  });
});

describe('senders in groups', () => {
  const sent = (display: string) =>
    message({ sender: `<Sender><GroupID groupID="${hikers}"/>${display}</Sender>` }).message;

  it.each([
    ['ScreenName=Bobby', 'Bobby'],
    ['\nBobby\n', 'Bobby'],
  ])('%j', (written, screenName) => {
    const display = `<SenderDisplay><ScreenName groupID="${hikers}">${written}</ScreenName></SenderDisplay>`;
    expect(sent(display).sender).toEqual({ kind: 'group', group: hikers, screenName });
    expect(sent(display).addressedTo).toEqual({ kind: 'group', group: hikers });
  });

  it('may be without a name', () => expect(sent('').sender).toEqual({ kind: 'group', group: hikers }));

  it('say whom they whisper to', () => {
    const recipients = `<Recipient><User userID="ben@peer-b.example"/><RecipientDisplay><ScreenName groupID="${hikers}">Benny</ScreenName></RecipientDisplay></Recipient>`;
    const sender = `<Sender><GroupID groupID="${hikers}"/></Sender>`;
    const read = message({ recipients, sender }).message;
    expect(read.recipients).toEqual([user(ben)]);
    expect(read.addressedTo).toEqual({ kind: 'group', group: hikers, screenName: 'Benny' });
  });
});

describe('presence', () => {
  const watcher = '<User userID="alice@peer-a.example"/>';
  const value = (name: string, list: string): string =>
    `<PresenceValue userID="${name}@peer-b.example">${list}</PresenceValue>`;
  const online =
    '<PresenceSubList><OnlineStatus><Qualifier> t </Qualifier><PresenceValue>\nT\n</PresenceValue></OnlineStatus></PresenceSubList>';

  it('a notification about several is several notifications', () => {
    const values = value('bob', online) + value('ben', online.replace('\nT\n', 'F'));
    const read = requests(`<PresenceNotification>${watcher}${values}</PresenceNotification>`);
    expect(read).toMatchObject([
      { publisher: bob, watchers: [alice], attributes: { OnlineStatus: simple('T') } },
      { publisher: ben, watchers: [alice], attributes: { OnlineStatus: simple('F') } },
    ]);
  });

  it('one about nobody is nothing', () => {
    expect(requests(`<PresenceNotification>${watcher}</PresenceNotification>`)).toEqual([]);
    expect(requests('<PresenceNotification/>')).toEqual([]);
  });

  it('several lists of one user are one', () => {
    const mood =
      '<PresenceSubList xmlns="urn:x"><StatusText><PresenceValue>Tea</PresenceValue></StatusText></PresenceSubList>';
    const read = requests(
      `<PresenceNotification>${watcher}${value('bob', online + mood)}</PresenceNotification>`,
    );
    expect(read).toMatchObject([{ attributes: { OnlineStatus: simple('T'), StatusText: simple('Tea') } }]);
  });

  it('what is outside an enumeration is overlooked beside what is not', () => {
    const list = online.replace(
      '</PresenceSubList>',
      '<StatusMood><PresenceValue>MEH</PresenceValue></StatusMood></PresenceSubList>',
    );
    expect(
      requests(`<PresenceNotification>${watcher}${value('bob', list)}</PresenceNotification>`),
    ).toMatchObject([{ attributes: { OnlineStatus: simple('T') } }]);
  });

  it.each([
    '',
    '<AttributeList/>',
    '<AttributeList>\n(null)\n</AttributeList>',
    '<AttributeList><PresenceSubList/></AttributeList>',
  ])('%j asks for everything', (list) => {
    const read = request(
      'SubscribeRequest',
      `<SubscribeRequest>${META}<UserID userID="bob"/>${list}</SubscribeRequest>`,
    );
    expect(read).not.toHaveProperty('attributes');
    expect(read.publishers).toEqual([bob]);
  });

  it('names of vendors are overlooked beside others', () => {
    const list = '<AttributeList><PresenceSubList><X-Shoe/><Alias/></PresenceSubList></AttributeList>';
    const read = request(
      'SubscribeRequest',
      `<SubscribeRequest>${META}<UserID userID="bob"/>${list}</SubscribeRequest>`,
    );
    expect(read.attributes).toEqual(new Set(['Alias']));
  });

  it('GetPresence names users by UserID too', () => {
    const read = request(
      'GetPresenceRequest',
      `<GetPresenceRequest>${META}<UserID userID="bob@peer-b.example"/></GetPresenceRequest>`,
    );
    expect(read).toMatchObject({ watcher: alice, publishers: [bob] });
  });
});

describe('outcomes', () => {
  const status = (inside: string, code = '900') =>
    response(`<Status code="${code}">${inside}</Status>`).result;
  const detail = (inside: string, code = 531) =>
    status(`<DetailedResult code="${code}">${inside}</DetailedResult>`).details?.[0];

  it.each([
    '<SendMessageResponse messageID="m"/>',
    '<GetPresenceResponse/>',
    '<JoinGroupResponse/>',
    '<GetGroupMemberResponse/>',
    '<GetJoinedUsersResponse/>',
    '<GetGroupPropsResponse/>',
    '<RejectListResponse/>',
    '<GetGroupSubStatusResponse/>',
  ])('%s went well', (primitive) => expect(response(primitive).result).toEqual({ code: 200 }));

  it.each([
    [299, 200],
    [499, 400],
    [599, 500],
    [699, 500],
    [799, 400],
    [899, 400],
    [999, 900],
    [300, 500],
    [0, 500],
    [70_000, 500],
  ])('%i, which nobody knows, counts as %i', (written, code) => {
    expect(status('', ` ${written} `).code).toBe(code);
  });

  it('names of the codes are no descriptions', () => {
    expect(status('<StatusDescription> Multiple errors </StatusDescription>')).toEqual({ code: 900 });
    expect(status('<StatusDescription> Oops </StatusDescription>')).toEqual({
      code: 900,
      description: 'Oops',
    });
  });

  it.each([
    ['invalid userid: nobody@peer-b.example', { users: ['wv:nobody@peer-b.example'] }],
    ['Unknown UserID: wv:nobody@peer-b.example.', { users: ['wv:nobody@peer-b.example'] }],
    ['"bob@peer-b.example", (ben@peer-b.example)', { users: [bob, ben] }],
    [`no such group ${hikers}!`, { groups: [hikers] }],
  ])('a description that names somebody: %s', (text, entities) => {
    const expected = { code: 427, description: text, ...entities };
    expect(detail(`<StatusDescription>${text}</StatusDescription>`, 427)).toEqual(expected);
  });

  it('a description does not count beside names', () => {
    const inside = `<StatusDescription>not ben@peer-b.example</StatusDescription><UserID userID="bob@peer-b.example"/>`;
    expect(detail(inside)).toMatchObject({ users: [bob] });
  });

  it('domains may stand in the description too', () => {
    const text = 'Forwarding to domain peer-c.example is not supported!';
    expect(detail(`<StatusDescription>${text}</StatusDescription>`, 516)).toMatchObject({
      domains: ['peer-c.example'],
    });
    expect(detail('<Domain> Peer-C.example </Domain>', 516)).toEqual({
      code: 516,
      domains: ['peer-c.example'],
    });
  });

  it.each([
    `<ScreenName groupID="${hikers}">Bobby</ScreenName>`,
    `<ScreenNames groupID="${hikers}">Bobby</ScreenNames>`,
    `<ScreenNames><ScreenName groupID="${hikers}">Bobby</ScreenName></ScreenNames>`,
  ])('%s', (inside) => {
    expect(detail(inside)).toEqual({ code: 531, screenNames: [{ group: hikers, name: 'Bobby' }] });
  });

  it('TryAgainTimeout may be surrounded by white space', () => {
    expect(status('<TryAgainTimeout>\n30\n</TryAgainTimeout>', '503')).toEqual({
      code: 503,
      tryAgainAfter: 30,
    });
  });
});

describe('groups', () => {
  const joined = (inside: string) => {
    const read = response(`<GetJoinedUsersResponse>${inside}</GetJoinedUsersResponse>`);
    return read.primitive === 'GetJoinedUsersResponse' ? read.joined : expect.fail();
  };
  const maps = (inside: string): string => `<UserMapList><UserMapping>${inside}</UserMapping></UserMapList>`;

  it.each([
    '<Mapping userid="bob@peer-b.example"><SName>Bobby</SName></Mapping>',
    '<Mapping><SName>Bobby</SName><UserID userID="bob@peer-b.example"/></Mapping>',
    '<Mapping><SName>\nBobby</SName><UserID>\nwv:bob@peer-b.example\n</UserID></Mapping>',
    '<Mapping><SName>Bobby</SName><userid>bob@peer-b.example</userid></Mapping>',
  ])('%s', (mapping) => {
    expect(joined(`<JoinedUser>${maps(mapping)}</JoinedUser>`)).toEqual([{ screenName: 'Bobby', user: bob }]);
  });

  it('who is joined stands under either name, or under both', () => {
    const [bobby, ally] = [
      maps('<Mapping><SName>Bobby</SName></Mapping>'),
      maps('<Mapping><SName>Ally</SName></Mapping>'),
    ];
    const both = `<JoinedUsers>${bobby}</JoinedUsers><JoinedUser>${bobby}${ally}</JoinedUser><JoinedAdmin/>`;
    expect(joined(both)).toEqual([{ screenName: 'Bobby' }, { screenName: 'Ally' }]);
    expect(joined('')).toEqual([]);
  });

  it('LeaveGroupIndication answers LeaveGroupRequest', () => {
    const left = (code: number) =>
      response(
        `<LeaveGroupIndication groupID="${hikers}"><Status code="${code}"/><ReasonText/></LeaveGroupIndication>`,
      );
    expect(left(824)).toEqual({ primitive: 'Status', result: { code: 200 } });
    expect(left(808)).toEqual({ primitive: 'Status', result: { code: 808 } });
  });

  it('a welcome note may be plain', () => {
    const note = (inside: string) =>
      response(`<JoinGroupResponse><WelcomeNote>${inside}</WelcomeNote></JoinGroupResponse>`);
    expect(note(' Hello ')).toMatchObject({ welcomeNote: 'Hello' });
    expect(note('<ContentData encoding="None">Hello</ContentData>')).toMatchObject({ welcomeNote: 'Hello' });
    expect(note('')).not.toHaveProperty('welcomeNote');
    expect(
      note('<ContentData contentType="image/gif" encoding="base64">R0lG</ContentData>'),
    ).not.toHaveProperty('welcomeNote');
  });

  it('an empty welcome note takes the old one away', () => {
    const inside = `<SetGroupPropsRequest groupID="${hikers}">${META}<GroupProperties><WelcomeNote/></GroupProperties></SetGroupPropsRequest>`;
    expect(request('SetGroupPropsRequest', inside)).toMatchObject({ welcomeNote: '' });
  });
});

describe('the envelope', () => {
  const empty = '<Session sessionID="1"/>';

  it.each([
    ['http://www.wireless-village.org/SSP1.1', '1.1'],
    ['http://www.openmobilealliance.org/DTD/WV-SSP1.2', '1.2'],
    ['urn:anything:imps-ssp1.2', '1.2'],
    ['http://www.openmobilealliance.org/DTD/WV-SSP1.3', '1.3'],
    ['http://www.openmobilealliance.org/DTD/WV-SSP2.0', '1.3'],
    ['urn:other', '1.3'],
  ])('namespace %s is version %s', (namespace, version) => {
    expect(decode(`<WV-SSP-Message xmlns="${namespace}">${empty}</WV-SSP-Message>`).version).toBe(version);
  });

  it('is 1.3 without namespace, and may have prefixes', () => {
    expect(decode(`<WV-SSP-Message>${empty}</WV-SSP-Message>`).version).toBe('1.3');
    const prefixed = '<s:WV-SSP-Message xmlns:s="urn:SSP1.1"><s:Session sessionID="1"/></s:WV-SSP-Message>';
    expect(decode(prefixed)).toMatchObject({ version: '1.1', sessionId: '1' });
  });

  it('a transaction that says no mode is what its primitive is', () => {
    const modeless =
      '<Transaction transactionID="1"><Status code="200"/></Transaction><Transaction transactionID="2"><LogoutRequest/></Transaction>';
    expect(transactionsOf(decode(inSession(modeless))).map(({ mode }) => mode)).toEqual([
      'Response',
      'Request',
    ]);
  });

  it('mode in any case, white space round ids', () => {
    const written = '<Transaction MODE=" request " TransactionId=" 12-3 "><LogoutRequest/></Transaction>';
    expect(transactionsOf(decode(inSession(written)))).toEqual([
      {
        mode: 'Request',
        transactionId: '12-3',
        content: { kind: 'control', control: { name: 'LogoutRequest' } },
      },
    ]);
  });

  it('functions are found at any level, unknown ones overlooked', () => {
    const tree =
      '<ServiceRequest><Functions><WVCSPFeat><IMFeat><IMSendFunc><MDELIV/></IMSendFunc><XFunc/></IMFeat><GroupUseFunc/></WVCSPFeat></Functions></ServiceRequest>';
    const [read] = transactionsOf(decode(inSession(transaction('Request', tree))));
    expect(read?.content).toMatchObject({ control: { functions: new Set(['IMSendFunc', 'GroupUseFunc']) } });
  });
});

describe('the set-up', () => {
  const setup = (step: string, attributes = 'mode="Request" transactionID="9"') => {
    const read = decode(
      `<WV-SSP-Message><SetupTransaction ${attributes}>${step}</SetupTransaction></WV-SSP-Message>`,
    );
    return read.kind === 'setup' ? read : expect.fail('is no set-up');
  };
  const token = (attributes: string, inside = 'Zm9ydHk=') =>
    setup(
      `<SendSecretToken serviceID="wv:@peer-a.example" ${attributes}><SecretToken encoding="base64">${inside}</SecretToken></SendSecretToken>`,
    ).step;

  it('a token in BASE64 is compared by its octets', () => {
    expect(token('protocolVersion="1.3"', '\n Zm9y\ndHk=\n')).toMatchObject({ token: Buffer.from('forty') });
  });

  it('tells who misspells the version', () => {
    expect(token('procotolVersion="1.2"')).toMatchObject({ protocolVersion: '1.2', misspelt: true });
    const both = token('protocolVersion="1.3" procotolVersion="1.3"');
    expect(both).toMatchObject({ protocolVersion: '1.3' });
    expect(both).not.toHaveProperty('misspelt');
    expect(token('')).toMatchObject({ protocolVersion: '' });
  });

  it('needs no transaction id, time to live or digest schema', () => {
    const login =
      '<LoginRequest serviceID="WV:@Peer-A.example"><PasswordDigest>q1p9mB0cQ3mYt0dJm7mJ2A==</PasswordDigest></LoginRequest>';
    expect(setup(login, 'mode="Response"')).toMatchObject({
      mode: 'Response',
      transactionId: '',
      step: { service: 'peer-a.example', timeToLive: 3600, schema: 'MD5' },
    });
  });

  it('a refusal has no session', () => {
    expect(setup('<LoginResponse timeToLive="0"><Status code="409"/></LoginResponse>').step).toEqual({
      name: 'LoginResponse',
      sessionId: '',
      timeToLive: 0,
      result: { code: 409 },
    });
  });
});
