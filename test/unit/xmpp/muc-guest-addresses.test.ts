// Group addresses and rooms of other servers: a bijection on what is accepted, an error for the rest.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapePart, parseGroup } from '../../../src/wv/address.ts';
import type { Domain, GroupAddress } from '../../../src/wv/ids.ts';
import { trusted } from '../../../src/wv/ids.ts';
import { AddressCodec, isUnmappable } from '../../../adapters/xmpp/addresses.ts';
import { escapeLocal, parseJid } from '../../../adapters/xmpp/jid.ts';
import type { JidParts } from '../../../adapters/xmpp/jid.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { HOME } from '../../support/xmpp-relay.ts';

const CODEC = new AddressCodec({
  home: HOME,
  componentDomain: COMPONENT,
  domains: ['xmpp.example'],
  pseudoDomain: 'xmpp.wv.example',
  groupDomains: ['muc.example'],
});

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
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
        ' ',
        '%',
        '+',
        '\\20',
        '\\5c',
        '😀',
        'A',
        'é',
        'ß',
      ),
      {
        maxLength: 10,
      },
    )
    .map((parts) => parts.join('')),
);
const domains = fc.constantFrom('muc.example', 'rooms.elsewhere.example');

function jid(text: string): JidParts {
  const parts = parseJid(text);
  if (parts === undefined) throw new Error(`not a JID: ${text}`);
  return parts;
}

describe('rooms of other servers', () => {
  test('every accepted room goes to a group and back', () => {
    fc.assert(
      fc.property(names, domains, (name, domain) => {
        const room = parseJid(`${escapeLocal(name)}@${domain}`);
        const group = room === undefined || room.local === '' ? undefined : CODEC.roomGroup(room);
        if (group === undefined || isUnmappable(group)) return;
        expect(CODEC.roomJid(group)).toBe(`${room?.local ?? ''}@${domain}`);
        expect(parseGroup(group, HOME)).toBe(group);
      }),
      { numRuns: 2_000 },
    );
  });

  test('every accepted group goes to a room and back', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('muc.example', 'xmpp.wv.example'), (name, domain) => {
        const group = parseGroup(`wv:/${escapePart(name)}@${domain}`, domain as Domain);
        if (typeof group !== 'string') return;
        const room = CODEC.roomJid(group);
        if (isUnmappable(room)) return;
        expect(CODEC.roomGroup(jid(room))).toBe(group);
      }),
      { numRuns: 2_000 },
    );
  });

  test('every plain name is accepted', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9._=-]{1,30}$/), domains, (name, domain) => {
        expect(isUnmappable(CODEC.roomGroup(jid(`${name}@${domain}`)))).toBe(false);
      }),
    );
  });

  test.each([
    ['wv:/tea@muc.example', 'tea@muc.example'],
    ['wv:/tea%40rooms.elsewhere.example@xmpp.wv.example', 'tea@rooms.elsewhere.example'],
    ['wv:/tea%20time@muc.example', 'tea\\20time@muc.example'],
  ])('%s is %s', (group, room) => {
    expect(CODEC.roomJid(trusted<GroupAddress>(group))).toBe(room);
    expect(CODEC.roomGroup(jid(room))).toBe(group);
  });

  test.each([
    ['of a user', 'wv:ann/tea@muc.example', 901],
    ['of a domain of users', 'wv:/tea@xmpp.example', 516],
    ['of our own', 'wv:/tea@wv.example', 516],
    ['in the long form of a domain that has a short one', 'wv:/tea%40muc.example@xmpp.wv.example', 901],
    ['that is a whole service', 'wv:/muc.example@xmpp.wv.example', 901],
    ['on our own component', `wv:/tea%40${COMPONENT}@xmpp.wv.example`, 516],
    ['below our own component', `wv:/tea%40groups.${COMPONENT}@xmpp.wv.example`, 516],
    ['with a resource', 'wv:/tea%40rooms.elsewhere.example%2fnick@xmpp.wv.example', 901],
  ])('a group %s is refused', (_what, group, code) => {
    expect(CODEC.roomJid(trusted<GroupAddress>(group))).toMatchObject({ unmappable: code });
  });

  test('a room is no user', () => {
    expect(CODEC.foreignUser(jid('tea@muc.example/Nurse'))).toMatchObject({ unmappable: 516 });
    expect(CODEC.foreignJid('wv:tea%40muc.example@xmpp.wv.example' as never)).toMatchObject({
      unmappable: 516,
    });
  });
});
