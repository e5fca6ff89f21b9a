// What peers write otherwise than ssp.md has it, and what it means (ssp.md section 13, observed-peer.md sections 12 to 14).

import { describe, expect, it } from 'vitest';
import { simple } from '../../../src/wv/presence.ts';
import { alice, ben, bob, hikers, NOW, peerA, peerB, request, requests } from './documents.ts';

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
