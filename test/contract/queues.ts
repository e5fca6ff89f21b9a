// The contract of the store: queues of local users, repeats, the outbox.

import { expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { inDays, message, messageId, report, user, userRecord } from '../support/store-samples.ts';

type Current = () => Store;

const FRESH = { remember: false, limit: 100 } as const;

export function queueContract(current: Current): void {
  const ids = async (afterSeq: number, limit: number) =>
    (await current().queueOf(user('ann'), afterSeq, limit)).map((entry) => entry.messageId);

  it('gives entries back in the order in which they came', async () => {
    const names = ['m3', 'm1', 'm2', 'm9', 'm5'];
    await Promise.all(names.map((id) => current().enqueue([message(id, 'ann')], FRESH)));
    expect(await ids(0, 10)).toEqual(names);
  });

  it('gives a queue page by page', async () => {
    await current().enqueue([message('m1', 'ann'), message('m2', 'ann'), message('m3', 'ann')], FRESH);
    const page = await current().queueOf(user('ann'), 0, 2);
    expect(page.map((entry) => entry.messageId)).toEqual(['m1', 'm2']);
    expect(await ids(page[1]?.seq ?? 0, 2)).toEqual(['m3']);
  });

  it('gives an entry back as it was', async () => {
    const entries = [message('m1', 'ann'), report('r1', 'ann')];
    await current().enqueue(entries, FRESH);
    const stored = await current().queueOf(user('ann'), 0, 10);
    expect(stored.map(({ seq, ...entry }) => (seq > 0 ? entry : undefined))).toEqual(entries);
  });

  it('answers for each entry of one call', async () => {
    const entries = [message('m1', 'ann'), message('m1', 'bob'), message('m1', 'ann'), message('m2', 'ann')];
    const outcomes = await current().enqueue(entries, { remember: false, limit: 1 });
    expect(outcomes).toEqual(['queued', 'queued', 'repeated', 'full']);
  });

  it('finds a queued message, not a report of the same id', async () => {
    await current().enqueue([message('m1', 'ann'), report('r1', 'ann')], FRESH);
    expect(await current().queuedMessage(user('ann'), messageId('m1'))).toMatchObject(message('m1', 'ann'));
    expect(await current().queuedMessage(user('ann'), messageId('r1'))).toBeUndefined();
    expect(await current().queuedMessage(user('ann'), messageId('r1'), 'report')).toBeDefined();
    expect(await current().queuedMessage(user('ann'), messageId('m1'), 'notice')).toBeUndefined();
    expect(await current().queuedMessage(user('bob'), messageId('m1'))).toBeUndefined();
  });

  it('takes an entry out once', async () => {
    await current().enqueue([message('m1', 'ann'), message('m1', 'bob')], FRESH);
    expect(await current().dequeue(user('ann'), messageId('m1'), 'report')).toBe(false);
    expect(await current().dequeue(user('ann'), messageId('m1'), 'message')).toBe(true);
    expect(await current().dequeue(user('ann'), messageId('m1'), 'message')).toBe(false);
    expect(await current().queuedMessage(user('bob'), messageId('m1'))).toBeDefined();
  });

  it('is full at the limit and has room again after an entry was taken out', async () => {
    const limit = { remember: false, limit: 2 };
    const outcomes = await Promise.all(
      ['m1', 'm2', 'm3'].map((id) => current().enqueue([message(id, 'ann')], limit)),
    );
    expect(outcomes.flat()).toEqual(['queued', 'queued', 'full']);
    expect(await current().enqueue([message('m1', 'bob')], limit)).toEqual(['queued']);
    await current().dequeue(user('ann'), messageId('m1'), 'message');
    expect(await current().enqueue([message('m3', 'ann')], limit)).toEqual(['queued']);
    expect(await current().enqueue([message('m4', 'ann')], limit)).toEqual(['full']);
  });

  it('gives expired entries oldest first and keeps them', async () => {
    const at = (id: string, expiresAt: number) => ({ ...message(id, 'ann'), expiresAt });
    await current().enqueue([at('m1', 30), at('m2', 10), at('m3', 20), at('m4', 40)], FRESH);
    const expired = await current().expiredQueue(30, 2);
    expect(expired.map((entry) => entry.messageId)).toEqual(['m2', 'm3']);
    expect(await current().expiredQueue(30, 10)).toHaveLength(3);
    expect(await current().expiredQueue(9, 10)).toEqual([]);
  });

  it('has an empty queue for a new user of an old name', async () => {
    await current().createUser(userRecord('ann'), []);
    await current().enqueue([message('m1', 'ann')], { remember: false, limit: 1 });
    await current().deleteUser(user('ann'));
    await current().createUser(userRecord('ann'), []);
    expect(await current().queueOf(user('ann'), 0, 10)).toEqual([]);
    expect(await current().enqueue([message('m2', 'ann')], { remember: false, limit: 1 })).toEqual([
      'queued',
    ]);
  });
}

export function repeatContract(current: Current): void {
  const remember = { remember: true, limit: 1 } as const;
  const enqueue = (id: string, options: { remember: boolean; limit: number }) =>
    current().enqueue([message(id, 'ann')], options);
  const take = (id: string) => current().dequeue(user('ann'), messageId(id), 'message');

  it('knows a message again after it was taken', async () => {
    await enqueue('m1', remember);
    await take('m1');
    expect(await enqueue('m1', remember)).toEqual(['repeated']);
  });

  it('knows a message that is still queued, remembered or not', async () => {
    await enqueue('m1', FRESH);
    expect(await enqueue('m1', FRESH)).toEqual(['repeated']);
    expect(await enqueue('m1', { remember: true, limit: 100 })).toEqual(['repeated']);
  });

  it('tells kinds and recipients apart', async () => {
    await enqueue('m1', remember);
    const others = [message('m1', 'bob'), report('m1', 'ann')];
    expect(await current().enqueue(others, { remember: true, limit: 9 })).toEqual(['queued', 'queued']);
  });

  it('calls a repeat a repeat when the queue is full', async () => {
    await enqueue('m1', remember);
    await take('m1');
    await enqueue('m2', remember);
    expect(await enqueue('m1', remember)).toEqual(['repeated']);
    expect(await enqueue('m2', FRESH)).toEqual(['repeated']);
  });

  it('does not remember what it refused', async () => {
    await enqueue('m1', remember);
    expect(await enqueue('m2', remember)).toEqual(['full']);
    await take('m1');
    expect(await enqueue('m2', remember)).toEqual(['queued']);
  });

  it('forgets after 30 days, not before', async () => {
    await enqueue('m1', remember);
    await take('m1');
    await current().prune(inDays(29));
    expect(await enqueue('m1', remember)).toEqual(['repeated']);
    await current().prune(inDays(31));
    expect(await enqueue('m1', remember)).toEqual(['queued']);
  });
}

export function outboxContract(current: Current): void {
  const stored = (payload: string, destination = 'xmpp') => ({
    destination,
    conversation: 'a b',
    payload,
    expiresAt: 1000,
  });
  const entry = (payload: string, destination = 'xmpp') => ({
    ...stored(payload, destination),
    key: payload,
  });

  it('keeps entries of a destination in order until they are done', async () => {
    await current().enqueueOutbox([entry('1'), entry('2'), entry('x', 'matrix'), entry('3')]);
    const [first, second] = await current().outboxOf('xmpp', 0, 2);
    expect(first).toEqual({ ...stored('1'), seq: first?.seq, attempts: 0, notBefore: 0 });
    await current().outboxDone(first?.seq ?? 0);
    expect((await current().outboxOf('xmpp', 0, 10)).map((left) => left.payload)).toEqual(['2', '3']);
    expect((await current().outboxOf('xmpp', second?.seq ?? 0, 10)).map((left) => left.payload)).toEqual([
      '3',
    ]);
  });

  it('drops an entry that was accepted before, also after it was done', async () => {
    await current().enqueueOutbox([entry('1')]);
    await current().enqueueOutbox([entry('1'), entry('1', 'matrix')]);
    const [first, repeat] = await current().outboxOf('xmpp', 0, 10);
    expect(repeat).toBeUndefined();
    await current().outboxDone(first?.seq ?? 0);
    await current().enqueueOutbox([entry('1')]);
    expect(await current().outboxOf('xmpp', 0, 10)).toEqual([]);
    expect(await current().outboxOf('matrix', 0, 10)).toHaveLength(1);
    expect(await current().outboxDestinations()).toEqual(['matrix']);
  });

  it('remembers tries', async () => {
    await current().enqueueOutbox([entry('1')]);
    const [first] = await current().outboxOf('xmpp', 0, 1);
    await current().outboxRetry(first?.seq ?? 0, 3, 500);
    expect(await current().outboxOf('xmpp', 0, 1)).toEqual([{ ...first, attempts: 3, notBefore: 500 }]);
  });
}
