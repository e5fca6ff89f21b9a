// The command line as an operator meets it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { android } from '../support/phone-messages.ts';
import { codeOf } from '../support/phone-scene.ts';
import { HABITS, Phone } from '../support/phone.ts';
import { ProgramFolder, wvgate } from '../support/program.ts';

let folder: ProgramFolder;
let config: string;
beforeAll(async () => {
  folder = await ProgramFolder.make();
  config = await folder.config();
});
afterAll(() => folder.remove());

describe('help', () => {
  it('lists the commands', async () => {
    const { code, stdout, stderr } = await wvgate(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['serve', 'check-config', 'user', 'group', 'registration'])
      expect(stdout).toContain(`  ${command}`);
  });

  it.each(['serve', 'adapter', 'check-config', 'user', 'group', 'registration', 'peers', 'decode', 'demo'])(
    '%s explains itself',
    async (command) => {
      const { code, stdout } = await wvgate([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: wvgate ${command}`));
    },
  );

  it('comes with exit code 2 when nothing is asked', async () => {
    expect((await wvgate([])).code).toBe(2);
  });
});

describe('mistakes', () => {
  it.each([
    [['sevre'], /unknown command sevre.*--help/],
    [['constructor'], /unknown command constructor/],
    [['serve', '--prot', '1'], /--prot/],
    [['serve', '--config'], /--config/],
    [['user'], /user add/],
    [['user', 'toString', 'ann'], /user add/],
    [['user', 'add'], /user add/],
    [['user', 'passwd', 'ann', '--password', ''], /password is empty/],
    [['group'], /group create/],
    [['group', 'create'], /group create/],
    [['group', 'create', 'x', '--property', 'T'], /NAME=VALUE/],
    [['registration'], /--url/],
    [['decode', '--format', 'morse'], /--format is auto/],
    [['decode', 'nowhere.xml'], /nowhere\.xml/],
    [['registration', '--url', 'nonsense', '--server-name', 'x'], /--url/],
    [['registration', '--url', 'http://127.0.0.1:1'], /--server-name/],
  ])('%j end with code 2 and a line that helps', async (args, words) => {
    const { code, stderr, stdout } = await wvgate(args);
    expect(stderr).toMatch(words);
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('check-config', () => {
  it('says what would be started', async () => {
    const { code, stdout } = await wvgate(['check-config', '--config', config]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${config}: good`);
    expect(stdout).toContain('wv.test');
  });

  it.each([
    ['listen: { csp: { prot: 1 } }', /listen\.csp.*prot/],
    ['listen: { csp: { port: 70000 } }', /listen\.csp\.port/],
    ['domain: "not a domain"', /domain/],
    ['users: [{ name: ann }]', /users\.0\.password/],
    ['session: { keepAlive: { min: 10, max: 5 } }', /session\.keepAlive/],
    ['domain: [', /broken\.yaml/],
    ['- a\n- b', /broken\.yaml/],
    ['just text', /broken\.yaml/],
    ['passwordKeyFile: nowhere.key', /passwordKeyFile/],
    ['listen: { csp: { trustedProxies: [proxy.example] } }', /listen\.csp\.trustedProxies\.0/],
    ['listen: { cir: { http: { url: "http://im.example/cir" } } }', /listen\.cir\.http\.url/],
    ['login: { msisdn: { sources: [] } }', /login\.msisdn\.sources/],
    ['login: { msisdn: { sources: [10.0.0.0/99] } }', /login\.msisdn\.sources\.0/],
    ['login: { lockout: { failures: 1 } }', /login\.lockout\.failures/],
    ['session: { sameUser: maybe }', /session\.sameUser/],
    ['ssp: { peers: [{ domain: b.example, url: "http://b.example/" }] }', /ssp\.peers\.0\.url/],
    [
      'listen: { csp: { ssp: true } }\nssp: { tls: { ca: nowhere.pem } }',
      /ssp\.tls\.ca: .*nowhere\.pem cannot be read/,
    ],
    [
      'listen: { csp: { ssp: true } }\nssp: { tls: { ca: broken.yaml } }',
      /ssp\.tls\.ca: .*has no certificate/,
    ],
    [
      'listen: { csp: { ssp: true } }\nssp: { tls: { cert: broken.yaml, key: broken.yaml } }',
      /ssp\.tls: not a certificate with its key/,
    ],
    ['users: [{ name: ann, password: x, msisdn: "0600" }]', /users\.0\.msisdn/],
    [
      'users: [{ name: a, password: x, msisdn: "+34600000001" }, { name: b, password: x, msisdn: "34600000001" }]',
      /a and b have the same msisdn/,
    ],
  ])('%j is told with file and key', async (text, words) => {
    const broken = await folder.config(text, 'broken.yaml');
    const { code, stderr } = await wvgate(['check-config', '--config', broken]);
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr).toContain('broken.yaml');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('a file that is not there is told', async () => {
    const { code, stderr } = await wvgate(['check-config', '--config', `${folder.path}/nowhere.yaml`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere\.yaml: cannot be read/);
  });
});

describe('user', () => {
  const user = (args: readonly string[], stdin?: string) =>
    wvgate(['user', ...args, '--config', config], stdin);

  it('accounts are made, shown, changed and removed while the server runs', { timeout: 60_000 }, async () => {
    const { ready } = await folder.serve(config);
    const login = async (name: string, password: string): Promise<number> => {
      const phone = new Phone(ready.csp.port, HABITS.android);
      const heard = await phone.say(android.login(name, password, '<ClientID/>'));
      phone.close();
      return codeOf(heard);
    };

    const added = await user(['add', 'ann', '--name', 'Ann A.'], 'sesame\n');
    expect(added).toMatchObject({ code: 0, stdout: 'created wv:ann@wv.test\n', stderr: '' });
    expect(await login('ann', 'sesame')).toBe(200);
    expect(await user(['add', 'ann'], 'other\n')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/exists already/),
    });
    expect(await login('ann', 'other')).toBe(409);

    expect(await user(['passwd', 'ann', '--password', 'open'])).toMatchObject({ code: 0 });
    expect(await login('ann', 'open')).toBe(200);
    expect(await user(['passwd', 'nobody'], 'x\n')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no account nobody/),
    });

    expect(await user(['unlock', 'ann'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ann is not locked/),
    });

    expect(await user(['list'])).toMatchObject({ code: 0, stdout: 'wv:ann@wv.test\tactive\tAnn A.\n' });
    expect(await user(['remove', 'ann'])).toMatchObject({ code: 0, stdout: 'removed ann\n' });
    expect(await user(['remove', 'ann'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no account ann/),
    });
    expect(await user(['list'])).toMatchObject({ code: 0, stdout: '' });
    expect(await login('ann', 'open')).toBe(531);
  });

  it('profiles are set and shown; what is wrong is told by its key', { timeout: 60_000 }, async () => {
    await user(['add', 'cora', '--password', 'sesame']);
    const changes = ['firstName=Cora', 'services=im,presence', 'PP_CITY=Oslo', 'findable.email=nobody'];
    expect(
      await user(['set', 'cora', ...changes, 'networkPresence=yes', 'preferences.tone=loud']),
    ).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await user(['deactivate', 'cora'])).toMatchObject({ code: 0 });
    expect(JSON.parse((await user(['show', 'cora'])).stdout)).toMatchObject({
      id: 'wv:cora@wv.test',
      active: false,
      firstName: 'Cora',
      services: ['im', 'presence'],
      publicProfile: { PP_CITY: 'Oslo' },
      findable: { email: 'nobody', name: 'everybody' },
      networkPresence: true,
      preferences: { tone: 'loud' },
    });
    await user(['activate', 'cora']);
    await user(['set', 'cora', 'services=all', 'firstName=']);
    const { stdout } = await user(['show', 'cora']);
    expect(JSON.parse(stdout)).toMatchObject({ active: true, services: { length: 6 } });
    expect(stdout).not.toContain('firstName');
    for (const [change, words] of [
      ['PP_AGE=old', /publicProfile\.PP_AGE/],
      ['services=teleport', /services\.0/],
      ['rank=1', /rank/],
      ['nonsense', /KEY=VALUE/],
    ] as const) {
      expect(await user(['set', 'cora', change])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(words),
      });
    }
    expect(await user(['show', 'nobody'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no account nobody/),
    });
    expect(await user(['remove', 'cora'])).toMatchObject({ code: 0 });
  });

  it.each(['', '\n'])('%j is no password', async (stdin) => {
    expect(await user(['add', 'bea'], stdin)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/password is empty/),
    });
  });

  it('a password that log-ins could not match is refused', async () => {
    const refused = { code: 2, stderr: expect.stringMatching(/begins or ends with a blank/) };
    expect(await user(['add', 'bea'], 'sesame \n')).toMatchObject(refused);
  });

  it.each(['wv:bea@elsewhere.test', 'be a@b@c', '%00', '', '@', '/x'])('%j is no name', async (name) => {
    const { code, stderr } = await user(['add', name, '--password', 'x']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^wvgate: /);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('group', () => {
  const group = (args: readonly string[]) => wvgate(['group', ...args, '--config', config]);

  it('groups of the operator are made, shown and ended', { timeout: 60_000 }, async () => {
    const created = await group(['create', 'lobby', '--name', 'The lobby', '--property', 'Searchable=T']);
    expect(created).toMatchObject({ code: 0, stdout: 'created wv:/lobby@wv.test\n', stderr: '' });
    const refused = (words: RegExp) => ({ code: 1, stdout: '', stderr: expect.stringMatching(words) });
    expect(await group(['create', 'lobby'])).toMatchObject(refused(/already exists/));
    expect(await group(['create', 'den', '--property', 'Shape=round'])).toMatchObject(refused(/property/));
    expect(await group(['create', 'den', '--admin', 'nobody'])).toMatchObject(refused(/Unknown user/));
    expect(await group(['create', 'ann/den'])).toMatchObject(refused(/Not a group of the creator/));
    const shown = { code: 0, stdout: 'wv:/lobby@wv.test\tOpen\tThe lobby\n' };
    expect(await group(['list'])).toMatchObject(shown);
    expect(await group(['delete', 'lobby'])).toMatchObject({ code: 0, stdout: 'wv:/lobby@wv.test ends\n' });
    expect(await group(['delete', 'den'])).toMatchObject(refused(/no group wv:\/den@wv.test/));
  });
});

describe('system-message', () => {
  it('waits for one user, or for all, and reaches their clients', { timeout: 60_000 }, async () => {
    const own = await ProgramFolder.make();
    try {
      const file = await own.config();
      const tell = (args: readonly string[]) => wvgate(['system-message', ...args, '--config', file]);
      await wvgate(['user', 'add', 'dan', '--password', 'sesame', '--config', file]);
      expect(await tell(['dan', 'Only you'])).toMatchObject({ code: 0, stdout: 'queued for 1 user(s)\n' });
      expect(await tell(['--all', 'All of you', '--option', 'Yes'])).toMatchObject({ code: 0 });
      const { ready } = await own.serve(file);
      const phone = new Phone(ready.csp.port, { ...HABITS.android, version: '1.3' });
      await phone.say(android.login('dan', 'sesame', '<ClientID/>'));
      // The second comes in answer to the confirmation of the first.
      await phone.poll();
      const heard = phone.heard.map(({ xml }) => xml).join('');
      expect(heard).toContain('<SystemMessageText>Only you</SystemMessageText>');
      expect(heard).toContain('<AnswerOptionText>Yes</AnswerOptionText>');
      phone.close();
    } finally {
      await own.remove();
    }
  });

  it('needs a text and somebody who exists', { timeout: 60_000 }, async () => {
    const tell = (args: readonly string[]) => wvgate(['system-message', ...args, '--config', config]);
    expect(await tell(['dan'])).toMatchObject({ code: 2 });
    expect(await tell(['nobody', 'hi'])).toMatchObject({
      code: 1,
      stderr: 'wvgate: no account nobody\n',
    });
    expect(await tell(['--all', ' '])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/text is empty/),
    });
    expect(await tell(['--all', 'hi', '--days', 'x'])).toMatchObject({ code: 2 });
  });
});

