// ForwardMessage over the wire: csp-transactions 7.7, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sendMessage, users, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import { codeOf, detailsOf, drain, named, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { messages: { maxQueue: 3 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const GHOST = 'wv:ghost@wv.test';
const idOf = (element: Element | undefined): string => texts(element, 'MessageID')[0] ?? '';
const forward = (id: string, recipient: string, sender = ''): string =>
  elements('ForwardMessage-Request', elements('MessageID', id) + sender + elements('Recipient', recipient));

interface Waiting {
  readonly ann: string;
  readonly bea: string;
  readonly cy: string;
  readonly sender: Phone;
  readonly forwarder: Phone;
  readonly friend: Phone;
  readonly id: string;
}

/** Ann wrote to bea, who was told and has not fetched it; cy is there. */
async function waiting(habits: Habits, report = true, info = ''): Promise<Waiting> {
  const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
  const [sender, forwarder, friend] = [
    await scene.online(ann, habits),
    await scene.online(bea, habits),
    await scene.online(cy, habits),
  ];
  await forwarder.say(elements('SetDeliveryMethod-Request', elements('DeliveryMethod', 'N')));
  const type = elements('ContentType', 'text/html');
  const sent = await sender.say(sendMessage('pass it on', [bea], { report, info: type + info }));
  await drain(forwarder);
  return { ann, bea, cy, sender, forwarder, friend, id: idOf(sent.content) };
}

const reports = (came: readonly Element[]): (string | undefined)[] =>
  came
    .filter(({ name }) => name === 'DeliveryReport-Request')
    .map((report) => childText(child(report, 'Result'), 'Code'));

