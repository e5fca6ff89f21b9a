// Profiles over HTTP: the users' own, and the operator's view of all.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { elements, sendMessage } from '../../support/csp-variants.ts';
import { android, movistar } from '../../support/phone-messages.ts';
import { eventually } from '../../support/eventually.ts';
import { attribute, codeOf, pollOnly, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS } from '../../support/phone.ts';

const TOKEN = 'operators-secret-token';
const LISTEN = { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, web: { port: 0 } };

let scene: Scene;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wvgate-token-'));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`);
  scene = await startScene({
    config: { listen: LISTEN, operator: { tokenFile }, login: { userBurst: 3, sourceBurst: 1000 } },
  });
});
afterEach(() => scene.closePhones());
afterAll(async () => {
  await scene.stop();
  await rm(folder, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly error?: { readonly message: string; readonly field?: string };
    readonly users?: readonly { readonly id: string }[];
    readonly [key: string]: unknown;
  };
}

async function ask(url: string, authorization: string, method: string, body?: unknown): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(authorization === '' ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Reply['body']),
  };
}

const basic = (user: string, password = 'sesame'): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

function own(user: string, method = 'GET', body?: unknown, path = ''): Promise<Reply> {
  const { web } = scene.house.house.addresses;
  if (web === undefined) throw new Error('no web listener');
  return ask(
    `http://${web.host}:${web.port}/api/profile${path}`,
    user === '' ? '' : basic(user),
    method,
    body,
  );
}

function operator(path: string, method = 'GET', body?: unknown, token = TOKEN): Promise<Reply> {
  const { ops } = scene.house.house.addresses;
  return ask(`http://${ops.host}:${ops.port}/api/users${path}`, `Bearer ${token}`, method, body);
}

