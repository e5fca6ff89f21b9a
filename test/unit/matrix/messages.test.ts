// Messages of all kinds and files, before a scripted scene.homeserver.

import { beforeEach, describe, expect, it } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId } from '../../../src/wv/ids.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { ALICE, DAVE_ID, FakeScene, file, GHOST, plain, ROOM } from '../../support/matrix-fake-scene.ts';
import type { PushedEvent } from '../../support/matrix-fake-scene.ts';
import { TestRelay } from '../../support/matrix-relay.ts';
import { noisyJpeg, plainPicture } from '../../support/pictures.ts';

const scene = new FakeScene({ splitText: 60, files: { maxBytes: 2_000_000, perMinute: 3 } });

/** An answer to the next upload that no homeserver gives. */
function homeserverSays(text: string, status: number): void {
  scene.homeserver.fail('media/v3/upload', { status, body: Buffer.from(text) });
}

describe('files of WV users', () => {
  it('go into the media repository with their facts', async () => {
    const octets = await plainPicture('png', 40, 30);
    expect(await scene.send('m1', file('image/png', octets))).toMatchObject({ code: 200 });
    const [content] = scene.sent();
    expect(content).toMatchObject({
      msgtype: 'm.image',
      url: 'mxc://hs.test/file0',
      info: { mimetype: 'image/png', size: octets.length, w: 40, h: 30 },
    });
    expect(scene.homeserver.media.get('hs.test/file0')).toEqual(octets);
    expect(scene.homeserver.all('upload')).toMatchObject([{ user: GHOST, type: 'image/png' }]);
  });

  it('get a small copy when they are large pictures', async () => {
    expect(await scene.send('m1', file('image/jpeg', await noisyJpeg(1000, 500)))).toMatchObject({
      code: 200,
    });
    expect(scene.sent()).toMatchObject([
      {
        msgtype: 'm.image',
        info: {
          w: 1000,
          h: 500,
          thumbnail_url: 'mxc://hs.test/file1',
          thumbnail_info: { mimetype: 'image/jpeg', w: 800, h: 400 },
        },
      },
    ]);
  });

  it.each([
    ['audio/amr', Buffer.from('#!AMR\nxxxx'), 'm.audio', 'audio/amr'],
    [
      'video/3gpp',
      Buffer.from('\0\0\0\u00183gp5xxxx....ftyp'.replace('3gp5', 'ftyp3gp5'), 'latin1'),
      'm.video',
      'video/3gpp',
    ],
    ['text/x-vcard', Buffer.from('BEGIN:VCARD\r\nEND:VCARD'), 'm.file', 'text/x-vcard'],
    ['image/vnd.wap.wbmp', Buffer.from([0, 0, 8, 1, 0xff]), 'm.file', 'image/vnd.wap.wbmp'],
    ['image/png', Buffer.from('no picture at all'), 'm.file', 'image/png'],
  ])('of type %s are told apart by what they are', async (type, octets, msgtype, mimetype) => {
    expect(await scene.send('m1', file(type, octets))).toMatchObject({ code: 200 });
    expect(scene.sent()).toMatchObject([{ msgtype, info: { mimetype, size: octets.length } }]);
  });

  it('are uploaded once, however often the message has to be sent', async () => {
    const content = file('image/png', await plainPicture('png'));
    scene.homeserver.fail('send', { status: 502 }, { status: 502 }, 'cut after', 'cut after');
    expect(await scene.send('m1', content)).toMatchObject({ code: 503 });
    expect(await scene.send('m1', content)).toMatchObject({ code: 503 });
    await scene.gateway.stop();
    await scene.begin(scene.relay);
    expect(await scene.send('m1', content)).toMatchObject({ code: 200 });
    expect(scene.homeserver.media.size).toBe(1);
    expect(scene.homeserver.sent.size).toBe(1);
    await scene.gateway.concluded?.(scene.message('m1', content));
    expect(await scene.relay.storage.list('upload ')).toEqual([]);
  });

  it('wait while the homeserver is away or asks to wait, and are then sent', async () => {
    const content = file('image/png', await plainPicture('png'));
    scene.homeserver.fail('media/v3/upload', { status: 429, headers: { 'retry-after': '7' } }, 'cut before');
    expect(await scene.send('m1', content)).toEqual({ code: 503, tryAgainAfter: 7 });
    expect(await scene.send('m1', content)).toMatchObject({ code: 503 });
    expect(await scene.send('m1', content)).toMatchObject({ code: 200 });
    expect(scene.sent()).toMatchObject([{ msgtype: 'm.image' }]);
  });

  it('become a link of ours where the homeserver does not take them', async () => {
    const content = file('image/png', await plainPicture('png'));
    scene.relay.linkTo = () => 'https://wv.example/c/1';
    scene.homeserver.fail('media/v3/upload', { status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await scene.send('m1', content)).toMatchObject({ code: 200 });
    scene.homeserver.fail('media/v3/upload', { status: 502 });
    expect(await scene.send('m2', content)).toMatchObject({ code: 200 });
    expect(scene.sent().map(({ body }) => body)).toEqual(
      Array.from({ length: 2 }, () =>
        expect.stringMatching(/^\[content: image\/png, \d+ bytes\] https:\/\/wv\.example\/c\/1$/),
      ),
    );
  });

  it('wait where a proxy answers in place of the repository, and there is no other way', async () => {
    const content = file('image/png', await plainPicture('png'));
    homeserverSays('<html>', 502);
    expect(await scene.send('m1', content)).toMatchObject({ code: 503 });
    homeserverSays('<html>', 200);
    expect(await scene.send('m1', content)).toMatchObject({ code: 503 });
    expect(await scene.send('m1', content)).toMatchObject({ code: 200 });
    expect(scene.sent()).toMatchObject([{ msgtype: 'm.image' }]);
  });

  it('are named where they can neither be uploaded nor linked', async () => {
    scene.homeserver.fail('media/v3/upload', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await scene.send('m1', file('image/png', await plainPicture('png')))).toMatchObject({ code: 200 });
    expect(scene.sent()[0]?.['body']).toMatch(/^\[content: image\/png, \d+ bytes\]$/);
  });
});

describe('files of Matrix users', () => {
  const picture = (url = 'mxc://hs.test/cat', more: object = {}): object => ({
    msgtype: 'm.image',
    body: 'cat.png',
    url,
    info: { mimetype: 'image/png', size: 100 },
    ...more,
  });

  beforeEach(async () => {
    scene.homeserver.media.set('hs.test/cat', await plainPicture('png'));
    await scene.send('m0', plain('hello'));
  });

  it('are fetched with our token, as what they are', async () => {
    await scene.push(scene.fromDave(picture()));
    const [request] = scene.relay.all('SendMessageRequest');
    expect(request?.message.content).toEqual(
      file('image/png', scene.homeserver.media.get('hs.test/cat') ?? Buffer.alloc(0)),
    );
    expect(scene.homeserver.all('/media/download/')).toMatchObject([{ user: GHOST }]);
  });

  it('come before what is said beside them, as messages of their own', async () => {
    await scene.push(
      scene.fromDave(
        picture('mxc://hs.test/cat', { filename: 'cat.png', body: 'our cat, on the roof, '.repeat(4) }),
      ),
    );
    expect(scene.told()).toEqual([
      'image/png',
      '(1/2) our cat, on the roof, our cat, on the roof, our cat,',
      '(2/2) on the roof, our cat, on the roof,',
    ]);
    const ids = scene.relay.all('SendMessageRequest').map(({ message: { id } }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(50);
  });

  it('of strangers are named, not fetched', async () => {
    await scene.gateway.stop();
    const relay = new TestRelay();
    await relay.storage.put(`portal ${ALICE} ${DAVE_ID}`, JSON.stringify({ room: ROOM, state: 'joined' }));
    await relay.storage.put(`room ${ROOM}`, JSON.stringify({ user: ALICE, peer: DAVE_ID }));
    await scene.begin(relay);
    await scene.push(scene.fromDave(picture()));
    expect(scene.told()).toEqual(['[image: cat.png, image/png, 100 bytes]']);
    expect(scene.homeserver.all('/media/download/')).toEqual([]);
  });

  it.each([
    ['nowhere', 'mxc://hs.test/missing'],
    ['no address', 'https://hs.test/cat'],
    ['another path', 'mxc://hs.test/../../admin'],
  ])('that lead to %s are named', async (_what, url) => {
    await scene.push(scene.fromDave(picture(url)));
    expect(scene.told()).toEqual(['[image: cat.png, image/png, 100 bytes]']);
  });

  it('larger than allowed are named, whatever they say of their size', async () => {
    scene.homeserver.media.set('hs.test/huge', Buffer.alloc(2_000_001, 'x'));
    await scene.push(
      scene.fromDave(picture('mxc://hs.test/huge', { info: {} })),
      scene.fromDave(picture('mxc://hs.test/huge', { info: { size: 9_000_000 } })),
    );
    expect(scene.told()).toEqual(['[image: cat.png]', '[image: cat.png, 8.6 MiB]']);
    expect(scene.homeserver.all('/media/download/')).toHaveLength(1);
  });

  it('of other types become a link of ours, but for what a browser would run', async () => {
    scene.relay.linkTo = ({ contentType }) =>
      contentType === 'application/octet-stream' ? 'https://wv.example/c/1' : undefined;
    scene.homeserver.media.set('hs.test/zip', Buffer.from('PK\u0003\u0004....'));
    scene.homeserver.media.set('hs.test/page', Buffer.from(' <svg onload="x()"/>'));
    await scene.push(
      scene.fromDave({ msgtype: 'm.file', body: 'a.zip', url: 'mxc://hs.test/zip' }),
      scene.fromDave({ msgtype: 'm.file', body: 'a.png', url: 'mxc://hs.test/page' }),
      scene.fromDave({ msgtype: 'm.file', body: 'a.html', url: 'mxc://hs.test/zip' }),
    );
    expect(scene.told()).toEqual(['[file: a.zip] https://wv.example/c/1', '[file: a.png]', '[file: a.html]']);
  });

  it('are asked for again while the homeserver is in trouble, and then named', async () => {
    scene.homeserver.fail('media/download', { status: 502 });
    await scene.push(scene.fromDave(picture()));
    expect(scene.told()).toEqual(['image/png']);
    scene.homeserver.fail('media/download', 'cut before', { status: 504 }, { status: 504 });
    await scene.push(scene.fromDave(picture()));
    expect(scene.told()).toEqual(['image/png', '[image: cat.png, image/png, 100 bytes]']);
  });

  it('are fetched so many a minute', async () => {
    await scene.push(...Array.from({ length: 5 }, () => scene.fromDave(picture())));
    expect(scene.told().filter((kind) => kind === 'image/png')).toHaveLength(3);
    expect(scene.told()).toHaveLength(5);
  });

  it('that are stickers are pictures', async () => {
    await scene.push(
      scene.fromDave({ body: 'wave', url: 'mxc://hs.test/cat', info: {} }, { type: 'm.sticker' }),
    );
    expect(scene.told()).toEqual(['image/png']);
  });
});

describe('what is about other messages', () => {
  beforeEach(() => scene.send('m0', plain('hello Dave')));

  it('tells a reply with what it answers', async () => {
    const ours = scene.fromDave({ msgtype: 'm.text', body: 'hello Dave' }, { sender: GHOST });
    const theirs = scene.fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(10) });
    scene.homeserver.events.set(ours.event_id, ours);
    await scene.push(theirs);
    const answer = (to: string, more: object = {}): PushedEvent =>
      scene.fromDave({
        msgtype: 'm.text',
        body: 'yes',
        'm.relates_to': { 'm.in_reply_to': { event_id: to }, ...more },
      });
    await scene.push(
      answer(ours.event_id),
      answer(theirs.event_id),
      answer('$unknown'),
      answer(ours.event_id, { rel_type: 'm.thread', event_id: theirs.event_id, is_falling_back: true }),
    );
    expect(scene.told().slice(-5)).toEqual([
      're Alice: hello Dave / yes',
      '(1/2) re Dave: a long story a long story a long story a long',
      '(2/2) story a long… / yes',
      'yes',
      'yes',
    ]);
  });

  it('tells a reaction once, by whoever makes it again', async () => {
    const original = scene.fromDave({ msgtype: 'm.text', body: 'hello' }, { sender: GHOST });
    scene.homeserver.events.set(original.event_id, original);
    const reaction = (key: string): PushedEvent =>
      scene.fromDave(
        { 'm.relates_to': { rel_type: 'm.annotation', event_id: original.event_id, key } },
        { type: 'm.reaction' },
      );
    await scene.push(reaction('👍'), reaction('👍'), reaction('🎉'));
    expect(scene.told()).toEqual(['Dave reacted 👍 to "hello"', 'Dave reacted 🎉 to "hello"']);
  });

  it('leaves reactions out where they are not wanted', async () => {
    await scene.gateway.stop();
    await scene.begin(scene.relay, { reactions: false });
    await scene.push(
      scene.fromDave(
        { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '👍' } },
        { type: 'm.reaction' },
      ),
    );
    expect(scene.told()).toEqual([]);
  });

  it('tells the withdrawal of a message that the phone has, once', async () => {
    const original = scene.fromDave({ msgtype: 'm.text', body: 'oops' });
    const reaction = scene.fromDave(
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: original.event_id, key: '👍' } },
      { type: 'm.reaction' },
    );
    await scene.push(original, reaction);
    const redaction = (of: string, more: object): PushedEvent =>
      scene.fromDave({}, { type: 'm.room.redaction', redacts: of, ...more });
    await scene.push(
      redaction(original.event_id, {}),
      redaction(original.event_id, { redacts: undefined, content: { redacts: original.event_id } }),
      redaction(reaction.event_id, {}),
      redaction('$never', {}),
    );
    expect(scene.told().slice(2)).toEqual(['message withdrawn']);
  });

  it('tells an edit of a message that never came here like any other', async () => {
    await scene.push(
      scene.fromDave({
        msgtype: 'm.text',
        body: '* new',
        'm.new_content': { msgtype: 'm.text', body: 'new' },
        'm.relates_to': { rel_type: 'm.replace', event_id: '$before' },
      }),
    );
    expect(scene.told()).toEqual(['new']);
  });
});

