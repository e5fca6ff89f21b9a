// Instant messaging over the wire: csp-transactions section 7, with each of its status codes.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sendMessage, users, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import {
  codeOf,
  detailsOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { messages: { maxContent: 2_000, maxRecipients: 3, maxQueue: 5 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const GHOST = 'wv:ghost@wv.test';
const FAR = 'wv:zoe@elsewhere.test';
/** How often expired messages are looked for. */
const EXPIRY_MS = 10_000;

interface Pair {
  readonly ann: string;
  readonly bea: string;
  readonly sender: Phone;
  readonly receiver: Phone;
}

async function pair(habits: Habits): Promise<Pair> {
  const [ann, bea] = await scene.people('ann', 'bea');
  return { ann, bea, sender: await scene.online(ann, habits), receiver: await scene.online(bea, habits) };
}

const bodies = (came: readonly Element[]): string[] => came.flatMap((each) => texts(each, 'ContentData'));
const withId = (request: string, ...ids: string[]): string =>
  elements(request, elements('MessageID', ...ids));
const deliveryMethod = (method: string, more = ''): string =>
  elements('SetDeliveryMethod-Request', elements('DeliveryMethod', method) + more);
const idOf = (element: Element | undefined): string => texts(element, 'MessageID')[0] ?? '';

/** What a report says: its code, the message and the recipient. */
function reported(came: readonly Element[]): (string | undefined)[][] {
  return came
    .filter(({ name }) => name === 'DeliveryReport-Request')
    .map((report) => [
      childText(child(report, 'Result'), 'Code'),
      idOf(report),
      texts(child(child(report, 'MessageInfo'), 'Recipient'), 'UserID')[0],
    ]);
}

describe.each(VERSIONS)('messages in CSP %s (%s)', (version, _encoding, habits) => {
  it('531, 532, 516 and 901 for the one recipient; no MessageID when nobody was reached', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    await receiver.say(android.block(ann));
    for (const [recipient, code] of [
      [GHOST, 531],
      [bea, 532],
      [FAR, 516],
      ['wv:a@b@c', 901],
    ] as const) {
      const heard = await sender.say(sendMessage('hi', [recipient]));
      expect(codeOf(heard)).toBe(code);
      expect(texts(heard.content, 'MessageID')).toEqual([]);
    }
  });

  it('201 with details when some were reached, 900 when all failed in different ways', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const some = await sender.say(sendMessage('hi', [bea, GHOST, FAR]));
    expect(codeOf(some)).toBe(201);
    expect(detailsOf(some).toSorted()).toEqual([`516 ${FAR}`, `531 ${GHOST}`]);
    expect(codeOf(await sender.say(sendMessage('hi', [GHOST, FAR])))).toBe(900);
    expect(bodies(await drain(receiver))).toEqual(['hi']);
  });

  it('402 without recipients or with too many, 403 in the name of somebody else, 415 for too much content', async () => {
    const { ann, bea, sender } = await pair(habits);
    const codes = async (request: string) => codeOf(await sender.say(request));
    expect(await codes(sendMessage('hi', []))).toBe(402);
    const many = ['a', 'b', 'c', 'd'].map((name) => `wv:${name}@wv.test`);
    expect(await codes(sendMessage('hi', many))).toBe(402);
    expect(await codes(sendMessage('hi', [ann], { sender: bea }))).toBe(403);
    expect(await codes(sendMessage('x'.repeat(2_001), [bea]))).toBe(415);
    expect(await codes(sendMessage('x'.repeat(2_000), [bea]))).toBe(200);
  });

  it('800 for a group that is not there', async () => {
    const { sender } = await pair(habits);
    const recipient = elements('Group', elements('GroupID', 'wv:ann/club@wv.test'));
    expect(codeOf(await sender.say(sendMessage('hi', [], { recipient })))).toBe(800);
  });

  it('507 when the queue of the recipient is full; it goes on when something was fetched', async () => {
    const { bea, sender, receiver } = await pair(habits);
    for (let i = 0; i < 5; i++) expect(codeOf(await sender.say(sendMessage(`m${i}`, [bea])))).toBe(200);
    const full = await sender.say(sendMessage('too much', [bea]));
    expect(codeOf(full)).toBe(507);
    expect(bodies(await drain(receiver))).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect(codeOf(await sender.say(sendMessage('again', [bea])))).toBe(200);
  });

  it('to a contact list: its members get it; 700 for a list that is not there', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    const list = ann.replace('@', '/~pep1.0_privatelist@');
    await sender.say(android.addContact(list, bea, 'Bea'));
    const heard = await sender.say(sendMessage('all', [], { recipient: elements('ContactList', list) }));
    expect(codeOf(heard)).toBe(200);
    expect(bodies(await drain(receiver))).toEqual(['all']);
    const none = elements('ContactList', ann.replace('@', '/none@'));
    expect(codeOf(await sender.say(sendMessage('x', [], { recipient: none })))).toBe(700);
  });

  it('BASE64 content passes as it is', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const info = elements('ContentType', 'image/gif') + elements('ContentEncoding', 'BASE64');
    await sender.say(sendMessage('R0lGODlhAQABAAAAACw=', [bea], { info }));
    const message = named(await drain(receiver), 'NewMessage');
    expect(texts(message, 'ContentData')).toEqual(['R0lGODlhAQABAAAAACw=']);
    expect(texts(message, 'ContentEncoding')).toEqual(['BASE64']);
    expect(texts(message, 'ContentSize')).toEqual(['14']);
  });

  it('waits for who is offline, in order, and is delivered at the next log-in', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    for (const text of ['one', 'two', 'three']) await sender.say(sendMessage(text, [bea]));
    const receiver = await scene.online(bea, habits);
    expect(bodies(await drain(receiver))).toEqual(['one', 'two', 'three']);
  });

  it('reports: 200 when delivered, 538 when rejected, to who asked for them only', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const sent = await sender.say(sendMessage('read me', [bea], { report: true }));
    await sender.say(sendMessage('no report', [bea]));
    await drain(receiver);
    expect(reported(await drain(sender))).toEqual([['200', idOf(sent.content), bea]]);
    await receiver.say(deliveryMethod('N'));
    const unwanted = await sender.say(sendMessage('spam', [bea], { report: true }));
    await drain(receiver);
    expect(codeOf(await receiver.say(withId('RejectMessage-Request', idOf(unwanted.content))))).toBe(200);
    expect(reported(await drain(sender))).toEqual([['538', idOf(unwanted.content), bea]]);
    expect(await drain(sender)).toEqual([]);
  });

  it('542 is reported when Validity ran out, and the message is gone', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const info = elements('Validity', '30');
    const sent = await sender.say(sendMessage('soon stale', [bea], { report: true, info }));
    scene.clock.advance(31_000);
    const came = await eventually('a report', async () => {
      scene.clock.advance(EXPIRY_MS);
      const all = await drain(sender);
      return all.length > 0 && all;
    });
    expect(reported(came)).toEqual([['542', idOf(sent.content), bea]]);
    expect(await drain(receiver)).toEqual([]);
  });

  it('notify and get: MessageNotification, list, fetch, MessageDelivered with Status, 426 afterwards', async () => {
    const { bea, sender, receiver } = await pair(habits);
    expect(codeOf(await receiver.say(deliveryMethod('N')))).toBe(200);
    const id = idOf((await sender.say(sendMessage('fetch me', [bea], { report: true }))).content);
    const note = named(await drain(receiver), 'MessageNotification');
    expect(idOf(note)).toBe(id);
    expect(texts(note, 'ContentData')).toEqual([]);
    expect(await drain(receiver)).toEqual([]);
    const list = await receiver.say('<GetMessageList-Request/>');
    expect(texts(list.content, 'MessageID')).toEqual([id]);
    const fetched = await receiver.say(withId('GetMessage-Request', id));
    expect(texts(fetched.content, 'ContentData')).toEqual(['fetch me']);
    const delivered = await receiver.say(withId('MessageDelivered', id));
    expect(delivered.content?.name).toBe('Status');
    expect(codeOf(delivered)).toBe(200);
    expect(codeOf(await receiver.say(withId('GetMessage-Request', id)))).toBe(426);
    expect(texts((await receiver.say('<GetMessageList-Request/>')).content, 'MessageID')).toEqual([]);
    expect(reported(await drain(sender))).toEqual([['200', id, bea]]);
  });

  it('426 for ids nobody knows: GetMessage, RejectMessage, MessageDelivered; 201 where one was known', async () => {
    const { bea, sender, receiver } = await pair(habits);
    for (const request of ['GetMessage-Request', 'RejectMessage-Request', 'MessageDelivered'])
      expect(codeOf(await receiver.say(withId(request, 'nothing')))).toBe(426);
    const id = idOf((await sender.say(sendMessage('hi', [bea]))).content);
    const mixed = await receiver.say(withId('RejectMessage-Request', id, 'nothing'));
    expect(codeOf(mixed)).toBe(201);
    expect(detailsOf(mixed)).toEqual(version === '1.1' ? ['426'] : ['426 nothing']);
    expect(await drain(receiver)).toEqual([]);
  });

  it('542 for GetMessage after Validity', async () => {
    const { bea, sender, receiver } = await pair(habits);
    await receiver.say(deliveryMethod('N'));
    // Right after a look for expired messages, the next one is this far away.
    scene.clock.advance(EXPIRY_MS);
    const sent = await sender.say(sendMessage('short', [bea], { info: elements('Validity', '2') }));
    scene.clock.advance(3_000);
    expect(codeOf(await receiver.say(withId('GetMessage-Request', idOf(sent.content))))).toBe(542);
  });

  it('SetDeliveryMethod: 402 for a method that is none, 800 for a group that is not there; larger messages are announced', async () => {
    const { bea, sender, receiver } = await pair(habits);
    expect(codeOf(await receiver.say(deliveryMethod('X')))).toBe(402);
    expect(codeOf(await receiver.say(deliveryMethod('P', elements('GroupID', 'wv:a/g@wv.test'))))).toBe(800);
    const limit = elements('AcceptedContentLength', '10');
    expect(codeOf(await receiver.say(deliveryMethod('P', limit)))).toBe(200);
    await sender.say(sendMessage('small', [bea]));
    await sender.say(sendMessage('larger than that', [bea]));
    expect((await drain(receiver)).map(({ name }) => name)).toEqual(['NewMessage', 'MessageNotification']);
  });

  it('800 for the message list of a group that is not there', async () => {
    const { receiver } = await pair(habits);
    const request = elements('GetMessageList-Request', elements('GroupID', 'wv:a/g@wv.test'));
    expect(codeOf(await receiver.say(request))).toBe(800);
  });

  it('a Status with an error in answer to NewMessage rejects the message', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const sent = await sender.say(sendMessage('odd', [bea], { report: true }));
    const heard = await pollOnly(receiver);
    const status = elements('Status', elements('Result', elements('Code', '415')));
    await receiver.say(status, { mode: 'Response', id: heard.transactions[0]?.id ?? '' });
    expect(reported(await drain(sender))).toEqual([['538', idOf(sent.content), bea]]);
    scene.clock.advance(120_000);
    expect(await drain(receiver)).toEqual([]);
  });

  it('a second try of the same request is the same message', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const at = new Date(scene.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
    const request = sendMessage('once', [bea], { info: elements('DateTime', at) });
    const first = await sender.say(request, { id: 'a7' });
    const second = await sender.say(request, { id: 'a7' });
    expect([codeOf(first), codeOf(second)]).toEqual([200, 200]);
    expect(idOf(second.content)).toBe(idOf(first.content));
    expect(bodies(await drain(receiver))).toEqual(['once']);
  });

  it('with two clients of one user, what one acknowledged does not come to the other again', async () => {
    const { bea, sender, receiver } = await pair(habits);
    const other = await scene.online(bea, habits, { clientId: '<ClientID><URL>other</URL></ClientID>' });
    await sender.say(sendMessage('either', [bea]));
    expect(bodies(await drain(receiver))).toEqual(['either']);
    expect(await drain(other)).toEqual([]);
  });

  it('an unacknowledged message comes again after a minute, and after a restart', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const sender = await own.online(ann, habits);
      const receiver = await own.online(bea, habits);
      const sent = await sender.say(sendMessage('keep me', [bea], { report: true }));
      const id = idOf(sent.content);
      expect(idOf((await pollOnly(receiver)).content)).toBe(id);
      expect((await pollOnly(receiver)).body).toHaveLength(0);
      own.clock.advance(61_000);
      expect(idOf((await pollOnly(receiver)).content)).toBe(id);
      await own.restart();
      const [senderAgain, receiverAgain] = [own.again(sender), own.again(receiver)];
      const came = await drain(receiverAgain);
      expect(came.map(idOf)).toEqual([id]);
      expect(reported(await drain(senderAgain))).toEqual([['200', id, bea]]);
      await own.restart();
      expect(await drain(own.again(receiver))).toEqual([]);
      expect(await drain(own.again(sender))).toEqual([]);
    } finally {
      await own.stop();
    }
  });
});

describe('messages', () => {
  it('of 1.1, 1.2 and 1.3 reach each other, to several recipients at once', async () => {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const [first, ...others] = [
      await scene.online(ann, VERSIONS[0][2]),
      await scene.online(bea, VERSIONS[1][2]),
      await scene.online(cy, VERSIONS[2][2]),
    ];
    expect(codeOf(await first.say(sendMessage('to both', [bea, cy])))).toBe(200);
    for (const phone of others) {
      const message = named(await drain(phone), 'NewMessage');
      expect(texts(message, 'ContentData')).toEqual(['to both']);
      const recipient = child(child(message, 'MessageInfo'), 'Recipient');
      expect(texts(recipient, 'UserID')).toHaveLength(1);
    }
  });

  it('are kept for who did not agree to the service of fetching them (506)', async () => {
    const { bea, sender, receiver } = await pair(HABITS.android);
    const only = elements('Functions', '<WVCSPFeat><PresenceFeat/></WVCSPFeat>');
    await receiver.say(elements('Service-Request', only));
    expect(codeOf(await receiver.say(elements('GetMessageList-Request', users())))).toBe(506);
    expect(codeOf(await sender.say(sendMessage('hi', [bea])))).toBe(200);
  });
});
