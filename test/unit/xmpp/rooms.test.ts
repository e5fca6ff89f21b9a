// The small parts of the room service: addresses, ids, forms, tables, and how news is written to many.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUnmappable } from '../../../adapters/xmpp/addresses.ts';
import { isStableResource, parseJid } from '../../../adapters/xmpp/jid.ts';
import type { BareJid } from '../../../adapters/xmpp/jid.ts';
import { fanOut } from '../../../adapters/xmpp/muc-host/fan-out.ts';
import { form, submitted, truth } from '../../../adapters/xmpp/muc-host/form.ts';
import { JoinRate } from '../../../adapters/xmpp/muc-host/join-rate.ts';
import { ROWS } from '../../../adapters/xmpp/muc-host/owner.ts';
import { roomErrorOf } from '../../../adapters/xmpp/muc-host/refusals.ts';
import { occupantIdOf, occupantJid, RoomCodec } from '../../../adapters/xmpp/muc-host/room-addresses.ts';
import { Rooms } from '../../../adapters/xmpp/muc-host/rooms.ts';
import { stanza, xml } from '../../../adapters/xmpp/xml.ts';
import { escapePart, isAddressError, parseGroup } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress } from '../../../src/wv/ids.ts';
import type { StatusCode } from '../../../src/wv/status.ts';
import { result } from '../../../src/wv/status.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { testBridge } from '../../support/xmpp-bridge.ts';
import { HOME, MemoryStorage, wv } from '../../support/xmpp-relay.ts';

const ROOMS = 'groups.imps.xmpp.example';
const codec = new RoomCodec(HOME, ROOMS);
const group = (text: string): GroupAddress => trusted<GroupAddress>(text);

describe('addresses', () => {
  test.each([
    ['wv:alice/hikers@wv.example', 'alice\\2fhikers'],
    ['wv:/lobby@wv.example', '\\2flobby'],
    ['wv:alice/two%20words@wv.example', 'alice\\2ftwo\\20words'],
    ['wv:alice/a%2fb@wv.example', 'alice\\2fa\\2fb'],
    ['wv:+447700900123/x@wv.example', '+447700900123\\2fx'],
  ])('%s is %s', (address, local) => {
    expect(codec.roomJid(group(address))).toBe(`${local}@${ROOMS}`);
    expect(codec.group({ local, domain: ROOMS, resource: 'Ally' })).toBe(address);
  });

  test.each([
    ['wv:/lobby@other.example', 516],
    ['wv:a%2fb/c@wv.example', 901],
    ['wv:alice/x%ef%bc%a1@wv.example', 901],
  ])('%s has no room', (address, code) => {
    expect(codec.roomJid(group(address))).toMatchObject({ unmappable: code });
  });

  test.each(['nogroup', 'alice\\2f', 'alice\\2Fx', '\\20a\\2fx', ''])('%j is no room', (local) => {
    expect(isUnmappable(codec.group({ local, domain: ROOMS, resource: '' }))).toBe(true);
  });

  test('what has a room comes back from it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.string({ minLength: 1, maxLength: 20 }),
        (owner, name) => {
          // prettier-ignore
          const address = parseGroup(`wv:${escapePart(owner)}/${escapePart(name)}@${HOME}`, HOME);
          if (isAddressError(address)) return;
          const jid = codec.roomJid(address);
          const parts = isUnmappable(jid) ? undefined : parseJid(jid);
          if (parts !== undefined) expect(codec.group(parts)).toBe(address);
        },
      ),
    );
  });

  test('what is a room is written like that again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const parts = parseJid(`${text}@${ROOMS}`);
        const address = parts === undefined ? undefined : codec.group(parts);
        if (parts === undefined || address === undefined || isUnmappable(address)) return;
        expect(codec.roomJid(address)).toBe(`${parts.local}@${ROOMS}`);
      }),
    );
  });

  test('nicks are never escaped, and refused when servers would change them', () => {
    expect(occupantJid('r@g' as BareJid, 'A / "b"@c 😀')).toBe('r@g/A / "b"@c 😀');
    for (const nick of ['', 'ﬁ', 'a\u0000', 'a\u202eb', 'a\u00a0b', 'x'.repeat(1_024), '\ud800']) {
      expect(isStableResource(nick)).toBe(false);
      expect(occupantJid('r@g' as BareJid, nick)).toMatchObject({ unmappable: 901 });
    }
  });

  test('an occupant id is stable per room and user, and names nobody', () => {
    const id = occupantIdOf('s', 'r@g' as BareJid, wv('alice'));
    expect(occupantIdOf('s', 'r@g' as BareJid, wv('alice'))).toBe(id);
    expect(new Set([id, occupantIdOf('s', 'q@g' as BareJid, wv('alice')), occupantIdOf('t', 'r@g' as BareJid, wv('alice')), occupantIdOf('s', 'r@g' as BareJid, wv('bob'))]).size).toBe(4); // prettier-ignore
    expect(id).not.toContain('alice');
  });
});