describe('GET and PATCH /api/profile', () => {
  it('shows a user his profile, also what he does not set himself, and no secrets', async () => {
    const ann = await scene.person('ann', 'Annie');
    const { status, headers, body } = await own(ann);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      id: ann,
      displayName: 'Annie',
      active: true,
      services: ['presence', 'im', 'group', 'content', 'invite', 'search'],
      findable: { email: 'everybody' },
      networkPresence: false,
      terminals: [],
    });
    expect(JSON.stringify(body)).not.toMatch(/scrypt|aes-256|credentials/);
  });

  it('takes names in every form in which phones know them', async () => {
    const ann = await scene.person('ann');
    for (const name of [ann, ann.slice(3), ann.slice(3, ann.indexOf('@'))]) {
      expect([name, (await own(name)).body['id']]).toEqual([name, ann]);
    }
  });

  it('changes what is named, removes what is null and keeps the rest', async () => {
    const ann = await scene.person('ann');
    await own(ann, 'PATCH', {
      firstName: 'Ann',
      lastName: 'Lee',
      email: 'ann@mail.example',
      publicProfile: { PP_AGE: '30', PP_CITY: 'Oslo' },
      preferences: { tone: 'loud', lines: 3 },
      findable: { email: 'nobody' },
      networkPresence: true,
    });
    const { status } = await own(ann, 'PATCH', {
      lastName: null,
      publicProfile: { PP_AGE: null, PP_GENDER: 'F' },
      preferences: { lines: null, vibrate: true },
    });
    expect(status).toBe(200);
    const { body } = await own(ann);
    expect(body).toMatchObject({
      firstName: 'Ann',
      email: 'ann@mail.example',
      publicProfile: { PP_CITY: 'Oslo', PP_GENDER: 'F' },
      preferences: { tone: 'loud', vibrate: true },
      findable: { email: 'nobody', name: 'everybody' },
      networkPresence: true,
    });
    expect(body).not.toHaveProperty('lastName');
    expect(body['publicProfile']).not.toHaveProperty('PP_AGE');
  });

  it.each([
    ['firstName', { firstName: 7 }],
    ['firstName', { firstName: 'x'.repeat(101) }],
    ['email', { email: 'not an address' }],
    ['publicProfile.PP_AGE', { publicProfile: { PP_AGE: 'old' } }],
    ['publicProfile.PP_SHOE', { publicProfile: { PP_SHOE: '42' } }],
    ['findable.email', { findable: { email: 'friends' } }],
    ['networkPresence', { networkPresence: 'T' }],
    ['services.0', { services: ['teleport'] }],
    ['preferences.tone', { preferences: { tone: { deep: true } } }],
    [
      'preferences',
      { preferences: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`p${n}`, 'x'.repeat(400)])) },
    ],
    ['active', { active: false }],
    ['password', { password: 'another' }],
    [undefined, 'no JSON'],
    [undefined, []],
  ])('400 that names %s', async (field, change) => {
    const ann = await scene.person('ann');
    const before = (await own(ann)).body;
    const { status, body } = await own(ann, 'PATCH', change);
    expect([status, body.error?.field]).toEqual([400, field]);
    expect((await own(ann)).body).toEqual(before);
  });

  it('403 for what only the operator changes, 413 for too much, 404 for anything else there', async () => {
    const ann = await scene.person('ann');
    const reserved = await own(ann, 'PATCH', { mobileNumber: '34600111222' });
    expect([reserved.status, reserved.body.error?.field]).toEqual([403, 'mobileNumber']);
    expect((await own(ann, 'PATCH', { firstName: 'x'.repeat(40_000) })).status).toBe(413);
    expect((await own(ann, 'GET', undefined, '/nothing')).status).toBe(404);
    expect((await own(ann, 'DELETE')).status).toBe(404);
  });

  it('401 without credentials, for wrong ones and for nobody alike; 503 after too many', async () => {
    const ann = await scene.person('ann');
    const { web } = scene.house.house.addresses;
    const url = `http://${web?.host}:${web?.port}/api/profile`;
    const answers = [
      await ask(url, '', 'GET'),
      await ask(url, 'Basic !!!', 'GET'),
      await ask(url, `Bearer ${TOKEN}`, 'GET'),
      await ask(url, basic(ann, ''), 'GET'),
      await ask(url, basic(ann, 'wrong'), 'GET'),
      await ask(url, basic('wv:nobody@wv.test'), 'GET'),
      await ask(url, basic('wv:ann@far.test'), 'GET'),
    ];
    for (const { status, headers } of answers) {
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toContain('Basic');
    }
    expect(answers[4]?.body).toEqual(answers[5]?.body);
    await ask(url, basic(ann, 'wrong again'), 'GET');
    const { status, headers } = await ask(url, basic(ann), 'GET');
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('services: what a user leaves out is refused 506 at once, and comes back', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, HABITS.android);
    expect((await own(ann, 'PATCH', { services: ['presence'] })).body['services']).toEqual(['presence']);
    expect(codeOf(await phone.say(sendMessage('hi', [bea])))).toBe(506);
    expect(codeOf(await phone.say('<GetMessageList-Request/>'))).toBe(506);
    expect(codeOf(await phone.say(android.updateStatus('1.2', 'AVAILABLE', 'here')))).toBe(200);
    await own(ann, 'PATCH', { services: ['im'] });
    expect(codeOf(await phone.say(android.updateStatus('1.2', 'AVAILABLE', 'here')))).toBe(506);
    await own(ann, 'PATCH', { services: null });
    expect(codeOf(await phone.say(sendMessage('hi', [bea])))).toBe(200);
  });

  it('a new name is seen by neighbours at once', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const watcher = await scene.online(bea, HABITS.android);
    expect((await own(ann, 'PATCH', { displayName: 'Annabel' })).status).toBe(200);
    const { content } = await watcher.say(movistar.contactAlias(ann, '1.2'));
    expect(attribute(content, ann, 'Alias')).toBe('Annabel');
  });

  it('shows terminals with what was agreed last', async () => {
    const ann = await scene.person('ann');
    const capability = elements(
      'ClientCapability-Request',
      elements('CapabilityList', elements('ClientType', 'MOBILE_PHONE') + elements('ParserSize', '4096')),
    );
    await scene.online(ann, HABITS.android, { capability });
    expect((await own(ann)).body['terminals']).toMatchObject([
      { clientId: 'Android-Imps', type: 'MOBILE_PHONE', capabilities: { parserSize: 4096 } },
    ]);
  });
});