describe('registration', () => {
  const args = ['registration', '--url', 'http://127.0.0.1:9099', '--server-name', 'hs.example'];

  it('is YAML that a homeserver takes, with new tokens each time', async () => {
    const [one, two] = await Promise.all([wvgate(args), wvgate(args)]);
    const tokens = [one, two].flatMap(({ code, stdout }) => {
      expect(code).toBe(0);
      const text = parse(stdout) as Record<string, string>;
      expect(text).toMatchObject({
        id: 'imps',
        url: 'http://127.0.0.1:9099',
        namespaces: expect.any(Object),
      });
      return [text.as_token, text.hs_token];
    });
    expect(new Set(tokens).size).toBe(4);
    for (const token of tokens) expect(token).toMatch(/^.{32,}$/);
  });

  it('is written once into a file, and checked', async () => {
    const file = await folder.config('', 'registration-old.yaml');
    const fresh = `${file}.new`;
    expect(await wvgate([...args, '--out', fresh])).toMatchObject({ code: 0 });
    expect(await wvgate([...args, '--out', fresh])).toMatchObject({ code: 2 });
    expect(await wvgate(['registration', '--check', fresh, '--server-name', 'hs.example'])).toMatchObject({
      code: 0,
    });
    const wrong = await wvgate(['registration', '--check', fresh, '--server-name', 'other.example']);
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('does not cover') });
    expect(await wvgate(['registration', '--check', file])).toMatchObject({ code: 1 });
  });
});

