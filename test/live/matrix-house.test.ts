// The whole server between a WV client and a user of the real Synapse: what Alice and Dave see of each other.

import { randomBytes } from 'node:crypto';
import { EventType, MsgType, ReceiptType } from 'matrix-js-sdk';
import type { MatrixEvent } from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WvClient } from '../../src/client/client.ts';
import { stcp } from '../../src/client/stcp.ts';
import { simple } from '../../src/wv/presence.ts';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import { startTestHouse, TEST_DOMAIN } from '../support/house.ts';
import type { TestHouse } from '../support/house.ts';
import { eventually } from '../support/eventually.ts';
import { LiveUser, liveHomeserver } from '../support/matrix-live.ts';
import { noisyJpeg, plainPicture } from '../support/pictures.ts';

const found = await liveHomeserver();
const isRequired = process.env['WVGATE_REQUIRE_LIVE'] === '1';

if (typeof found !== 'string') {
  describe(`a WV user and a Matrix user, on Synapse ${found.version}`, () => suite(found));
} else if (isRequired) {
  it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
} else {
  describe.skip(`a WV user and a Matrix user (${found})`, () => it('runs', () => undefined));
}

function suite(server: MatrixServer): void {
  const name = `alice${randomBytes(4).toString('hex')}`;
  const { file, prefix, url } = server.registrations.test;
  const ghost = `@${prefix}${name}:${server.serverName}`;
  const daveAddress = `wv:dave%40${server.serverName}@matrix.wv.test`;
  let house: TestHouse;
  let alice: WvClient;
  let dave: LiveUser;

  beforeAll(async () => {
    house = await startTestHouse({
      users: [name],
      config: {
        matrix: {
          homeserverUrl: server.baseUrl,
          serverName: server.serverName,
          registration: file,
          listen: { port: Number(new URL(url).port) },
          pseudoDomain: 'matrix.wv.test',
        },
      },
    });
    dave = await LiveUser.login(server, 'dave');
    const user = `wv:${name}@${TEST_DOMAIN}`;
    const password = `${name}-secret`;
    alice = new WvClient({ url: house.url, user, password, pollSeconds: 0, cirPollSeconds: 0, cir: stcp() });
    await alice.connect();
  });
  afterAll(async () => {
    await alice.logout();
    await dave.logout();
    await house.stop();
  });

  it('talk to each other, and each learns that the other has seen it', async () => {
    const report = alice.next('report');
    const sent = await alice.sendMessage({
      to: { user: daveAddress },
      content: 'hello Dave',
      deliveryReport: true,
    });
    const room = await dave.invitedBy(ghost);
    await dave.client.joinRoom(room);
    const event = await eventually('the message', () => dave.messages(room, ghost)[0]);
    expect(event.getContent()['body']).toBe('hello Dave');
    await dave.client.sendReadReceipt(event, ReceiptType.Read);
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });

    const message = alice.next('message');
    const { event_id: answer } = await dave.client.sendTextMessage(room, 'hello Alice');
    expect(await message).toMatchObject({ from: { user: daveAddress }, text: 'hello Alice' });
    await eventually('the receipt', () => dave.client.getRoom(room)?.getEventReadUpTo(ghost) === answer);
  });

  it('send each other pictures, and the phone gets one that it takes', async () => {
    const octets = await plainPicture('png');
    const content = { content: octets, contentType: 'image/png' };
    await alice.sendMessage({ to: { user: daveAddress }, ...content });
    const isPicture = (event: MatrixEvent): boolean => event.getContent()['msgtype'] === 'm.image';
    const room = dave.client.getRooms().find((known) => known.getMember(ghost)?.membership === 'join');
    const picture = await eventually('the picture', () =>
      dave.messages(room?.roomId ?? '', ghost).find(isPicture),
    );
    expect(picture.getContent()).toMatchObject({ info: { mimetype: 'image/png', size: octets.length } });

    const large = await noisyJpeg(1600, 1200);
    const { content_uri: url } = await dave.client.uploadContent(large as never, { type: 'image/jpeg' });
    const comes = alice.next('message');
    const { event_id: id } = await dave.client.sendEvent(room?.roomId ?? '', EventType.RoomMessage, {
      msgtype: MsgType.Image,
      body: 'cat.jpg',
      url,
    });
    const { contentType, data = new Uint8Array() } = await comes;
    expect(contentType).toBe('image/jpeg');
    expect(data.length).toBeGreaterThan(1000);
    await eventually('the receipt', () => room?.getEventReadUpTo(ghost) === id);
  });

  it('see each other’s presence, Alice’s once she let Matrix watch', async () => {
    // Together or one after the other: the first look may come before he says where he is.
    const online = alice.next('presence', ({ attributes }) => attributes.OnlineStatus?.value === 'T');
    const seen = alice.next('presence', ({ attributes }) => attributes.StatusText?.value === 'at work');
    await alice.subscribe({ users: [daveAddress], attributes: ['OnlineStatus', 'StatusText'] });
    await dave.client.setPresence({ presence: 'online', status_msg: 'at work' });
    expect(await online).toMatchObject({ user: daveAddress });
    expect(await seen).toMatchObject({ user: daveAddress });

    await alice.updatePresence({ StatusText: simple('on the train') });
    expect((await dave.client.getPresence(ghost)).presence).toBe('offline');
    const shown = ['OnlineStatus', 'StatusText', 'UserAvailability'] as const;
    await alice.createAttributeList(shown, { users: ['wv:gateway@matrix.wv.test'] });
    await eventually(
      'online',
      async () => (await dave.client.getPresence(ghost)).status_msg === 'on the train',
    );
  });

  it('are kept apart by a block that looks like absence', async () => {
    await alice.block(daveAddress);
    const room = dave.client.getRooms().find((known) => known.getMember(ghost)?.membership === 'join');
    await dave.client.sendTextMessage(room?.roomId ?? '', 'are you there?');
    const notice = await eventually('the notice', () =>
      dave.messages(room?.roomId ?? '', ghost).find((event) => event.getContent()['msgtype'] === 'm.notice'),
    );
    expect(notice.getContent()['body']).toBe('Not delivered: the recipient cannot be reached.');
  });
}
