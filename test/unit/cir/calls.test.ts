import { describe, expect, it } from 'vitest';
import { callText, isCallableCookie } from '../../../src/access/csp/cir/channel.ts';

describe('the text of a call', () => {
  it('is WVCI, the version and the cookie, nothing after it', () => {
    expect(callText('1.2', 'ck-4711')).toBe('WVCI 1.2 ck-4711');
  });

  it.each(['', 'a b', 'a\r\nWVCI 1.1 b', 'ä', 'x'.repeat(201)])('cannot carry the cookie %j', (cookie) => {
    expect(isCallableCookie(cookie)).toBe(false);
  });

  it('carries the cookies of real phones', () => {
    expect(isCallableCookie('b7c39d38-4711_{0}')).toBe(true);
  });
});
