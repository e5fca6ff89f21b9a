// Parts of a body that are there only for clients that do not know an extension (XEP-0428).

import { describe, expect, test } from 'vitest';
import { withoutFallback } from '../../../adapters/xmpp/fallback.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { stanza, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { fallback } from '../../support/xmpp-chat.ts';

const reply = xml(NS.reply, 'reply', { id: '1' });
const kept = (body: string, ...children: readonly XmlElement[]) =>
  withoutFallback(body, stanza('message', {}, ...children)).kept;

describe('fallback', () => {
  test('is cut by code points, however many units each has', () => {
    const quote = '> 😀👩‍👩‍👧\n';
    const points = Array.from(quote).length;
    const { kept: words, cut } = withoutFallback(
      `${quote}yes 😀`,
      stanza('message', {}, reply, fallback(NS.reply, 0, points)),
    );
    expect(words).toBe('yes 😀');
    expect(cut).toBe(quote);
  });

  test('in the middle and in several ranges is cut, too', () => {
    expect(kept('aXbYc', reply, fallback(NS.reply, 1, 2), fallback(NS.reply, 3, 4))).toBe('abc');
  });

  test('without a range is all of the body', () => {
    expect(kept('> a\nb', reply, fallback(NS.reply))).toBe('');
    expect(kept('all', xml(NS.reactions, 'reactions', { id: '1' }), fallback(undefined))).toBe('');
  });

  test('in the namespace of before is known', () => {
    const old = xml(
      NS.fallbackOld,
      'fallback',
      { for: NS.reply },
      xml(NS.fallbackOld, 'body', { start: '0', end: '2' }),
    );
    expect(kept('> b', reply, old)).toBe('b');
  });

  test.each([
    ['for something the message does not have', [fallback(NS.reply, 0, 2)]],
    ['for something we do not know', [reply, fallback('urn:xmpp:sfs:0', 0, 2)]],
    ['of the subject only', [reply, xml(NS.fallback, 'fallback', {}, xml(NS.fallback, 'subject'))]],
    ['with an end before its start', [reply, fallback(NS.reply, 2, 0)]],
    ['with a negative start', [reply, fallback(NS.reply, -1, 2)]],
    ['beyond the end', [reply, fallback(NS.reply, 90, 99)]],
  ])('%s is text like any other', (_what, children) => {
    expect(kept('abc', ...children)).toBe('abc');
  });

  test('that ends beyond the body ends with it', () => {
    expect(kept('abc', reply, fallback(NS.reply, 1, 999))).toBe('a');
  });

  test('in thousands of ranges costs little', () => {
    const many = Array.from({ length: 5_000 }, () => fallback(NS.reply, 0, 1));
    expect(kept('ab'.repeat(10_000), reply, ...many)).toHaveLength(19_999);
  });
});
