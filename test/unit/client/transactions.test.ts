// One method per transaction: what it writes and what it makes of the answer.

import { describe, expect, it } from 'vitest';
import { readBody } from '../../../src/access/csp/codec/binding.ts';
import { writeAttributeNames, writePresenceSubList } from '../../../src/access/csp/presence-sublist.ts';
import { childText } from '../../../src/wv/element.ts';
import { simple } from '../../../src/wv/presence.ts';
import type { Element } from '../../../src/wv/element.ts';
import { connected, FakeServer } from './fake-server.ts';

const BEA = 'wv:bea@im.example';
const PALS = 'wv:ann/pals@im.example';

function answering(server: FakeServer, content: Element): void {
  server.script = () => ({ content });
}

const names = (element: Element | undefined): string[] => element?.children.map(({ name }) => name) ?? [];

describe('contact lists', () => {
  it('name the default list once', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(
      server,
      server.element('GetList-Response', { ContactList: [PALS, 'b'], DefaultContactList: PALS }),
    );
    expect(await client.getLists()).toEqual({ lists: [PALS, 'b'], defaultList: PALS });
  });

  it('are created with nicknames, bare contacts and properties', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    await client.createList(PALS, {
      contacts: [{ user: BEA, name: 'Bea' }, { user: 'wv:cy' }],
      displayName: 'Pals',
    });
    expect(readBody(server.heard[0]?.transaction.content as Element, 'CreateList-Request')).toEqual({
      ContactList: PALS,
      NickList: { NickName: [{ Name: 'Bea', UserID: BEA }], UserID: ['wv:cy'] },
      ContactListProperties: { Property: [{ Name: 'DisplayName', Value: 'Pals' }] },
    });
  });

  it.each([
    ['1.1', ['ContactList', 'AddNickList']],
    ['1.2', ['ContactList', 'AddNickList', 'ReceiveList']],
  ] as const)('are changed and read whole in %s', async (version, written) => {
    const server = new FakeServer(version);
    const client = await connected(server);
    answering(
      server,
      server.element('ListManage-Response', {
        Result: { Code: 200 },
        NickList: { NickName: [{ Name: 'Bea', UserID: BEA }], UserID: ['wv:cy'] },
        ContactListProperties: { Property: [{ Name: 'Default', Value: 'T' }] },
      }),
    );
    const content = await client.manageList(PALS, { add: [{ user: BEA, name: 'Bea' }] });
    expect(names(server.heard[0]?.transaction.content)).toEqual(written);
    expect(content).toMatchObject({
      contacts: [{ user: BEA, name: 'Bea' }, { user: 'wv:cy' }],
      properties: { isDefault: true },
    });
  });
});

describe('attribute lists', () => {
  it.each([
    ['1.2', ['PresenceSubList', 'UserID', 'DefaultList']],
    ['1.3', ['PresenceSubList', 'DefaultList', 'UserIDList']],
  ] as const)('name their subjects as %s wants it', async (version, written) => {
    const server = new FakeServer(version);
    const client = await connected(server);
    await client.createAttributeList(['StatusText', 'OnlineStatus'], { users: [BEA] });
    const content = server.heard[0]?.transaction.content;
    expect(names(content)).toEqual(written);
    expect(names(content?.children[0])).toEqual(['OnlineStatus', 'StatusText']);
  });

  it('are read back', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(
      server,
      server.element('GetAttributeList-Response', {
        Result: { Code: 200 },
        DefaultAttributeList: { PresenceSubList: [writeAttributeNames(['OnlineStatus'], '1.2')] },
        Presence: [{ UserID: BEA, PresenceSubList: [writeAttributeNames(['Alias'], '1.2')] }],
      }),
    );
    expect(await client.getAttributeLists()).toEqual({
      defaultList: ['OnlineStatus'],
      lists: [{ user: BEA, attributes: ['Alias'] }],
    });
    const asked = server
      .all('GetAttributeList-Request')
      .map(({ content }) => childText(content, 'DefaultList'));
    expect(asked).toEqual(['F', 'T']);
  });
});

describe('presence', () => {
  it('is asked for all attributes without a PresenceSubList', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    await client.subscribe({ lists: [PALS], auto: true });
    expect(names(server.heard[0]?.transaction.content)).toEqual(['ContactList', 'AutoSubscribe']);
  });

  it('of several users is read', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    const list = writePresenceSubList({ UserAvailability: simple('DISCREET') }, '1.2');
    answering(
      server,
      server.element('GetPresence-Response', {
        Result: { Code: 200 },
        Presence: [{ UserID: BEA, PresenceSubList: [list] }, { UserID: 'wv:cy@im.example' }],
      }),
    );
    expect(await client.getPresence({ users: [BEA] })).toEqual([
      { user: BEA, attributes: { UserAvailability: { valid: true, value: 'DISCREET' } } },
      { user: 'wv:cy@im.example', attributes: {} },
    ]);
  });

  it.each(['1.1', '1.2', '1.3'] as const)('has watchers in the form of %s', async (version) => {
    const server = new FakeServer(version);
    const client = await connected(server);
    const body = {
      '1.1': { User: [{ UserID: BEA }] },
      '1.2': { Watcher: [{ User: { UserID: BEA }, WatcherStatus: 'CURRENT_SUBSCRIBER' }] },
      '1.3': { Watcher: [{ UserID: BEA, WatcherStatus: 'CURRENT_SUBSCRIBER' }] },
    }[version];
    answering(server, server.element('GetWatcherList-Response', body));
    const status = version === '1.1' ? undefined : 'CURRENT_SUBSCRIBER';
    expect(await client.getWatchers()).toEqual([{ user: BEA, status }]);
  });
});

