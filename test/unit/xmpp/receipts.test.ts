// Receipts, markers and reports of messages, both ways: once, and only where they are due.

import { beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import { result } from '../../../src/wv/status.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { body, ChatScene, delay, receiptRequest } from '../../support/xmpp-chat.ts';

let chat: ChatScene;
beforeEach(() => {
  chat = new ChatScene({ splitText: 100 });
});

const receipt = (id: string) => xml(NS.receipts, 'received', { id });
const marker = (name: string, id: string) => xml(NS.markers, name, { id });
const reported = () => chat.bridge.relay.all('DeliveryStatusReport').map(({ outcome }) => outcome.code);
const LONG = Array.from({ length: 48 }, (_, index) => `word${index}`).join(' ');

describe('for a message of ours', () => {
  const sent = async (report: boolean) => (await chat.aliceWrites('hello', { report })).attrs['id'] ?? '';

  test.each(['displayed', 'acknowledged', 'received'])('the marker %s counts as a receipt', async (name) => {
    await chat.bobWrites({}, marker(name, await sent(true)));
    expect(reported()).toEqual([200]);
  });

  test('a receipt and a marker are one report, whichever comes first', async () => {
    const [one, two] = [await sent(true), await sent(true)];
    await chat.bobWrites({}, receipt(one));
    await chat.bobWrites({}, marker('displayed', one));
    await chat.bobWrites({}, marker('displayed', two));
    chat.restart();
    await chat.bobWrites({}, receipt(two));
    expect(reported()).toEqual([200, 200]);
  });

  test('a marker nobody asked for, of a stranger, or of a message that bounced says nothing', async () => {
    await chat.bobWrites({}, marker('displayed', await sent(false)));
    const asked = await sent(true);
    await chat.bobWrites({ from: 'mallory@xmpp.example/x' }, marker('displayed', asked));
    await chat.bobWrites({ type: 'error', id: 'x' }, marker('displayed', asked));
    expect(reported()).toHaveLength(0);
  });

  test('markers are not offered, and a receipt is asked for only with a report', async () => {
    const stanza = await chat.aliceWrites('hello', { report: true });
    expect(childOf(stanza, 'markable', NS.markers)).toBeUndefined();
    expect(childOf(stanza, 'request', NS.receipts)).toBeDefined();
  });

  test('a receipt may come with words, which are delivered and get none in return', async () => {
    await chat.bobWrites({ id: '9' }, receipt(await sent(true)), body('got it'), receiptRequest);
    expect(reported()).toEqual([200]);
    expect(chat.texts).toEqual(['got it']);
    expect(chat.requests[0]?.deliveryReport).toBe(false);
  });

  test('one who moved is reported with his new address', async () => {
    const id = await sent(false);
    const gone = xml(NS.stanzaError, 'gone', {}, 'xmpp:bobby@xmpp.example?message');
    await chat.bobWrites({ type: 'error', id }, xml(NS.component, 'error', { type: 'cancel' }, gone));
    expect(chat.bridge.relay.all('DeliveryStatusReport')).toMatchObject([
      { outcome: { code: 410, description: 'moved to wv:bobby@xmpp.example' } },
    ]);
  });
});

describe('for a message from XMPP no receipt is sent', () => {
  const answeredTo = async (...sent: Parameters<ChatScene['bobWrites']>) => {
    await chat.bobWrites(...sent);
    await chat.reports(chat.requests[0], 200);
    return chat.answers;
  };

  test('when it is a headline, nor anything else', async () => {
    expect(await answeredTo({ type: 'headline', id: '1' }, body('news'), receiptRequest)).toEqual([]);
    expect(chat.texts).toEqual(['news']);
    await chat.reports(chat.requests[0], 542);
    expect(chat.answers).toEqual([]);
  });

  test('when it was held up on the way', async () => {
    expect(await answeredTo({ id: '1' }, body('a'), receiptRequest, delay(chat.now() - 1))).toEqual([]);
  });

  test('when it has no id', async () => {
    expect(await answeredTo({}, body('a'), receiptRequest)).toEqual([]);
  });

  test('when the recipient blocked the sender', async () => {
    chat.bridge.relay.answer = () => result(532);
    await chat.bobWrites({ id: '1' }, body('a'), receiptRequest);
    expect(chat.answers).toEqual(['service-unavailable']);
  });

  test('when it waits or was forwarded', async () => {
    await chat.bobWrites({ id: '1' }, body('a'), receiptRequest);
    await chat.reports(chat.requests[0], 202);
    await chat.reports(chat.requests[0], 541);
    expect(chat.answers).toEqual([]);
  });
});

describe('a long text', () => {
  const parts = async (): Promise<readonly SendMessageRequest[]> => {
    await chat.bobWrites({ id: '1' }, body(LONG), receiptRequest);
    return chat.requests;
  };

  test('comes in numbered parts, in order, each a message of its own', async () => {
    const got = await parts();
    expect(chat.texts.every((text) => text.length <= 100)).toBe(true);
    expect(chat.texts.map((text) => text.slice(0, 6))).toEqual(['(1/4) ', '(2/4) ', '(3/4) ', '(4/4) ']);
    expect(chat.texts.map((text) => text.slice(6)).join(' ')).toBe(LONG);
    const ids = new Set(got.map(({ message }) => message.id));
    expect(ids.size).toBe(4);
    expect([...ids].every((id) => id.length <= 50)).toBe(true);
  });

  test('is the same parts when it comes again, also after a restart', async () => {
    await parts();
    chat.restart();
    expect(await parts()).toHaveLength(4);
  });

  test('has one receipt, when all parts were delivered', async () => {
    const got = await parts();
    for (const request of got.slice(1)) await chat.reports(request, 200);
    expect(chat.answers).toEqual([]);
    chat.restart();
    await chat.reports(got[0], 200);
    await chat.reports(got[0], 200);
    expect(chat.answers).toEqual(['receipt 1']);
  });

  test('has one error when a part failed, and no receipt after it', async () => {
    const got = await parts();
    await chat.reports(got[0], 542);
    await chat.reports(got[1], 542);
    for (const request of got) await chat.reports(request, 200);
    expect(chat.answers).toEqual(['recipient-unavailable']);
  });

  test('stops at the first part that is refused, with one error', async () => {
    chat.bridge.relay.answer = (request) =>
      request.primitive === 'SendMessageRequest' && request.message.content.data.startsWith('(2/')
        ? result(507)
        : undefined;
    expect(await parts()).toHaveLength(1);
    expect(chat.answers).toEqual(['resource-constraint']);
    chat.bridge.relay.answer = () => undefined;
    const got = await parts();
    expect(got).toHaveLength(4);
    for (const request of got) await chat.reports(request, 200);
    expect(chat.answers).toEqual(['resource-constraint', 'receipt 1']);
  });

  test('whose receipt could not be sent is tried again', async () => {
    const got = await parts();
    for (const request of got.slice(0, 3)) await chat.reports(request, 200);
    chat.bridge.link.confirms = false;
    expect(await chat.reports(got[3], 200)).toBe(503);
    chat.bridge.link.confirms = true;
    expect(await chat.reports(got[3], 200)).toBe(200);
    expect(chat.answers).toEqual(['receipt 1', 'receipt 1']);
  });
});

describe('a repeat', () => {
  const write = (id: string, from = 'bob@xmpp.example/desk') => chat.bobWrites({ id, from }, body('ok'));

  test('of a stanza within minutes, also after a restart, is one message', async () => {
    await write('1');
    chat.restart();
    chat.bridge.clock.advance(9 * 60_000);
    await write('1');
    expect(chat.texts).toHaveLength(1);
  });

  test('of its words is none: another id, another client, another hour', async () => {
    await write('1');
    await write('2');
    await write('1', 'bob@xmpp.example/phone');
    chat.bridge.clock.advance(3_600_000);
    await write('1');
    expect(chat.texts).toHaveLength(4);
  });

  test('with its origin-id is recognised after days, from whatever client', async () => {
    const origin = xml(NS.stanzaId, 'origin-id', { id: 'o' });
    await chat.bobWrites({ id: '1' }, body('a'), origin);
    chat.bridge.clock.advance(3 * 86_400_000);
    await chat.bobWrites({ id: '2', from: 'bob@xmpp.example/phone' }, body('a'), origin);
    expect(chat.texts).toHaveLength(1);
  });

  test('is not recognised by an id that others stamped on it', async () => {
    const stamp = xml(NS.stanzaId, 'stanza-id', { id: 's', by: 'bob@xmpp.example' });
    await chat.bobWrites({}, body('a'), stamp);
    await chat.bobWrites({}, body('a'), stamp);
    expect(chat.texts).toHaveLength(2);
  });
});

describe('the time of a message', () => {
  const at = async (...stamps: readonly ReturnType<typeof delay>[]) => {
    await chat.bobWrites({}, body('a'), ...stamps);
    return (chat.requests.at(-1)?.message.sentAt ?? 0) - chat.now();
  };

  test.each([undefined, 'bob@xmpp.example', 'xmpp.example', 'imps.xmpp.example'])(
    'is what %s stamped on it',
    async (from) => {
      expect(await at(delay(chat.now() - 5_000, from))).toBe(-5_000);
    },
  );

  test('is not what others stamped on it, nor of another time', async () => {
    expect(await at(delay(chat.now() - 5_000, 'mallory@evil.example'))).toBe(0);
    expect(await at(delay(chat.now() - 5_000, 'carol@xmpp.example'))).toBe(0);
    expect(await at(delay(chat.now() - 400 * 86_400_000))).toBe(0);
    expect(await at(delay(chat.now() + 5_000))).toBe(0);
    expect(await at(delay(chat.now() - 5, 'evil.example'), delay(chat.now() - 9_000))).toBe(-9_000);
  });
});

describe('a thread', () => {
  const thread = (id: string) => xml(NS.component, 'thread', {}, id);
  const ours = async () => textOf(childOf(await chat.aliceWrites('a'), 'thread'));

  test('is kept up by answers, until the contact leaves it', async () => {
    expect(await ours()).toBe('');
    await chat.bobWrites({}, body('a'), thread('t1'));
    await chat.bobWrites({}, xml(NS.chatStates, 'composing'));
    expect(await ours()).toBe('t1');
    await chat.bobWrites({}, body('b'), thread('t2'));
    expect(await ours()).toBe('t2');
    await chat.bobWrites({}, xml(NS.chatStates, 'gone'));
    expect(await ours()).toBe('');
  });
});
