// What differs between families of clients, as far as it is a row of the quirk table.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { elements, sendMessage } from '../../support/csp-variants.ts';
import { s60 } from '../../support/phone-messages.ts';
import { HABITS, type Habits } from '../../support/phone.ts';
import { drain, named, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

/** A client that nobody has a row for. */
const PLAIN: Habits = { ...HABITS.android, headers: [], clientId: '<ClientID><URL>plain</URL></ClientID>' };
const S60: Habits = HABITS.s60;
const capability = (more: string): string =>
  elements('ClientCapability-Request', elements('CapabilityList', more + elements('ParserSize', '32767')));
const SHORT = capability(elements('AcceptedContentLength', '10'));

async function heardBy(habits: Habits, before: string, text: string): Promise<string[]> {
  const [ann, bea] = await scene.people('ann', 'bea');
  const sender = await scene.online(ann, PLAIN);
  const receiver = await scene.online(bea, habits, { capability: before });
  await sender.say(sendMessage(text, [bea]));
  return (await drain(receiver)).map(({ name }) => name);
}

describe('clients that do not know MessageNotification', () => {
  it.each([
    ['[A]', HABITS.android],
    ['[A] in WBXML', HABITS.androidWbxml],
    ['[S]', S60],
  ])('MUST %s is pushed what exceeds its AcceptedContentLength, within ParserSize', async (_name, habits) => {
    expect(await heardBy(habits, SHORT, 'longer than ten octets')).toEqual(['NewMessage']);
  });

  it('others are told of it', async () => {
    expect(await heardBy(PLAIN, SHORT, 'longer than ten octets')).toEqual(['MessageNotification']);
  });

  it('[S] is told too when its parser could not take the message', async () => {
    expect(await heardBy(S60, SHORT, 'x'.repeat(40_000))).toEqual(['MessageNotification']);
  });

  it('[S] one that sets the method by itself knows what it does', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, PLAIN);
    const receiver = await scene.online(bea, S60, { capability: s60.capability(S60.clientId) });
    await receiver.say(elements('SetDeliveryMethod-Request', elements('DeliveryMethod', 'N')));
    await sender.say(sendMessage('hi', [bea]));
    expect((await drain(receiver)).map(({ name }) => name)).toEqual(['MessageNotification']);
  });
});

describe('clients that keep one transaction of a message', () => {
  it('MUST [A] gets one a message even where it agreed to more', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, PLAIN);
    const several = capability(elements('MultiTrans', '3'));
    const phone = await scene.online(bea, HABITS.android, { capability: several });
    for (const text of ['one', 'two']) await sender.say(sendMessage(text, [bea]));
    expect((await pollOnly(phone)).transactions).toHaveLength(1);
    const plain = await scene.online(bea, PLAIN, { capability: several });
    expect((await pollOnly(plain)).transactions).toHaveLength(2);
  });
});

it('a client that is known by its User-Agent is still known after a restart', async () => {
  const own = await startScene();
  try {
    const [ann, bea] = await own.people('ann', 'bea');
    const habits: Habits = { ...HABITS.android, clientId: '<ClientID><URL>im</URL></ClientID>' };
    const phone = await own.online(bea, habits);
    await own.restart();
    const again = own.again(phone);
    await again.say(SHORT);
    const sender = await own.online(ann, PLAIN);
    await sender.say(sendMessage('longer than ten octets', [bea]));
    const message = named(await drain(again), 'NewMessage');
    expect(texts(message, 'ContentData')).toEqual(['longer than ten octets']);
  } finally {
    await own.stop();
  }
});