describe('messages', () => {
  it('are sent with their size in octets and answered with their id', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(server, server.element('SendMessage-Response', { Result: { Code: 200 }, MessageID: 'm-1' }));
    const sent = await client.sendMessage({
      to: { user: BEA },
      content: 'Grüße',
      deliveryReport: true,
      validity: 60,
    });
    expect(sent).toMatchObject({ id: 'm-1', outcome: { code: 200 } });
    expect(readBody(server.heard[0]?.transaction.content as Element, 'SendMessage-Request')).toMatchObject({
      DeliveryReport: true,
      MessageInfo: {
        ContentType: 'text/plain',
        ContentSize: 7,
        Recipient: { User: [{ UserID: BEA }] },
        Sender: { User: { UserID: 'wv:ann@im.example' } },
        Validity: 60,
      },
      ContentData: 'Grüße',
    });
  });

  it('of octets travel as BASE64', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(server, server.element('SendMessage-Response', { Result: { Code: 200 }, MessageID: 'm-1' }));
    await client.sendMessage({
      to: { user: BEA },
      content: new Uint8Array([71, 73, 70]),
      contentType: 'image/gif',
    });
    const content = server.heard[0]?.transaction.content;
    expect(childText(content, 'ContentData')).toBe('R0lG');
    expect(childText(content?.children[1], 'ContentEncoding')).toBe('BASE64');
    expect(childText(content?.children[1], 'ContentSize')).toBe('3');
  });

  it('to a member of a group carry both screen names', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(server, server.element('SendMessage-Response', { Result: { Code: 200 }, MessageID: 'm-1' }));
    const group = 'wv:ann/chat@im.example';
    await client.sendMessage({ to: { group, screenName: 'Bea' }, content: 'psst', screenName: 'Ann' });
    expect(readBody(server.heard[0]?.transaction.content as Element, 'SendMessage-Request')).toMatchObject({
      MessageInfo: {
        Recipient: { Group: [{ ScreenName: { SName: 'Bea', GroupID: group } }] },
        Sender: { Group: { ScreenName: { SName: 'Ann', GroupID: group } } },
      },
    });
  });

  it('that were announced are fetched and acknowledged in a message of its own', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = ({ primitive }) =>
      primitive === 'GetMessage-Request'
        ? {
            content: server.element('GetMessage-Response', {
              MessageInfo: { MessageID: 'm-9' },
              ContentData: 'big',
            }),
          }
        : undefined;
    expect(await client.getMessage('m-9')).toMatchObject({ id: 'm-9', text: 'big' });
    expect(server.heard.map(({ transaction }) => [transaction.primitive, transaction.mode])).toEqual([
      ['GetMessage-Request', 'Request'],
      ['MessageDelivered', 'Response'],
    ]);
  });

  it('that the server refuses are errors with its code', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(server, server.status(532, 'blocked'));
    await expect(client.sendMessage({ to: { user: BEA }, content: 'hi' })).rejects.toMatchObject({
      code: 532,
      description: 'blocked',
    });
  });
});

describe('access control', () => {
  it.each([
    ['1.2', ['BlockList'], ['InUse', 'AddList']],
    ['1.3', ['BlockListInUse', 'BlockList'], ['AddList']],
  ] as const)('says InUse where %s wants it', async (version, outer, inner) => {
    const server = new FakeServer(version);
    const client = await connected(server);
    await client.block(BEA);
    const content = server.heard[0]?.transaction.content;
    expect(names(content)).toEqual(outer);
    expect(names(content?.children.at(-1))).toEqual(inner);
  });

  it('reads both lists', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    answering(
      server,
      server.element('GetBlockedList-Response', {
        BlockList: { InUse: true, EntityList: { UserID: [BEA] } },
      }),
    );
    expect(await client.getBlocked()).toEqual({
      block: { inUse: true, users: [BEA], groups: [] },
      grant: { inUse: false, users: [], groups: [] },
    });
  });
});

describe('the service provider', () => {
  it('can be asked for before login', async () => {
    const server = new FakeServer();
    const { clientOf } = await import('./fake-server.ts');
    answering(server, server.element('GetSPInfo-Response', { Name: 'Example', URL: 'http://im.example/' }));
    const info = await clientOf(server).getSPInfo();
    expect(info).toEqual({ name: 'Example', description: undefined, url: 'http://im.example/' });
    expect(server.heard[0]?.message.sessionType).toBe('Outband');
  });
});
