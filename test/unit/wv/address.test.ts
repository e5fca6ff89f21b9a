import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isAddressError,
  listOwner,
  msisdnOf,
  parseDomain,
  parseGroup,
  parseList,
  parseUser,
  resourceOf,
  userAddress,
  userPartOf,
} from '../../../src/wv/address.ts';
import type { ListAddress } from '../../../src/wv/ids.ts';

const HOME = parseDomain('wv.test')!;

describe('user addresses', () => {
  it.each([
    ['wv:ann@wv.test', 'wv:ann@wv.test'],
    ['WV:Ann@WV.Test', 'wv:ann@wv.test'],
    ['ann', 'wv:ann@wv.test'],
    [' ann@wv.test ', 'wv:ann@wv.test'],
    ['somebody@nowhere.com', 'wv:somebody@nowhere.com'],
    ['wv:+447700900123@wv.test', 'wv:+447700900123@wv.test'],
    ['wv:dave%40hs.test@matrix.wv.test', 'wv:dave%40hs.test@matrix.wv.test'],
    ['wv:J%C3%9CRGEN@wv.test', 'wv:j%c3%bcrgen@wv.test'],
    ['wv:jürgen@wv.test', 'wv:j%c3%bcrgen@wv.test'],
  ])('%s is %s', (text, canonical) => {
    expect(parseUser(text, HOME)).toBe(canonical);
  });

  it.each([
    '',
    'wv:',
    '@wv.test',
    'wv:a@b@c.test',
    'wv:ann/list@wv.test',
    'wv:a%ZZ@wv.test',
    'wv:a@-bad',
    'wv:a\u0000b',
    `wv:${'x'.repeat(500)}`,
  ])('refuses %j', (text) => {
    expect(isAddressError(parseUser(text, HOME))).toBe(true);
  });

  it('knows a number', () => {
    expect(msisdnOf(userAddress('+4912345', HOME))).toBe('+4912345');
    expect(msisdnOf(userAddress('4912345', HOME))).toBeUndefined();
  });

  it('gives every user part back (property)', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(
      // oxlint-disable-next-line no-control-regex -- refused by design
      (text) => !/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text) && text.trim() === text,
    );
    fc.assert(
      fc.property(part, (text) => {
        const folded = text.normalize('NFC').toLowerCase();
        const address = userAddress(folded, HOME);
        expect(userPartOf(address)).toBe(folded);
        const again = parseUser(address, HOME);
        expect(again).toBe(userAddress(folded.normalize('NFC').toLowerCase(), HOME));
      }),
    );
  });

  it('never throws (property)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        parseUser(text, HOME);
        parseList(text, HOME);
        parseGroup(text, HOME);
      }),
    );
  });
});

describe('lists and groups', () => {
  it('folds a list and knows its owner', () => {
    const list = parseList('wv:Ann/~PEP1.0_privatelist@wv.test', HOME) as ListAddress;
    expect(list).toBe('wv:ann/~pep1.0_privatelist@wv.test');
    expect(listOwner(list)).toBe('wv:ann@wv.test');
    expect(resourceOf(list)).toBe('~pep1.0_privatelist');
  });

  it('takes provider groups but no lists without an owner', () => {
    expect(parseGroup('wv:/lobby@wv.test', HOME)).toBe('wv:/lobby@wv.test');
    expect(isAddressError(parseList('wv:/lobby@wv.test', HOME))).toBe(true);
  });
});
