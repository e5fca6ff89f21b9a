import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import type { Body } from '../../../src/access/csp/schema/elements.ts';
import { ELEMENTS, PRESENCE_ORDER, SCHEMA_IS_CLOSED } from '../../../src/access/csp/schema/elements.ts';
import { ALIAS_NAMES, contentOf, tokenEntries, words } from '../../../src/access/csp/schema/lookup.ts';
import {
  DATE_ELEMENTS,
  INTEGER_ELEMENTS,
  TAG_PAGES,
  VALUE_TOKENS,
} from '../../../src/access/csp/schema/tokens.ts';

const tags = TAG_PAGES.flatMap(tokenEntries);

describe('the schema', () => {
  it('defines every element that has a token, and names no other', () => {
    expect(SCHEMA_IS_CLOSED).toBe(true);
    expect(tags.filter(({ name }) => !(name in ELEMENTS)).map(({ name }) => name)).toEqual([]);
    const tokened = new Set(tags.map(({ name }) => name));
    expect(Object.keys(ELEMENTS).filter((name) => !name.includes('/') && !tokened.has(name))).toEqual([]);
  });

  it('agrees with the token tables about integers and dates', () => {
    expect(words(INTEGER_ELEMENTS).filter((name) => contentOf(name)?.kind !== 'int')).toEqual([]);
    expect(words(DATE_ELEMENTS).filter((name) => contentOf(name)?.kind !== 'date')).toEqual([]);
  });

  it('spells every alias’s name as the tables do', () => {
    expect([...ALIAS_NAMES].filter(([alias, name]) => alias in ELEMENTS || !(name in ELEMENTS))).toEqual([]);
  });

  it('has the presence attributes in the order of the DTD', () => {
    expect(PRESENCE_ORDER.slice(0, 3)).toEqual(['OnlineStatus', 'Registration', 'ClientInfo']);
    expect(PRESENCE_ORDER).toHaveLength(18);
  });

  it('gives a child a meaning of its own where the documents do', () => {
    expect(contentOf('Status')?.kind).toBe('structure');
    expect(contentOf('Status', 'CommC')?.kind).toBe('token');
    expect(contentOf('Name', 'Property')?.kind).toBe('token');
    expect(contentOf('Name', 'NickName')?.kind).toBe('text');
  });
});

describe('the token notation', () => {
  it('reads tokens, names and versions', () => {
    expect(tokenEntries('18=InUse:12 0E=http:// 68=AP:3')).toEqual([
      { token: 0x18, name: 'InUse', versions: '12' },
      { token: 0x0e, name: 'http://', versions: '123' },
      { token: 0x68, name: 'AP', versions: '3' },
    ]);
  });

  it('has no number twice in one version', () => {
    for (const list of [...TAG_PAGES, VALUE_TOKENS]) {
      const seen = tokenEntries(list).flatMap(({ token, versions }) =>
        [...versions].map((v) => `${token}@${v}`),
      );
      expect(new Set(seen).size).toBe(seen.length);
    }
  });
});

describe('the types of bodies', () => {
  it('follow from the schema', () => {
    expectTypeOf<Body<'Code'>>().toEqualTypeOf<number>();
    expectTypeOf<Body<'Poll'>>().toEqualTypeOf<boolean>();
    expectTypeOf<Body<'Polling-Request'>>().toEqualTypeOf<true>();
    expectTypeOf<Body<'PresenceSubList'>>().toEqualTypeOf<Element>();
    expectTypeOf<Body<'ScreenName'>>().toEqualTypeOf<{
      readonly SName?: string | undefined;
      readonly GroupID?: string | undefined;
    }>();
    expectTypeOf<Body<'Login-Request'>['UserID']>().toEqualTypeOf<string>();
    expectTypeOf<Body<'Login-Request'>['DigestSchema']>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<Body<'RejectMessage-Request'>['MessageID']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<Body<'SubscribeGroupNotice-Response'>['Value']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<Body<'Status'>['Result']['Code']>().toEqualTypeOf<number>();
    expectTypeOf<NonNullable<Body<'CommC'>['Status']>>().toEqualTypeOf<string>();
  });
});
