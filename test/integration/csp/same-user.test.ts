// Several clients of one user, the forced end of sessions, and what 1.3 adds to Login: csp-transactions 1.1.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config.ts';
import { child, childText } from '../../../src/wv/element.ts';
import { elements, sendMessage, subscribe, VERSIONS } from '../../support/csp-variants.ts';
import { android, digestFor } from '../../support/phone-messages.ts';
import { HABITS, type Habits } from '../../support/phone.ts';
import { codeOf, drain, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';

const client = (id: string): string => elements('ClientID', elements('URL', id));
const login = (user: string, clientId: string, ...more: string[]): string =>
  elements(
    'Login-Request',
    elements('UserID', user) +
      client(clientId) +
      elements('Password', 'sesame') +
      more.join('') +
      elements('SessionCookie', 'c'),
  );

describe.each(VERSIONS)('clients of one user in CSP %s (%s)', (_version, _encoding, habits) => {
  async function scene(session: NonNullable<ConfigInput['session']>, work: (scene: Scene) => Promise<void>) {
    const own = await startScene({ config: { session } });
    try {
      await work(own);
    } finally {
      await own.stop();
    }
  }

  it('parallel: all stay', () =>
    scene({}, async (own) => {
      const user = await own.person();
      const one = await own.online(user, habits, { clientId: client('one') });
      await own.online(user, habits, { clientId: client('two') });
      expect(codeOf(await one.say(android.keepAlive()))).toBe(200);
    }));

  it('replace: the others end with 601', () =>
    scene({ sameUser: 'replace' }, async (own) => {
      const user = await own.person();
      const one = await own.online(user, habits, { clientId: client('one') });
      const two = await own.online(user, habits, { clientId: client('two') });
      expect(codeOf(await one.say(android.keepAlive()))).toBe(601);
      expect(codeOf(await two.say(android.keepAlive()))).toBe(200);
    }));

  it('refuse: 603 for another client, also when both come at once; the same client replaces its session', () =>
    scene({ sameUser: 'refuse' }, async (own) => {
      const user = await own.person();
      const both = await Promise.all(['one', 'two'].map((id) => own.phone(habits).say(login(user, id))));
      expect(both.map(codeOf).toSorted((a, b) => a - b)).toEqual([200, 603]);
      const id = codeOf(both[0]!) === 200 ? 'one' : 'two';
      const again = own.phone(habits);
      expect(codeOf(await again.say(login(user, id)))).toBe(200);
      await again.say(android.logout());
      expect(codeOf(await own.phone(habits).say(login(user, 'three')))).toBe(200);
    }));

  it('503 when the server is full, but not for a client that takes the place of its own session', () =>
    scene({ max: 1 }, async (own) => {
      const [ann, bea] = await own.people('ann', 'bea');
      expect(codeOf(await own.phone(habits).say(login(ann, 'one')))).toBe(200);
      const refused = await own.phone(habits).say(login(bea, 'one'));
      expect(codeOf(refused)).toBe(503);
      expect(texts(refused.content, 'SessionID')).toEqual([]);
      expect(codeOf(await own.phone(habits).say(login(ann, 'one')))).toBe(200);
    }));

  it('a forced logout ends all of them, and nobody else’s', () =>
    scene({}, async (own) => {
      const [ann, bea] = await own.people('ann', 'bea');
      const phones = [
        await own.online(ann, habits, { clientId: client('one') }),
        await own.online(ann, habits, { clientId: client('two') }),
      ];
      const other = await own.online(bea, habits);
      expect(await own.house.house.forceLogout(ann)).toBe(2);
      for (const phone of phones) expect(codeOf(await pollOnly(phone))).toBe(601);
      expect(codeOf(await other.say(android.keepAlive()))).toBe(200);
      expect(await own.house.house.forceLogout(ann)).toBe(0);
    }));
});

const V13 = VERSIONS.map(([, , habits]) => habits).filter(({ version }) => version === '1.3');
const WBXML_13: Habits = { ...HABITS.androidWbxml, version: '1.3' };

describe.each([...V13, WBXML_13])('re-login in CSP 1.3 ($encoding)', (habits) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene();
  });
  afterEach(() => scene.closePhones());
  afterAll(() => scene.stop());

  it('takes the session up again: subscriptions, negotiation, and what was on the way', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const before = scene.phone(habits);
    await before.say(login(ann, 'one'));
    await before.say(android.capability());
    await before.say(subscribe(bea));
    await drain(before);
    const sender = await scene.online(bea, habits);
    await sender.say(sendMessage('on the way', [ann]));
    expect((await pollOnly(before)).content?.name).toBe('NewMessage');
    before.close();
    const phone = scene.phone(habits);
    const heard = await phone.say(login(ann, 'one', elements('SessionID', before.sessionId)));
    expect([codeOf(heard), phone.sessionId]).toEqual([200, before.sessionId]);
    expect(childText(heard.content, 'CapabilityRequest')).toBe('F');
    const came = await drain(phone);
    expect(came.map(({ name }) => name)).toContain('NewMessage');
  });

  it('502 for a session that is gone, 422 for one of another client or user', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = scene.phone(habits);
    await phone.say(login(ann, 'one'));
    const session = elements('SessionID', phone.sessionId);
    const code = async (request: string) => codeOf(await scene.phone(habits).say(request));
    expect(await code(login(ann, 'one', elements('SessionID', 'nobody')))).toBe(502);
    expect(await code(login(ann, 'two', session))).toBe(422);
    expect(await code(login(bea, 'one', session))).toBe(422);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    await phone.say(android.logout());
    expect(await code(login(ann, 'one', session))).toBe(502);
  });

  it('asks for the password first: 409 tells nothing of the session', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    await phone.say(login(user, 'one'));
    const wrong = login(user, 'one', elements('SessionID', phone.sessionId)).replace('sesame', 'wrong');
    expect(codeOf(await scene.phone(habits).say(wrong))).toBe(409);
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });

  it('works with a digest too', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    await phone.say(login(user, 'one'));
    const session = elements('SessionID', phone.sessionId);
    const request = (proof: string) =>
      elements(
        'Login-Request',
        elements('UserID', user) + client('one') + proof + session + elements('SessionCookie', 'c'),
      );
    const again = scene.phone(habits);
    const challenge = await again.say(request(elements('DigestSchema', 'MD5')));
    const digest = digestFor(challenge.content, 'sesame');
    expect(codeOf(await again.say(request(elements('DigestBytes', digest))))).toBe(200);
    expect(again.sessionId).toBe(phone.sessionId);
  });

  it('carries both negotiations: no capability request follows', async () => {
    const user = await scene.person();
    const phone = scene.phone(habits);
    const functions = elements(
      'Functions',
      elements(
        'WVCSPFeat',
        '<PresenceFeat><ContListFunc/></PresenceFeat><FundamentalFeat><SearchFunc/></FundamentalFeat>',
      ),
    );
    const capabilities = elements(
      'CapabilityList',
      '<ClientType>MOBILE_PHONE</ClientType><MultiTrans>2</MultiTrans><SupportedCIRMethod>STCP</SupportedCIRMethod>',
    );
    const heard = await phone.say(login(user, 'one', functions, capabilities));
    expect(heard.content?.children.map(({ name }) => name)).toEqual([
      'ClientID',
      'Result',
      'SessionID',
      'KeepAliveTime',
      'CapabilityRequest',
      'Functions',
      'AgreedCapabilityList',
    ]);
    expect(childText(heard.content, 'CapabilityRequest')).toBe('F');
    expect(texts(child(heard.content, 'AgreedCapabilityList'), 'SupportedCIRMethod')).toEqual(['STCP']);
    expect(codeOf(await phone.say(android.getBlockedList()))).toBe(506);
    expect((await phone.say(android.getList())).content?.name).toBe('GetList-Response');
  });

  it('402 for an inline list that cannot be read: nobody is logged in', async () => {
    const user = await scene.person();
    const bad = elements('CapabilityList', elements('AnyContent', 'maybe'));
    const heard = await scene.phone(habits).say(login(user, 'one', bad));
    expect(codeOf(heard)).toBe(402);
    expect(await scene.house.house.forceLogout(user)).toBe(0);
  });
});

describe('before 1.3', () => {
  it('a SessionID and inline lists in Login mean nothing', async () => {
    const scene = await startScene();
    try {
      const user = await scene.person();
      const extra =
        elements('SessionID', 'nobody') + elements('CapabilityList', '<MultiTrans>2</MultiTrans>');
      const heard = await scene.phone(VERSIONS[1][2]).say(login(user, 'one', extra));
      expect(codeOf(heard)).toBe(200);
      expect(childText(heard.content, 'CapabilityRequest')).toBe('T');
    } finally {
      await scene.stop();
    }
  });
});
