// What is no document, and what is no primitive: a peer is told which, and everything else in the document counts.

import { describe, expect, it } from 'vitest';
import {
  code,
  decode,
  hikers,
  inSession,
  refusal,
  requestContent,
  responseContent,
  transaction,
  transactionsOf,
} from './documents.ts';

const META = `<MetaInfo clientOriginated="Yes"><Requestor serviceID="wv:@peer-a.example"><User userID="wv:alice@peer-a.example"/></Requestor></MetaInfo>`;
const SENDER = '<Sender><User userID="wv:alice@peer-a.example"/></Sender>';
const RECIPIENT = '<Recipient><User userID="bob"/></Recipient>';

describe('no document', () => {
  const setup = (step: string, attributes = 'mode="Request"') =>
    refusal(`<WV-SSP-Message><SetupTransaction ${attributes}>${step}</SetupTransaction></WV-SSP-Message>`);
  const service = 'serviceID="wv:@peer-a.example"';

  it.each([
    ['', 'markup that is no element'],
    ['<WV-SSP-Message>', 'element that is never closed'],
    ['<WV-CSP-Message/>', 'not a WV-SSP-Message'],
    ['<wv-ssp-message/>', 'not a WV-SSP-Message'],
    ['<WV-SSP-Message/>', 'neither SetupTransaction nor Session'],
    [
      '<WV-SSP-Message><Session sessionID="1"/><Session sessionID="2"/></WV-SSP-Message>',
      'more than one SetupTransaction or Session',
    ],
    ['<WV-SSP-Message><Session/></WV-SSP-Message>', 'Session without sessionID'],
    ['<WV-SSP-Message><Session sessionID=" "/></WV-SSP-Message>', 'Session without sessionID'],
  ])('%s', (document, reason) => expect(refusal(document)).toBe(reason));

  it('a document that is too large', () => {
    expect(refusal(' '.repeat(1_048_577))).toBe('over 1048576 octets');
  });

  it.each([
    ['', 'SetupTransaction with other than one step'],
    ['<Redirect/>', 'unknown step of the set-up'],
    ['<LoginResponse/><LoginResponse/>', 'SetupTransaction with other than one step'],
    ['<SendSecretToken><SecretToken>x</SecretToken></SendSecretToken>', 'serviceID is missing'],
    [
      '<SendSecretToken serviceID="wv:@a b"><SecretToken>x</SecretToken></SendSecretToken>',
      'malformed service address',
    ],
    [`<SendSecretToken ${service}/>`, 'SecretToken is missing'],
    [`<SendSecretToken ${service}><SecretToken> </SecretToken></SendSecretToken>`, 'SecretToken is empty'],
    [
      `<SendSecretToken ${service}><SecretToken encoding="base64">?</SecretToken></SendSecretToken>`,
      'not BASE64',
    ],
    ['<LoginRequest><PasswordDigest>AAAA</PasswordDigest></LoginRequest>', 'serviceID is missing'],
    [`<LoginRequest ${service}/>`, 'PasswordDigest is missing'],
    [`<LoginRequest ${service}><PasswordDigest/></LoginRequest>`, 'PasswordDigest is empty'],
    [
      `<LoginRequest ${service}><PasswordDigest schema="MD4">AAAA</PasswordDigest></LoginRequest>`,
      'none of MD5, SHA256',
    ],
    [
      `<LoginRequest ${service} timeToLive="ever"><PasswordDigest>AAAA</PasswordDigest></LoginRequest>`,
      'not a number',
    ],
  ])('set-up %s', (step, reason) => expect(setup(step)).toBe(reason));

  it('a set-up without a mode', () => {
    expect(setup('<LoginResponse/>', '')).toBe('SetupTransaction without a mode');
    expect(setup('<LoginResponse/>', 'mode="Reply"')).toBe('SetupTransaction without a mode');
  });
});

describe('405: primitives that are never relayed', () => {
  it.each([
    'CreateGroupRequest',
    'SearchRequest',
    'StopSearchRequest',
    'UpdatePresence',
    'GetList',
    'CreateAttributeList',
    'PresenceAuthRequest',
    'GetServiceRequest',
    'ForwardMessage',
    'SystemMessage',
    'SendSecretToken',
    'Status',
    'SendMessageResponse',
    'KeepAliveResponse',
    'Anything',
    'constructor',
    '__proto__',
    'toString',
  ])('%s', (name) => expect(code(`<${name}/>`)).toBe(405));

  it('and requests that come as responses', () => {
    expect(responseContent('<SendMessageRequest/>')).toMatchObject({ kind: 'unreadable', code: 405 });
    expect(responseContent('<Disconnect/>')).toMatchObject({ kind: 'unreadable', code: 405 });
  });
});

