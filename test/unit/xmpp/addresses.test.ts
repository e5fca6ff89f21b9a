// WV addresses and JIDs: a bijection on what is accepted, an error for the rest.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { userAddress } from '../../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../../src/wv/ids.ts';
import { trusted } from '../../../src/wv/ids.ts';
import { isUnmappable } from '../../../adapters/xmpp/addresses.ts';
import { escapeLocal, isStableLocal, parseJid, unescapeLocal } from '../../../adapters/xmpp/jid.ts';
import type { JidParts } from '../../../adapters/xmpp/jid.ts';
import { typedUser } from '../../../adapters/xmpp/typed-address.ts';
import { CODEC, COMPONENT, testBridge } from '../../support/xmpp-bridge.ts';
import { HOME } from '../../support/xmpp-relay.ts';

const XMPP = trusted<Domain>('xmpp.example');
const PSEUDO = trusted<Domain>('xmpp.wv.example');

/** Names full of what goes wrong: separators, escapes, capitals, blanks, emoji, and any Unicode. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '@',
        ':',
        '/',
        '\\',
        "'",
        '"',
        '&',
        '<',
        '>',
        ' ',
        '%',
        '+',
        '\\20',
        '\\5c',
        '20',
        '5c',
        '😀',
        'A',
        'é',
        'ß',
        'ı',
        'ς',
        'ﬁ',
        'ü',
        '=',
        '.',
        '中',
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
);

function jid(text: string): JidParts {
  const parts = parseJid(text);
  if (parts === undefined) throw new Error(`not a JID: ${text}`);
  return parts;
}

describe('JID escaping (XEP-0106)', () => {
  test.each([
    ['space cadet', 'space\\20cadet'],
    ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
    ['at&t guy', 'at\\26t\\20guy'],
    ["d'artagnan", 'd\\27artagnan'],
    ['/.fanboy', '\\2f.fanboy'],
    ['::foo::', '\\3a\\3afoo\\3a\\3a'],
    ['<foo>', '\\3cfoo\\3e'],
    ['user@host', 'user\\40host'],
    ['c:\\net', 'c\\3a\\net'],
    ['c:\\\\net', 'c\\3a\\\\net'],
    ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
    ['c:\\5commas', 'c\\3a\\5c5commas'],
  ])('%s is written %s, as the document has it', (text, escaped) => {
    expect(escapeLocal(text)).toBe(escaped);
    expect(unescapeLocal(escaped)).toBe(text);
  });

  test('every text comes back from its escaped form', () => {
    fc.assert(fc.property(anyName, (text) => unescapeLocal(escapeLocal(text)) === text));
  });
});

describe('addresses of our users', () => {
  test('every accepted name goes to a JID and back', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const user = userAddress(name, HOME);
        const bare = CODEC.localJid(user);
        if (isUnmappable(bare)) return true;
        expect(CODEC.localUser(jid(bare))).toBe(user);
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  test('every plain name is accepted', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9@:/\\'"&<>.+_=%-]{1,30}$/), (name) => {
        expect(isUnmappable(CODEC.localJid(userAddress(name, HOME)))).toBe(false);
      }),
    );
  });

  test('the table of bridging 2.1 holds', () => {
    expect(CODEC.localJid(userAddress('alice', HOME))).toBe(`alice@${COMPONENT}`);
    expect(CODEC.localJid(userAddress('+447700900123', HOME))).toBe(`+447700900123@${COMPONENT}`);
    expect(CODEC.localJid(userAddress('😀', HOME))).toBe(`😀@${COMPONENT}`);
  });

  test("capitals fold to the user's one address", () => {
    expect(CODEC.localUser(jid(`ALICE@${COMPONENT.toUpperCase()}`))).toBe('wv:alice@wv.example');
  });

  test('a user of another WV operator has no JID', () => {
    const carol = userAddress('carol', trusted<Domain>('other.example'));
    expect(CODEC.localJid(carol)).toMatchObject({ unmappable: 516 });
  });

  test.each(['ß', 'ﬁ', 'ς', ' alice', 'alice ', 'a\u00adb', 'a\u200db', '❤\ufe0f', 'a\u00a0b', 'e\u0301'])(
    'a name that servers would change into another is refused: %j',
    (name) => {
      expect(isStableLocal(name)).toBe(false);
      expect(CODEC.localJid(`wv:${encodeURIComponent(name)}@wv.example` as UserAddress)).toMatchObject({
        unmappable: 901,
      });
    },
  );

  test('a second spelling of an escaped name is refused', () => {
    expect(CODEC.localUser(jid(`a\\5cb@${COMPONENT}`))).toMatchObject({ unmappable: 901 });
    expect(CODEC.localUser(jid(`\\20a@${COMPONENT}`))).toMatchObject({ unmappable: 901 });
  });

  test('names of 1,023 octets are the longest', () => {
    const name = (length: number) => trusted<UserAddress>(`wv:${'a'.repeat(length)}@wv.example`);
    expect(isUnmappable(CODEC.localJid(name(1_023)))).toBe(false);
    expect(CODEC.localJid(name(1_024))).toMatchObject({ unmappable: 901 });
  });
});

describe('addresses of XMPP users', () => {
  test('a user of a routed domain keeps his address', () => {
    expect(CODEC.foreignUser(jid('Bob@XMPP.example/Desk'))).toBe('wv:bob@xmpp.example');
    expect(CODEC.foreignJid(userAddress('bob', XMPP))).toBe('bob@xmpp.example');
  });

  test('a user of another domain is escaped whole into the pseudo-domain', () => {
    expect(CODEC.foreignUser(jid('bob@jabber.org'))).toBe('wv:bob%40jabber.org@xmpp.wv.example');
    expect(CODEC.foreignJid(trusted<UserAddress>('wv:bob%40jabber.org@xmpp.wv.example'))).toBe(
      'bob@jabber.org',
    );
  });

  test('a server itself has an address too', () => {
    expect(CODEC.foreignUser(jid('xmpp.example'))).toBe('wv:xmpp.example@xmpp.wv.example');
    expect(CODEC.foreignJid(trusted<UserAddress>('wv:xmpp.example@xmpp.wv.example'))).toBe('xmpp.example');
  });

  test('every accepted JID goes to a WV address and back', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom('xmpp.example', 'jabber.org', 'a.b-c.net'), (name, domain) => {
        const parts = parseJid(`${escapeLocal(name)}@${domain}`);
        if (parts === undefined || parts.local === '') return true;
        const user = CODEC.foreignUser(parts);
        if (!isUnmappable(user)) expect(CODEC.foreignJid(user)).toBe(`${parts.local}@${domain}`);
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  test('every accepted WV address goes to a JID and back', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom(XMPP, PSEUDO), (name, domain) => {
        const user = userAddress(name, domain);
        const bare = CODEC.foreignJid(user);
        if (!isUnmappable(bare)) expect(CODEC.foreignUser(jid(bare))).toBe(user);
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['alice@imps.xmpp.example', 'our own component'],
    ['x@wv.example', 'our own domain'],
    ['x@xmpp.wv.example', 'the pseudo-domain'],
    ['_imps_alice@jabber.org', "another bridge's ghost"],
  ])('%s is refused: %s', (text) => {
    expect(CODEC.foreignUser(jid(text))).toMatchObject({ unmappable: 516 });
    const escaped = trusted<UserAddress>(`wv:${text.replace('@', '%40')}@xmpp.wv.example`);
    expect(CODEC.foreignJid(escaped)).toMatchObject({ unmappable: 516 });
  });

  test('a routed user has no second address in the pseudo-domain', () => {
    expect(CODEC.foreignJid(trusted<UserAddress>('wv:bob%40xmpp.example@xmpp.wv.example'))).toMatchObject({
      unmappable: 901,
    });
  });

  test.each(['', '@', '@x', 'a@', 'a@b/', 'a@-b', 'a@b c', 'a@b@c', `a@${'b'.repeat(300)}`])(
    '%j is no JID',
    (text) => {
      expect(parseJid(text)).toBeUndefined();
    },
  );
});

describe('what servers make of case', () => {
  test.each([
    ['İ', 'a capital dotted i folds to two characters'],
    ['ß', 'sharp s folds to ss'],
    ['ſ', 'long s folds to s'],
    ['ŉ', 'has no capital of its own'],
    ['ϐ', 'a variant of beta'],
  ])('%s is refused in a name: %s', (char) => {
    const user = trusted<UserAddress>(`wv:${encodeURIComponent(`a${char}`)}@wv.example`);
    expect(CODEC.localJid(user)).toMatchObject({ unmappable: 901 });
  });

  test('dotless i stays itself', () => {
    expect(CODEC.localJid(userAddress('ı', HOME))).toBe(`ı@${COMPONENT}`);
  });

  test('no two WV users have one JID, whatever a server folds', () => {
    const fold = (text: string) => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
    const owners = new Map<string, UserAddress>();
    fc.assert(
      fc.property(anyName, (name) => {
        const user = userAddress(name, HOME);
        const bare = CODEC.localJid(user);
        if (isUnmappable(bare)) return true;
        // Our own rule lets dotless i be what no capital of it gives back.
        const folded = fold(bare.replaceAll('ı', '\u{1F600}dotless'));
        expect(owners.get(folded) ?? user).toBe(user);
        owners.set(folded, user);
        return true;
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('escaping in names of ours', () => {
  test.each([' ', '"', '&', "'", '/', ':', '<', '>', '@'])('%j is escaped inside, and comes back', (char) => {
    const user = userAddress(`a${char}b`, HOME);
    const bare = CODEC.localJid(user);
    expect(bare).toMatch(/^a\\[0-9a-f]{2}b@/);
    expect(isUnmappable(bare) ? bare : CODEC.localUser(jid(bare))).toBe(user);
  });

  test.each([
    ['a\\20b', 'a\\5c20b'],
    ['a\\5cb', 'a\\5c5cb'],
    ['a\\b', 'a\\b'],
    ['a\\2', 'a\\2'],
  ])('a backslash is escaped only where it would read as an escape: %s', (name, local) => {
    const user = userAddress(name, HOME);
    expect(CODEC.localJid(user)).toBe(`${local}@${COMPONENT}`);
    expect(CODEC.localUser(jid(`${local}@${COMPONENT}`))).toBe(user);
  });

  test.each(['\\20ann', 'ann\\20'])(
    'a localpart that begins or ends with a blank is refused: %s',
    (local) => {
      expect(CODEC.localUser(jid(`${local}@${COMPONENT}`))).toMatchObject({ unmappable: 901 });
    },
  );

  test('the length that counts is that of the escaped name, each time alike', () => {
    const user = trusted<UserAddress>(`wv:a${'%40'.repeat(341)}@wv.example`);
    for (let time = 0; time < 3; time++) expect(CODEC.localJid(user)).toMatchObject({ unmappable: 901 });
  });
});

describe('addresses as people type them', () => {
  test.each([
    ['wv:ann', 'wv:ann@wv.example'],
    ['  WV:Ann@WV.example ', 'wv:ann@wv.example'],
    ['wv: ann', 'wv:ann@wv.example'],
    ['ann', 'wv:ann@wv.example'],
    ['ann@wv.example', 'wv:ann@wv.example'],
    ['+447700900123', 'wv:+447700900123@wv.example'],
    ['+44 7700 900-123', 'wv:+447700900123@wv.example'],
    ['0044 (7700) 900123', 'wv:+447700900123@wv.example'],
    ['tel:+44.7700.900123', 'wv:+447700900123@wv.example'],
    ['wv:+44 7700 900123', 'wv:+447700900123@wv.example'],
    [`ann@${COMPONENT}`, 'wv:ann@wv.example'],
    [`xmpp:Ann@${COMPONENT}`, 'wv:ann@wv.example'],
  ])('%j is %s', (text, user) => {
    expect(typedUser(testBridge(), text)).toBe(user);
  });

  test.each(['', '@', 'wv:', 'ann@elsewhere.example', 'wv:ann/friends', COMPONENT + '/x', 'a@b@c'])(
    '%j is nobody of ours',
    (text) => {
      expect(typedUser(testBridge(), text)).toBeUndefined();
    },
  );
});
