// What waits for a client: the order of things when the store is read while the client confirms.

import { expect, it } from 'vitest';
import { OutboundQueue } from '../../../src/access/csp/outbound.ts';
import type { NewQueueEntry } from '../../../src/store/store.ts';
import { trusted, type MessageId, type UserAddress } from '../../../src/wv/ids.ts';

function entry(id: string): NewQueueEntry {
  const user = trusted<UserAddress>('wv:ann@wv.test');
  return {
    recipient: user,
    messageId: trusted<MessageId>(id),
    expiresAt: 1_000_000,
    item: {
      kind: 'message',
      message: {
        id: trusted<MessageId>(id),
        sender: { kind: 'user', user },
        recipients: [{ kind: 'user', user }],
        sentAt: 0,
        expiresAt: 1_000_000,
        content: { contentType: 'text/plain', encoding: 'none', data: id },
      },
    },
  };
}

function handOut(queue: OutboundQueue, transactionId: string): string | undefined {
  const next = queue.next(0);
  if (next?.kind !== 'entry') return undefined;
  queue.handedOut(transactionId, next, 0);
  return next.entry.messageId;
}

it('an entry that was confirmed and still stands in the store is not handed out again', () => {
  const queue = new OutboundQueue();
  queue.refill([entry('m1')], false);
  expect(handOut(queue, 't1')).toBe('m1');
  queue.confirmed('t1');
  // Another poll reads the store before the confirmation was committed.
  queue.beginRefill();
  queue.refill([entry('m1'), entry('m2')], true);
  expect(handOut(queue, 't2')).toBe('m2');
  expect(handOut(queue, 't3')).toBeUndefined();
});

it('an entry that left the store may come again under the same id, as after a removal', () => {
  const queue = new OutboundQueue();
  queue.refill([entry('m1')], true);
  handOut(queue, 't1');
  queue.confirmed('t1');
  queue.removeEntry(trusted<MessageId>('m1'), 'message');
  queue.addEntry(entry('m1'));
  expect(handOut(queue, 't2')).toBe('m1');
});

it('an answer that was lost brings its entries back in their order, once', () => {
  const queue = new OutboundQueue();
  queue.refill([entry('m1'), entry('m2'), entry('m3')], true);
  handOut(queue, 't1');
  handOut(queue, 't2');
  queue.notSent(['t1', 't2']);
  queue.notSent(['t1', 't2']);
  expect(['a', 'b', 'c', 'd'].map((id) => handOut(queue, id))).toEqual(['m1', 'm2', 'm3', undefined]);
});

it('an entry for another client of the user waits in the store, and comes when it is for this one after all', () => {
  const others = new Set(['m1']);
  const queue = new OutboundQueue({ concerns: ({ messageId }) => !others.has(messageId) });
  queue.refill([entry('m1'), entry('m2')], true);
  expect([handOut(queue, 't1'), handOut(queue, 't2')]).toEqual(['m2', undefined]);
  expect(queue.openCount).toBe(2);
  others.clear();
  expect(queue.reconsider()).toBe(true);
  queue.beginRefill();
  queue.refill([entry('m1'), entry('m2')], true);
  expect([handOut(queue, 't3'), handOut(queue, 't4')]).toEqual(['m1', undefined]);
  expect(queue.reconsider()).toBe(false);
});
