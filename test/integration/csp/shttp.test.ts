// CIR over HTTP: the address of a session, told in capability negotiation, that says whether something waits
// (csp-transport section 2, SHTTP).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendMessage, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import type { Heard, Phone } from '../../support/phone.ts';
import { codeOf, drain, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';

const LISTEN = { csp: { port: 0 }, ops: { port: 0 } };
const URL_BASE = 'http://im.example:8080/cir/';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { listen: { ...LISTEN, cir: { http: { url: URL_BASE } } } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const methods = (heard: Heard) => texts(heard.content, 'SupportedCIRMethod');
const addressIn = (heard: Heard) => /http:\/\/im\.example:8080\/cir\/[\w-]+/.exec(heard.xml)?.[0] ?? '';

/** Asks as a client does, but at the port that this server really has. */
async function ask(address: string, own = scene, method = 'GET'): Promise<number> {
  const { port } = own.house.house.addresses.csp;
  const response = await fetch(address.replace('http://im.example:8080', `http://127.0.0.1:${port}`), {
    method,
  });
  expect((await response.arrayBuffer()).byteLength).toBe(0);
  return response.status;
}

async function asking(phone: Phone): Promise<string> {
  return addressIn(await phone.say(android.capability('SHTTP')));
}

const LATER = VERSIONS.filter(([version]) => version !== '1.1');

describe.each(LATER)('SHTTP in CSP %s (%s)', (version, _encoding, habits) => {
  it('is agreed with an address that tells nothing of the session', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const heard = await phone.say(android.capability('SHTTP'));
    expect(methods(heard)).toEqual(['SHTTP']);
    expect(heard.xml).toContain(version === '1.3' ? '<CIRHTTPAddress>' : '<CIRURL>');
    expect(addressIn(heard)).toMatch(/\/cir\/[\w-]{40,}$/);
    expect(addressIn(heard)).not.toContain(phone.sessionId);
  });

  it('answers 204 while nothing waits, 200 until the client polled', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const sender = await scene.online(bea, habits);
    const address = await asking(phone);
    expect(await ask(address)).toBe(204);
    expect(codeOf(await sender.say(sendMessage('hello', [ann])))).toBe(200);
    expect(await ask(address)).toBe(200);
    expect(await ask(address, scene, 'HEAD')).toBe(200);
    await drain(phone);
    expect(await ask(address)).toBe(204);
  });

  it('asking keeps the session alive', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const address = await asking(phone);
    for (let i = 0; i < 3; i += 1) {
      scene.clock.advance(7_000_000);
      expect(await ask(address)).toBe(204);
    }
    expect((await pollOnly(phone)).body).toHaveLength(0);
  });

  it('the address of a session that the server ended leads to a poll, once; that of one logged out nowhere', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, habits);
    const address = await asking(phone);
    expect(await scene.house.house.forceLogout(user)).toBe(1);
    expect(await ask(address)).toBe(200);
    expect(codeOf(await pollOnly(phone))).toBe(601);
    expect(await ask(address)).toBe(404);
    const again = await scene.online(user, habits);
    const other = await asking(again);
    await again.say(android.logout());
    expect(await ask(other)).toBe(404);
  });

  it('ends when the client negotiates another method', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const address = await asking(phone);
    await phone.say(android.capability('STCP'));
    expect(await ask(address)).toBe(404);
  });

  it('survives a restart', async () => {
    const own = await startScene({ config: { listen: { ...LISTEN, cir: { http: { url: URL_BASE } } } } });
    try {
      const phone = await own.online(await own.person(), habits);
      const address = await asking(phone);
      await own.restart();
      // A queue of before the restart has to be looked at first: the client is asked to poll.
      expect(await ask(address, own)).toBe(200);
      await pollOnly(own.again(phone));
      expect(await ask(address, own)).toBe(204);
    } finally {
      await own.stop();
    }
  });
});

describe('SHTTP', () => {
  it('is not offered in 1.1, which has no element for the address', async () => {
    const [, , habits] = VERSIONS[0];
    const phone = await scene.online(await scene.person(), habits);
    const heard = await phone.say(android.capability('SHTTP'));
    expect([methods(heard), addressIn(heard)]).toEqual([[], '']);
  });

  it('is not offered where it is not configured', async () => {
    const own = await startScene();
    try {
      const phone = await own.online(await own.person(), VERSIONS[1][2]);
      const heard = await phone.say(android.capability('SHTTP'));
      expect([methods(heard), addressIn(heard)]).toEqual([[], '']);
    } finally {
      await own.stop();
    }
  });

  it.each(['nobody', 'x'.repeat(43), 'x'.repeat(101), '', 'a/b', '..%2f'])(
    '404 for the address /cir/%s',
    async (token) => {
      expect(await ask(`${URL_BASE}${token}`)).toBe(404);
    },
  );

  it.each(['POST', 'PUT', 'DELETE'])('405 for %s', async (method) => {
    expect(await ask(`${URL_BASE}nobody`, scene, method)).toBe(405);
  });

  it('many clients that ask at the same time are all answered', async () => {
    const phone = await scene.online(await scene.person(), VERSIONS[1][2]);
    const address = await asking(phone);
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(address)));
    expect(new Set(answers)).toEqual(new Set([204]));
  });
});
