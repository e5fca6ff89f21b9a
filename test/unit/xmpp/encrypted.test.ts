// Encrypted messages are sent back and explained, and never shown.

import { beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { xml } from '../../../adapters/xmpp/xml.ts';
import { childOf } from '../../../adapters/xmpp/xml.ts';
import { NotKnownNow } from '../../../src/sap/port.ts';
import { body, ChatScene, delay } from '../../support/xmpp-chat.ts';

const omemo = xml(NS.omemo, 'encrypted', {}, xml(NS.omemo, 'payload', {}, 'AAAA'));
const eme = (namespace: string, name?: string) => xml(NS.encryption, 'encryption', { namespace, name });
const explanation = (method: string) =>
  `This contact cannot read messages encrypted with ${method}. Please turn encryption off for this chat.`;
const WORDS = body('I sent you an encrypted message');

let chat: ChatScene;
beforeEach(() => {
  chat = new ChatScene();
});

test.each([
  ['OMEMO', omemo],
  ['OMEMO', xml(NS.omemoLegacy, 'encrypted', {}, xml(NS.omemoLegacy, 'payload'))],
  ['OMEMO', eme(NS.omemo)],
  ['OpenPGP', xml(NS.openpgp, 'openpgp')],
  ['OpenPGP', xml(NS.pgpLegacy, 'x')],
  ['OTR', eme(NS.otr, 'OTR')],
  ['Shiny', eme('urn:example:shiny', 'Shiny')],
  ['some method', eme('urn:example:shiny')],
  ['some method', xml('urn:xmpp:sce:1', 'envelope')],
])('a message encrypted with %s comes back and is explained', async (method, element) => {
  await chat.bobWrites({ id: '1' }, element, WORDS);
  expect(chat.answers).toEqual(['not-acceptable', explanation(method)]);
  expect(chat.texts).toHaveLength(0);
});

test('OTR is recognised by its words', async () => {
  await chat.bobWrites({ id: '1' }, body('?OTRv23?\nhe wants to talk in private'));
  expect(chat.answers).toEqual(['not-acceptable', explanation('OTR')]);
});

test('each comes back, but it is explained once a day per chat, also after a restart', async () => {
  const write = (id: string, from = 'bob@xmpp.example/desk') => chat.bobWrites({ id, from }, omemo, WORDS);
  await write('1');
  chat.restart();
  await write('2', 'bob@xmpp.example/phone');
  chat.bridge.clock.advance(23 * 3_600_000);
  await write('3');
  await write('4', 'carol@xmpp.example/x');
  chat.bridge.clock.advance(3_600_000);
  await write('5');
  const back = 'not-acceptable';
  const why = explanation('OMEMO');
  expect(chat.answers).toEqual([back, why, back, back, back, why, back, why]);
});

test('the explanation asks not to be kept or copied', async () => {
  await chat.bobWrites({ id: '1' }, omemo, WORDS);
  const stanza = chat.bridge.link.sent[1];
  for (const hint of ['no-store', 'no-copy']) expect(stanza && childOf(stanza, hint, NS.hints)).toBeDefined();
});

test.each([
  ['no-store', { type: 'chat' }, xml(NS.hints, 'no-store')],
  ['no-copy', { type: 'chat' }, xml(NS.hints, 'no-copy')],
  ['a delay', { type: 'chat' }, delay(0)],
])('one with %s comes back unexplained', async (_what, attrs, child) => {
  await chat.bobWrites({ id: '1', ...attrs }, omemo, WORDS, child);
  expect(chat.answers).toEqual(['not-acceptable']);
});

test('an encrypted headline is not answered at all', async () => {
  await chat.bobWrites({ id: '1', type: 'headline' }, omemo, WORDS);
  expect(chat.answers).toHaveLength(0);
  expect(chat.dropped('headline_error')).toBe(1);
});

test('keys that are exchanged are no message', async () => {
  await chat.bobWrites({ id: '1' }, xml(NS.omemo, 'encrypted', {}, xml(NS.omemo, 'header')));
  expect(chat.answers).toHaveLength(0);
  expect(chat.dropped('key_exchange')).toBe(1);
});

describe('to a user who', () => {
  test('does not exist it comes back like any other', async () => {
    await chat.bobWrites({ id: '1', to: 'nobody@imps.xmpp.example' }, omemo, WORDS);
    expect(chat.answers).toEqual(['service-unavailable']);
  });

  test('cannot be looked up now it may come again', async () => {
    chat.bridge.relay.userExists = () => Promise.reject(new NotKnownNow());
    await chat.bobWrites({ id: '1' }, omemo, WORDS);
    expect(chat.answers).toEqual(['service-unavailable']);
    expect(chat.bridge.link.sent[0] && childOf(chat.bridge.link.sent[0], 'error')?.attrs['type']).toBe(
      'wait',
    );
  });
});
