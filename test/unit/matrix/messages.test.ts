// Messages of all kinds and files, before a scripted homeserver.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMatrixGateway } from '../../../adapters/matrix/gateway.ts';
import type { MatrixGatewayConfig } from '../../../adapters/matrix/gateway.ts';
import { generateRegistration, parseRegistration } from '../../../adapters/matrix/registration.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { parseDomain, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { Domain, MessageId } from '../../../src/wv/ids.ts';
import type { MessageContent } from '../../../src/wv/message.ts';
import type { DeliveryStatusReport, SendMessageRequest } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeHomeserver, SERVER_NAME } from '../../support/matrix-homeserver.ts';
import { HOME, TestRelay } from '../../support/matrix-relay.ts';
import { noisyJpeg, plainPicture } from '../../support/pictures.ts';

const ALICE = userAddress('alice', HOME);
const DAVE = userAddress(`dave@${SERVER_NAME}`, parseDomain('matrix.wv.example') as Domain);
const ROOM = '!room1:hs.test';

let homeserver: FakeHomeserver;
let relay: TestRelay;
let gateway: Gateway;
let config: MatrixGatewayConfig;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeEach(async () => {
  homeserver = new FakeHomeserver();
  await homeserver.open();
  const port = await freePort();
  const options = { url: `http://127.0.0.1:${port}`, serverName: SERVER_NAME, prefix: '_impst_' };
  config = {
    homeserverUrl: homeserver.url,
    serverName: SERVER_NAME,
    registration: parseRegistration(generateRegistration(options), 'test'),
    listen: { port },
    pseudoDomain: 'matrix.wv.example',
    splitText: 60,
    files: { maxBytes: 2_000_000, perMinute: 3 },
    retry: { tries: 2, baseDelayMs: 5, maxDelayMs: 200, timeoutMs: 1000 },
  };
  relay = new TestRelay();
  relay.users.set(ALICE, 'Alice');
  await begin();
});
afterEach(async () => {
  await gateway.stop();
  await homeserver.close();
  expect(relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

async function begin(more: Partial<MatrixGatewayConfig> = {}): Promise<void> {
  gateway = createMatrixGateway({ ...config, ...more });
  await gateway.start(relay);
}

function message(id: string, content: MessageContent): SendMessageRequest {
  return {
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(HOME), user: ALICE },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ALICE },
      recipients: [{ kind: 'user', user: DAVE }],
      sentAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      content,
    },
  };
}

async function send(id: string, content: MessageContent): Promise<Result> {
  const answer = await gateway.request(message(id, content));
  return 'result' in answer ? answer.result : OK;
}

const plain = (data: string): MessageContent => ({ contentType: 'text/plain', encoding: 'none', data });
const file = (contentType: string, octets: Buffer): MessageContent => ({
  contentType,
  encoding: 'base64',
  data: octets.toString('base64'),
});

/** What was sent into rooms, in order. */
const sent = (): Readonly<Record<string, unknown>>[] =>
  [...homeserver.sent.values()].map(({ content }) => content);

/** What reached the relay, in order: texts, or types of files. */
const told = (): string[] =>
  relay
    .all('SendMessageRequest')
    .map(({ message: { content } }) => (content.encoding === 'none' ? content.data : content.contentType));

let events = 0;
function fromDave(
  content: object,
  more: object = {},
): Readonly<Record<string, unknown>> & { event_id: string } {
  events += 1;
  return {
    type: 'm.room.message',
    event_id: `$e${events}`,
    room_id: ROOM,
    sender: `@dave:${SERVER_NAME}`,
    origin_server_ts: Date.now(),
    content,
    ...more,
  };
}

/** Pushes events, one transaction, and waits until they are handled. */
async function push(...pushed: object[]): Promise<void> {
  for (const event of pushed) {
    const { event_id: id } = event as { event_id: string };
    homeserver.events.set(id, event);
  }
  const url = `${config.registration?.url}/_matrix/app/v1/transactions/t${Math.random()}`;
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { authorization: `Bearer ${config.registration?.hsToken}` },
    body: JSON.stringify({ events: pushed }),
  });
  expect(answer.status).toBe(200);
  await eventually('they are handled', async () => (await relay.storage.unhandled()).length === 0);
}

