import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MatrixAddresses } from '../../../adapters/matrix/addresses.ts';
import { isMatrixUserId } from '../../../adapters/matrix/ids.ts';
import { isAddressError, parseDomain, parseUser, userAddress } from '../../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../../src/wv/ids.ts';

const domain = (text: string): Domain => parseDomain(text) as Domain;
const HOME = domain('wv.example');
const OTHER = domain('other.example');
const PSEUDO = domain('matrix.wv.example');

const addresses = new MatrixAddresses({
  homeDomain: HOME,
  pseudoDomain: PSEUDO,
  serverName: 'hs.example',
  prefix: '_imps_',
  botLocalpart: '_imps_bot',
  refused: [/^@_xmpp_/, /^@_bifrost_/],
});

describe('ghosts of WV users', () => {
  it.each([
    ['wv:alice@wv.example', '@_imps_alice:hs.example'],
    ['wv:carol@other.example', '@_imps_carol=40other.example:hs.example'],
    ['wv:+447700900123@wv.example', '@_imps_+447700900123:hs.example'],
    ['wv:a_b.c-d@wv.example', '@_imps_a_b.c-d:hs.example'],
    ['wv:a=b@wv.example', '@_imps_a=3db:hs.example'],
    ['wv:jos%c3%a9@wv.example', '@_imps_jos=c3=a9:hs.example'],
    ['wv:carol%40other.example@wv.example', '@_imps_carol=40other.example=40wv.example:hs.example'],
    ['wv:bot@wv.example', '@_imps_=62ot:hs.example'],
  ])('writes %s as %s, and reads it back', (user, ghost) => {
    expect(addresses.ghostOf(user as UserAddress)).toBe(ghost);
    expect(addresses.userOf(ghost)).toBe(user);
  });

  it('is a bijection on everything that it emits', () => {
    const seen = new Map<string, string>();
    const anyUser = fc.tuple(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      fc.constantFrom(HOME, OTHER),
    );
    fc.assert(
      fc.property(anyUser, ([name, at]) => {
        const user = parseUser(userAddress(name, at), HOME);
        fc.pre(!isAddressError(user));
        const ghost = addresses.ghostOf(user);
        fc.pre(ghost !== undefined);
        expect(isMatrixUserId(ghost)).toBe(true);
        expect(ghost).toMatch(/^@[a-z0-9._=\-/+]+:hs\.example$/);
        expect(addresses.userOf(ghost)).toBe(user);
        expect(seen.get(ghost) ?? user).toBe(user);
        seen.set(ghost, user);
      }),
    );
  });

  it('accepts no second spelling of a ghost', () => {
    const suffix = fc.string({
      unit: fc.constantFrom(...Array.from('ab=46102f._@A%')),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(suffix, (text) => {
        const ghost = `@_imps_${text}:hs.example`;
        const user = addresses.userOf(ghost);
        if (user !== undefined) expect(addresses.ghostOf(user)).toBe(ghost);
      }),
    );
  });

  it.each([
    '@_imps_bot:hs.example',
    '@_imps_:hs.example',
    '@_imps_Alice:hs.example',
    '@_imps_=61lice:hs.example',
    '@_imps_a=4:hs.example',
    '@_imps_a=ff:hs.example',
    '@_imps_alice:elsewhere.example',
    '@alice:hs.example',
  ])('takes %s for nobody', (ghost) => {
    expect(addresses.userOf(ghost)).toBeUndefined();
  });

  it('refuses users whose ghost would be longer than a Matrix id may be', () => {
    expect(addresses.ghostOf(userAddress('é'.repeat(60), HOME))).toBeUndefined();
  });
});

describe('WV addresses of Matrix users', () => {
  it.each([
    ['@dave:hs2.example', 'wv:dave%40hs2.example@matrix.wv.example'],
    ['@dave:hs2.example:8448', 'wv:dave%40hs2.example:8448@matrix.wv.example'],
    ['@Dave:hs2.example', 'wv:^44ave%40hs2.example@matrix.wv.example'],
    ['@a/b:[::1]', 'wv:a%2fb%40[::1]@matrix.wv.example'],
  ])('writes %s as %s, and reads it back', (peer, address) => {
    expect(addresses.addressOf(peer)).toBe(address);
    expect(addresses.peerOf(address as UserAddress)).toBe(peer);
  });

  it('is a bijection, historical ids and capitals included', () => {
    const localpart = fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
      .filter((text) => /^[\x21-\x39\x3b-\x7e]+$/.test(text));
    fc.assert(
      fc.property(localpart, (name) => {
        const peer = `@${name}:Hs2.example`;
        const address = addresses.addressOf(peer);
        fc.pre(address !== undefined);
        expect(parseUser(address, HOME)).toBe(address);
        expect(addresses.peerOf(address)).toBe(peer);
      }),
    );
  });

  it.each([
    ['our own ghost', '@_imps_alice:hs.example'],
    ['our bot', '@_imps_bot:hs.example'],
    ['a ghost of another bridge', '@_xmpp_romeo=40xmpp.example:hs2.example'],
    ['no user id', 'dave'],
    ['an id without a server', '@dave'],
  ])('refuses %s', (_what, peer) => {
    expect(addresses.addressOf(peer)).toBeUndefined();
  });

  it.each([
    'wv:dave@matrix.wv.example',
    'wv:dave%40hs.example@wv.example',
    'wv:^4%40hs.example@matrix.wv.example',
  ])('finds no Matrix user in %s', (address) => {
    expect(addresses.peerOf(address as UserAddress)).toBeUndefined();
  });
});
