// docs/xmpp-coverage.md names live tests: those have to exist.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const DOCUMENT = readFileSync(new URL('docs/xmpp-coverage.md', ROOT), 'utf8');

/** A file's name in backticks, or the title of a test of the last file named, in italics. */
const MENTION = /`((?:xmpp|end-to-end)-[a-z-]+)`|(?<![\w])_([^_|]+)_(?![\w])/g;

function namedTests(): (readonly [file: string, title: string])[] {
  return DOCUMENT.split('\n').flatMap((row) => {
    let file = '';
    return [...row.matchAll(MENTION)].flatMap(([, name, title]) => {
      if (name !== undefined) file = name;
      return title === undefined ? [] : [[file, title] as const];
    });
  });
}

const NAMED = namedTests();

describe('the coverage of the XMPP gateway', () => {
  test('names tests', () => {
    expect(NAMED.length).toBeGreaterThan(100);
  });

  test.each([...new Set(NAMED.map(([file]) => file))])('%s has the tests that are named', (file) => {
    const source = readFileSync(new URL(`test/live/${file}.test.ts`, ROOT), 'utf8');
    const missing = NAMED.filter(([name, title]) => name === file && !source.includes(`'${title}'`));
    expect(missing).toEqual([]);
  });
});