function report(id: MessageId, outcome: Result): DeliveryStatusReport {
  return {
    primitive: 'DeliveryStatusReport',
    meta: { service: serviceAddress(HOME), user: ALICE },
    messageId: id,
    sender: DAVE,
    recipient: { kind: 'user', user: ALICE },
    outcome,
    deliveredAt: Date.now(),
  };
}

describe('files of WV users', () => {
  it('go into the media repository with their facts', async () => {
    const octets = await plainPicture('png', 40, 30);
    expect(await send('m1', file('image/png', octets))).toMatchObject({ code: 200 });
    const [content] = sent();
    expect(content).toMatchObject({
      msgtype: 'm.image',
      url: 'mxc://hs.test/file0',
      info: { mimetype: 'image/png', size: octets.length, w: 40, h: 30 },
    });
    expect(homeserver.media.get('hs.test/file0')).toEqual(octets);
    expect(homeserver.all('upload')).toMatchObject([{ user: '@_impst_alice:hs.test', type: 'image/png' }]);
  });

  it('get a small copy when they are large pictures', async () => {
    expect(await send('m1', file('image/jpeg', await noisyJpeg(1000, 500)))).toMatchObject({ code: 200 });
    expect(sent()).toMatchObject([
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
    expect(await send('m1', file(type, octets))).toMatchObject({ code: 200 });
    expect(sent()).toMatchObject([{ msgtype, info: { mimetype, size: octets.length } }]);
  });

  it('are uploaded once, however often the message has to be sent', async () => {
    const content = file('image/png', await plainPicture('png'));
    homeserver.fail('send', { status: 502 }, { status: 502 }, 'cut after', 'cut after');
    expect(await send('m1', content)).toMatchObject({ code: 503 });
    expect(await send('m1', content)).toMatchObject({ code: 503 });
    await gateway.stop();
    await begin();
    expect(await send('m1', content)).toMatchObject({ code: 200 });
    expect(homeserver.media.size).toBe(1);
    expect(homeserver.sent.size).toBe(1);
    await gateway.concluded?.(message('m1', content));
    expect(await relay.storage.list('upload ')).toEqual([]);
  });

  it('wait while the homeserver is away or asks to wait, and are then sent', async () => {
    const content = file('image/png', await plainPicture('png'));
    homeserver.fail('media/v3/upload', { status: 429, headers: { 'retry-after': '7' } }, 'cut before');
    expect(await send('m1', content)).toEqual({ code: 503, tryAgainAfter: 7 });
    expect(await send('m1', content)).toMatchObject({ code: 503 });
    expect(await send('m1', content)).toMatchObject({ code: 200 });
    expect(sent()).toMatchObject([{ msgtype: 'm.image' }]);
  });

  it('become a link of ours where the homeserver does not take them', async () => {
    const content = file('image/png', await plainPicture('png'));
    relay.linkTo = () => 'https://wv.example/c/1';
    homeserver.fail('media/v3/upload', { status: 413, body: { errcode: 'M_TOO_LARGE' } });
    expect(await send('m1', content)).toMatchObject({ code: 200 });
    homeserver.fail('media/v3/upload', { status: 502 });
    expect(await send('m2', content)).toMatchObject({ code: 200 });
    expect(sent().map(({ body }) => body)).toEqual(
      Array.from({ length: 2 }, () =>
        expect.stringMatching(/^\[content: image\/png, \d+ bytes\] https:\/\/wv\.example\/c\/1$/),
      ),
    );
  });

  it('are named where they can neither be uploaded nor linked', async () => {
    homeserver.fail('media/v3/upload', { status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await send('m1', file('image/png', await plainPicture('png')))).toMatchObject({ code: 200 });
    expect(sent()[0]?.['body']).toMatch(/^\[content: image\/png, \d+ bytes\]$/);
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
    homeserver.media.set('hs.test/cat', await plainPicture('png'));
    await send('m0', plain('hello'));
  });

  it('are fetched with our token, as what they are', async () => {
    await push(fromDave(picture()));
    const [request] = relay.all('SendMessageRequest');
    expect(request?.message.content).toEqual(
      file('image/png', homeserver.media.get('hs.test/cat') ?? Buffer.alloc(0)),
    );
    expect(homeserver.all('/media/download/')).toMatchObject([{ user: '@_impst_alice:hs.test' }]);
  });

  it('come before what is said beside them, as messages of their own', async () => {
    await push(
      fromDave(
        picture('mxc://hs.test/cat', { filename: 'cat.png', body: 'our cat, on the roof, '.repeat(4) }),
      ),
    );
    expect(told()).toEqual([
      'image/png',
      '(1/2) our cat, on the roof, our cat, on the roof, our cat,',
      '(2/2) on the roof, our cat, on the roof,',
    ]);
    const ids = relay.all('SendMessageRequest').map(({ message: { id } }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(50);
  });

  it('of strangers are named, not fetched', async () => {
    await gateway.stop();
    relay = new TestRelay();
    relay.users.set(ALICE, 'Alice');
    await relay.storage.put(
      `portal ${ALICE} @dave:${SERVER_NAME}`,
      JSON.stringify({ room: ROOM, state: 'joined' }),
    );
    await relay.storage.put(`room ${ROOM}`, JSON.stringify({ user: ALICE, peer: `@dave:${SERVER_NAME}` }));
    await begin();
    await push(fromDave(picture()));
    expect(told()).toEqual(['[image: cat.png, image/png, 100 bytes]']);
    expect(homeserver.all('/media/download/')).toEqual([]);
  });

  it.each([
    ['nowhere', 'mxc://hs.test/missing'],
    ['no address', 'https://hs.test/cat'],
    ['another path', 'mxc://hs.test/../../admin'],
  ])('that lead to %s are named', async (_what, url) => {
    await push(fromDave(picture(url)));
    expect(told()).toEqual(['[image: cat.png, image/png, 100 bytes]']);
  });

  it('larger than allowed are named, whatever they say of their size', async () => {
    homeserver.media.set('hs.test/huge', Buffer.alloc(2_000_001, 'x'));
    await push(
      fromDave(picture('mxc://hs.test/huge', { info: {} })),
      fromDave(picture('mxc://hs.test/huge', { info: { size: 9_000_000 } })),
    );
    expect(told()).toEqual(['[image: cat.png]', '[image: cat.png, 8.6 MiB]']);
    expect(homeserver.all('/media/download/')).toHaveLength(1);
  });

  it('of other types become a link of ours, but for what a browser would run', async () => {
    relay.linkTo = ({ contentType }) =>
      contentType === 'application/octet-stream' ? 'https://wv.example/c/1' : undefined;
    homeserver.media.set('hs.test/zip', Buffer.from('PK\u0003\u0004....'));
    homeserver.media.set('hs.test/page', Buffer.from(' <svg onload="x()"/>'));
    await push(
      fromDave({ msgtype: 'm.file', body: 'a.zip', url: 'mxc://hs.test/zip' }),
      fromDave({ msgtype: 'm.file', body: 'a.png', url: 'mxc://hs.test/page' }),
      fromDave({ msgtype: 'm.file', body: 'a.html', url: 'mxc://hs.test/zip' }),
    );
    expect(told()).toEqual(['[file: a.zip] https://wv.example/c/1', '[file: a.png]', '[file: a.html]']);
  });

  it('are asked for again while the homeserver is in trouble, and then named', async () => {
    homeserver.fail('media/download', { status: 502 });
    await push(fromDave(picture()));
    expect(told()).toEqual(['image/png']);
    homeserver.fail('media/download', 'cut before', { status: 504 }, { status: 504 });
    await push(fromDave(picture()));
    expect(told()).toEqual(['image/png', '[image: cat.png, image/png, 100 bytes]']);
  });

  it('are fetched so many a minute', async () => {
    await push(...Array.from({ length: 5 }, () => fromDave(picture())));
    expect(told().filter((kind) => kind === 'image/png')).toHaveLength(3);
    expect(told()).toHaveLength(5);
  });

  it('that are stickers are pictures', async () => {
    await push(fromDave({ body: 'wave', url: 'mxc://hs.test/cat', info: {} }, { type: 'm.sticker' }));
    expect(told()).toEqual(['image/png']);
  });
});

describe('what is about other messages', () => {
  beforeEach(() => send('m0', plain('hello Dave')));

  it('tells a reply with what it answers', async () => {
    const ours = fromDave({ msgtype: 'm.text', body: 'hello Dave' }, { sender: '@_impst_alice:hs.test' });
    const theirs = fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(10) });
    homeserver.events.set(ours.event_id, ours);
    await push(theirs);
    const answer = (to: string, more: object = {}): object =>
      fromDave({
        msgtype: 'm.text',
        body: 'yes',
        'm.relates_to': { 'm.in_reply_to': { event_id: to }, ...more },
      });
    await push(
      answer(ours.event_id),
      answer(theirs.event_id),
      answer('$unknown'),
      answer(ours.event_id, { rel_type: 'm.thread', event_id: theirs.event_id, is_falling_back: true }),
    );
    expect(told().slice(-5)).toEqual([
      're Alice: hello Dave / yes',
      '(1/2) re Dave: a long story a long story a long story a long',
      '(2/2) story a long… / yes',
      'yes',
      'yes',
    ]);
  });

  it('tells a reaction once, by whoever makes it again', async () => {
    const original = fromDave({ msgtype: 'm.text', body: 'hello' }, { sender: '@_impst_alice:hs.test' });
    homeserver.events.set(original.event_id, original);
    const reaction = (key: string): object =>
      fromDave(
        { 'm.relates_to': { rel_type: 'm.annotation', event_id: original.event_id, key } },
        { type: 'm.reaction' },
      );
    await push(reaction('👍'), reaction('👍'), reaction('🎉'));
    expect(told()).toEqual(['Dave reacted 👍 to "hello"', 'Dave reacted 🎉 to "hello"']);
  });

  it('leaves reactions out where they are not wanted', async () => {
    await gateway.stop();
    await begin({ reactions: false });
    await push(
      fromDave(
        { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: '👍' } },
        { type: 'm.reaction' },
      ),
    );
    expect(told()).toEqual([]);
  });

  it('tells the withdrawal of a message that the phone has, once', async () => {
    const original = fromDave({ msgtype: 'm.text', body: 'oops' });
    const reaction = fromDave(
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: original.event_id, key: '👍' } },
      { type: 'm.reaction' },
    );
    await push(original, reaction);
    const redaction = (of: string, more: object): object =>
      fromDave({}, { type: 'm.room.redaction', redacts: of, ...more });
    await push(
      redaction(original.event_id, {}),
      redaction(original.event_id, { redacts: undefined, content: { redacts: original.event_id } }),
      redaction(reaction.event_id, {}),
      redaction('$never', {}),
    );
    expect(told().slice(2)).toEqual(['message withdrawn']);
  });

  it('tells an edit of a message that never came here like any other', async () => {
    await push(
      fromDave({
        msgtype: 'm.text',
        body: '* new',
        'm.new_content': { msgtype: 'm.text', body: 'new' },
        'm.relates_to': { rel_type: 'm.replace', event_id: '$before' },
      }),
    );
    expect(told()).toEqual(['new']);
  });
});

