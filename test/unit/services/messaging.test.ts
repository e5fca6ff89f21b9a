import { beforeEach, describe, expect, it } from 'vitest';
import { changeAccess } from '../../../src/services/access-control.ts';
import type { Draft } from '../../../src/services/messaging.ts';
import { userAddress } from '../../../src/wv/address.ts';
import { trusted, type ClientId, type MessageId, type UserAddress } from '../../../src/wv/ids.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const ann = userAddress('ann', HOME);
const bea = userAddress('bea', HOME);
const CLIENT = trusted<ClientId>('phone');

let scene: Awaited<ReturnType<typeof homeScene>>;
beforeEach(async () => {
  scene = await homeScene();
});

function draft(to: readonly UserAddress[], more: Partial<Draft> = {}): Draft {
  return {
    content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
    recipients: to.map((user) => ({ kind: 'user', user })),
    deliveryReport: false,
    ...more,
  };
}

async function send(to: readonly UserAddress[], more: Partial<Draft> = {}) {
  return scene.messaging.send(await scene.at('ann'), CLIENT, draft(to, more));
}

describe('sending', () => {
  it('has the message in the recipient’s queue on disk when it answers 200', async () => {
    const { result, messageId } = await send([bea]);
    expect(result.code).toBe(200);
    expect(await scene.store.queueOf(bea, 0, 10)).toMatchObject([{ messageId }]);
  });

  it('reaches who can be reached and names the others (201)', async () => {
    const nobody = userAddress('nobody', HOME);
    const { result, messageId } = await send([bea, nobody]);
    expect(result).toMatchObject({ code: 201, details: [{ code: 531, users: [nobody] }] });
    expect(messageId).toBeDefined();
  });

  it('answers the one code and no MessageID when everybody fails alike', async () => {
    const { result, messageId } = await send([userAddress('nobody', HOME)]);
    expect(result.code).toBe(531);
    expect(messageId).toBeUndefined();
  });

  it('answers 900 when all fail for different reasons', async () => {
    const home = await scene.at('bea');
    await changeAccess(scene.store, home, { block: { inUse: true, add: [ann] } });
    const { result } = await send([bea, userAddress('x', 'nowhere.test' as never)]);
    expect(result.code).toBe(900);
    expect(result.details?.map(({ code }) => code).sort()).toEqual([516, 532]);
  });

  it('refuses content over the limit (415) and too many recipients (402)', async () => {
    const big = { contentType: 'text/plain', encoding: 'none', data: 'x'.repeat(1001) } as const;
    expect((await send([bea], { content: big })).result.code).toBe(415);
    const many = Array.from({ length: 6 }, (_, i) => userAddress(`u${i}`, HOME));
    expect((await send(many)).result.code).toBe(402);
  });

  it('answers 507 when the recipient’s queue is full', async () => {
    for (let i = 0; i < 3; i++) await send([bea]);
    expect((await send([bea])).result.code).toBe(507);
  });

  it('does not believe a clock that is years off', async () => {
    await send([bea], { sentAt: 0 });
    const [entry] = await scene.store.queueOf(bea, 0, 1);
    expect(entry?.item).toMatchObject({ message: { sentAt: scene.clock.now() } });
  });

  it('delivers a repeated request once', async () => {
    const id = trusted<MessageId>('retry-1');
    await send([bea], { id });
    await scene.messaging.acknowledge(await scene.at('bea'), id);
    expect((await send([bea], { id })).result.code).toBe(200);
    expect(await scene.store.queueOf(bea, 0, 10)).toEqual([]);
  });
});

describe('delivery', () => {
  it('hands a message to every live client, and takes it from the others when one confirms', async () => {
    const [phone, tablet] = [await scene.online('bea'), await scene.online('bea')];
    const { messageId } = await send([bea]);
    expect([phone.entries.length, tablet.entries.length]).toEqual([1, 1]);
    await scene.messaging.acknowledge(await scene.at('bea'), messageId!);
    expect(tablet.gone).toEqual([`message ${messageId}`]);
    expect(await scene.store.queueOf(bea, 0, 10)).toEqual([]);
  });

  it('reports to the sender when he asked, once', async () => {
    const phone = await scene.online('ann');
    const { messageId } = await send([bea], { deliveryReport: true });
    const home = await scene.at('bea');
    expect(await scene.messaging.acknowledge(home, messageId!)).toBe(true);
    expect(await scene.messaging.acknowledge(home, messageId!)).toBe(true);
    expect(phone.entries).toMatchObject([
      { item: { kind: 'report', report: { messageId, outcome: { code: 200 }, recipient: { user: bea } } } },
    ]);
  });

  it('does not report success nobody asked for', async () => {
    const phone = await scene.online('ann');
    const { messageId } = await send([bea]);
    await scene.messaging.acknowledge(await scene.at('bea'), messageId!);
    expect(phone.entries).toEqual([]);
  });

  it('always reports a rejection (538)', async () => {
    const phone = await scene.online('ann');
    const { messageId } = await send([bea]);
    await scene.messaging.reject(await scene.at('bea'), messageId!);
    expect(phone.entries).toMatchObject([{ item: { report: { outcome: { code: 538 } } } }]);
  });

  it('always reports an expired message (542) and forgets it', async () => {
    const phone = await scene.online('ann');
    await send([bea], { validity: 60 });
    expect(await scene.messaging.expire(10)).toBe(0);
    scene.clock.advance(61_000);
    expect(await scene.messaging.expire(10)).toBe(1);
    expect(phone.entries).toMatchObject([{ item: { report: { outcome: { code: 542 } } } }]);
    expect(await scene.store.queueOf(bea, 0, 10)).toEqual([]);
  });

  it('takes a message from another network once, however often it is handed in', async () => {
    const romeo = userAddress('romeo', FAR);
    const request = {
      primitive: 'SendMessageRequest',
      meta: { service: `wv:@${FAR}` as never, user: romeo },
      deliveryReport: false,
      message: {
        id: trusted<MessageId>('far-1'),
        sender: { kind: 'user', user: romeo },
        recipients: [{ kind: 'user', user: bea }],
        sentAt: scene.clock.now(),
        expiresAt: scene.clock.now() + 1000,
        content: { contentType: 'text/plain', encoding: 'none', data: 'hi' },
      },
    } as const;
    for (let i = 0; i < 3; i++)
      expect((await scene.relay.emit(scene.gateway, request)).result.code).toBe(200);
    expect(await scene.store.queueOf(bea, 0, 10)).toHaveLength(1);
  });
});
