// Content made to fit one client: what waits for it, and how much is made at once.

import { describe, expect, it } from 'vitest';
import { UNNEGOTIATED, type Capabilities } from '../../../src/access/csp/capabilities.ts';
import { fitting } from '../../../src/access/csp/fitting.ts';
import { OutboundQueue } from '../../../src/access/csp/outbound.ts';
import { Preparation } from '../../../src/access/csp/preparation.ts';
import type { NewQueueEntry } from '../../../src/store/store.ts';
import { trusted, type MessageId, type UserAddress } from '../../../src/wv/ids.ts';
import type { Message, MessageContent } from '../../../src/wv/message.ts';

const SMALL: Capabilities = { ...UNNEGOTIATED, acceptedContentLength: 10 };
const TEXT: MessageContent = { contentType: 'text/plain', encoding: 'none', data: 'hello' };
const PICTURE: MessageContent = { contentType: 'image/png', encoding: 'base64', data: 'A'.repeat(100) };
const FITTED: MessageContent = { contentType: 'image/jpeg', encoding: 'base64', data: 'AAAA' };

function entry(id: string, content: MessageContent, sender = 'dave'): NewQueueEntry {
  const messageId = trusted<MessageId>(id);
  const message: Message = {
    id: messageId,
    sender: { kind: 'user', user: trusted<UserAddress>(`wv:${sender}@far.test`) },
    recipients: [],
    sentAt: 0,
    expiresAt: 1,
    content,
  };
  return {
    recipient: trusted<UserAddress>('wv:ann@wv.test'),
    messageId,
    expiresAt: 1,
    item: { kind: 'message', message },
  };
}

function scene() {
  const pending = new Map<string, (content: MessageContent | undefined) => void>();
  const state = { ready: 0, capabilities: SMALL };
  const preparation = new Preparation(
    { adapted: ({ id }) => new Promise((resolve) => pending.set(id, resolve)) },
    () => state.capabilities,
    () => void state.ready++,
  );
  const queue = new OutboundQueue({ isPrepared: (each) => preparation.isReady(each) });
  queue.refill([], true);
  const next = () => {
    const outbound = queue.next(0);
    return outbound?.kind === 'entry' ? outbound.entry.messageId : undefined;
  };
  const finish = async (id: string, content: MessageContent | undefined = FITTED) => {
    pending.get(id)?.(content);
    await Promise.resolve();
  };
  return { queue, preparation, pending, state, next, finish };
}

it('a picture waits until it fits, then the session hears of it', async () => {
  const { queue, preparation, state, next, finish } = scene();
  queue.addEntry(entry('p', PICTURE));
  expect([queue.isReady(0), next(), queue.isOpen]).toEqual([false, undefined, true]);
  await finish('p');
  expect([state.ready, queue.isReady(0), next()]).toEqual([1, true, 'p']);
  const fit = fitting((entry('p', PICTURE).item as { message: Message }).message, SMALL);
  if (fit.kind !== 'adapt') throw new Error('it fits as it is');
  const id = trusted<MessageId>('p');
  expect([preparation.take(id, fit.wish), preparation.take(id, fit.wish)]).toEqual([FITTED, undefined]);
});

it('text of the same sender waits behind it, others pass', async () => {
  const { queue, next, finish } = scene();
  queue.addEntry(entry('p', PICTURE));
  queue.addEntry(entry('behind', TEXT));
  queue.addEntry(entry('other', TEXT, 'eve'));
  expect([next(), next()]).toEqual(['other', undefined]);
  await finish('p');
  expect([next(), next()]).toEqual(['p', 'behind']);
});

it('four are prepared at once; one that comes back in front gets the place of the last', async () => {
  const { queue, pending, next, finish } = scene();
  for (let n = 0; n < 6; n++) queue.addEntry(entry(`p${n}`, PICTURE, `s${n}`));
  expect(next()).toBeUndefined();
  expect([...pending.keys()]).toEqual(['p0', 'p1', 'p2', 'p3']);
  for (const id of ['p0', 'p1', 'p2', 'p3']) await finish(id);
  expect([next(), next()]).toEqual(['p0', 'p1']);
});

it('what cannot be made is ready too: it will be announced', async () => {
  const { queue, next, finish } = scene();
  queue.addEntry(entry('p', PICTURE));
  expect(next()).toBeUndefined();
  await finish('p', undefined);
  expect(next()).toBe('p');
});

it('other capabilities mean another picture', async () => {
  const { queue, pending, state, next, finish } = scene();
  queue.addEntry(entry('p', PICTURE));
  expect(next()).toBeUndefined();
  await finish('p');
  state.capabilities = { ...SMALL, acceptedContentLength: 20 };
  pending.clear();
  expect(next()).toBeUndefined();
  expect(pending.size).toBe(1);
  state.capabilities = { ...SMALL, deliveryMethod: 'N' };
  expect(next()).toBe('p');
});

describe('what fits', () => {
  const kind = (content: MessageContent, more: Partial<Capabilities> = {}) =>
    fitting((entry('m', content).item as { message: Message }).message, { ...UNNEGOTIATED, ...more }).kind;

  it.each([
    ['anything for who named no limit', PICTURE, {}, 'push'],
    ['a type of the list', PICTURE, { acceptedTypes: ['image/png'] }, 'push'],
    ['a family of types', PICTURE, { acceptedTypes: ['image/*'] }, 'push'],
    ['text, listed or not', TEXT, { acceptedTypes: ['image/gif'] }, 'push'],
    ['no other type', PICTURE, { acceptedTypes: ['image/gif'] }, 'adapt'],
    ['nothing longer', PICTURE, { acceptedContentLength: 74 }, 'adapt'],
    ['just as long', PICTURE, { acceptedContentLength: 75 }, 'push'],
    ['nothing that cannot be parsed', PICTURE, { parserSize: 1_600 }, 'adapt'],
    ['nothing at all by method N', TEXT, { deliveryMethod: 'N' as const }, 'announce'],
  ])('%s', (_what, content, capabilities, expected) => {
    expect(kind(content, capabilities)).toBe(expected);
  });

  it('what lies with the content service has to come from there', () => {
    expect(kind({ ...PICTURE, data: '', stored: { id: 'x', bytes: 9 } })).toBe('adapt');
  });
});