describe('decode', () => {
  const PTS = 'WV12GL2 SI=s-81f2c0';
  const saved = async (name: string, text: string): Promise<string> => folder.config(text, name);

  it('shows a message from standard input', async () => {
    const ran = await wvgate(['decode'], PTS);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('          GetList-Request\n');
    expect(ran.stdout).not.toContain('\x1b');
    expect(await wvgate(['decode', '-', '--format', 'pts'], PTS)).toMatchObject({ code: 0 });
  });

  it('tells what is wrong with hexadecimal octets, as JSON', async () => {
    const ran = await wvgate(['decode', '--hex', '--json'], '0000  03 11 6a 00 49 01   ..j.I.\n');
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ source: '-', format: 'wbxml', octets: 6, complete: true });
  });

  it('takes files and folders, and ends with the worst of them', async () => {
    const good = await saved('decode-good.pts', PTS);
    const ran = await wvgate(['decode', good, await saved('decode-bad.txt', 'hello')]);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toContain(`${good}: CSP in plain text (PTS)`);
    expect(ran.stdout).toContain('nothing that is known here');
    const all = await wvgate(['decode', '--json', folder.path]);
    expect(all.stdout).toContain('decode-good.pts');
  });

  it('refuses what is no hexadecimal in a line', async () => {
    const ran = await wvgate(['decode', '--hex'], 'xyz');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^wvgate: decode: -: .* is no hexadecimal digit\n$/);
  });
});