describe.each(VERSIONS)('forwarding in CSP %s (%s)', (version, _encoding, habits) => {
  it('sends the content on in the name of who forwards; the message is gone, its sender learns 541', async () => {
    const { bea, cy, sender, forwarder, friend, id } = await waiting(habits);
    const heard = await forwarder.say(forward(id, users(cy)));
    expect(codeOf(heard)).toBe(200);
    expect(heard.content?.name).toBe(version === '1.3' ? 'ForwardMessage-Response' : 'Status');
    const copy = named(await drain(friend), 'NewMessage');
    expect(texts(copy, 'ContentData')).toEqual(['pass it on']);
    expect(texts(copy, 'ContentType')).toEqual(['text/html']);
    expect(texts(child(child(copy, 'MessageInfo'), 'Sender'), 'UserID')).toEqual([bea]);
    expect(idOf(copy)).not.toBe(id);
    if (version === '1.3') expect(idOf(heard.content)).toBe(idOf(copy));
    expect(codeOf(await forwarder.say(elements('GetMessage-Request', elements('MessageID', id))))).toBe(426);
    expect(reports(await drain(sender))).toEqual(['541']);
    // The copy is not reported to anybody: the forwarder did not ask.
    expect(await drain(forwarder)).toEqual([]);
  });

  it('tells the sender nothing when he asked for no report', async () => {
    const { cy, sender, forwarder, id } = await waiting(habits, false);
    expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(200);
    expect(await drain(sender)).toEqual([]);
  });

  it('goes to the members of a contact list; 700 for a list that is not there', async () => {
    const { bea, cy, forwarder, friend, id } = await waiting(habits);
    const list = bea.replace('@', '/~pep1.0_privatelist@');
    const none = elements('ContactList', bea.replace('@', '/none@'));
    expect(codeOf(await forwarder.say(forward(id, none)))).toBe(700);
    await forwarder.say(android.addContact(list, cy, 'Cy'));
    expect(codeOf(await forwarder.say(forward(id, elements('ContactList', list))))).toBe(200);
    expect(texts(named(await drain(friend), 'NewMessage'), 'ContentData')).toEqual(['pass it on']);
  });

  it('426 for an id nobody knows, and for the second time', async () => {
    const { cy, forwarder, friend, id } = await waiting(habits);
    expect(codeOf(await forwarder.say(forward('nothing', users(cy))))).toBe(426);
    expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(200);
    expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(426);
    expect((await drain(friend)).map(({ name }) => name)).toEqual(['NewMessage']);
  });

  it('426 for a message of somebody else', async () => {
    const { ann, friend, id } = await waiting(habits);
    expect(codeOf(await friend.say(forward(id, users(ann))))).toBe(426);
  });

  it('531, 532, 516, 901, 402: nobody got it, and the message stays', async () => {
    const { bea, cy, sender, forwarder, friend, id } = await waiting(habits);
    await friend.say(android.block(bea));
    for (const [recipient, code] of [
      [users(GHOST), 531],
      [users(cy), 532],
      [users('wv:zoe@elsewhere.test'), 516],
      [users('wv:a@b@c'), 901],
      ['', 402],
    ] as const) {
      expect(codeOf(await forwarder.say(forward(id, recipient)))).toBe(code);
    }
    const fetched = await forwarder.say(elements('GetMessage-Request', elements('MessageID', id)));
    expect(texts(fetched.content, 'ContentData')).toEqual(['pass it on']);
    expect(await drain(sender)).toEqual([]);
  });

  it('507 when the queue of the recipient is full', async () => {
    const { cy, sender, forwarder, id } = await waiting(habits);
    for (let i = 0; i < 3; i++) await sender.say(sendMessage(`m${i}`, [cy]));
    expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(507);
  });

  it('201 when some could not be reached: the message stays, and those who have it get it once', async () => {
    const { cy, sender, forwarder, friend, id } = await waiting(habits);
    const heard = await forwarder.say(forward(id, users(cy, GHOST)));
    expect(codeOf(heard)).toBe(201);
    expect(detailsOf(heard)).toEqual([`531 ${GHOST}`]);
    expect(await drain(sender)).toEqual([]);
    expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(200);
    expect(texts(named(await drain(friend), 'NewMessage'), 'ContentData')).toEqual(['pass it on']);
    expect(await drain(friend)).toEqual([]);
    expect(reports(await drain(sender))).toEqual(['541']);
  });

  it('542 after its validity; the copy lives for the rest of it', async () => {
    const { cy, forwarder, friend, id } = await waiting(habits, true, elements('Validity', '100'));
    scene.clock.advance(60_000);
    await forwarder.say(forward(id, users(cy)));
    expect(texts(named(await drain(friend), 'NewMessage'), 'Validity')).toEqual(['40']);
    const short = await waiting(habits, true, elements('Validity', '2'));
    scene.clock.advance(3_000);
    expect([542, 426]).toContain(codeOf(await short.forwarder.say(forward(short.id, users(short.cy)))));
  });

  it('400 without a recipient, 403 in the name of somebody else (1.3)', async () => {
    const { ann, cy, forwarder, id } = await waiting(habits);
    const bare = elements('ForwardMessage-Request', elements('MessageID', id));
    expect(codeOf(await forwarder.say(bare))).toBe(400);
    if (version !== '1.3') return;
    expect(codeOf(await forwarder.say(forward(id, users(cy), elements('Sender', users(ann)))))).toBe(403);
  });

  it('survives a restart: the copy is there, the original is not', async () => {
    const own = await startScene();
    try {
      const [ann, bea, cy] = await own.people('ann', 'bea', 'cy');
      const sender = await own.online(ann, habits);
      const forwarder = await own.online(bea, habits);
      const id = idOf((await sender.say(sendMessage('keep', [bea]))).content);
      expect(codeOf(await forwarder.say(forward(id, users(cy))))).toBe(200);
      await own.restart();
      const friend = await own.online(cy, habits);
      expect(texts(named(await drain(friend), 'NewMessage'), 'ContentData')).toEqual(['keep']);
      expect(await drain(own.again(forwarder))).toEqual([]);
    } finally {
      await own.stop();
    }
  });
});