describe('/api/users for the operator', () => {
  it('401 without the token', async () => {
    for (const token of ['', 'wrong', `${TOKEN}x`])
      expect((await operator('', 'GET', undefined, token)).status).toBe(401);
    const { ops } = scene.house.house.addresses;
    const answer = await ask(`http://${ops.host}:${ops.port}/api/users`, basic('ann'), 'GET');
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  it('creates a user who can log in, and not twice', async () => {
    const made = await operator('', 'POST', {
      name: 'Newcomer',
      password: 'open sesame',
      displayName: 'New',
      mobileNumber: '+34 600 999 888',
      services: ['im', 'presence'],
    });
    expect([made.status, made.body]).toMatchObject([
      201,
      {
        id: 'wv:newcomer@wv.test',
        displayName: 'New',
        mobileNumber: '34600999888',
        services: ['im', 'presence'],
      },
    ]);
    const phone = scene.phone(HABITS.android);
    await phone.say(android.login('wv:newcomer@wv.test', 'open sesame', HABITS.android.clientId));
    expect(phone.sessionId).not.toBe('');
    const again = await operator('', 'POST', { name: 'newcomer', password: 'x' });
    expect([again.status, again.body.error?.field]).toEqual([409, 'name']);
  });

  it('400 that names the field, 404 for nobody', async () => {
    const wrong = [
      ['name', { password: 'x' }],
      ['name', { name: 'a/b', password: 'x' }],
      ['name', { name: 'wv:ann@far.test', password: 'x' }],
      ['password', { name: 'someone' }],
      ['password', { name: 'someone', password: ' x' }],
      ['rank', { name: 'someone', password: 'x', rank: 1 }],
    ] as const;
    for (const [field, user] of wrong) {
      const { status, body } = await operator('', 'POST', user);
      expect([field, status, body.error?.field]).toEqual([field, 400, field]);
    }
    expect((await operator('/someone')).status).toBe(404);
    for (const method of ['PATCH', 'DELETE'] as const) {
      expect([method, (await operator('/nobody', method, {})).status]).toEqual([method, 404]);
    }
    expect((await operator('/nobody/sessions', 'DELETE')).status).toBe(404);
    expect((await operator('/%ff')).status).toBe(400);
    expect((await operator('?limit=0')).body.error?.field).toBe('limit');
  });

  it('lists users page by page', async () => {
    await scene.people('page', 'page', 'page');
    const all: string[] = [];
    let next = '';
    do {
      const { body } = await operator(`?limit=2${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`);
      all.push(...(body.users ?? []).map(({ id }) => id));
      next = typeof body['next'] === 'string' ? body['next'] : '';
    } while (next !== '');
    expect(all).toEqual(all.toSorted());
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((id) => id.startsWith('wv:page'))).toHaveLength(3);
  });

  it('deactivating ends live sessions: Disconnect 403 for a poll, 601 after; no log-in, 403', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS.android);
    const other = await scene.online(ann, HABITS.android, {
      clientId: elements('ClientID', elements('URL', 'second')),
    });
    const { status, body } = await operator(`/${ann}`, 'PATCH', { active: false });
    expect([status, body['active']]).toEqual([200, false]);
    const told = await pollOnly(phone);
    expect(told.transactions.map(({ mode, content }) => [mode, content?.name])).toEqual([
      ['Request', 'Disconnect'],
    ]);
    expect(codeOf(told)).toBe(403);
    expect(codeOf(await pollOnly(phone))).toBe(601);
    expect(codeOf(await other.say(android.getBlockedList()))).toBe(601);
    const refused = await scene
      .phone(HABITS.android)
      .say(android.login(ann, 'sesame', HABITS.android.clientId));
    expect(codeOf(refused)).toBe(403);
    expect((await own(ann)).status).toBe(403);
    await operator(`/${ann}`, 'PATCH', { active: true });
    await scene.online(ann, HABITS.android);
  });

  it('a deactivation beside the server (command line) ends sessions too', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS.android);
    await scene.house.house.store.setProfile(ann as UserAddress, { active: false });
    scene.clock.advance(10_000);
    await eventually('the session ends', async () => codeOf(await phone.say('<KeepAlive-Request/>')) === 601);
  });

  it('logs a user out: sessions are listed, end with 601, and the next log-in works', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS.android);
    expect((await operator(`/${ann}/sessions`)).body['sessions']).toMatchObject([
      { clientId: 'Android-Imps', version: '1.2' },
    ]);
    expect((await operator(`/${ann}/sessions`, 'DELETE')).body).toEqual({ ended: 1 });
    const told = await pollOnly(phone);
    expect([told.content?.name, childText(child(told.content, 'Result'), 'Code')]).toEqual([
      'Disconnect',
      '601',
    ]);
    expect((await operator(`/${ann}/sessions`)).body['sessions']).toEqual([]);
    await scene.online(ann, HABITS.android);
  });

  it('changes a password', async () => {
    const ann = await scene.person('ann');
    expect((await operator(`/${ann}`, 'PATCH', { password: 'changed' })).status).toBe(200);
    expect((await own(ann)).status).toBe(401);
    const phone = scene.phone(HABITS.android);
    await phone.say(android.login(ann, 'changed', HABITS.android.clientId));
    expect(phone.sessionId).not.toBe('');
  });

  it('removes a user with everything of him, while he is logged in', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, HABITS.android);
    const neighbour = await scene.online(bea, HABITS.android);
    expect((await operator(`/${ann}`, 'DELETE')).status).toBe(204);
    expect((await operator(`/${ann}`)).status).toBe(404);
    expect((await pollOnly(phone)).content?.name).toBe('Disconnect');
    expect(codeOf(await neighbour.say(sendMessage('hi', [ann])))).toBe(531);
  });
});

describe('listeners', () => {
  it('are off unless configured: no web address, no user API among the operators’ pages', async () => {
    const plain = await startScene();
    try {
      const { web, ops } = plain.house.house.addresses;
      expect(web).toBeUndefined();
      const response = await fetch(`http://${ops.host}:${ops.port}/api/users`);
      expect(response.status).toBe(404);
    } finally {
      await plain.stop();
    }
  });
});
