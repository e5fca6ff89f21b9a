import { describe, expect, it } from 'vitest';
import { packed, septets } from '../../../src/access/csp/cir/gsm7.ts';
import { pushCall, textCall } from '../../../src/access/csp/cir/sms.ts';
import { callPush } from '../../../src/access/csp/cir/wap-push.ts';

const hex = (octets: Uint8Array | undefined) => Buffer.from(octets ?? []).toString('hex');

describe('the 7-bit alphabet', () => {
  it.each([
    ['hellohello', 'e8329bfd4697d9ec37'],
    ['How are you?', 'c8f71d14969741f977fd07'],
    ['A', '41'],
    ['12345678', '31d98c56b3dd70'],
    ['', ''],
  ])('packs %j', (text, octets) => {
    expect(hex(packed(septets(text)!))).toBe(octets);
  });

  it('writes what stands elsewhere than in ASCII, and escapes what stands in the extension', () => {
    expect(septets('@$_')).toEqual([0x00, 0x02, 0x11]);
    expect(septets('{a}')).toEqual([0x1b, 0x28, 0x61, 0x1b, 0x29]);
  });

  it.each(['`', 'ä', '€', '\u001b', '\n'])('has no septets for %j in a call', (text) => {
    expect(septets(text)).toBeUndefined();
  });
});

describe('a call as a WAP push', () => {
  it('is push id, Push, headers (content type, application id), WVCI text', () => {
    expect(hex(callPush('1.2', 'ck-4711', 1))).toBe(
      '0106' + '03' + 'c6' + 'af8a' + Buffer.from('WVCI 1.2 ck-4711').toString('hex'),
    );
  });

  it('keeps its id in one octet', () => {
    expect(callPush('1.1', 'c', 0x1ff)[0]).toBe(0xff);
  });

  it('goes by SMS to port 2948, in octets', () => {
    const message = pushCall('1.2', 'ck-4711', 7);
    expect(message?.alphabet).toBe('octets');
    expect(hex(message?.header)).toBe('0605040b8423f0');
    expect(hex(message?.data)).toBe(hex(callPush('1.2', 'ck-4711', 7)));
    expect(message?.length).toBe(7 + 6 + 16);
  });
});

describe('a call as text by SMS', () => {
  it('is packed septets to port 3716; the header takes eight of them', () => {
    const message = textCall('1.3', 'hellohello');
    expect(message?.alphabet).toBe('gsm7');
    expect(hex(message?.header)).toBe('0605040e840e84');
    expect(hex(message?.data)).toBe(hex(packed(septets('WVCI 1.3 hellohello')!)));
    expect(message?.length).toBe(8 + 19);
  });

  it.each(['', 'two words', 'ck`1', 'ü', 'a\r\nb'])('cannot carry the cookie %j', (cookie) => {
    expect(textCall('1.2', cookie)).toBeUndefined();
  });

  it('is one message or none: 160 septets, 140 octets', () => {
    expect(textCall('1.2', 'x'.repeat(143))?.length).toBe(160);
    expect(textCall('1.2', 'x'.repeat(144))).toBeUndefined();
    expect(textCall('1.2', '{'.repeat(72))).toBeUndefined();
    expect(pushCall('1.2', 'x'.repeat(118), 1)?.length).toBe(140);
    expect(pushCall('1.2', 'x'.repeat(119), 1)).toBeUndefined();
  });
});