test.each<[StatusCode, string, string]>([
  [811, 'conflict', 'cancel'],
  [803, 'registration-required', 'auth'],
  [809, 'forbidden', 'auth'],
  [800, 'item-not-found', 'cancel'],
  [817, 'service-unavailable', 'wait'],
  [901, 'jid-malformed', 'modify'],
  [402, 'not-acceptable', 'modify'],
  [806, 'not-acceptable', 'modify'],
  [808, 'not-acceptable', 'modify'],
  [812, 'not-allowed', 'cancel'],
  [813, 'not-allowed', 'cancel'],
  [816, 'forbidden', 'auth'],
  [804, 'not-allowed', 'cancel'],
  [410, 'item-not-found', 'cancel'],
  [503, 'service-unavailable', 'wait'],
  [507, 'resource-constraint', 'wait'],
])('%i in a room is %s (%s)', (code, condition, type) => {
  expect(roomErrorOf(result(code))).toMatchObject({ condition, type });
  expect(roomErrorOf({ code: 201, details: [{ code }] })).toMatchObject({ condition, type });
});

describe('forms', () => {
  test('are read as they are written', () => {
    const written = form('form', 'urn:x', [{ name: 'a', type: 'text-multi', value: 'one\ntwo' }]);
    const filled = xml('urn:x', 'query', {}, { ...written, attrs: { type: 'submit' } });
    expect(submitted(filled)).toEqual(new Map([['FORM_TYPE', 'urn:x'], ['a', 'one\ntwo']])); // prettier-ignore
    expect(submitted(xml('urn:x', 'query', {}, written))).toBeUndefined();
    expect(['1', 'true', '0', 'false', 'yes'].map(truth)).toEqual([true, true, false, false, undefined]);
  });

  test.each(ROWS.map((row) => [row.field, row] as const))(
    '%s goes both ways',
    (_field, { show, read, options }) => {
      // prettier-ignore
      const values = options ?? (show('') === '' ? ['some text', ''] : ['0', '1']);
      for (const value of values) expect(show(read(value) ?? 'refused')).toBe(value);
    },
  );
});

test('joins are counted per user and minute', () => {
  const clock = new ManualClock();
  const rate = new JoinRate(clock, 2);
  const [bob, carol] = ['bob@x' as BareJid, 'carol@x' as BareJid];
  expect([rate.allows(bob), rate.allows(bob), rate.allows(bob), rate.allows(carol)]).toEqual([true, true, false, true]); // prettier-ignore
  clock.advance(60_000);
  expect(rate.allows(bob)).toBe(true);
});

test('no more rooms are followed than the limit says', () => {
  const rooms = new Rooms(new MemoryStorage(), 1);
  const [a, b] = ['a@g' as BareJid, 'b@g' as BareJid];
  const room = rooms.open(a, group('wv:/a@wv.example'));
  expect(room).toBeDefined();
  expect(rooms.open(b, group('wv:/b@wv.example'))).toBeUndefined();
  expect(rooms.open(a, group('wv:/a@wv.example'))).toBe(room);
});

describe('news for many', () => {
  const news = Array.from({ length: 5_000 }, (_, at) => stanza('presence', { from: `r@g/${at}`, to: 'b@x' }));

  test('wait while the stream is full', async () => {
    const bridge = testBridge();
    bridge.link.writable = false;
    const told = fanOut(bridge, news);
    expect(bridge.link.sent).toEqual([]);
    bridge.link.writable = true;
    bridge.clock.advance(20);
    expect(await told).toBe(true);
    expect(bridge.link.sent).toHaveLength(5_000);
  });

  test('end when the stream does', async () => {
    const bridge = testBridge();
    const ending = function* () {
      yield* news.slice(0, 300);
      bridge.link.online = false;
      yield* news.slice(300);
    };
    expect(await fanOut(bridge, ending())).toBe(false);
    expect(bridge.link.sent).toHaveLength(300);
  });
});
