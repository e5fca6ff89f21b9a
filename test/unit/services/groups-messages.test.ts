import { beforeEach, describe, expect, it } from 'vitest';
import { changeAccess } from '../../../src/services/access-control.ts';
import type { Draft } from '../../../src/services/messaging.ts';
import type { NewQueueEntry } from '../../../src/store/store.ts';
import { trusted, type ClientId, type MessageId } from '../../../src/wv/ids.ts';
import type { Party } from '../../../src/wv/message.ts';
import {
  ann,
  bea,
  cy,
  far,
  groupAddress,
  groupScene,
  PHONE,
  properties,
  ROCKET,
  type GroupScene,
} from '../../support/group-scene.ts';

let scene: GroupScene;
beforeEach(async () => {
  scene = await groupScene();
  await scene.create([], { join: true, screenName: 'Annie' });
  await scene.join(bea, { screenName: 'Bea' });
  await scene.join(cy, { screenName: 'Cy' });
});

const TO_ALL: Party = { kind: 'group', group: ROCKET };
const whisper = (screenName: string): Party => ({ kind: 'group', group: ROCKET, screenName });

async function send(name: string, recipients: readonly Party[], more: Partial<Draft> = {}) {
  return scene.messaging.send(await scene.at(name), PHONE, {
    content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
    recipients,
    deliveryReport: false,
    ...more,
  });
}

/** What waits for a user, messages as sender and recipient. */
async function queueOf(user: typeof ann) {
  const entries: readonly NewQueueEntry[] = await scene.store.queueOf(user, 0, 10);
  return entries.map(({ item }) => {
    if (item.kind !== 'message') return item;
    const { sender, recipients } = item.message;
    return { sender, recipients };
  });
}

const fromAnnie = { kind: 'group', group: ROCKET, screenName: 'Annie' };

describe('a message to a group', () => {
  it('is in the queues of everybody joined but its sender, from his screen name to the group', async () => {
    const { result, messageId } = await send('ann', [TO_ALL]);
    expect(result).toEqual({ code: 200 });
    expect(messageId).toBeDefined();
    for (const user of [bea, cy]) {
      expect(await queueOf(user)).toEqual([{ sender: fromAnnie, recipients: [TO_ALL] }]);
    }
    expect(await queueOf(ann)).toEqual([]);
  });

  it('names the group with 800 where there is none, and 808 where the sender is not in it', async () => {
    const none = groupAddress('ann/none');
    expect((await send('ann', [{ kind: 'group', group: none }])).result).toMatchObject({
      code: 800,
      details: [{ groups: [none] }],
    });
    const { result, messageId } = await send('dan', [TO_ALL]);
    expect(result).toMatchObject({ code: 808, details: [{ code: 808, groups: [ROCKET] }] });
    expect(messageId).toBeUndefined();
    expect(await queueOf(bea)).toEqual([]);
  });

  it('goes on to users among its recipients, who may get it both ways', async () => {
    const none = groupAddress('ann/none');
    const { result } = await send('ann', [
      { kind: 'user', user: bea },
      TO_ALL,
      { kind: 'group', group: none },
    ]);
    expect(result).toMatchObject({ code: 201, details: [{ code: 800, groups: [none] }] });
    expect(await queueOf(bea)).toHaveLength(2);
  });

  it('reaches other domains as one request for all users there, under the screen name', async () => {
    await scene.join(far);
    await send('ann', [TO_ALL]);
    const [entry] = await scene.store.outboxOf('fake', 0, 10);
    expect(JSON.parse(entry?.payload ?? '{}')).toMatchObject({
      meta: { service: 'wv:@wv.test' },
      message: { sender: fromAnnie, recipients: [{ kind: 'user', user: far }], addressedTo: TO_ALL },
    });
    expect(entry?.payload).not.toContain(ann);
  });

  it('is given out for a joined user of another domain', async () => {
    await scene.join({ user: far, clientId: trusted<ClientId>('') }, { screenName: 'Fay' });
    const answer = await scene.relay.emit(scene.gateway, {
      primitive: 'SendMessageRequest',
      meta: { service: trusted('wv:@far.test'), user: far },
      deliveryReport: true,
      message: {
        id: trusted<MessageId>('far-1'),
        sender: { kind: 'user', user: far },
        recipients: [TO_ALL],
        sentAt: 1,
        expiresAt: scene.clock.now() + 1000,
        content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
      },
    });
    expect(answer).toMatchObject({ messageId: 'far-1', result: { code: 200 } });
    expect(await queueOf(bea)).toMatchObject([{ sender: { screenName: 'Fay' } }]);
    const [report] = await scene.store.outboxOf('fake', 0, 10);
    expect(JSON.parse(report?.payload ?? '{}')).toMatchObject({ messageId: 'far-1', recipient: TO_ALL });
  });

  it('is delivered once when its sender tries again', async () => {
    const id = trusted<MessageId>('again');
    await send('ann', [TO_ALL], { id });
    await scene.messaging.acknowledge(
      await scene.at('bea'),
      (await scene.store.queueOf(bea, 0, 1))[0]!.messageId,
    );
    expect((await send('ann', [TO_ALL], { id })).result.code).toBe(200);
    expect(await queueOf(bea)).toEqual([]);
    expect(await queueOf(cy)).toHaveLength(1);
  });

  it('is reported once, by the group', async () => {
    const { messageId } = await send('ann', [TO_ALL], { deliveryReport: true });
    expect(await queueOf(ann)).toMatchObject([
      { kind: 'report', report: { messageId, recipient: TO_ALL, outcome: { code: 200 } } },
    ]);
    const [copy] = await scene.store.queueOf(bea, 0, 1);
    await scene.messaging.acknowledge(await scene.at('bea'), copy!.messageId);
    expect(await queueOf(ann)).toHaveLength(1);
  });

  it('spares who blocked the group, and is no failure for who has too much waiting', async () => {
    await changeAccess(scene.store, await scene.at('bea'), { block: { inUse: true, add: [ROCKET] } });
    for (let i = 0; i < 3; i++) expect((await send('ann', [TO_ALL])).result.code).toBe(200);
    expect((await send('ann', [TO_ALL])).result.code).toBe(200);
    expect(await queueOf(bea)).toEqual([]);
    expect(await queueOf(cy)).toHaveLength(3);
  });

  it('puts a user out who is no more', async () => {
    await scene.store.deleteUser(cy);
    scene.homes.forget(cy);
    expect((await send('ann', [TO_ALL])).result.code).toBe(200);
    expect(await scene.ask(ann, 'GetJoinedUsersRequest', {})).toMatchObject({
      joined: [{ screenName: 'Annie' }, { screenName: 'Bea' }],
    });
  });

  it('comes in the order of sending to everybody', async () => {
    const texts = ['one', 'two', 'three'];
    await Promise.all(
      texts.map((data) =>
        send('ann', [TO_ALL], { content: { contentType: 'text/plain', encoding: 'none', data } }),
      ),
    );
    for (const user of [bea, cy]) {
      const entries = await scene.store.queueOf(user, 0, 10);
      const seen = entries.map(({ item }) => (item.kind === 'message' ? item.message.content.data : ''));
      expect(seen).toEqual(texts);
    }
  });
});

