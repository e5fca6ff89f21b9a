// Log-in by the number that the mobile network names, and where requests really come from: csp-transport section 1,
// with spoofed headers.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { trusted, type UserAddress } from '../../../src/wv/ids.ts';
import { RememberedLog } from '../../support/abuse.ts';
import { elements, VERSIONS } from '../../support/csp-variants.ts';
import type { Habits } from '../../support/phone.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';

const NUMBER = '34600000001';
const ANN = { name: 'ann', password: 'ann-secret', msisdn: `+${NUMBER}` };
const BEA = { name: 'bea', password: 'bea-secret' };

const login = (user: string, ...more: string[]): string =>
  elements('Login-Request', elements('UserID', user) + more.join('') + elements('SessionCookie', 'c'));
const password = (text: string) => elements('Password', text);
const schema = elements('DigestSchema', 'MD5');
const withHeaders = (habits: Habits, headers: Readonly<Record<string, string>>): Habits => ({
  ...habits,
  headers: [...habits.headers, ...Object.entries(headers)],
});

describe.each(VERSIONS)('behind a gateway of the network, CSP %s (%s)', (_version, _encoding, habits) => {
  let scene: Scene;
  beforeAll(async () => {
    const msisdn = { sources: ['127.0.0.1'] };
    scene = await startScene({ config: { users: [ANN, BEA], login: { msisdn, sourceBurst: 1000 } } });
  });
  afterEach(() => scene.closePhones());
  afterAll(() => scene.stop());

  const code = async (request: string, number = NUMBER) =>
    codeOf(await scene.phone(withHeaders(habits, { 'X-MSISDN': number })).say(request));

  it('the user of the number is in after step one of 4-way, or with an empty password', async () => {
    expect(await code(login('wv:ann@wv.test', schema))).toBe(200);
    expect(await code(login('ann', password('')))).toBe(200);
  });

  it('another user needs his password or digest', async () => {
    expect(await code(login('bea', schema))).toBe(401);
    expect(await code(login('bea', password('bea-secret')))).toBe(200);
    expect(await code(login('bea', password('')))).toBe(920);
  });

  it('920 for a number that cannot be used, or is not that of the ClientID', async () => {
    expect(await code(login('ann', password('')), '0600000001')).toBe(920);
    expect(await code(login('ann', password('')), 'tbd')).toBe(920);
    const other = elements('ClientID', elements('MSISDN', '34699999999'));
    expect(await code(login('ann', other, password('')))).toBe(920);
    const same = elements('ClientID', elements('MSISDN', `+${NUMBER}`));
    expect(await code(login('ann', same, password('')))).toBe(200);
  });

  it('the number of a profile goes before that of the configuration; one that two have is nobody’s', async () => {
    const { store } = scene.house.house;
    const profileOf = (name: string, mobileNumber: string | undefined) =>
      store.changeProfile(trusted<UserAddress>(`wv:${name}@wv.test`), ({ mobileNumber: _old, ...before }) =>
        mobileNumber === undefined ? before : { ...before, mobileNumber },
      );
    await profileOf('bea', '34600000002');
    expect(await code(login('bea', password('')), '+34600000002')).toBe(200);
    await profileOf('bea', NUMBER);
    expect(await code(login('bea', password('')))).toBe(200);
    expect(await code(login('ann', password('')))).toBe(920);
    await profileOf('ann', NUMBER);
    expect(await code(login('bea', password('')))).toBe(920);
    expect(await code(login('ann', password('')))).toBe(920);
    await profileOf('ann', undefined);
    await profileOf('bea', undefined);
    expect(await code(login('ann', password('')))).toBe(200);
  });

  it('a wrong password stays wrong', async () => {
    expect(await code(login('ann', password('wrong')))).toBe(409);
  });
});

describe('headers of strangers', () => {
  const memory = new RememberedLog();
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({
      log: memory.log,
      config: {
        users: [ANN],
        login: { msisdn: { sources: ['192.0.2.0/24'] }, userBurst: 3, sourceBurst: 4, sourceSeconds: 1000 },
        listen: { csp: { port: 0, trustedProxies: ['127.0.0.1'] }, ops: { port: 0 } },
      },
    });
  });
  afterEach(() => scene.closePhones());
  afterAll(() => scene.stop());

  const [, , habits] = VERSIONS[1];
  const code = async (request: string, headers: Readonly<Record<string, string>>) =>
    codeOf(await scene.phone(withHeaders(habits, headers)).say(request));

  it('do not log in: the number counts only when the gateway itself is the source', async () => {
    const number = { 'X-MSISDN': NUMBER };
    const request = login('ann', password(''));
    expect(await code(request, number)).toBe(409);
    expect(await code(request, { ...number, 'X-Forwarded-For': '203.0.113.1' })).toBe(409);
    expect(await code(request, { ...number, 'X-Forwarded-For': '192.0.2.1, 203.0.113.2' })).toBe(409);
    expect(await code(request, { ...number, 'X-Forwarded-For': '203.0.113.3, 192.0.2.1' })).toBe(200);
    expect(memory.lines.join()).not.toContain(NUMBER);
  });

  it('behind a proxy each client has its own limits, and a forged entry does not change them', async () => {
    const guess = (n: number) => login('ann', password(`wrong ${n}`));
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    for (let n = 0; n < 3; n += 1) expect(await code(guess(n), from('203.0.113.50'))).toBe(409);
    expect(await code(guess(3), from('203.0.113.50'))).toBe(503);
    expect(await code(guess(4), from('198.51.100.1, 203.0.113.50'))).toBe(503);
    expect(await code(login('ann', password('ann-secret')), from('203.0.113.51'))).toBe(200);
  });
});

describe('a stranger who guesses', () => {
  it('does not keep the user out; the account may be locked by configuration, and unlocked', async () => {
    const scene = await startScene({
      config: {
        users: [ANN],
        login: { userBurst: 2, lockout: { failures: 3, seconds: 600 } },
        listen: { csp: { port: 0, trustedProxies: ['127.0.0.1'] }, ops: { port: 0 } },
      },
    });
    try {
      const say = async (source: string, secret: string) => {
        const phone = scene.phone(withHeaders(VERSIONS[1][2], { 'X-Forwarded-For': source }));
        return codeOf(await phone.say(login('ann', password(secret))));
      };
      const stranger = '203.0.113.1';
      for (const expected of [409, 409, 503]) expect(await say(stranger, 'guess')).toBe(expected);
      expect(await say('192.0.2.1', 'ann-secret')).toBe(200);
      for (const source of ['203.0.113.2', '203.0.113.2', '203.0.113.3'])
        expect(await say(source, 'guess')).toBe(409);
      expect(await say('192.0.2.1', 'ann-secret')).toBe(403);
      expect(await scene.house.house.accounts.unlock('ann')).toBe(true);
      expect(await say('192.0.2.1', 'ann-secret')).toBe(200);
      expect(await scene.house.house.accounts.unlock('ann')).toBe(false);
    } finally {
      await scene.stop();
    }
  });
});
