// Moods, activities, places, names, pictures and capabilities, one value at a time (bridging 3.1, 3.2).

import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { leaf, node } from '../../../src/wv/element.ts';
import { PRESENCE_ATTRIBUTES, simple, WITHDRAWN } from '../../../src/wv/presence.ts';
import { readActivity } from '../../../adapters/xmpp/activity.ts';
import { avatarOf, pictureOf } from '../../../adapters/xmpp/avatar.ts';
import { capsIn, ownClient, ownClientAt, verOf } from '../../../adapters/xmpp/caps.ts';
import { CLIENT_TYPES, clientInfoIn, clientTypeOf } from '../../../adapters/xmpp/client-type.ts';
import { degreesOf, geolocItem, readGeoloc, toDms } from '../../../adapters/xmpp/geoloc.ts';
import { idleItem, idleSince, idleText } from '../../../adapters/xmpp/idle.ts';
import { moodItem, readMood } from '../../../adapters/xmpp/mood.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { readNick } from '../../../adapters/xmpp/nick.ts';
import { languageOf, priorityOf } from '../../../adapters/xmpp/presence-map.ts';
import { serialize, stanza, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';

describe('mood', () => {
  const named = (word: string): XmlElement => xml(NS.mood, 'mood', {}, xml(NS.mood, word));

  test.each(PRESENCE_ATTRIBUTES.StatusMood.values)('%s goes there and back', (mood) => {
    expect(readMood(moodItem(simple(mood)))).toEqual(simple(mood));
  });

  test.each([
    ['flirtatious', 'IN_LOVE'],
    ['mean', 'ANGRY'],
    ['remorseful', 'SAD'],
    ['sick', 'SLEEPY'],
    ['worried', 'ANXIOUS'],
    ['lucky', 'INVINCIBLE'],
    ['shy', 'ASHAMED'],
    ['envious', 'JEALOUS'],
    ['playful', 'EXCITED'],
    ['calm', 'HAPPY'],
  ])('%s is nearest to %s', (word, mood) => {
    expect(readMood(named(word))).toEqual(simple(mood));
  });

  test.each(['contemplative', 'constructor', ''])('%o is none', (word) => {
    expect(readMood(word === '' ? moodItem(undefined) : named(word))).toBe(WITHDRAWN);
  });
});

describe('activity', () => {
  const doing = (general: string, specific?: string, text?: string): string =>
    readActivity(
      xml(
        NS.activity,
        'activity',
        {},
        xml(NS.activity, general, {}, specific === undefined ? undefined : xml(NS.activity, specific)),
        text === undefined ? undefined : xml(NS.activity, 'text', {}, text),
      ),
    );

  test.each([
    [['working', 'in_a_meeting', undefined], 'in a meeting'],
    [['talking', 'on_the_phone', undefined], 'on the phone'],
    [['traveling', 'driving', undefined], 'driving'],
    [['eating', undefined, undefined], 'eating'],
    [['eating', undefined, 'soup'], 'soup'],
    [['undefined', undefined, undefined], ''],
  ] as const)('%o is "%s"', ([general, specific, text], words) => {
    expect(doing(general, specific, text)).toBe(words);
  });

  test('none is none', () => {
    expect(readActivity(xml(NS.activity, 'activity'))).toBe('');
  });
});

describe('place', () => {
  test.each([
    ['12 36 22.5N', 90, 12.60625],
    ['35 24 15.652W', 180, -35.4043477],
    ['-12.5', 90, -12.5],
    ['91 0 0N', 90, undefined],
    ['12 61 0N', 90, undefined],
    ['here', 90, undefined],
  ] as const)('%s is %s', (text, limit, degrees) => {
    const read = degreesOf(text, limit);
    if (degrees === undefined) expect(read).toBeUndefined();
    else expect(read).toBeCloseTo(degrees, 6);
  });

  test('seconds never come to sixty', () => {
    expect(toDms(9.99999999, ['N', 'S'])).toBe('10 0 0N');
  });

  test('goes there and back', () => {
    const place = {
      GeoLocation: {
        valid: true,
        fields: [leaf('Longitude', '35 24 15.652W'), leaf('Latitude', '12 36 22.5N'), leaf('Accuracy', '50')],
      },
      Address: { valid: true, fields: [leaf('Country', 'GB'), leaf('City', 'London')] },
      FreeTextLocation: simple('At home'),
    };
    expect(readGeoloc(geolocItem(place))).toEqual({ ...place, InfoLink: WITHDRAWN });
  });

  test('what is withheld is not in it', () => {
    const hidden = { valid: false, fields: [leaf('City', 'London')] };
    expect(geolocItem({ Address: hidden }).children).toEqual([]);
    expect(readGeoloc(xml(NS.geoloc, 'geoloc', {}, xml(NS.geoloc, 'lat', {}, '999')))).toEqual({
      GeoLocation: WITHDRAWN,
      Address: WITHDRAWN,
      FreeTextLocation: WITHDRAWN,
      InfoLink: WITHDRAWN,
    });
  });
});

describe('link', () => {
  const link = (uri: string) =>
    readGeoloc(xml(NS.geoloc, 'geoloc', {}, xml(NS.geoloc, 'uri', {}, uri))).InfoLink;

  test('of a place is an InfoLink', () => {
    expect(link(' https://verona.example/ ')).toEqual({
      valid: true,
      fields: [node('Inf_link', [leaf('Link', 'https://verona.example/')])],
    });
  });

  test.each(['javascript:alert(1)', 'geo:45.4,11.0', 'https://a b', `https://${'x'.repeat(2_000)}`, ''])(
    '%s is none',
    (uri) => {
      expect(link(uri)).toBe(WITHDRAWN);
    },
  );
});

describe('idle', () => {
  const since = (text: string) => idleSince(stanza('presence', {}, xml(NS.idle, 'idle', { since: text })));

  test('goes there and back, to the second', () => {
    const time = Date.UTC(2026, 10, 23, 14, 5, 7);
    expect(idleSince(stanza('presence', {}, idleItem(time + 499)))).toBe(time);
    expect(idleText(time)).toBe('idle since 2026-11-23 14:05 UTC');
  });

  test.each(['2026-11-23T15:05:07+01:00', '2026-11-23T14:05:07.000Z'])('%s is read', (text) => {
    expect(since(text)).toBe(Date.UTC(2026, 10, 23, 14, 5, 7));
  });

  test.each(['', 'yesterday', '2026-11-23', '2026-99-99T00:00:00Z', '20261123T14:05:07'])(
    '%o is none',
    (text) => {
      expect(since(text)).toBeUndefined();
    },
  );
});

describe('client', () => {
  const described = (category: string, type: string): XmlElement =>
    xml(NS.discoInfo, 'query', {}, xml(NS.discoInfo, 'identity', { category, type }));
  const info = (type: string) => ({ valid: true, fields: [leaf('ClientType', type)] });

  test.each([
    ['MOBILE_PHONE', 'phone'],
    ['COMPUTER', 'pc'],
    ['PDA', 'handheld'],
    ['CLI', 'sms'],
  ] as const)('%s goes there and back as %s', (type, identity) => {
    expect(clientTypeOf({ ClientInfo: info(type) })).toBe(identity);
    expect(clientInfoIn(described('client', identity))).toEqual(info(type));
  });

  test.each(['OTHER', 'constructor', ''])('%o is shown as a phone', (type) => {
    expect(clientTypeOf({ ClientInfo: info(type) })).toBe('phone');
    expect(clientTypeOf({ ClientInfo: { ...info('COMPUTER'), valid: false } })).toBe('phone');
  });

  test.each([
    ['client', 'web', 'COMPUTER'],
    ['client', 'tablet', 'PDA'],
    ['client', 'bot', 'OTHER'],
    ['client', 'constructor', 'OTHER'],
  ])('%s/%s is %s', (category, type, clientType) => {
    expect(clientInfoIn(described(category, type))).toEqual(info(clientType));
  });

  test('what is no client has no ClientInfo', () => {
    expect(clientInfoIn(described('gateway', 'phone'))).toBeUndefined();
  });
});

describe('name, language, priority', () => {
  test('an empty nickname is none, a long one is cut', () => {
    expect(readNick(xml(NS.nick, 'nick'))).toBe(WITHDRAWN);
    expect(readNick(xml(NS.nick, 'nick', {}, 'x'.repeat(500))).value).toHaveLength(64);
  });

  test.each([
    ['eng', 'en'],
    ['de', 'de'],
    ['no language', undefined],
    ['', undefined],
  ])('PreferredLanguage %o is %s', (text, tag) => {
    expect(languageOf({ PreferredLanguage: simple(text) })).toBe(tag);
  });

  test.each([
    ['IM', 'CLOSED', -1],
    ['im', 'Closed', -1],
    ['IM', 'OPEN', 0],
    ['SMS', 'CLOSED', 0],
  ])('CommCap %s %s is priority %i', (cap, state, priority) => {
    const fields = [node('CommC', [leaf('Cap', cap), leaf('Status', state)])];
    expect(priorityOf({ CommCap: { valid: true, fields } })).toBe(priority);
  });
});

describe('preferred contacts', () => {
  test.each([
    ['IM', 'CLOSED', -1],
    ['IM', 'OPEN', 0],
    ['CALL', 'CLOSED', 0],
  ])('%s %s is priority %i', (kind, state, priority) => {
    const fields = [node('AddrPref', [leaf('PrefC', kind), leaf('Cstatus', state)])];
    expect(priorityOf({ PreferredContacts: { valid: true, fields } })).toBe(priority);
  });
});

describe('picture', () => {
  const png = async (edge: number): Promise<Buffer> =>
    await sharp({ create: { width: edge, height: edge, channels: 3, background: '#336699' } })
      .png()
      .toBuffer();
  const hashOf = (octets: Buffer): string => createHash('sha1').update(octets).digest('hex');
  const content = (data: string) => ({ valid: true, fields: [leaf('DirectContent', data)] });

  test('of a contact becomes a JPEG of 64 pixels and 4 KiB', async () => {
    const octets = await png(500);
    const picture = await pictureOf(hashOf(octets), octets.toString('base64'));
    const data = picture?.fields?.find(({ name }) => name === 'DirectContent')?.text ?? '';
    expect(data.length).toBeLessThanOrEqual(4_096);
    expect(await sharp(Buffer.from(data, 'base64')).metadata()).toMatchObject({ format: 'jpeg', width: 64 });
  });

  test.each([
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['half a PNG', Buffer.from('\u0089PNG\r\n\u001a\nrubbish', 'latin1')],
    ['nothing', Buffer.alloc(0)],
    ['too much', Buffer.alloc(300_000, 0xff)],
  ])('%s is none', async (_, octets) => {
    expect(await pictureOf(hashOf(octets), octets.toString('base64'))).toBeUndefined();
  });

  test('with another hash than was said is none', async () => {
    expect(await pictureOf('0'.repeat(40), (await png(8)).toString('base64'))).toBeUndefined();
  });

  test('of a user is told by its octets, whatever it says of itself', async () => {
    const octets = await png(8);
    expect(avatarOf(content(octets.toString('base64')))).toMatchObject({
      hash: hashOf(octets),
      type: 'image/png',
      size: octets.length,
    });
    expect(avatarOf(content(Buffer.from('<svg/>').toString('base64')))).toBeUndefined();
    expect(avatarOf({ ...content(octets.toString('base64')), valid: false })).toBeUndefined();
  });
});

describe('capabilities', () => {
  test('the hash is that of XEP-0115 section 5.2', () => {
    const feature = (name: string): XmlElement => xml(NS.discoInfo, 'feature', { var: name });
    const identity = { category: 'client', type: 'pc', name: 'Exodus 0.9.1' };
    const info = xml(
      NS.discoInfo,
      'query',
      {},
      xml(NS.discoInfo, 'identity', identity),
      feature(NS.muc),
      feature(NS.discoInfo),
      feature(NS.discoItems),
      feature(NS.caps),
    );
    expect(verOf(info)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
  });

  test('ours is that of what we answer', () => {
    const client = ownClient({ reactions: true });
    expect(capsIn(stanza('presence', {}, client.caps))?.ver).toBe(verOf(client.info(undefined)));
    expect(serialize(client.info(undefined))).toContain(`${NS.mood}+notify`);
    expect(ownClient({ reactions: false }).node).not.toBe(client.node);
  });

  test('each type of client has its own, which is found by its node', () => {
    const features = { reactions: true };
    const nodes = CLIENT_TYPES.map((type) => ownClient(features, type).node);
    expect(new Set(nodes).size).toBe(CLIENT_TYPES.length);
    for (const type of CLIENT_TYPES) {
      expect(ownClientAt(features, ownClient(features, type).node)).toBe(ownClient(features, type));
    }
    expect(ownClientAt(features, 'https://elsewhere.example#x')).toBeUndefined();
  });
});
