// Who may do what: session ids, guessing of passwords, and what never stands in the log.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childText } from '../../../src/wv/element.ts';
import { posted, RememberedLog, watchForUncaught, Wire } from '../../support/abuse.ts';
import { android, digestFor } from '../../support/phone-messages.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Heard, type Phone } from '../../support/phone.ts';

let remembered: RememberedLog;
let scene: Scene;
let checkUncaught: () => void;
const wires: Wire[] = [];

beforeEach(async () => {
  checkUncaught = watchForUncaught();
  remembered = new RememberedLog();
  // The limits of log-ins as they come: 5 for a user, then one each 30 s; 30 for an address, then one each 5 s.
  scene = await startScene({ log: remembered.log, config: { login: {} } });
});
afterEach(async () => {
  for (const wire of wires.splice(0)) wire.drop();
  await scene.stop();
  checkUncaught();
});

function tryLogin(user: string, password: string): Promise<Heard> {
  return scene.phone(HABITS.android).say(android.login(user, password, HABITS.android.clientId));
}

/** The code of a log-in from another address of this machine. */
async function tryFrom(localAddress: string, user: string, password: string): Promise<number> {
  const wire = await Wire.open(scene.house.house.addresses.csp.port, localAddress);
  wires.push(wire);
  wire.send(posted(scene.phone(HABITS.android).document(android.login(user, password, '<ClientID/>'))));
  return Number(/<Code>(\d+)</.exec((await wire.answer()).body.toString())?.[1]);
}

describe('sessions', () => {
  it('have ids that cannot be guessed: 144 random bits, never the same', async () => {
    const user = await scene.person();
    const ids = new Set<string>();
    for (let i = 0; i < 20; i += 1) ids.add((await scene.online(user, HABITS.android)).sessionId);
    expect(ids.size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^[\w-]{24}$/);
  });

  it('are not taken over from a client: an id it brings along is not used', async () => {
    const phone = scene.phone(HABITS.android);
    phone.sessionId = 'chosen-by-somebody-else-1';
    const login = android.login(await scene.person(), 'sesame', '<ClientID/>');
    const heard = await phone.say(
      login.replace('<TimeToLive>', '<SessionID>chosen-too</SessionID><TimeToLive>'),
    );
    expect(codeOf(heard)).toBe(200);
    expect(phone.sessionId).toMatch(/^[\w-]{24}$/);
  });

  it('belong to whoever knows the id, and to nobody without it', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [a, b] = [await scene.online(ann, HABITS.android), await scene.online(bea, HABITS.android)];
    // Who says Ann's id is Ann: that is all the protocol has, hence the length of it.
    expect(codeOf(await b.say(android.sendMessage(ann, bea, 'as Ann'), { sessionId: a.sessionId }))).toBe(
      200,
    );
    expect(codeOf(await b.say(android.sendMessage(ann, bea, 'as Ann')))).toBe(403);
    expect(codeOf(await b.say(android.keepAlive(), { sessionId: a.sessionId.slice(0, -1) }))).toBe(604);
    expect(codeOf(await b.say(android.keepAlive(), { sessionId: a.sessionId.toLowerCase() }))).toBe(604);
    await a.say(android.logout());
    expect(codeOf(await b.say(android.keepAlive(), { sessionId: a.sessionId }))).toBe(604);
  });
});