describe('a whisper', () => {
  it('reaches the bearer of the screen name, in any case, and nobody else', async () => {
    expect((await send('ann', [whisper('BEA')])).result.code).toBe(200);
    expect(await queueOf(bea)).toEqual([{ sender: fromAnnie, recipients: [whisper('Bea')] }]);
    expect(await queueOf(cy)).toEqual([]);
  });

  it('is answered 410 for an unknown screen name and 808 from outside', async () => {
    expect((await send('ann', [whisper('Zoe')])).result).toMatchObject({ code: 410 });
    expect((await send('dan', [whisper('Bea')])).result).toMatchObject({ code: 808 });
  });

  it('that fails does not hide that the group was reached by the same message (201)', async () => {
    const { result, messageId } = await send('ann', [TO_ALL, whisper('Zoe')]);
    expect(result).toMatchObject({ code: 201, details: [{ code: 410, groups: [ROCKET] }] });
    expect(messageId).toBeDefined();
  });

  it('respects who wants none: the group (812) and the user (813)', async () => {
    const off = properties('PrivateMessaging=F');
    await scene.ask(bea, 'SetGroupPropsRequest', { ownProperties: off });
    expect((await send('ann', [whisper('Bea')])).result).toMatchObject({ code: 813 });
    expect((await send('ann', [TO_ALL])).result.code).toBe(200);
    await scene.ask(ann, 'SetGroupPropsRequest', { properties: off });
    expect((await send('ann', [whisper('Cy')])).result).toMatchObject({ code: 812 });
  });
});

describe('a whisper of somebody whom the bearer blocked', () => {
  const blocked = async (): Promise<void> => {
    const change = { inUse: true, add: [ann] };
    await changeAccess(scene.store, await scene.at('bea'), { block: change });
  };

  it('is answered as if nobody might whisper to him (813), and does not come', async () => {
    await blocked();
    expect((await send('ann', [whisper('Bea')])).result).toMatchObject({ code: 813 });
    expect(await queueOf(bea)).toEqual([]);
    expect((await send('cy', [whisper('Bea')])).result.code).toBe(200);
  });

  it('comes where a grant saves him, and a grant list alone keeps nobody away', async () => {
    await blocked();
    await changeAccess(scene.store, await scene.at('bea'), { grant: { inUse: true, add: [ann] } });
    expect((await send('ann', [whisper('Bea')])).result.code).toBe(200);
    expect((await send('cy', [whisper('Bea')])).result.code).toBe(200);
  });
});

describe('history', () => {
  it('has the newest messages of a group that keeps it, for those inside', async () => {
    await scene.ask(ann, 'SetGroupPropsRequest', { properties: properties('History=T') });
    for (const data of ['one', 'two', 'three', 'four']) {
      await send('ann', [TO_ALL], { content: { contentType: 'text/plain', encoding: 'none', data } });
      await send('ann', [whisper('Bea')]);
    }
    const { result, messages } = await scene.groups.history(bea, ROCKET, 10);
    expect(result.code).toBe(200);
    expect(messages.map(({ content }) => content.data)).toEqual(['two', 'three', 'four']);
    expect(messages[0]).toMatchObject({ sender: fromAnnie, recipients: [TO_ALL] });
    expect((await scene.groups.history(bea, ROCKET, 1)).messages).toHaveLength(1);
  });

  it('is refused: 821 not kept, 808 from outside, 800 no such group', async () => {
    expect((await scene.groups.history(bea, ROCKET, 1)).result.code).toBe(821);
    const dan = (await scene.at('dan')).address;
    expect((await scene.groups.history(dan, ROCKET, 1)).result.code).toBe(808);
    expect((await scene.groups.history(bea, groupAddress('ann/none'), 1)).result.code).toBe(800);
  });
});
