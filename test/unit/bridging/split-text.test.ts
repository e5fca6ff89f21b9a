// Long texts in numbered parts, and excerpts.

import { describe, expect, test } from 'vitest';
import { cpuTime } from '../../support/cpu-time.ts';
import { excerpt, SHORTEST_PART, splitText } from '../../../adapters/bridging/split-text.ts';

const words = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ');
const withoutNumbers = (parts: readonly string[]) => parts.map((part) => part.replace(/^\(\d+\/\d+\) /, ''));

describe('a long text', () => {
  test('that fits stays as it is', () => {
    expect(splitText('short', 1_500)).toEqual(['short']);
    expect(splitText('x'.repeat(1_500), 1_500)).toHaveLength(1);
  });

  test('is never split with a limit of 0', () => {
    expect(splitText(words(10_000), 0)).toHaveLength(1);
  });

  test('is cut between words, numbered, and each part keeps to the limit', () => {
    const parts = splitText(words(100), 100);
    expect(parts.every((part) => part.length <= 100)).toBe(true);
    expect(parts[0]).toMatch(/^\(1\/\d+\) word0 /);
    expect(withoutNumbers(parts).join(' ')).toBe(words(100));
  });

  test('with more than nine, and more than ninety-nine, parts keeps to the limit', () => {
    for (const count of [150, 1_000]) {
      const parts = splitText(words(count), 60);
      expect(parts.every((part) => part.length <= 60)).toBe(true);
      expect(parts.at(-1)).toMatch(new RegExp(`^\\(${parts.length}/${parts.length}\\) `));
      expect(withoutNumbers(parts).join(' ')).toBe(words(count));
    }
  });

  test('without blanks is cut between characters as people see them', () => {
    const family = '👩‍👩‍👧';
    const parts = splitText(family.repeat(30), 60);
    expect(withoutNumbers(parts).every((part) => part.replaceAll(family, '') === '')).toBe(true);
    expect(withoutNumbers(parts).join('')).toBe(family.repeat(30));
  });

  test('of one endless character is cut all the same, never within a surrogate pair', () => {
    for (const text of [`a${'\u0301'.repeat(500)}`, '😀\u200d'.repeat(200)]) {
      const parts = withoutNumbers(splitText(text, 50));
      expect(parts.join('')).toBe(text);
      expect(parts.every((part) => part.isWellFormed())).toBe(true);
    }
  });

  test('is never cut shorter than numbers need', () => {
    expect(splitText(words(20), 1).every((part) => part.length <= SHORTEST_PART)).toBe(true);
  });

  test.each(['x'.repeat(250_000), ' '.repeat(250_000), words(30_000), '\u0301'.repeat(250_000)])(
    'of a quarter of a million characters costs little',
    (text) => {
      const started = cpuTime();
      splitText(text, 1_500);
      expect(cpuTime() - started).toBeLessThan(1_000);
    },
  );
});

describe('an excerpt', () => {
  test('is one line, and ends in dots when something is missing', () => {
    expect(excerpt(' a\n b ', 10)).toBe('a b');
    expect(excerpt('x'.repeat(80), 60)).toBe(`${'x'.repeat(59)}…`);
  });

  test('counts characters as people see them', () => {
    expect(excerpt('👩‍👩‍👧'.repeat(5), 5)).toBe('👩‍👩‍👧'.repeat(5));
    expect(excerpt('👩‍👩‍👧'.repeat(6), 5)).toBe(`${'👩‍👩‍👧'.repeat(4)}…`);
  });
});
