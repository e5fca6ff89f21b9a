import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Authentication, type LoginRequest } from '../../../src/sap/authentication.ts';
import { Passwords } from '../../../src/sap/passwords.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { parseDomain, userAddress } from '../../../src/wv/address.ts';
import { parseMsisdn } from '../../../src/wv/msisdn.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SILENT } from '../../support/silence.ts';

const ann = userAddress('ann', parseDomain('wv.test')!);
const REQUEST: LoginRequest = { user: ann, attempt: 'phone ck', source: '192.0.2.1', schemas: [] };

const LIMITS = {
  user: { burst: 3, seconds: 30 },
  userInAll: { burst: 6, seconds: 5 },
  source: { burst: 10, seconds: 5 },
};

let clock: ManualClock;
let store: Store;
let passwords: Passwords;
let authentication: Authentication;

beforeEach(async () => {
  clock = new ManualClock();
  store = await openSqliteStore({ file: ':memory:', clock });
  passwords = new Passwords(randomBytes(32));
  let serial = 0;
  const ids = { random: () => `nonce-${++serial}` };
  authentication = new Authentication({ store, passwords, clock, ids, log: SILENT, limits: LIMITS });
});

async function account(password: string, digestLogin = true, active = true): Promise<void> {
  const credentials = await passwords.protect(password, digestLogin);
  await store.createUser({ address: ann, credentials, createdAt: 0, active }, []);
}

const digest = (algorithm: string, nonce: string, password: string) =>
  createHash(algorithm)
    .update(nonce + password, 'latin1')
    .digest('base64');

describe('plain login', () => {
  it('lets in with the right password only', async () => {
    await account('sésame');
    expect((await authentication.login({ ...REQUEST, password: 'sésame' })).kind).toBe('accepted');
    expect(await authentication.login({ ...REQUEST, password: 'wrong' })).toMatchObject({
      result: { code: 409 },
    });
  });

  it('answers 531 for an unknown user, 403 for an inactive account', async () => {
    expect(await authentication.login({ ...REQUEST, password: 'x' })).toMatchObject({
      result: { code: 531 },
    });
    await account('x', true, false);
    expect(await authentication.login({ ...REQUEST, password: 'x' })).toMatchObject({
      result: { code: 403 },
    });
  });

  it('answers 402 when nothing to check is there', async () => {
    expect(await authentication.login(REQUEST)).toMatchObject({ result: { code: 402 } });
  });
});

describe('digest login', () => {
  async function challenge(schemas: readonly string[]): Promise<{ nonce: string; schema: string }> {
    const outcome = await authentication.login({ ...REQUEST, schemas });
    if (outcome.kind !== 'challenge') throw new Error(`no challenge: ${JSON.stringify(outcome)}`);
    return outcome;
  }

  it.each([
    ['SHA', 'sha1'],
    ['MD5', 'md5'],
  ])('accepts %s over nonce and password', async (schema, algorithm) => {
    await account('geheim');
    const { nonce, schema: chosen } = await challenge([schema]);
    expect(chosen).toBe(schema);
    const digestBytes = digest(algorithm, nonce, 'geheim');
    expect((await authentication.login({ ...REQUEST, digestBytes })).kind).toBe('accepted');
  });

  it('takes the schemas of 1.1, which stand in one element with commas', async () => {
    await account('x');
    expect((await challenge(['PWD,SHA,MD4,MD5,MD6'])).schema).toBe('SHA');
  });

  it('accepts a nonce once', async () => {
    await account('x');
    const { nonce } = await challenge(['MD5']);
    const digestBytes = digest('md5', nonce, 'x');
    await authentication.login({ ...REQUEST, digestBytes });
    expect(await authentication.login({ ...REQUEST, digestBytes })).toMatchObject({ result: { code: 409 } });
  });

  it('does not accept a nonce after two minutes', async () => {
    await account('x');
    const { nonce } = await challenge(['MD5']);
    clock.advance(121_000);
    const digestBytes = digest('md5', nonce, 'x');
    expect(await authentication.login({ ...REQUEST, digestBytes })).toMatchObject({ result: { code: 409 } });
  });

  it('answers 543 when no schema fits, or the password is kept as a hash only', async () => {
    await account('x', false);
    expect(await authentication.login({ ...REQUEST, schemas: ['MD5'] })).toMatchObject({
      result: { code: 543 },
    });
    expect(await authentication.login({ ...REQUEST, schemas: ['MD6'] })).toMatchObject({
      result: { code: 543 },
    });
  });

  it('fails with the key of another server', async () => {
    await account('x');
    const other = new Passwords(randomBytes(32));
    const user = await store.getUser(ann);
    expect(other.matchesDigest(user!.credentials, 'MD5', 'n', digest('md5', 'n', 'x'))).toBe(false);
  });
});

describe('rate limits', () => {
  it('asks for patience after wrong passwords for one user, and lets in later', async () => {
    await account('x');
    for (let i = 0; i < 3; i++) await authentication.login({ ...REQUEST, password: 'wrong' });
    expect(await authentication.login({ ...REQUEST, password: 'x' })).toMatchObject({
      result: { code: 503 },
    });
    clock.advance(31_000);
    expect((await authentication.login({ ...REQUEST, password: 'x' })).kind).toBe('accepted');
  });

  it('counts wrong tries of one source over all users', async () => {
    for (let i = 0; i < 10; i++) {
      const user = userAddress(`u${i}`, parseDomain('wv.test')!);
      await authentication.login({ ...REQUEST, user, password: 'x' });
    }
    await account('x');
    expect(await authentication.login({ ...REQUEST, password: 'x' })).toMatchObject({
      result: { code: 503 },
    });
    expect((await authentication.login({ ...REQUEST, source: '192.0.2.2', password: 'x' })).kind).toBe(
      'accepted',
    );
  });
});

