// What the server starts: events, acknowledgements, polls.

import { describe, expect, it } from 'vitest';
import { writeAttributeNames, writePresenceSubList } from '../../../src/access/csp/presence-sublist.ts';
import type { WvClientEvents } from '../../../src/client/client.ts';
import { childText, type Element } from '../../../src/wv/element.ts';
import { simple } from '../../../src/wv/presence.ts';
import { eventually } from '../cir/sockets.ts';
import { connected, FakeServer } from './fake-server.ts';

function newMessage(server: FakeServer, id: string, text = 'hello'): Element {
  return server.element('NewMessage', {
    MessageInfo: {
      MessageID: id,
      ContentType: 'text/plain',
      ContentSize: text.length,
      Sender: { User: { UserID: 'wv:bea@im.example' } },
      Recipient: { User: [{ UserID: 'wv:ann@im.example' }] },
      DateTime: '20260102T030405Z',
      Validity: 600,
    },
    ContentData: text,
  });
}

describe('a message', () => {
  it.each(['xml', 'wbxml'] as const)(
    'arrives and is acknowledged with the id of the server (%s)',
    async (encoding) => {
      const server = new FakeServer();
      const client = await connected(server, { encoding });
      server.queue.push({ id: 'srv-7', content: newMessage(server, 'm-1', ' Grüße\n<&> 😀 ') });
      const message = client.next('message');
      await client.poll();
      expect(await message).toMatchObject({
        id: 'm-1',
        text: ' Grüße\n<&> 😀 ',
        from: { user: 'wv:bea@im.example' },
        to: [{ user: 'wv:ann@im.example' }],
        sentAt: '20260102T030405Z',
      });
      await eventually(() => server.all('MessageDelivered').length === 1, 'acknowledged');
      const [acknowledgement] = server.all('MessageDelivered');
      expect(acknowledgement).toMatchObject({ mode: 'Response', id: 'srv-7' });
      expect(childText(acknowledgement?.content, 'MessageID')).toBe('m-1');
    },
  );

  it('that comes again is acknowledged again but told once', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    const told: string[] = [];
    client.on('message', ({ id }) => told.push(id));
    server.queue.push(
      { id: 'a', content: newMessage(server, 'm-1') },
      { id: 'b', content: newMessage(server, 'm-1') },
    );
    await client.poll();
    await eventually(() => server.all('MessageDelivered').length === 2, 'both acknowledged');
    expect(told).toEqual(['m-1']);
  });

  it('waits for the listener when the client shall not acknowledge by itself', async () => {
    const server = new FakeServer();
    const client = await connected(server, { autoAcknowledge: false });
    server.queue.push({ id: 'a', content: newMessage(server, 'm-1') });
    const next = client.next('message');
    await client.poll();
    const message = await next;
    await client.poll();
    expect(server.all('MessageDelivered')).toHaveLength(0);
    await message.acknowledge();
    expect(server.all('MessageDelivered')).toHaveLength(1);
  });

  it('in BASE64 gives its octets', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    const content = server.element('NewMessage', {
      MessageInfo: { MessageID: 'm', ContentType: 'image/gif', ContentEncoding: 'BASE64' },
      ContentData: 'R0lG',
    });
    server.queue.push({ id: 'a', content });
    const message = client.next('message');
    await client.poll();
    expect((await message).data).toEqual(new TextEncoder().encode('GIF'));
  });

  it('in an answer that says Poll=T is followed by polls until nothing is left', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    const told: string[] = [];
    client.on('message', ({ id }) => told.push(id));
    for (const id of ['1', '2', '3', '4']) server.queue.push({ id, content: newMessage(server, `m-${id}`) });
    await client.deleteList('wv:ann/x@im.example');
    await eventually(() => told.length === 4, 'all four');
    await eventually(() => server.all('MessageDelivered').length === 4, 'all acknowledged');
  });

  it('with a listener that throws is an error event, and still acknowledged', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    client.on('message', () => {
      throw new Error('listener');
    });
    server.queue.push({ id: 'a', content: newMessage(server, 'm') });
    const failed = client.next('error');
    await client.poll();
    expect((await failed).error.message).toBe('listener');
    await eventually(() => server.all('MessageDelivered').length === 1, 'acknowledged');
  });
});

describe('other transactions of the server', () => {
  it('are acknowledged with Status 200 and become events', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    const seen: [string, unknown][] = [];
    const note = (event: keyof WvClientEvents): void => {
      client.on(event, (value) => seen.push([event, value]));
    };
    for (const event of ['notification', 'presence', 'authorization', 'report', 'transaction'] as const)
      note(event);
    const list = writePresenceSubList({ OnlineStatus: simple('T') }, '1.2');
    server.queue.push(
      {
        id: '1',
        content: server.element('PresenceNotification-Request', {
          Presence: [
            { UserID: 'wv:bea@im.example', PresenceSubList: [list] },
            { UserID: 'wv:cy@im.example' },
          ],
        }),
      },
      {
        id: '2',
        content: server.element('PresenceAuth-Request', {
          UserID: 'wv:dan@im.example',
          PresenceSubList: writeAttributeNames(['OnlineStatus'], '1.2'),
        }),
      },
      {
        id: '3',
        content: server.element('MessageNotification', { MessageInfo: { MessageID: 'm-9', ContentSize: 9 } }),
      },
      {
        id: '4',
        content: server.element('DeliveryReport-Request', {
          Result: { Code: 200 },
          MessageInfo: { MessageID: 'm-8', Recipient: { User: [{ UserID: 'wv:bea@im.example' }] } },
        }),
      },
      { id: '5', content: server.element('SystemMessage-Request', { SystemMessageList: {} }) },
    );
    await client.poll();
    await eventually(() => server.all('Status').length === 5, 'five acknowledgements');
    expect(server.all('Status').map(({ id, mode }) => `${mode} ${id}`)).toEqual(
      ['1', '2', '3', '4', '5'].map((id) => `Response ${id}`),
    );
    expect(seen).toMatchObject([
      ['presence', { user: 'wv:bea@im.example', attributes: { OnlineStatus: { valid: true, value: 'T' } } }],
      ['presence', { user: 'wv:cy@im.example', attributes: {} }],
      ['authorization', { user: 'wv:dan@im.example', requested: ['OnlineStatus'] }],
      ['notification', { id: 'm-9', size: 9 }],
      ['report', { outcome: { code: 200 }, message: { id: 'm-8', to: [{ user: 'wv:bea@im.example' }] } }],
      ['transaction', { primitive: 'SystemMessage-Request' }],
    ]);
  });

  it('that cannot be read are refused with 400', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.queue.push({ id: '1', content: { name: 'PresenceAuth-Request', text: '', children: [] } });
    const failed = client.next('error');
    await client.poll();
    expect((await failed).error.message).toContain('PresenceAuth-Request');
    await eventually(() => server.all('Status').length === 1, 'refused');
    expect(server.all('Status')[0]?.content.children[0]?.children[0]?.text).toBe('400');
  });
});