describe('reports', () => {
  beforeEach(() => send('m0', plain('hello Dave')));

  it('mark a long text read when its last part was delivered', async () => {
    const event = fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(12) });
    await push(event);
    const ids = relay.all('SendMessageRequest').map(({ message: { id } }) => id);
    expect(ids).toHaveLength(3);
    for (const id of ids.slice(0, -1)) await gateway.request(report(id, OK));
    expect(homeserver.all('/receipt/')).toEqual([]);
    for (const id of ids.slice(-1)) await gateway.request(report(id, OK));
    expect(homeserver.all('/receipt/').map(({ path }) => path.split('/').at(-1))).toEqual([event.event_id]);
  });

  it('of failed parts become one notice, in answer to the message', async () => {
    const event = fromDave({ msgtype: 'm.text', body: 'a long story '.repeat(12) });
    await push(event);
    for (const {
      message: { id },
    } of relay.all('SendMessageRequest'))
      await gateway.request(report(id, result(507)));
    expect(sent().slice(1)).toEqual([
      {
        msgtype: 'm.notice',
        body: 'Not delivered: the recipient’s message queue is full.',
        'm.relates_to': { 'm.in_reply_to': { event_id: event.event_id } },
      },
    ]);
  });

  it('of what programs wrote are not answered', async () => {
    relay.onEmit = () => result(532);
    await push(fromDave({ msgtype: 'm.notice', body: 'beep' }));
    expect(told()).toEqual(['beep']);
    relay.onEmit = () => OK;
    await push(fromDave({ msgtype: 'm.notice', body: 'beep again' }));
    const id = relay.all('SendMessageRequest').at(-1)?.message.id ?? trusted<MessageId>('');
    expect(await gateway.request(report(id, result(542)))).toMatchObject({ result: { code: 200 } });
    expect(sent()).toHaveLength(1);
  });
});
