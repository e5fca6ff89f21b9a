// Which client is of which family, and what differs there.

import { expect, it } from 'vitest';
import { FAMILIES, quirksOf } from '../../../src/access/csp/quirks.ts';
import { HABITS } from '../../support/phone.ts';

const CLIENTS: readonly (readonly [string, string, string, object])[] = [
  ['Android', 'http://www.example.com/imps', 'Android-Imps/0.1', { fetches: false, maxMultiTrans: 1 }],
  ['Nokia', 'wv:nokia', '', { fetches: false }],
  ['Nokia S40', 'im', 'Nokia6230i/2.0 Series40 Profile/MIDP-2.0', { fetches: false }],
  ['Nokia S60', 'wv:nokia.s60', 'Nokia-S60-IMPS', { fetches: false, maxMultiTrans: 8 }],
  ['SonyEricsson', 'im', 'SonyEricssonK750i/R1', { fetches: true, acknowledges: true }],
  ['Motorola', '34600000000', 'MOT-V3', { fetches: true }],
  ['Yamigo', 'Yamigo-1.2', '', { fetches: true }],
  ['Colibria', 'WV:InstantMessenger-1.0', '', { acknowledges: false, aliasFirst: true }],
  ['Movistar C#', 'WV:InstantMessenger-1.0.2309.16485@COLIBRIA.PC-CLIENT', '', { acknowledges: false }],
  ['Movistar Java', 'WV:IM@COLIBRIA.J2ME', '', { acknowledges: false, aliasFirst: true }],
  [
    'unknown',
    'http://wvgate.example/client',
    'node',
    { acknowledges: true, fetches: true, maxMultiTrans: 8 },
  ],
];

it.each(CLIENTS)('%s: %s, %s', (family, clientId, userAgent, quirks) => {
  expect(quirksOf(clientId, userAgent, '1.2')).toMatchObject({ family, ...quirks });
});

it('every row is known by an example', () => {
  expect(new Set(CLIENTS.map(([family]) => family))).toEqual(new Set([...FAMILIES, 'unknown']));
});

it('the scripted phones are of the families they stand for', () => {
  const familyOf = ({ clientId, headers, version }: (typeof HABITS)[keyof typeof HABITS]): string => {
    const userAgent = headers.find(([name]) => name === 'User-Agent')?.[1];
    return quirksOf(clientId.replaceAll(/<[^>]*>/g, ''), userAgent, version).family;
  };
  expect(familyOf(HABITS.android)).toBe('Android');
  expect(familyOf(HABITS.s60)).toBe('Nokia S60');
  expect(familyOf(HABITS.movistarCsharp)).toBe('Movistar C#');
  expect(familyOf(HABITS.razr)).toBe('Motorola');
});