const send = (info: string, more = '', attributes = ''): string =>
  `<SendMessageRequest ${attributes}>${META}<MessageInfo messageID="m">${info}</MessageInfo>${more}</SendMessageRequest>`;
const group = (name: string, inside: string, attributes = `groupID="${hikers}"`): string =>
  `<${name} ${attributes}>${inside}</${name}>`;
const invite = (
  attributes: string,
  inside = '<Inviting><User userID="alice@peer-a.example"/></Inviting><Invited><User userID="bob"/></Invited>',
) => `<InviteRequest ${attributes}>${META}${inside}</InviteRequest>`;

describe('400: something needed is missing', () => {
  it.each([
    ['no MessageInfo', `<SendMessageRequest>${META}</SendMessageRequest>`],
    ['no recipient', send(SENDER)],
    ['an empty recipient', send(`<Recipient/>${SENDER}`)],
    ['no sender', send(RECIPIENT)],
    ['an empty sender', send(`${RECIPIENT}<Sender/>`)],
    ['no group of a screen name', send(`<Recipient><ScreenName>Bobby</ScreenName></Recipient>${SENDER}`)],
    [
      'no DeliveryResult',
      `<DeliveryStatusReport>${META}<MessageInfo messageID="m">${RECIPIENT}${SENDER}</MessageInfo></DeliveryStatusReport>`,
    ],
    [
      'no messageID of a report',
      `<DeliveryStatusReport>${META}<DeliveryResult><Status code="200"/></DeliveryResult><MessageInfo>${RECIPIENT}${SENDER}</MessageInfo></DeliveryStatusReport>`,
    ],
    ['no MetaInfo', '<SubscribeRequest><UserID userID="bob"/></SubscribeRequest>'],
    ['no Requestor', '<SubscribeRequest><MetaInfo/><UserID userID="bob"/></SubscribeRequest>'],
    [
      'no user who watches',
      '<SubscribeRequest><MetaInfo><Requestor serviceID="wv:@a"/></MetaInfo><UserID userID="bob"/></SubscribeRequest>',
    ],
    ['nobody to watch', `<SubscribeRequest>${META}</SubscribeRequest>`],
    ['nobody to watch any more', `<UnsubscribeRequest>${META}</UnsubscribeRequest>`],
    ['nobody whose presence is asked for', `<GetPresenceRequest>${META}</GetPresenceRequest>`],
    [
      'no user of presence',
      '<PresenceNotification><User userID="alice"/><PresenceValue/></PresenceNotification>',
    ],
    ['nobody to be notified', '<PresenceNotification><PresenceValue userID="bob@b"/></PresenceNotification>'],
    ['no state', `<PresenceAuthResponse>${META}<UserID userID="bob"/></PresenceAuthResponse>`],
    ['no group', group('JoinGroupRequest', META, '')],
    ['no MetaInfo of a group request', group('JoinGroupRequest', '')],
    ['nobody to add', group('AddGroupMemberRequest', META)],
    [
      'no name of a property',
      group(
        'SetGroupPropsRequest',
        `${META}<GroupProperties><Property><Value>x</Value></Property></GroupProperties>`,
      ),
    ],
    ['nobody to hear of changes', group('GroupChangeNotice', META)],
    ['no inviteID', invite('inviteType="IM"')],
    ['no inviteType', invite('inviteID="1"')],
    [
      'nobody invited',
      invite('inviteID="1" inviteType="IM"', '<Inviting><User userID="a@b"/></Inviting><Invited/>'),
    ],
    ['no acceptance', `<InviteResponse inviteID="1">${META}</InviteResponse>`],
  ])('%s', (_, primitive) =>
    expect([code(primitive), requestContent(primitive).kind]).toEqual([400, 'unreadable']),
  );

  it.each(['', '<Status code="200"/><Status code="200"/>'])('a transaction with %j', (inside) => {
    expect(responseContent(inside)).toMatchObject({ kind: 'unreadable', code: 400 });
  });

  it.each(['', 'transactionID=""', `transactionID="${'9'.repeat(256)}"`])(
    'a transaction with %s',
    (attribute) => {
      const [read] = transactionsOf(
        decode(inSession(`<Transaction mode="Request" ${attribute}><LogoutRequest/></Transaction>`)),
      );
      expect(read?.content).toMatchObject({ kind: 'unreadable', code: 400 });
      expect(read?.transactionId.length).toBeLessThanOrEqual(255);
    },
  );
});

