import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MatrixAddresses } from '../../../adapters/matrix/addresses.ts';
import { GroupAddresses } from '../../../adapters/matrix/group-addresses.ts';
import { Roster } from '../../../adapters/matrix/room-guest/roster.ts';
import { changeLevels, levelOf, privilegeOf, readLevels } from '../../../adapters/matrix/power-levels.ts';
import type { MatrixUserId } from '../../../adapters/matrix/ids.ts';
import { escapePart, isAddressError, parseDomain, parseGroup } from '../../../src/wv/address.ts';
import type { Domain, GroupAddress } from '../../../src/wv/ids.ts';

const HOME = parseDomain('wv.example') as Domain;
const PSEUDO = parseDomain('matrix.wv.example') as Domain;
const rules = { homeDomain: HOME, pseudoDomain: PSEUDO, serverName: 'hs.example', prefix: '_imps_' };
const groups = new GroupAddresses(rules);

describe('rooms of Matrix', () => {
  it.each([
    ['#chess:hs2.example', 'wv:/chess%40hs2.example@matrix.wv.example'],
    ['#Chess Club:hs2.example', undefined],
    ['#Chess:hs2.example:8448', 'wv:/^43hess%40hs2.example:8448@matrix.wv.example'],
    ['#a/b:hs2.example', 'wv:/a%2fb%40hs2.example@matrix.wv.example'],
    ['#!odd:hs2.example', 'wv:/^21odd%40hs2.example@matrix.wv.example'],
    ['!aBc:hs2.example', 'wv:/!a^42c%40hs2.example@matrix.wv.example'],
    ['!aBc', 'wv:/!a^42c@matrix.wv.example'],
    ['#_imps_alice=2fhikers:hs.example', undefined],
    ['#nobody', undefined],
    ['chess:hs2.example', undefined],
    ['', undefined],
  ])('names %s %s, and reads it back', (room, group) => {
    expect(groups.groupOf(room)).toBe(group);
    if (group !== undefined) expect(groups.roomOf(group as GroupAddress)).toBe(room);
  });

  it('reads back every alias that it can name', () => {
    const any = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(any, (local) => {
        const alias = `#${local}:hs2.example`;
        const group = groups.groupOf(alias);
        if (group !== undefined) expect(groups.roomOf(group)).toBe(alias);
      }),
    );
  });

  it.each([
    'wv:/chess@matrix.wv.example',
    'wv:/Chess%40hs@other.example',
    'wv:ann/chess%40hs@matrix.wv.example',
    'wv:/^4g%40hs@matrix.wv.example',
  ])('knows that %s is none', (group) => expect(groups.roomOf(group as GroupAddress)).toBeUndefined());
});

describe('groups of this server', () => {
  it.each([
    ['wv:alice/hikers@wv.example', '#_imps_alice=2fhikers:hs.example'],
    ['wv:/lobby@wv.example', '#_imps_=2flobby:hs.example'],
    ['wv:a=b/c%40d@wv.example', '#_imps_a=3db=2fc=40d:hs.example'],
  ])('calls %s %s, and reads it back', (group, alias) => {
    expect(groups.aliasOf(group as GroupAddress)?.alias).toBe(alias);
    expect(groups.groupOfAlias(alias)).toBe(group);
  });

  it('has a bijection on everything that it emits', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(part, part, (user, name) => {
        const group = parseGroup(`wv:${escapePart(user)}/${escapePart(name)}@wv.example`, HOME);
        const alias = isAddressError(group) ? undefined : groups.aliasOf(group)?.alias;
        if (alias !== undefined && !user.includes('/')) expect(groups.groupOfAlias(alias)).toBe(group);
      }),
    );
  });

  it.each([
    '#_imps_hikers:hs.example',
    '#_imps_alice=2:hs.example',
    '#_imps_Alice=2fx:hs.example',
    '#x=2fy:hs.example',
  ])('refuses the alias %s', (alias) => expect(groups.groupOfAlias(alias)).toBeUndefined());

  it('gives screen names ghosts that are nobody’s, and say nothing of who it is', () => {
    const addresses = new MatrixAddresses({ ...rules, botLocalpart: '_imps_bot', refused: [] });
    const mask = groups.maskOf('wv:alice/hikers@wv.example' as GroupAddress, 'Ann');
    expect(groups.isMask(mask)).toBe(true);
    expect(addresses.isOurs(mask)).toBe(true);
    expect(addresses.userOf(mask)).toBeUndefined();
    expect(mask).toBe(groups.maskOf('wv:alice/hikers@wv.example' as GroupAddress, 'ANN'));
    expect(mask).not.toBe(groups.maskOf('wv:alice/others@wv.example' as GroupAddress, 'Ann'));
  });
});

describe('the roster of a room', () => {
  const [a, b, c] = ['@a:hs', '@b:hs', '@c:hs'] as MatrixUserId[] as [
    MatrixUserId,
    MatrixUserId,
    MatrixUserId,
  ];

  it('gives everybody a screen name of his own', () => {
    const roster = new Roster(10, [
      [a, 'Sam'],
      [b, 'SAM'],
      [c, ''],
    ]);
    expect([...roster.entries()]).toEqual([
      [a, 'Sam'],
      [b, 'SAM (2)'],
      [c, 'c'],
    ]);
    expect(roster.userOf('sam (2)')).toBe(b);
    expect(roster.delete(a)).toBe('Sam');
    expect(roster.set(b, 'Sam')).toBe('Sam');
    expect(roster.userOf('sam (2)')).toBeUndefined();
  });

  it('takes no more than its limit', () => {
    const roster = new Roster(1, [[a, 'A']]);
    expect(roster.set(b, 'B')).toBeUndefined();
    expect(roster.size).toBe(1);
  });
});

describe('power levels of anybody’s making', () => {
  it.each([
    [undefined, 0],
    [{}, 0],
    [{ users: null }, 0],
    [{ users: [75] }, 0],
    [{ users: { '@a:hs': null }, users_default: '50' }, 50],
    [{ users: { '@a:hs': '75' } }, 75],
    [{ users: { '@a:hs': 1e300 } }, 0],
    [{ users: { '@a:hs': {} }, users_default: {} }, 0],
  ])('reads %j', (content, level) => {
    expect(levelOf(readLevels(content), '@a:hs')).toBe(level);
  });

  it('knows privileges, and changes nothing else', () => {
    expect([100, 75, 74, 50, 49, -1].map(privilegeOf)).toEqual([
      'Admin',
      'Admin',
      'Mod',
      'Mod',
      'User',
      'User',
    ]);
    expect(changeLevels({ ban: 50, users: { '@a:hs': 1 } }, [['@b:hs', 50]])).toEqual({
      ban: 50,
      users: { '@a:hs': 1, '@b:hs': 50 },
    });
    expect(changeLevels({ users: 'all' }, [])).toEqual({ users: {} });
  });
});
