// Delivery by notification: csp-transactions 7.3, from the first announcement to the end of the message.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sendMessage, VERSIONS } from '../../support/csp-variants.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, drain, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const CAPABILITY = elements(
  'ClientCapability-Request',
  elements('CapabilityList', elements('InitialDeliveryMethod', 'N') + elements('ParserSize', '32767')),
);
const withId = (request: string, id: string): string => elements(request, elements('MessageID', id));
const idOf = (element: Element | undefined): string => texts(element, 'MessageID')[0] ?? '';
const announced = (came: readonly Element[]): string[] =>
  came.filter(({ name }) => name === 'MessageNotification').map(idOf);
const reports = (came: readonly Element[]): (string | undefined)[] =>
  came
    .filter(({ name }) => name === 'DeliveryReport-Request')
    .map((report) => childText(child(report, 'Result'), 'Code'));

interface Pair {
  readonly bea: string;
  readonly sender: Phone;
  readonly receiver: Phone;
  /** Sends a message, asking for a report; its id. */
  readonly write: (text: string, info?: string) => Promise<string>;
}

/** The receiver fetches: agreed when it negotiated its capabilities. */
async function pair(habits: Habits): Promise<Pair> {
  const [ann, bea] = await scene.people('ann', 'bea');
  const sender = await scene.online(ann, habits);
  const receiver = await scene.online(bea, habits, { capability: CAPABILITY });
  const write = async (text: string, info = '') =>
    idOf((await sender.say(sendMessage(text, [bea], { report: true, info }))).content);
  return { bea, sender, receiver, write };
}

describe.each(VERSIONS)('notify and get in CSP %s (%s)', (_version, _encoding, habits) => {
  it('InitialDeliveryMethod N of the negotiation: announced once, listed, fetched, confirmed, reported', async () => {
    const { sender, receiver, write } = await pair(habits);
    const [first, second] = [await write('one'), await write('two')];
    expect(announced(await drain(receiver))).toEqual([first, second]);
    expect(announced(await drain(receiver))).toEqual([]);
    const list = await receiver.say('<GetMessageList-Request/>');
    expect(texts(list.content, 'MessageID')).toEqual([first, second]);
    const fetched = await receiver.say(withId('GetMessage-Request', second));
    expect(texts(fetched.content, 'ContentData')).toEqual(['two']);
    expect(codeOf(await receiver.say(withId('MessageDelivered', second)))).toBe(200);
    expect(texts((await receiver.say('<GetMessageList-Request/>')).content, 'MessageID')).toEqual([first]);
    expect(reports(await drain(sender))).toEqual(['200']);
  });

  it('MessageCount cuts the list', async () => {
    const { receiver, write } = await pair(habits);
    const first = await write('one');
    await write('two');
    await drain(receiver);
    const list = await receiver.say(elements('GetMessageList-Request', elements('MessageCount', '1')));
    expect(texts(list.content, 'MessageID')).toEqual([first]);
  });

  it('what was announced may be rejected: 538 for the sender, 426 afterwards', async () => {
    const { sender, receiver, write } = await pair(habits);
    const id = await write('spam');
    await drain(receiver);
    expect(codeOf(await receiver.say(withId('RejectMessage-Request', id)))).toBe(200);
    expect(reports(await drain(sender))).toEqual(['538']);
    for (const request of ['GetMessage-Request', 'RejectMessage-Request', 'MessageDelivered'])
      expect(codeOf(await receiver.say(withId(request, id)))).toBe(426);
  });

  it('MessageDelivered for what was delivered before is 200 again, and reports nothing more', async () => {
    const { sender, receiver, write } = await pair(habits);
    const id = await write('once');
    await drain(receiver);
    expect(codeOf(await receiver.say(withId('MessageDelivered', id)))).toBe(200);
    expect(codeOf(await receiver.say(withId('MessageDelivered', id)))).toBe(200);
    expect(reports(await drain(sender))).toEqual(['200']);
    // Only for him it was delivered to.
    expect(codeOf(await sender.say(withId('MessageDelivered', id)))).toBe(426);
  });

  it('an announcement that nobody confirmed comes again after a minute', async () => {
    const { receiver, write } = await pair(habits);
    const id = await write('knock');
    expect(idOf((await pollOnly(receiver)).content)).toBe(id);
    expect((await pollOnly(receiver)).body).toHaveLength(0);
    scene.clock.advance(61_000);
    expect(idOf((await pollOnly(receiver)).content)).toBe(id);
  });

  it('what was announced and not fetched is announced again at the next log-in, or pushed if that is agreed', async () => {
    const { bea, receiver, write } = await pair(habits);
    const id = await write('still here');
    await drain(receiver);
    const again = await scene.online(bea, habits, { capability: CAPABILITY });
    expect(announced(await drain(again))).toEqual([id]);
    const pushed = await scene.online(bea, habits);
    expect((await drain(pushed)).map(({ name }) => name)).toEqual(['NewMessage']);
  });

  it('what was announced and never fetched expires: 542 for the sender, and the list is empty', async () => {
    const { sender, receiver, write } = await pair(habits);
    const id = await write('soon stale', elements('Validity', '30'));
    await drain(receiver);
    scene.clock.advance(31_000);
    const came = await eventually('a report', async () => {
      scene.clock.advance(10_000);
      const all = await drain(sender);
      return all.length > 0 && all;
    });
    expect(reports(came)).toEqual(['542']);
    expect(codeOf(await receiver.say(withId('GetMessage-Request', id)))).toBe(426);
    expect(texts((await receiver.say('<GetMessageList-Request/>')).content, 'MessageID')).toEqual([]);
  });
});
