// The words of messages from XMPP, whatever they come in.

import { beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import { body, ChatScene, subject } from '../../support/xmpp-chat.ts';

let chat: ChatScene;
beforeEach(() => {
  chat = new ChatScene();
});

const told = async (attrs: Record<string, string>, ...children: readonly XmlElement[]) => {
  await chat.bobWrites(attrs, ...children);
  return chat.texts.at(-1);
};
const nick = (name: string) => xml(NS.nick, 'nick', {}, name);

describe('a message', () => {
  test('may have a subject, with or without a body', async () => {
    expect(await told({ type: 'normal' }, subject('Tea'), body('at five'))).toBe('Tea\nat five');
    expect(await told({ type: 'normal' }, subject('Only this'))).toBe('Only this');
  });

  test('with several bodies is told in the language of the recipient, if he has one', async () => {
    const bodies = [body('hello', { 'xml:lang': 'en-GB' }), body('guten Tag', { 'xml:lang': 'de' })];
    expect(await told({}, ...bodies)).toBe('hello');
    chat.memory.noticed({ publisher: chat.alice, attributes: { PreferredLanguage: simple('deu') } });
    expect(await told({}, ...bodies)).toBe('guten Tag');
    chat.memory.noticed({ publisher: chat.alice, attributes: { PreferredLanguage: simple('eng') } });
    expect(await told({}, ...bodies)).toBe('hello');
    expect(await told({ 'xml:lang': 'en' }, bodies[1] as XmlElement, body('hi'))).toBe('hi');
    chat.memory.noticed({ publisher: chat.alice, attributes: { PreferredLanguage: simple('not a tag') } });
    expect(await told({}, ...bodies)).toBe('hello');
    chat.memory.noticed({ publisher: chat.alice, attributes: { PreferredLanguage: WITHDRAWN } });
    expect(await told({}, ...bodies, body('neutral'))).toBe('neutral');
  });

  test('with a body does without its XHTML', async () => {
    const html = xml(NS.xhtmlIm, 'html', {}, xml(NS.xhtml, 'body', {}, 'other'));
    expect(await told({}, html, body('plain'))).toBe('plain');
  });

  test('with XHTML only is told as its words', async () => {
    const x = (name: string, ...children: readonly (XmlElement | string)[]) =>
      xml(NS.xhtml, name, {}, ...children);
    const html = xml(
      NS.xhtmlIm,
      'html',
      {},
      x('body', x('p', 'a ', x('b', 'bold'), '\n word'), x('script', 'bad()'), 'x', x('br'), 'y &amp;'),
    );
    expect(await told({}, html)).toBe('a bold word\nx\ny &amp;');
  });

  test('of /me is told of its sender', async () => {
    expect(await told({}, body('/me waves'))).toBe('* bob waves');
    expect(await told({}, body('/me waves'), nick('Bob B.'))).toBe('* Bob B. waves');
    expect(await told({}, body('/mean'))).toBe('/mean');
  });

  test('keeps its marks of direction, but a name has none', async () => {
    expect(await told({}, body('a \u202eb\u202c \u200f'))).toBe('a \u202eb\u202c \u200f');
    expect(await told({}, body('/me x'), nick('\u202eevil\u0007\n name\u2066'))).toBe('* evil name x');
    expect(await told({}, body('/me x'), nick('n'.repeat(500)))).toBe(`* ${'n'.repeat(59)}… x`);
  });

  test('loses the characters that phones and their XML stumble over', async () => {
    expect(await told({}, body('a\u0080b\ufeffc\ufdd0d\u{1fffe}e\r\nf\u0085g'))).toBe('abcde\nf\ng');
  });

  test('with links beside the text has each of them once', async () => {
    const link = (url: string, desc?: string) =>
      xml(
        NS.oob,
        'x',
        {},
        xml(NS.oob, 'url', {}, url),
        desc === undefined ? undefined : xml(NS.oob, 'desc', {}, desc),
      );
    expect(await told({}, body('https://a.example/1'), link('https://a.example/1'))).toBe(
      'https://a.example/1',
    );
    expect(await told({}, body('look'), link('https://a.example/2', 'a cat'))).toBe(
      'look\na cat: https://a.example/2',
    );
    expect(await told({}, link('https://a.example/3'))).toBe('https://a.example/3');
  });

  test('with children nobody knows is told without them', async () => {
    expect(await told({}, body('a'), xml('urn:example:what', 'body', {}, 'b'))).toBe('a');
  });

  test('with hints, and the wish not to be copied, is delivered', async () => {
    expect(await told({}, body('a'), xml(NS.hints, 'no-store'), xml(NS.carbons, 'private'))).toBe('a');
  });
});

describe('a forwarded message', () => {
  const forwarded = (...children: readonly XmlElement[]) =>
    xml(
      NS.forward,
      'forwarded',
      {},
      xml(NS.component, 'message', { from: 'romeo@xmpp.example/x' }, ...children),
    );

  test('is told as what it is, with the words around it', async () => {
    expect(await told({}, body('read this'), forwarded(body('o Juliet')))).toBe(
      'read this\n[forwarded by bob, said to be of romeo@xmpp.example] o Juliet',
    );
  });

  test('within a forwarded message is left out', async () => {
    expect(await told({}, body('see'), forwarded(body('outer'), forwarded(body('inner'))))).toBe('see');
    await chat.bobWrites({}, forwarded(forwarded(body('inner'))));
    expect(chat.texts).toHaveLength(1);
    expect(chat.dropped('no_text')).toBe(1);
  });
});

describe('a message without anything to tell', () => {
  test.each([
    ['chat state', xml(NS.chatStates, 'composing')],
    ['unknown child', xml('urn:example:what', 'thing')],
    ['hint', xml(NS.hints, 'store')],
    ['marker nobody asked for', xml(NS.markers, 'displayed', { id: 'x' })],
  ])('(%s) is dropped, counted and not answered', async (_what, child) => {
    await chat.bobWrites({}, child);
    expect(chat.texts).toHaveLength(0);
    expect(chat.answers).toHaveLength(0);
    expect(chat.dropped('no_body') + chat.dropped('unasked_receipt')).toBe(1);
  });
});
