// Linking accounts as users and operators do it: over HTTP, and by the command line. The network is not there.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestHouse, type TestHouse } from '../support/house.ts';
import { ProgramFolder, wvgate } from '../support/program.ts';

const XMPP = {
  // Discard: nothing answers there.
  port: 9,
  component: 'imps.xmpp.test',
  secret: 'secret',
  domains: ['xmpp.test'],
  linked: { servers: [{ domain: 'xmpp.test', host: '127.0.0.1', port: 9 }], maxClients: 1 },
};
const LISTEN = { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, web: { port: 0 } };

describe('over HTTP', () => {
  let house: TestHouse;
  beforeAll(async () => {
    house = await startTestHouse({ config: { listen: LISTEN, xmpp: XMPP } });
  });
  afterAll(() => house.stop());

  const ask = async (
    user: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> => {
    const { web } = house.house.addresses;
    const response = await fetch(`http://${web?.host}:${web?.port}/api/profile/accounts${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${user}-secret`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const romeo = { account: 'Romeo@xmpp.test', password: 'sesame' };

  it('needs the user’s password', async () => {
    expect((await ask('nobody', 'GET', '')).status).toBe(401);
  });

  it.each([
    [{ account: 'romeo', password: 'x' }, 400, 'account'],
    [{ account: 'romeo@xmpp.test' }, 400, 'password'],
    [{ ...romeo, token: 'x' }, 400, 'token'],
    [{ account: '@romeo:hs.test', token: '\u0000x' }, 400, 'token'],
    [{ account: '@romeo hs.test', token: 'x' }, 400, 'account'],
    [{ ...romeo, password: 'x'.repeat(5_000) }, 413, undefined],
  ])('%j is answered %i', async (body, status, field) => {
    expect(await ask('ann', 'PUT', '/xmpp', body)).toMatchObject({
      status,
      body: { error: field === undefined ? {} : { field } },
    });
  });

  it('links an account, shows it without its password, and unlinks it', async () => {
    expect((await ask('ann', 'PUT', '/icq', romeo)).status).toBe(404);
    expect((await ask('ann', 'PUT', '/xmpp', romeo)).status).toBe(202);
    expect((await ask('ann', 'PUT', '/xmpp', { ...romeo, account: 'other@xmpp.test' })).status).toBe(409);
    expect((await ask('bea', 'PUT', '/xmpp', { ...romeo, account: 'b@xmpp.test' })).status).toBe(503);
    const { body } = await ask('ann', 'GET', '');
    expect(body).toMatchObject({
      accounts: [{ network: 'xmpp', account: 'romeo@xmpp.test', state: 'connecting' }],
    });
    expect(JSON.stringify(body)).not.toContain('sesame');
    expect((await ask('bea', 'GET', '')).body).toEqual({ accounts: [] });
    expect((await ask('ann', 'DELETE', '/xmpp')).status).toBe(204);
    expect((await ask('ann', 'DELETE', '/xmpp')).status).toBe(404);
  });
});

describe('by the command line', () => {
  let folder: ProgramFolder;
  let config: string;
  beforeAll(async () => {
    folder = await ProgramFolder.make();
    config = await folder.config(JSON.stringify({ domain: 'wv.test', data: 'data', xmpp: XMPP }));
    await wvgate(['user', 'add', 'ann', '--password', 'x', '--config', config]);
  });
  afterAll(() => folder.remove());
  const user = (...args: string[]) => wvgate(['user', ...args, '--config', config]);

  it('links, lists and unlinks', async () => {
    const linked = await user('link', 'xmpp', 'ann', 'Romeo@xmpp.test', '--password', 'sesame');
    expect(linked).toMatchObject({ code: 0, stdout: 'linked Romeo@xmpp.test with wv:ann@wv.test\n' });
    const { stdout } = await user('links', 'ann');
    expect(stdout).toMatch(/^xmpp\tromeo@xmpp\.test\t\d{4}-/);
    expect((await user('unlink', 'xmpp', 'ann')).code).toBe(0);
    expect((await user('unlink', 'xmpp', 'ann')).code).toBe(1);
    expect((await user('links', 'ann')).stdout).toBe('');
  });

  it.each([
    [['link', 'xmpp', 'ann'], 2, /user link NETWORK NAME ACCOUNT/],
    [
      ['link', 'icq', 'ann', 'a@b.test', '--password', 'x'],
      1,
      /icq: accounts of this network cannot be linked/,
    ],
    [['link', 'xmpp', 'ann', 'nonsense', '--password', 'x'], 1, /not an account/],
    [['link', 'xmpp', 'ghost', 'a@xmpp.test', '--password', 'x'], 1, /no such user/],
    [['unlink', 'xmpp'], 2, /user unlink NETWORK NAME/],
  ])('%j ends with code %i and a line that helps', async (args, code, words) => {
    const outcome = await user(...args);
    expect([outcome.code, outcome.stdout]).toEqual([code, '']);
    expect(outcome.stderr).toMatch(words);
  });
});
