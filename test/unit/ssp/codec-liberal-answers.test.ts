// What peers write otherwise than ssp.md has it in answers, about groups and in envelopes (ssp.md section 13,
// observed-peer.md sections 11 to 14).

import { describe, expect, it } from 'vitest';
import {
  ben,
  bob,
  decode,
  hikers,
  inSession,
  request,
  response,
  transaction,
  transactionsOf,
} from './documents.ts';

const META = `<MetaInfo clientOriginated="Yes"><Requestor serviceID="wv:@peer-a.example"><User userID="wv:alice@peer-a.example"/></Requestor></MetaInfo>`;

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
