import { describe, expect, it } from 'vitest';
import { LoginLimits, sourceOf } from '../../../src/sap/login-limits.ts';
import { parseDomain, userAddress } from '../../../src/wv/address.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const ann = userAddress('ann', parseDomain('wv.test')!);

describe('what counts as one source', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

describe('limits of log-ins', () => {
  const allowances = {
    user: { burst: 3, seconds: 30 },
    userInAll: { burst: 8, seconds: 5 },
    source: { burst: 100, seconds: 5 },
  };

  it('a stranger uses up his own tries, not those of the user', () => {
    const limits = new LoginLimits(new ManualClock(), allowances);
    for (let i = 0; i < 3; i += 1) limits.failed({ user: ann, source: '203.0.113.9' });
    expect(limits.wait({ user: ann, source: '203.0.113.9' })).toBe(30);
    expect(limits.wait({ user: ann, source: '192.0.2.1' })).toBe(0);
  });

  it('many strangers together are slowed down too', () => {
    const limits = new LoginLimits(new ManualClock(), allowances);
    for (let i = 0; i < 8; i += 1) limits.failed({ user: ann, source: `203.0.113.${i}` });
    expect(limits.wait({ user: ann, source: '203.0.113.99' })).toBe(5);
  });

  it('the addresses of one IPv6 network count together', () => {
    const limits = new LoginLimits(new ManualClock(), allowances);
    for (let i = 1; i <= 3; i += 1) limits.failed({ user: ann, source: `2001:db8::${i}` });
    expect(limits.wait({ user: ann, source: '2001:db8::ffff' })).toBe(30);
  });

  it('success forgives what failed from the same place, not what failed elsewhere', () => {
    const limits = new LoginLimits(new ManualClock(), allowances);
    for (const source of ['192.0.2.1', '203.0.113.9'])
      for (let i = 0; i < 3; i += 1) limits.failed({ user: ann, source });
    limits.succeeded({ user: ann, source: '192.0.2.1' });
    expect(limits.wait({ user: ann, source: '192.0.2.1' })).toBe(0);
    expect(limits.wait({ user: ann, source: '203.0.113.9' })).toBe(30);
  });

  it('the limit for all sources is never tighter than that for one', () => {
    const limits = new LoginLimits(new ManualClock(), { ...allowances, userInAll: { burst: 1, seconds: 5 } });
    for (let i = 0; i < 2; i += 1) limits.failed({ user: ann, source: '192.0.2.1' });
    expect(limits.wait({ user: ann, source: '192.0.2.1' })).toBe(0);
  });
});