describe('lock-out', () => {
  const locking = () =>
    new Authentication({
      store,
      passwords,
      clock,
      ids: { random: () => 'n' },
      log: SILENT,
      limits: LIMITS,
      lockout: { failures: 4, seconds: 600 },
    });
  const from = (source: number, password: string) => ({
    ...REQUEST,
    source: `192.0.2.${source}`,
    password,
  });

  it('follows wrong passwords in a row from anywhere, and ends with time', async () => {
    await account('x');
    const strict = locking();
    for (let i = 0; i < 4; i++)
      expect(await strict.login(from(i, 'wrong'))).toMatchObject({ result: { code: 409 } });
    expect(await strict.login(from(9, 'x'))).toMatchObject({ result: { code: 403 } });
    clock.advance(599_000);
    expect(await locking().login(from(9, 'x'))).toMatchObject({ result: { code: 403 } });
    clock.advance(2_000);
    expect((await strict.login(from(9, 'x'))).kind).toBe('accepted');
  });

  it('begins anew after a success', async () => {
    await account('x');
    const strict = locking();
    for (const password of ['wrong', 'wrong', 'wrong', 'x', 'wrong', 'wrong', 'wrong'])
      await strict.login(from(password.length, password));
    clock.advance(60_000);
    expect((await strict.login(from(9, 'x'))).kind).toBe('accepted');
  });

  it('is ended by whoever clears the failures', async () => {
    await account('x');
    const strict = locking();
    for (let i = 0; i < 4; i++) await strict.login(from(i, 'wrong'));
    await store.clearFailedLogins(ann);
    expect((await strict.login(from(9, 'x'))).kind).toBe('accepted');
  });
});

describe('log-in by the network', () => {
  const number = parseMsisdn('+34600000001')!;
  const knowing = () =>
    new Authentication({
      store,
      passwords,
      clock,
      ids: { random: () => 'n' },
      log: SILENT,
      limits: LIMITS,
      numberOwner: async (asked) => (asked === number ? ann : undefined),
    });

  it('answers step one of 4-way, an empty password, and none at all', async () => {
    await account('x');
    for (const offered of [{ schemas: ['MD5'] }, { password: '' }, {}])
      expect(await knowing().login({ ...REQUEST, number, ...offered })).toMatchObject({
        kind: 'accepted',
        by: 'network',
      });
  });

  it('lets another user log in from the phone with his password or digest', async () => {
    await account('x');
    const bea = userAddress('bea', parseDomain('wv.test')!);
    const credentials = await passwords.protect('y', true);
    await store.createUser({ address: bea, credentials, createdAt: 0, active: true }, []);
    const other = { ...REQUEST, user: bea, number };
    expect((await knowing().login({ ...other, schemas: ['MD5'] })).kind).toBe('challenge');
    expect(await knowing().login({ ...other, password: 'y' })).toMatchObject({ by: 'password' });
    expect(await knowing().login({ ...other, password: '' })).toMatchObject({ result: { code: 920 } });
  });

  it('answers 920 to a number that does not help when nothing else is offered', async () => {
    await account('x');
    const useless = [
      { number: 'unusable' as const },
      { number: parseMsisdn('34699999999')! },
      { number, clientNumber: '34600000002' },
      { number, clientNumber: 'no number' },
    ];
    for (const each of useless) {
      const empty = { ...REQUEST, ...each, password: '' };
      expect(await knowing().login(empty)).toMatchObject({ result: { code: 920 } });
      const digest = { ...REQUEST, ...each, schemas: ['MD5'] };
      expect((await knowing().login(digest)).kind).toBe('challenge');
    }
  });

  it('takes a ClientID with the same number, however it is written', async () => {
    await account('x');
    const same = { ...REQUEST, number, clientNumber: '+34 600 000 001', password: '' };
    expect((await knowing().login(same)).kind).toBe('accepted');
  });

  it('checks a password that was given; 403 for an inactive account', async () => {
    await account('x', true, false);
    expect(await knowing().login({ ...REQUEST, number, password: 'wrong' })).toMatchObject({
      result: { code: 409 },
    });
    expect(await knowing().login({ ...REQUEST, number, password: '' })).toMatchObject({
      result: { code: 403 },
    });
  });

  it('is not there without a number: an empty password is a wrong one', async () => {
    await account('x');
    expect(await knowing().login({ ...REQUEST, password: '' })).toMatchObject({ result: { code: 409 } });
    expect(await knowing().login(REQUEST)).toMatchObject({ result: { code: 402 } });
  });
});

describe('stored passwords', () => {
  it('are never stored as they are', async () => {
    const { hash, cipher } = await passwords.protect('sesame', true);
    expect(`${hash}${cipher}`).not.toContain('sesame');
    expect((await passwords.protect('sesame', true)).cipher).not.toBe(cipher);
  });
});
