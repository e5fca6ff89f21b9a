// Polls that are held open until there is something to say (csp-transport section 1).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Wire } from '../../support/abuse.ts';
import { elements, sendMessage, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Heard, type Phone } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, drain, pollOnly, startScene, type Scene } from '../../support/phone-scene.ts';

const MAX = 4;

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { session: { longPollSeconds: 20, heldPolls: MAX } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const patient = (habits: Habits, wait = 10): Habits => ({
  ...habits,
  headers: [...habits.headers, ['Prefer', `wait=${wait}`]],
});

async function heldNow(own = scene): Promise<number> {
  const { text } = await own.house.house.metrics.expose();
  return Number(/^wvgate_polls_held (\d+)/m.exec(text)?.[1]);
}

/** Polls, and comes back when the server holds `count` polls; the answer comes later. */
async function holding(phone: Phone, count = 1): Promise<{ heard: Promise<Heard> }> {
  const heard = pollOnly(phone);
  await eventually(`${count} polls are held`, async () => (await heldNow()) === count);
  return { heard };
}

describe.each(VERSIONS)('a long poll in CSP %s (%s)', (_version, _encoding, habits) => {
  async function pair() {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, patient(habits));
    const sender = await scene.online(bea, habits);
    await drain(sender);
    return { ann, phone, sender };
  }

  it('is answered as soon as something is there', async () => {
    const { ann, phone, sender } = await pair();
    const { heard } = await holding(phone);
    expect(codeOf(await sender.say(sendMessage('at last', [ann])))).toBe(200);
    expect((await heard).content?.name).toBe('NewMessage');
    expect(await heldNow()).toBe(0);
  });

  it('is answered with nothing when its time is over', async () => {
    const { phone } = await pair();
    const { heard } = await holding(phone);
    scene.clock.advance(11_000);
    expect([(await heard).status, (await heard).body.length]).toEqual([200, 0]);
  });

  it('keeps the session alive: its keep-alive time begins with the answer', async () => {
    const { phone } = await pair();
    await phone.say(elements('KeepAlive-Request', elements('TimeToLive', '60')));
    for (let i = 0; i < 8; i += 1) {
      const { heard } = await holding(phone);
      scene.clock.advance(11_000);
      expect((await heard).body).toHaveLength(0);
    }
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });

  it('tells of the end of the session: forced logout 601, replaced by the same client 604', async () => {
    const { ann, phone } = await pair();
    const forced = await holding(phone);
    await scene.house.house.forceLogout(ann);
    const told = await forced.heard;
    expect([told.content?.name, codeOf(told)]).toEqual(['Disconnect', 601]);
    expect([codeOf(await pollOnly(phone)), (await pollOnly(phone)).content?.name]).toEqual([601, 'Status']);
    const again = await scene.online(ann, patient(habits));
    const replaced = await holding(again);
    await scene.online(ann, patient(habits));
    expect(codeOf(await replaced.heard)).toBe(604);
  });

  it('is not held where an answer is owed anyway, or something waits already', async () => {
    const { ann, phone, sender } = await pair();
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
    await sender.say(sendMessage('already there', [ann]));
    expect((await pollOnly(phone)).content?.name).toBe('NewMessage');
  });

  it('a newer poll of the same session takes its place', async () => {
    const { phone } = await pair();
    const first = await holding(phone);
    const second = pollOnly(scene.again(phone));
    expect((await first.heard).body).toHaveLength(0);
    scene.clock.advance(11_000);
    expect((await second).body).toHaveLength(0);
  });

  it('a client that went away holds nothing, and loses nothing', async () => {
    const { ann, phone, sender } = await pair();
    const { heard } = await holding(phone);
    const lost = heard.catch(() => 'lost');
    phone.close();
    expect(await lost).toBe('lost');
    await eventually('the poll is forgotten', async () => (await heldNow()) === 0);
    await sender.say(sendMessage('for later', [ann]));
    const back = scene.again(phone);
    expect((await pollOnly(back)).content?.name).toBe('NewMessage');
  });
});

