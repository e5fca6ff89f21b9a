// What was read before the gateway died is dealt with by the next one: once, in order, and not for ever.

import { describe, expect, test } from 'vitest';
import { Inbox } from '../../../adapters/xmpp/inbox.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { xml } from '../../../adapters/xmpp/xml.ts';
import type { RequestPrimitive, SendMessageRequest } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import { ALICE_JID, BOB, BOB_JID, body, ChatScene, receiptRequest } from '../../support/xmpp-chat.ts';
import { eventually } from '../../support/eventually.ts';
import { incoming } from '../../support/xmpp-bridge.ts';

const said = (text: string, id?: string) =>
  incoming(
    'message',
    { type: 'chat', from: BOB_JID, to: ALICE_JID, ...(id === undefined ? {} : { id }) },
    body(text),
    receiptRequest,
  );

const isMessage = (request: RequestPrimitive): request is SendMessageRequest =>
  request.primitive === 'SendMessageRequest';

/** A gateway on the same disk, which has read what the last one left. */
async function nextRun(scene: ChatScene): Promise<ChatScene> {
  const next = new ChatScene({}, scene.bridge.relay.storage);
  await next.bridge.inbox.load();
  return next;
}

async function takesUp(scene: ChatScene): Promise<void> {
  for (const left of scene.bridge.inbox.takeUp()) scene.incoming.received(left);
  const { queues, inbox } = scene.bridge;
  await eventually('all is done', () => queues.busy + inbox.size === 0);
}

/** The relay never answers: whatever is handed on is under way when the gateway dies. */
function hangs(scene: ChatScene): void {
  scene.bridge.relay.answer = () => new Promise(() => undefined);
}

async function keeps(scene: ChatScene, count: number): Promise<void> {
  const { storage } = scene.bridge.relay;
  await eventually('all is on disk', async () => (await storage.list('unread ')).length === count);
}

describe('what a gateway had read when it died', () => {
  test('is delivered by the next, in order, and forgotten', async () => {
    const scene = new ChatScene();
    hangs(scene);
    for (const n of [1, 2, 3]) scene.incoming.received(said(`text ${n}`, `m${n}`));
    await keeps(scene, 3);
    const next = await nextRun(scene);
    await takesUp(next);
    expect(next.texts).toEqual(['text 1', 'text 2', 'text 3']);
    expect(next.requests.map(({ deliveryReport }) => deliveryReport)).toEqual([true, true, true]);
    await keeps(next, 0);
    expect(next.bridge.inbox.takeUp()).toEqual([]);
  });

  test.each(['m1', undefined])(
    'has the same MessageID and date as before, also long after: id %s',
    async (id) => {
      const scene = new ChatScene();
      hangs(scene);
      scene.incoming.received(said('hello', id));
      const first = await eventually('it is handed on', () => scene.bridge.relay.emitted.find(isMessage));
      const next = await nextRun(scene);
      next.bridge.clock.advance(3 * 3_600_000);
      await takesUp(next);
      expect(next.requests[0]?.message).toEqual(first.message);
    },
  );

  test('is delivered under ids of their own when it had none', async () => {
    const scene = new ChatScene();
    hangs(scene);
    scene.incoming.received(said('hello'));
    scene.incoming.received(said('hello'));
    await keeps(scene, 2);
    const next = await nextRun(scene);
    await takesUp(next);
    expect(next.texts).toEqual(['hello', 'hello']);
  });

  test('is refused by the next where it has to be, and its author told', async () => {
    const scene = new ChatScene();
    hangs(scene);
    scene.incoming.received(said('hello', 'm1'));
    await keeps(scene, 1);
    const next = await nextRun(scene);
    next.bridge.relay.answer = () => result(507);
    await takesUp(next);
    expect(next.answers).toEqual(['resource-constraint']);
  });

  test('is given up when it was there at the end of several', async () => {
    let scene = new ChatScene();
    hangs(scene);
    scene.incoming.received(said('deadly', 'm1'));
    await keeps(scene, 1);
    for (let run = 1; run <= 3; run++) {
      scene = await nextRun(scene);
      expect(scene.bridge.inbox.takeUp()).toHaveLength(1);
    }
    scene = await nextRun(scene);
    expect(scene.bridge.inbox.takeUp()).toEqual([]);
    expect(scene.bridge.relay.counts.get('xmpp_stanzas_given_up_total')).toBe(1);
    await keeps(scene, 0);
  });

  test('and was a receipt, is reported by the next', async () => {
    const scene = new ChatScene();
    const stanza = await scene.aliceWrites('hello', { report: true });
    hangs(scene);
    const id = stanza.attrs['id'] ?? '';
    const receipt = xml(NS.receipts, 'received', { id });
    scene.incoming.received(incoming('message', { from: BOB_JID, to: ALICE_JID }, receipt));
    await keeps(scene, 1);
    const next = await nextRun(scene);
    await takesUp(next);
    expect(next.bridge.relay.emitted).toMatchObject([
      { primitive: 'DeliveryStatusReport', recipient: { user: BOB }, outcome: { code: 200 } },
    ]);
  });
});

describe('the inbox', () => {
  test('takes no more than its limit; the rest goes back', async () => {
    const scene = new ChatScene({ maxUnreadStanzas: 2 });
    hangs(scene);
    for (const n of [1, 2, 3]) scene.incoming.received(said('hello', `m${n}`));
    await eventually('the refusal', () => scene.answers.length > 0 || undefined);
    expect(scene.answers).toEqual(['resource-constraint']);
    expect(scene.bridge.inbox.size).toBe(2);
  });

  test('hands nothing on that is not on disk', async () => {
    const scene = new ChatScene();
    const { storage } = scene.bridge.relay;
    storage.put = () => Promise.reject(new Error('disk full'));
    await scene.bobWrites({ id: 'm1' }, body('hello'));
    expect(scene.texts).toEqual([]);
    expect(scene.answers).toEqual(['internal-server-error']);
  });

  test('keeps what waits when the gateway stops no longer than its author is told', async () => {
    const scene = new ChatScene();
    let answered: () => void = () => undefined;
    scene.bridge.relay.answer = () => new Promise((resolve) => (answered = () => resolve(undefined)));
    for (const n of [1, 2]) scene.incoming.received(said('hello', `m${n}`));
    await eventually('the first is handed on', () => scene.bridge.relay.emitted.length === 1);
    scene.incoming.close();
    answered();
    await keeps(scene, 0);
    expect(scene.texts).toEqual(['hello']);
    expect(scene.answers).toEqual(['service-unavailable']);
  });

  test('is a place in which runs do not get into each other’s way', async () => {
    const scene = new ChatScene();
    const { relay, settings } = scene.bridge;
    const both = [new Inbox(relay, settings), new Inbox(relay, settings)];
    for (const inbox of both) void inbox.during(said('hello', 'm1'), () => new Promise(() => undefined));
    await keeps(scene, 2);
  });
});
