// Octets that are no CSP message, or nearly one, inside and outside of a session: the sender gets a word about it,
// the session and everybody else notice nothing.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isCodecError } from '../../../src/access/csp/codec/codec.ts';
import { decodeXml } from '../../../src/access/csp/codec/xml.ts';
import { Chance, RememberedLog, watchForUncaught } from '../../support/abuse.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { androidWbxml } from '../../support/phone-wbxml.ts';
import { HABITS, type Heard, type Phone } from '../../support/phone.ts';

const remembered = new RememberedLog();
let scene: Scene;
let checkUncaught: () => void;
beforeAll(async () => {
  checkUncaught = watchForUncaught();
  scene = await startScene({
    log: remembered.log,
    config: {
      login: { userBurst: 1000, sourceBurst: 1000 },
      listen: { csp: { port: 0, maxBody: 1_048_576 }, cir: {}, ops: { port: 0 } },
    },
  });
});
afterEach(() => {
  scene.closePhones();
  expect(remembered.errors()).toEqual([]);
});
afterAll(async () => {
  await scene.stop();
  checkUncaught();
});

const ENCODINGS = [
  ['XML', HABITS.android],
  ['WBXML', HABITS.androidWbxml],
] as const;

/** The octets of a message as the phone would post them. */
function octetsOf(phone: Phone, primitive: string): Uint8Array {
  const text = phone.document(primitive);
  if (phone.habits.encoding === 'xml') return Buffer.from(text);
  const decoded = decodeXml(Buffer.from(text));
  if (isCodecError(decoded)) throw new Error(decoded.message);
  return androidWbxml(decoded.root, phone.habits.version);
}

/** Some answer in the encoding of the question, and never our own fault. */
function expectAnswered(heard: Heard): void {
  expect(heard.status).toBe(200);
  expect(heard.root).toBeDefined();
  expect(texts(heard.root, 'Code')).not.toContain('500');
}

async function expectAlive(phone: Phone): Promise<void> {
  expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
}

it('answers a broken message outside of a session when its SessionID cannot be one', async () => {
  const phone = await scene.online(await scene.person(), HABITS.android);
  const document = phone.document('<GetList-Request/>', { sessionId: '\u0001' });
  const heard = await phone.post(Buffer.from(document));
  expect(codeOf(heard)).toBe(400);
  expect(texts(heard.root, 'SessionType')).toEqual(['Outband']);
  await expectAlive(phone);
});

describe.each(ENCODINGS)('garbage as %s', (_name, habits) => {
  it('random octets are answered with Status 400', async () => {
    const chance = new Chance(1);
    const phone = await scene.online(await scene.person(), habits);
    for (let i = 0; i < 300; i += 1) {
      const heard = await phone.post(chance.octets(chance.below(800)));
      expectAnswered(heard);
      expect(codeOf(heard)).toBe(400);
    }
    await expectAlive(phone);
  });

  it('a message cut anywhere is answered with Status 400, the session goes on', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const whole = octetsOf(phone, android.sendMessage(ann, bea, 'Where are you?'));
    for (let length = 0; length < whole.length; length += 1) {
      const heard = await phone.post(whole.subarray(0, length));
      expectAnswered(heard);
      expect(codeOf(heard), `cut after ${length} octets`).toBe(400);
    }
    await expectAlive(phone);
    const other = await scene.online(bea, habits);
    expect((await other.poll()).body).toHaveLength(0);
  });

  it.each([
    ['outside of a session', false],
    ['in its name', true],
  ] as const)('damaged messages %s are answered, whatever they came to mean', async (_where, inside) => {
    const chance = new Chance(inside ? 2 : 3);
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habits);
    const stranger = scene.phone(habits);
    if (inside) stranger.sessionId = phone.sessionId;
    const list = ann.replace('@', '/friends@');
    const whole = [
      android.sendMessage(ann, bea, 'Where are you?'),
      android.createList(list, bea, 'Bea'),
      android.updateStatus(habits.version, 'AVAILABLE', 'on the train'),
      android.subscribe(list),
      android.block(bea),
      android.capability(),
      android.service(),
      android.login(ann, 'sesame', habits.clientId.replace('Imps', 'Other')),
    ].map((primitive) => octetsOf(stranger, primitive));
    for (let i = 0; i < 600; i += 1) expectAnswered(await stranger.post(chance.damaged(chance.pick(whole))));
    await expectAlive(phone);
  });

  it('100,000 elements inside each other are answered with Status 400 in no time', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const deep =
      habits.encoding === 'xml'
        ? Buffer.from('<a>'.repeat(100_000))
        : Buffer.concat([Buffer.from([0x03, 0x11, 0x6a, 0x00]), Buffer.alloc(100_000, 0x49)]);
    const begun = performance.now();
    expect(codeOf(await phone.post(deep))).toBe(400);
    expect(performance.now() - begun).toBeLessThan(10_000);
    await expectAlive(phone);
  });

  it('a response to nothing, with every mode and id, does no harm', async () => {
    const phone = await scene.online(await scene.person(), habits);
    for (const id of ['', '0', '1', 'x'.repeat(5000), '__proto__', 'constructor']) {
      for (const primitive of ['<Login-Response/>', '<GetPresence-Response/>', android.keepAlive()]) {
        expect((await phone.say(primitive, { mode: 'Response', id })).status).toBe(200);
      }
    }
    await expectAlive(phone);
  });
});

describe('names that mean something to JavaScript', () => {
  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'Login-Response', 'x'.repeat(50_000)])(
    'primitive %.20s is answered like any unknown one',
    async (name) => {
      const phone = await scene.online(await scene.person(), HABITS.android);
      const heard = await phone.say(`<${name}/>`);
      expect([405, 501]).toContain(codeOf(heard));
      expect(heard.body.length).toBeLessThan(1000);
      const inner = `<${name}><constructor>1</constructor></${name}>`;
      const nested = await phone.say(
        `<GetPresence-Request><__proto__>${inner}</__proto__></GetPresence-Request>`,
      );
      expectAnswered(nested);
    },
  );

  it('session ids of that kind are no sessions', async () => {
    const stranger = scene.phone(HABITS.android);
    for (const sessionId of ['__proto__', 'constructor', 'x'.repeat(100_000)]) {
      expect(codeOf(await stranger.say(android.getList(), { sessionId }))).toBe(604);
    }
  });
});