describe('guessing passwords', () => {
  it('is slowed down for whoever guesses, not for the user; the right one comes in after the documented wait', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    for (let i = 0; i < 5; i += 1) expect(await tryFrom('127.0.0.10', ann, `wrong${i}`)).toBe(409);
    expect(await tryFrom('127.0.0.10', ann, 'wrong')).toBe(503);
    expect(await tryFrom('127.0.0.10', ann, 'sesame')).toBe(503);
    expect(await tryFrom('127.0.0.10', bea, 'sesame')).toBe(200);
    expect(await tryFrom('127.0.0.11', ann, 'sesame')).toBe(200);
    expect(await tryFrom('127.0.0.10', ann, 'sesame')).toBe(503);
    scene.clock.advance(30_000);
    expect(await tryFrom('127.0.0.10', ann, 'sesame')).toBe(200);
  });

  it('is slowed down for one user from many addresses together', async () => {
    const ann = await scene.person('ann');
    for (let i = 0; i < 100; i += 1) {
      expect(await tryFrom(`127.0.1.${1 + Math.floor(i / 5)}`, ann, 'wrong')).toBe(409);
    }
    expect(await tryFrom('127.0.1.200', ann, 'wrong')).toBe(503);
    scene.clock.advance(5_000);
    expect(await tryFrom('127.0.1.200', ann, 'sesame')).toBe(200);
  });

  it('is slowed down for one address, whoever is tried; others log in from elsewhere', async () => {
    const ann = await scene.person('ann');
    for (let i = 0; i < 30; i += 1) expect(await tryFrom('127.0.0.2', `wv:nobody${i}`, 'x')).toBe(531);
    expect(await tryFrom('127.0.0.2', ann, 'sesame')).toBe(503);
    expect(await tryFrom('127.0.0.3', ann, 'sesame')).toBe(200);
    scene.clock.advance(5_000);
    expect(await tryFrom('127.0.0.2', ann, 'sesame')).toBe(200);
  });

  it('is not made faster by guessing many at once', async () => {
    const ann = await scene.person('ann');
    const wire = await Wire.open(scene.house.house.addresses.csp.port);
    wires.push(wire);
    const guess = (n: number) =>
      posted(scene.phone(HABITS.android).document(android.login(ann, `no${n}`, '<ClientID/>')));
    wire.send(Buffer.concat(Array.from({ length: 20 }, (_, n) => guess(n))));
    const answers = await wire.answers(20);
    expect(answers.filter(({ body }) => body.includes('<Code>409<')).length).toBeLessThanOrEqual(5);
  });

  it('by digest is slowed down alike, and each challenge is good for one try', async () => {
    const ann = await scene.person('ann');
    const phone = scene.phone(HABITS.android);
    const { clientId } = phone.habits;
    const challenge = await phone.say(android.loginChallenge(ann, clientId));
    const right = digestFor(challenge.content, 'sesame');
    expect(codeOf(await phone.say(android.loginDigest(ann, clientId, 'AAAA')))).toBe(409);
    expect(codeOf(await phone.say(android.loginDigest(ann, clientId, right)))).toBe(409);
    for (let i = 0; i < 3; i += 1) {
      await phone.say(android.loginChallenge(ann, clientId));
      expect(codeOf(await phone.say(android.loginDigest(ann, clientId, 'AAAA')))).toBe(409);
    }
    expect(codeOf(await phone.say(android.loginChallenge(ann, clientId)))).toBe(503);
  });
});

describe('the log at level debug', () => {
  it('holds no password, digest, nonce, session id or message, but a line of each request with its id', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const secrets = new Set(['sesame', 'wrong-word', 'meet me', 'at the harbour', 'on the train']);
    for (const habits of [HABITS.android, HABITS.androidWbxml]) {
      const a = await loginByDigest(ann, habits, secrets);
      const b = await scene.online(bea, habits);
      for (const { sessionId } of [a, b]) secrets.add(sessionId);
      await tryLogin(bea, 'wrong-word');
      await a.say(android.updateStatus('1.2', 'AVAILABLE', 'on the train'));
      await a.say(android.sendMessage(ann, bea, 'meet me'));
      await b.poll();
      await b.post(Buffer.from(b.document(android.sendMessage(bea, ann, 'at the harbour')).slice(0, -20)));
      await b.post(Buffer.from([0x03, 0x11, 0x6a, 0x00, ...Buffer.from('at the harbour')]));
      await b.say('<Login-Request><Password>sesame</Password></Login-Request>');
    }
    expect(remembered.lines.length).toBeGreaterThan(10);
    const text = remembered.lines.join('');
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  it('names request, primitives, codes, user and duration', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, HABITS.android);
    await phone.say(android.keepAlive());
    await phone.post(Buffer.from('<nonsense'));
    await scene.phone(HABITS.android).say('<Made-Up-Request/>');
    const lines = remembered.entries().filter(({ msg }) => msg === 'CSP request');
    expect(lines.map(({ primitives, codes, user }) => ({ primitives, codes, user }))).toEqual([
      { primitives: ['Login-Request'], codes: ['200'], user: ann },
      { primitives: ['KeepAlive-Request'], codes: ['200'], user: ann },
      { primitives: [], codes: ['400'], user: undefined },
      { primitives: ['unknown'], codes: ['604'], user: undefined },
    ]);
    expect(new Set(lines.map(({ request }) => request)).size).toBe(4);
    for (const { ms, request } of lines) expect([ms, typeof request]).toEqual([0, 'string']);
  });
});

async function loginByDigest(
  user: string,
  habits: typeof HABITS.android,
  secrets: Set<string>,
): Promise<Phone> {
  const phone = scene.phone(habits);
  const challenge = await phone.say(android.loginChallenge(user, habits.clientId));
  const digest = digestFor(challenge.content, 'sesame');
  await phone.say(android.loginDigest(user, habits.clientId, digest));
  secrets.add(digest).add(childText(challenge.content, 'Nonce') ?? '');
  return phone;
}