describe('long polls', () => {
  it('are for clients that ask for them, or are known to stand them', async () => {
    const plain = await scene.online(await scene.person(), HABITS.android);
    expect((await pollOnly(plain)).body).toHaveLength(0);
    const s60: Habits = { ...HABITS.android, headers: [['User-Agent', 'Mozilla/5.0 Series60/3.0 IMPS']] };
    const phone = await scene.online(await scene.person(), s60);
    const { heard } = await holding(phone);
    scene.clock.advance(16_000);
    expect((await heard).body).toHaveLength(0);
  });

  it('an answer that could not be written goes to the poll that is held meanwhile', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, patient(HABITS.android));
    const sender = await scene.online(bea, HABITS.android);
    await drain(sender);
    const wire = await Wire.open(scene.house.house.addresses.csp.port);
    const document = Buffer.from(phone.document('<Polling-Request/>'));
    const head = `POST / HTTP/1.1\r\nHost: x\r\nPrefer: wait=10\r\nContent-Type: application/vnd.wv.csp.xml\r\nContent-Length: ${document.length}\r\n\r\n`;
    wire.send(head + document.toString('latin1'));
    await eventually('the poll is held', async () => (await heldNow()) === 1);
    wire.reset();
    await sender.say(sendMessage('not lost', [ann]));
    const came = await eventually('the message comes', async () => {
      const heard = await pollOnly(phone);
      return heard.content?.name === 'NewMessage' && heard;
    });
    expect(came.xml).toContain('not lost');
  });

  it('are bounded: one more is answered at once, and serving goes on', async () => {
    const phones: Phone[] = [];
    const answers: Promise<Heard>[] = [];
    for (let count = 1; count <= MAX; count += 1) {
      const phone = await scene.online(await scene.person(), patient(HABITS.android));
      phones.push(phone);
      answers.push((await holding(phone, count)).heard);
    }
    const extra = await scene.online(await scene.person(), patient(HABITS.android));
    expect((await pollOnly(extra)).body).toHaveLength(0);
    expect(codeOf(await extra.say(android.keepAlive()))).toBe(200);
    scene.clock.advance(11_000);
    for (const heard of await Promise.all(answers)) expect(heard.body).toHaveLength(0);
  });

  it('half a poll, an octet at a time, holds nothing', async () => {
    const before = await heldNow();
    const wire = await Wire.open(scene.house.house.addresses.csp.port);
    wire.send('POST / HTTP/1.1\r\nHost: x\r\nPrefer: wait=20\r\nContent-Length: 500\r\n\r\n<WV-');
    for (const octet of 'CSP-Message') wire.send(octet);
    const phone = await scene.online(await scene.person(), HABITS.android);
    expect((await pollOnly(phone)).body).toHaveLength(0);
    expect(await heldNow()).toBe(before);
    wire.drop();
  });

  it.each(['wait=0', 'wait=abc', 'wait=-5', 'respond-async', 'wait=99999'])(
    'Prefer: %s asks for none',
    async (prefer) => {
      const habits: Habits = { ...HABITS.android, headers: [['Prefer', prefer]] };
      const phone = await scene.online(await scene.person(), habits);
      expect((await pollOnly(phone)).body).toHaveLength(0);
    },
  );

  it('are answered when the server stops', async () => {
    const own = await startScene({ config: { session: { longPollSeconds: 20 } } });
    const phone = await own.online(await own.person(), patient(HABITS.android));
    const heard = pollOnly(phone);
    await eventually('the poll is held', async () => (await heldNow(own)) === 1);
    const begun = performance.now();
    await own.house.house.stop();
    expect((await heard).body).toHaveLength(0);
    expect(performance.now() - begun).toBeLessThan(4_000);
    await own.stop();
  });
});