describe('402: a value that cannot be', () => {
  it.each([
    ['neither Yes nor No', send(RECIPIENT + SENDER, '', 'deliveryReport="maybe"')],
    ['no BASE64', send(RECIPIENT + SENDER, '<ContentData encoding="base64">*</ContentData>')],
    ['BASE64 cut off', send(RECIPIENT + SENDER, '<ContentData encoding="base64">SGkxx</ContentData>')],
    ['a message id beyond measure', send(RECIPIENT + SENDER).replace('"m"', `"${'m'.repeat(256)}"`)],
    ['no number', send(RECIPIENT + SENDER).replace('"m"', '"m" validity="-1"')],
    ['no invitation type', invite('inviteID="1" inviteType="XX"')],
    ['no validity', invite('inviteID="1" inviteType="IM" validity="long"')],
    [
      'no state',
      `<PresenceAuthResponse state="PERHAPS">${META}<UserID userID="bob"/></PresenceAuthResponse>`,
    ],
    ['no code', '<Disconnect><Status code="bad"/></Disconnect>'],
    [
      'a report to a group',
      `<DeliveryStatusReport>${META}<DeliveryResult><Status code="200"/></DeliveryResult><MessageInfo messageID="m"><Recipient><GroupID groupID="${hikers}"/></Recipient>${SENDER}</MessageInfo></DeliveryStatusReport>`,
    ],
  ])('%s', (_, primitive) => expect(code(primitive)).toBe(402));
});

describe('901: an address that cannot be used', () => {
  it.each([
    ['a sender without domain', send(`${RECIPIENT}<Sender><User userID="alice"/></Sender>`)],
    [
      'a requestor without domain',
      `<SubscribeRequest><MetaInfo><Requestor serviceID="wv:@a"><User userID="alice"/></Requestor></MetaInfo><UserID userID="bob"/></SubscribeRequest>`,
    ],
    [
      'a publisher without domain',
      '<PresenceNotification><User userID="alice"/><PresenceValue userID="bob"/></PresenceNotification>',
    ],
    ['a group without domain', group('LeaveGroupRequest', META, 'groupID="wv:bob/hikers"')],
    ['a user for a group', group('LeaveGroupRequest', META, 'groupID="wv:bob@peer-b.example"')],
    ['a group for a user', send(`<Recipient><User userID="${hikers}"/></Recipient>${SENDER}`)],
    ['nobody', send(`<Recipient><User/></Recipient>${SENDER}`)],
    ['a member without domain', group('AddGroupMemberRequest', `${META}<UserID userID="alice"/>`)],
    ['two @', send(`<Recipient><User userID="a@b@c"/></Recipient>${SENDER}`)],
    ['a malformed domain', send(`<Recipient><User userID="a@b c"/></Recipient>${SENDER}`)],
    [
      'a malformed service',
      '<SubscribeRequest><MetaInfo><Requestor serviceID="wv:@a b"/></MetaInfo></SubscribeRequest>',
    ],
    ['an endless one', send(`<Recipient><User userID="${'a'.repeat(500)}@b"/></Recipient>${SENDER}`)],
  ])('%s', (_, primitive) => expect(code(primitive)).toBe(901));
});

describe('presence that says nothing of ours', () => {
  it('750: attributes that nobody knows', () => {
    const list = '<AttributeList><PresenceSubList><X-Shoe/></PresenceSubList></AttributeList>';
    expect(code(`<SubscribeRequest>${META}<UserID userID="bob"/>${list}</SubscribeRequest>`)).toBe(750);
  });

  it('751: values outside their enumeration', () => {
    const list =
      '<PresenceSubList><OnlineStatus><PresenceValue>perhaps</PresenceValue></OnlineStatus></PresenceSubList>';
    expect(
      code(
        `<PresenceNotification><User userID="alice"/><PresenceValue userID="bob@b">${list}</PresenceValue></PresenceNotification>`,
      ),
    ).toBe(751);
  });
});

it('one bad transaction does not spoil the others', () => {
  const read = transactionsOf(
    decode(
      inSession(
        transaction('Request', '<SearchRequest/>') +
          transaction('Request', '<LogoutRequest/>') +
          transaction('Response', '<Status/>') +
          transaction('Response', '<Status code="200"/>'),
      ),
    ),
  );
  expect(read.map(({ content }) => content.kind)).toEqual(['unreadable', 'control', 'unreadable', 'relay']);
});

it('names the primitive, shortened, and never its content', () => {
  expect(requestContent(`<${'x'.repeat(100)}>secret</${'x'.repeat(100)}>`)).toEqual({
    kind: 'unreadable',
    primitive: 'x'.repeat(64),
    code: 405,
    reason: 'no primitive of SSP that is relayed',
  });
});
