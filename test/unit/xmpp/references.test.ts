// Corrections, retractions, reactions, replies and calls for attention, as a phone gets them.

import { beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { xml } from '../../../adapters/xmpp/xml.ts';
import { result } from '../../../src/wv/status.ts';
import { ALICE_JID, body, ChatScene, fallback, receiptRequest } from '../../support/xmpp-chat.ts';

let chat: ChatScene;
beforeEach(() => {
  chat = new ChatScene();
});

const originId = (id: string) => xml(NS.stanzaId, 'origin-id', { id });

describe('a correction', () => {
  const replace = (id: string) => xml(NS.correction, 'replace', { id });

  test('is told once', async () => {
    await chat.bobWrites({ id: '1' }, body('teh'));
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    await chat.bobWrites({ id: '3' }, body('the end'), replace('1'));
    expect(chat.texts).toEqual(['teh', 'edited: the']);
    expect(chat.dropped('told_already')).toBe(1);
  });

  test('is told once also after a restart, and its original is known', async () => {
    await chat.bobWrites({ id: '1' }, body('teh'));
    chat.restart();
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    chat.restart();
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    expect(chat.texts).toEqual(['teh', 'edited: the']);
  });

  test('that changes nothing, or comes after ten minutes, is dropped', async () => {
    await chat.bobWrites({ id: '1' }, body('same'));
    await chat.bobWrites({ id: '2' }, body('same'), replace('1'));
    chat.bridge.clock.advance(10 * 60_000 + 1);
    await chat.bobWrites({ id: '3' }, body('late'), replace('1'));
    expect(chat.texts).toEqual(['same']);
    expect([chat.dropped('same_edit'), chat.dropped('late_edit')]).toEqual([1, 1]);
  });

  test('of what never came is a message', async () => {
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    expect(chat.texts).toEqual(['the']);
  });

  test('of somebody else’s message is no correction of it', async () => {
    await chat.bobWrites({ id: '1' }, body('mine'));
    await chat.bobWrites({ id: '2', from: 'mallory@xmpp.example/x' }, body('not mine'), replace('1'));
    const sent = await chat.aliceWrites('hers');
    await chat.bobWrites({ id: '3' }, body('not hers'), replace(sent.attrs['id'] ?? ''));
    expect(chat.texts).toEqual(['mine', 'not mine', 'not hers']);
  });

  test('that could not be delivered may come again', async () => {
    await chat.bobWrites({ id: '1' }, body('teh'));
    chat.bridge.relay.answer = () => result(503);
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    chat.bridge.relay.answer = () => undefined;
    await chat.bobWrites({ id: '2' }, body('the'), replace('1'));
    expect(chat.texts).toEqual(['teh', 'edited: the']);
  });
});

describe('a retraction', () => {
  const retract = (id: string) => xml(NS.retraction, 'retract', { id });
  const oldRetract = (id: string) => xml(NS.fasten, 'apply-to', { id }, xml(NS.retractionOld, 'retract'));
  const words = body('This person attempted to retract a previous message');

  test.each([
    ['of today', retract],
    ['of version 0.3', oldRetract],
  ])('%s is told once, without the fallback text', async (_what, make) => {
    await chat.bobWrites({ id: '1' }, body('secret'), originId('o1'));
    await chat.bobWrites({ id: '2' }, make('o1'), words, fallback(NS.retraction));
    await chat.bobWrites({ id: '3' }, make('o1'), words, fallback(NS.retraction));
    expect(chat.texts).toEqual(['secret', 'message withdrawn']);
  });

  test('of what never came says nothing', async () => {
    await chat.bobWrites({ id: '2' }, retract('1'), words, fallback(NS.retraction));
    expect(chat.texts).toHaveLength(0);
    expect(chat.answers).toHaveLength(0);
  });

  test('of somebody else’s message says nothing', async () => {
    await chat.bobWrites({ id: '1' }, body('mine'));
    await chat.bobWrites({ id: '2', from: 'mallory@xmpp.example/x' }, retract('1'));
    expect(chat.texts).toEqual(['mine']);
  });
});

describe('a reaction', () => {
  const reactions = (id: string, ...given: readonly string[]) =>
    xml(NS.reactions, 'reactions', { id }, ...given.map((text) => xml(NS.reactions, 'reaction', {}, text)));

  test('to a message of ours is told with its words, without the fallback', async () => {
    const sent = await chat.aliceWrites(
      'Shall we meet at the old oak tree when the moon is up, or rather at noon?',
    );
    await chat.bobWrites(
      { id: '1' },
      reactions(sent.attrs['id'] ?? '', '👍'),
      body('> Shall we\n👍'),
      fallback(NS.reactions),
    );
    expect(chat.texts).toEqual([
      'bob reacted 👍 to "Shall we meet at the old oak tree when the moon is up, or r…"',
    ]);
  });

  test('is told once each, also after a restart; taking one back says nothing', async () => {
    const id = (await chat.aliceWrites('hello')).attrs['id'] ?? '';
    await chat.bobWrites({ id: '1' }, reactions(id, '👍'));
    chat.restart();
    await chat.bobWrites({ id: '2' }, reactions(id, '👍', '🐢'));
    await chat.bobWrites({ id: '3' }, reactions(id));
    await chat.bobWrites({ id: '4' }, reactions(id, '🐢'));
    expect(chat.texts).toEqual(['bob reacted 👍 to "hello"', 'bob reacted 🐢 to a message']);
  });

  test('is no way to say more than an emoji', async () => {
    const id = (await chat.aliceWrites('hello')).attrs['id'] ?? '';
    await chat.bobWrites({ id: '1' }, reactions(id, 'x'.repeat(17), 'two words', ''));
    expect(chat.texts).toHaveLength(0);
  });

  test('is dropped where the operator wants none', async () => {
    chat = new ChatScene({ reactions: false });
    const id = (await chat.aliceWrites('hello')).attrs['id'] ?? '';
    await chat.bobWrites({ id: '1' }, reactions(id, '👍'), body('👍'), fallback(NS.reactions));
    expect(chat.texts).toHaveLength(0);
    expect(chat.dropped('reaction')).toBe(1);
  });
});

describe('a reply', () => {
  const reply = (id: string, to: string) => xml(NS.reply, 'reply', { id, to });
  const quote = '> Alice wrote:\n> Shall we meet?\n';
  const cut = fallback(NS.reply, 0, Array.from(quote).length);

  test('to a message of ours names its author and quotes it, once', async () => {
    const id = (await chat.aliceWrites('Shall we meet?')).attrs['id'] ?? '';
    await chat.bobWrites({ id: '1' }, reply(id, ALICE_JID), body(`${quote}Great idea!`), cut);
    expect(chat.texts).toEqual(['re Alice: Shall we meet? / Great idea!']);
  });

  test('to a message of his own names him', async () => {
    await chat.bobWrites({ id: '1' }, body('Anybody there?'));
    await chat.bobWrites({ id: '2' }, reply('1', 'bob@xmpp.example/desk'), body('Hello?'));
    expect(chat.texts[1]).toBe('re bob: Anybody there? / Hello?');
  });

  test('quotes at most 60 characters', async () => {
    const id = (await chat.aliceWrites('😀'.repeat(100))).attrs['id'] ?? '';
    await chat.bobWrites({ id: '1' }, reply(id, ALICE_JID), body('ha'));
    expect(chat.texts).toEqual([`re Alice: ${'😀'.repeat(59)}… / ha`]);
  });

  test('to what is no longer known quotes its own fallback, or nothing', async () => {
    await chat.bobWrites({ id: '1' }, reply('gone', ALICE_JID), body(`${quote}Great idea!`), cut);
    await chat.bobWrites({ id: '2' }, reply('gone', ALICE_JID), body('Great idea!'));
    expect(chat.texts).toEqual(['re Alice: Shall we meet? / Great idea!', 'Great idea!']);
  });

  test('that comes again after a restart is the same message', async () => {
    const id = (await chat.aliceWrites('Shall we meet?')).attrs['id'] ?? '';
    const again = () => chat.bobWrites({ id: '1' }, reply(id, ALICE_JID), body('Great idea!'));
    await again();
    chat.restart();
    await again();
    expect(chat.texts).toHaveLength(1);
  });

  test('may ask for a receipt', async () => {
    await chat.bobWrites({ id: '1' }, reply('x', ALICE_JID), body('a'), receiptRequest);
    expect(chat.requests[0]?.deliveryReport).toBe(true);
  });
});

describe('a call for attention', () => {
  const attention = xml(NS.attention, 'attention');

  test('is told once a minute', async () => {
    await chat.bobWrites({ type: 'headline', id: '1' }, attention);
    await chat.bobWrites({ type: 'headline', id: '2' }, attention);
    chat.bridge.clock.advance(60_000);
    await chat.bobWrites({ id: '3' }, attention, body('wake up'));
    expect(chat.texts).toEqual(['bob wants your attention', 'bob wants your attention\nwake up']);
    expect(chat.answers).toHaveLength(0);
  });
});

test('what is remembered for quotes has a limit; that a message was there stays known', async () => {
  chat = new ChatScene({ maxQuotableMessages: 1 });
  await chat.bobWrites({ id: '1' }, body('one'));
  await chat.bobWrites({ id: '2' }, body('two'));
  await chat.bobWrites({ id: '3' }, xml(NS.reply, 'reply', { id: '1' }), body('to one'));
  await chat.bobWrites({ id: '4' }, xml(NS.correction, 'replace', { id: '1' }), body('ONE'));
  expect(chat.texts).toEqual(['one', 'two', 'to one', 'edited: ONE']);
});
