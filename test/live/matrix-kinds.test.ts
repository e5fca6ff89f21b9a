// Messages of all kinds through the Matrix gateway on the real Synapse: files both ways, and what is about other
// messages.

import { EventType, MsgType, RelationType } from 'matrix-js-sdk';
import { expect, it } from 'vitest';
import type { MessageContent } from '../../src/wv/message.ts';
import { eventually } from '../support/eventually.ts';
import { nonEmpty, onSynapse } from '../support/matrix-scene.ts';
import type { Scene } from '../support/matrix-scene.ts';
import { noisyJpeg, plainPicture } from '../support/pictures.ts';

const file = (contentType: string, octets: Buffer): MessageContent => ({
  contentType,
  encoding: 'base64',
  data: octets.toString('base64'),
});

onSynapse('Matrix messages of all kinds', (scene) => {
  /** A chat that both have written in. Returns the room. */
  async function chat(): Promise<string> {
    expect(await scene.send(scene.message('hello Dave'))).toBe(200);
    return await scene.daveJoins();
  }

  const send = async (content: MessageContent): Promise<number> => {
    const request = scene.message('');
    return await scene.send({ ...request, message: { ...request.message, content } });
  };

  it('puts a picture of a WV user into the media repository, with a small copy', async () => {
    const room = await chat();
    const octets = await noisyJpeg(1000, 500);
    expect(await send(file('image/jpeg', octets))).toBe(200);
    const event = await eventually('the picture', () =>
      scene.dave
        .messages(room, scene.ghost)
        .find((known) => known.getContent()['msgtype'] === (MsgType.Image as string)),
    );
    const content = event.getContent() as { url: string; info: { thumbnail_url: string } };
    expect(content).toMatchObject({
      info: {
        mimetype: 'image/jpeg',
        size: octets.length,
        w: 1000,
        h: 500,
        thumbnail_info: { w: 800, h: 400 },
      },
    });
    expect(await downloaded(scene, content.url)).toEqual(octets);
    expect((await downloaded(scene, content.info.thumbnail_url)).subarray(0, 2)).toEqual(
      Buffer.from([0xff, 0xd8]),
    );
  });

  it('fetches what a Matrix user uploads, and what he says beside it', async () => {
    const room = await chat();
    const octets = await plainPicture('png');
    const { content_uri: url } = await scene.dave.client.uploadContent(octets as never, {
      type: 'image/png',
    });
    const info = { mimetype: 'image/png', size: octets.length };
    await scene.dave.client.sendEvent(room, EventType.RoomMessage, {
      msgtype: MsgType.Image,
      filename: 'cat.png',
      body: 'our cat',
      url,
      info,
    });
    await scene.dave.client.sendEvent(room, EventType.Sticker, { body: 'wave', url, info });
    await eventually('three messages', () => scene.relay.all('SendMessageRequest').length === 3);
    const contents = scene.relay.all('SendMessageRequest').map(({ message: { content } }) => content);
    const picture = file('image/png', octets);
    expect(contents).toEqual([
      picture,
      { contentType: 'text/plain', encoding: 'none', data: 'our cat' },
      picture,
    ]);
  });

  it('names a file that nobody has, and goes on', async () => {
    const room = await chat();
    const url = `mxc://${scene.server.serverName}/nosuchfileanywhere`;
    const content = { msgtype: MsgType.File, body: 'a.pdf', url } as const;
    await scene.dave.client.sendEvent(room, EventType.RoomMessage, content);
    await scene.dave.client.sendTextMessage(room, 'did it arrive?');
    await eventually('both', () => scene.relay.all('SendMessageRequest').length === 2);
    expect(texts(scene)).toEqual(['[file: a.pdf]', 'did it arrive?']);
  });

  it('tells replies, reactions, withdrawals, polls and places in words, each once', async () => {
    const room = await chat();
    const { client } = scene.dave;
    const [hello] = await eventually('the message', () => nonEmpty(scene.dave.messages(room, scene.ghost)));
    const to = hello.getId() ?? '';
    await client.sendEvent(room, EventType.RoomMessage, {
      msgtype: MsgType.Text,
      body: 'hello Alice',
      'm.relates_to': { 'm.in_reply_to': { event_id: to } },
    });
    await client.sendEvent(room, EventType.Reaction, {
      'm.relates_to': { rel_type: RelationType.Annotation, event_id: to, key: '🎉' },
    });
    const { event_id: oops } = await client.sendTextMessage(room, 'oops');
    await client.redactEvent(room, oops);
    await client.sendEvent(
      room,
      'org.matrix.msc3381.poll.start' as never,
      {
        'org.matrix.msc1767.text': 'Tea? yes, no',
        'org.matrix.msc3381.poll.start': {
          question: { 'org.matrix.msc1767.text': 'Tea?' },
          kind: 'org.matrix.msc3381.poll.disclosed',
          max_selections: 1,
          answers: [
            { id: 'a', 'org.matrix.msc1767.text': 'yes' },
            { id: 'b', 'org.matrix.msc1767.text': 'no' },
          ],
        },
      } as never,
    );
    await client.sendEvent(room, EventType.RoomMessage, {
      msgtype: MsgType.Location,
      body: 'here',
      geo_uri: 'geo:51.5,-0.1',
      info: {},
    });
    await client.sendEmoteMessage(room, 'waves');
    await eventually('the last', () => texts(scene).some((text) => text.includes('waves')));
    const name = client.getUser(scene.dave.id)?.displayName ?? 'dave';
    expect(texts(scene)).toEqual([
      're Alice in Wonderland: hello Dave / hello Alice',
      `${name} reacted 🎉 to "hello Dave"`,
      'oops',
      'message withdrawn',
      'poll: Tea? (1) yes (2) no',
      'location: geo:51.5,-0.1 https://www.openstreetmap.org/?mlat=51.5&mlon=-0.1',
      `* ${name} waves`,
    ]);
  });

  it('brings a long text in parts, and says in answer to it when one cannot be delivered', async () => {
    const room = await chat();
    const long = Array.from({ length: 500 }, (_, index) => `word${index}`).join(' ');
    const { event_id: event } = await scene.dave.client.sendTextMessage(room, long);
    await eventually('its parts', () => scene.relay.all('SendMessageRequest').length === 3);
    expect(texts(scene).map((text) => text.slice(0, 5))).toEqual(['(1/3)', '(2/3)', '(3/3)']);
    const [, second] = scene.relay.all('SendMessageRequest');
    await scene.gateway.request({
      primitive: 'DeliveryStatusReport',
      meta: scene.message('').meta,
      messageId: second?.message.id ?? ('' as never),
      sender: scene.daveAddress,
      recipient: { kind: 'user', user: scene.alice },
      outcome: { code: 507 },
      deliveredAt: Date.now(),
    });
    const notice = await eventually('the notice', () =>
      scene.dave
        .messages(room, scene.ghost)
        .find((known) => known.getContent()['msgtype'] === (MsgType.Notice as string)),
    );
    expect(notice.getContent()['body']).toBe('Not delivered: the recipient’s message queue is full.');
    expect(notice.replyEventId).toBe(event);
  });

  it('shows the harmless HTML of a WV message', async () => {
    const room = await chat();
    const data = '<p>Tea <b>now</b></p><script>alert(1)</script>';
    expect(await send({ contentType: 'text/html', encoding: 'none', data })).toBe(200);
    const event = await eventually('the message', () => scene.dave.messages(room, scene.ghost)[1]);
    expect(event.getContent()).toMatchObject({ body: 'Tea now', formatted_body: '<p>Tea <b>now</b></p>' });
  });
});

function texts(scene: Scene): string[] {
  return scene.relay.all('SendMessageRequest').map(({ message: { content } }) => content.data);
}

/** As Dave's client fetches it: with his token (Matrix 1.11). */
async function downloaded({ dave }: Scene, url: string): Promise<Buffer> {
  const address = dave.client.mxcUrlToHttp(url, undefined, undefined, undefined, false, true, true) ?? '';
  const headers = { authorization: `Bearer ${dave.client.getAccessToken()}` };
  const answer = await fetch(address, { headers });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}