describe('reports', () => {
  beforeEach(() => scene.send('m0', plain('hello Dave')));

  it('mark a long text read when its last part was delivered', async () => {
    const event = scene.fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(12) });
    await scene.push(event);
    const ids = scene.relay.all('SendMessageRequest').map(({ message: { id } }) => id);
    expect(ids).toHaveLength(3);
    for (const id of ids.slice(0, -1)) await scene.gateway.request(scene.report(id, OK));
    expect(scene.homeserver.all('/receipt/')).toEqual([]);
    for (const id of ids.slice(-1)) await scene.gateway.request(scene.report(id, OK));
    expect(scene.homeserver.all('/receipt/').map(({ path }) => path.split('/').at(-1))).toEqual([
      event.event_id,
    ]);
  });

  it('of failed parts become one notice, in answer to the message', async () => {
    const event = scene.fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(12) });
    await scene.push(event);
    for (const {
      message: { id },
    } of scene.relay.all('SendMessageRequest'))
      await scene.gateway.request(scene.report(id, result(507)));
    expect(scene.sent().slice(1)).toEqual([
      {
        msgtype: 'm.notice',
        body: 'Not delivered: the recipient’s message queue is full.',
        'm.relates_to': { 'm.in_reply_to': { event_id: event.event_id } },
      },
    ]);
  });

  it('of what programs wrote are not answered', async () => {
    scene.relay.onEmit = () => result(532);
    await scene.push(scene.fromDave({ msgtype: 'm.notice', body: 'beep' }));
    expect(scene.told()).toEqual(['beep']);
    scene.relay.onEmit = () => OK;
    await scene.push(scene.fromDave({ msgtype: 'm.notice', body: 'beep again' }));
    const id = scene.relay.all('SendMessageRequest').at(-1)?.message.id ?? trusted<MessageId>('');
    expect(await scene.gateway.request(scene.report(id, result(542)))).toMatchObject({
      result: { code: 200 },
    });
    expect(scene.sent()).toHaveLength(1);
  });
});
