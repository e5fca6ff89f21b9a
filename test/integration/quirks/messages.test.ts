// What real phones need of messages: client-quirks section 5, row by row.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { ANDROIDS } from '../../support/csp-variants.ts';
import { android, movistar } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  codeOf,
  detailsOf,
  drain,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const names = (parent: Element | undefined): string[] => (parent?.children ?? []).map(({ name }) => name);
const bodies = (came: readonly Element[]): (string | undefined)[] =>
  came.filter(({ name }) => name === 'NewMessage').map((message) => childText(message, 'ContentData'));

async function pair(habits: Habits, receiving = habits): Promise<Record<'ann' | 'bea', string> & Phones> {
  const [ann, bea] = await scene.people('ann', 'bea');
  return { ann, bea, sender: await scene.online(ann, habits), receiver: await scene.online(bea, receiving) };
}
interface Phones {
  readonly sender: Phone;
  readonly receiver: Phone;
}

describe.each(ANDROIDS)('messages in CSP %s in %s', (_version, _encoding, habits) => {
  it('[A] SendMessage is answered with Result 200 and MessageID, which the receiver sees too', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    const sent = await sender.say(android.sendMessage(ann, bea, 'hi'));
    expect(names(sent.content)).toEqual(['Result', 'MessageID']);
    expect(codeOf(sent)).toBe(200);
    const [message] = await drain(receiver);
    expect(texts(message, 'MessageID')).toEqual(texts(sent.content, 'MessageID'));
  });

  it('TOLERATE any order of elements, ContentSize 148 and a Sender without wv:', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    expect(codeOf(await sender.say(movistar.sendMessage(ann, bea, 'short')))).toBe(200);
    const [message] = await drain(receiver);
    expect(texts(message, 'ContentData')).toEqual(['short']);
    expect(texts(message, 'ContentSize')).toEqual(['5']);
    expect(texts(child(child(message, 'MessageInfo'), 'Sender'), 'UserID')).toEqual([ann]);
  });

  it('passes text/html through', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    await sender.say(movistar.sendMessage(ann, bea, '<i>hi</i>'));
    const [message] = await drain(receiver);
    expect(texts(message, 'ContentType')).toEqual(['text/html']);
    expect(texts(message, 'ContentData')).toEqual(['<i>hi</i>']);
  });

  it('[A] an unknown user is 531, one who blocked the sender 532, never 201 to a single recipient', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    const unknown = await sender.say(android.sendMessage(ann, 'wv:ghost@wv.test', 'hi'));
    expect(codeOf(unknown)).toBe(531);
    expect(detailsOf(unknown)).toEqual(['531 wv:ghost@wv.test']);
    await receiver.say(android.block(ann));
    const blocked = await sender.say(android.sendMessage(ann, bea, 'hi'));
    expect(codeOf(blocked)).toBe(532);
    expect(await drain(receiver)).toEqual([]);
  });

  it('MUST [A] NewMessage has MessageID and Sender with User/UserID first, ContentData last', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    await sender.say(android.sendMessage(ann, bea, 'hi'));
    const [message] = await drain(receiver);
    expect(names(message)).toEqual(['MessageInfo', 'ContentData']);
    const info = child(message, 'MessageInfo');
    expect(childText(info, 'MessageID')).toMatch(/^\S{1,50}$/);
    const from = child(info, 'Sender');
    expect(names(from)).toEqual(['User']);
    expect(names(child(from, 'User'))[0]).toBe('UserID');
    expect(texts(from, 'UserID')).toEqual([ann]);
    expect(texts(child(info, 'Recipient'), 'UserID')).toEqual([bea]);
  });

  it('MUST [A,C] DateTime has the basic form', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    await sender.say(android.sendMessage(ann, bea, 'hi'));
    expect(texts((await drain(receiver))[0], 'DateTime')[0]).toMatch(/^\d{8}T\d{6}Z$/);
  });

  it('[A,I] MessageDelivered in Response mode is answered empty, or with the next server transaction', async () => {
    const { ann, bea, sender, receiver } = await pair(habits);
    for (const text of ['one', 'two']) await sender.say(android.sendMessage(ann, bea, text));
    const [next] = await receiver.acknowledge(await pollOnly(receiver));
    expect(
      bodies(next === undefined ? [] : next.transactions.flatMap(({ content }) => content ?? [])),
    ).toEqual(['two']);
    const [last] = next === undefined ? [] : await receiver.acknowledge(next);
    expect(last?.status).toBe(200);
    expect(last?.body).toHaveLength(0);
  });

  it.each([
    ['newlines', 'one\n\ntwo\n'],
    ['blanks at both ends', '  text \t '],
    ['blanks alone', ' '],
    ['markup', `<b a="1">&amp; 5 > 3 'x'</b>`],
    ['other scripts', 'Ünïcödé Ελληνικά 漢字 עברית'],
    ['characters above U+FFFF', '😀 𝒜 👩‍👩‍👧'],
    ['a text that equals a token', 'T'],
    ['a text that equals another token', 'Open'],
    ['something that looks like a number', '007'],
  ])('%s survive byte for byte', async (_what, text) => {
    const { ann, bea, sender, receiver } = await pair(habits);
    const back = await scene.online(ann, HABITS.androidWbxml, {
      clientId: '<ClientID><URL>second</URL></ClientID>',
    });
    await sender.say(android.sendMessage(ann, bea, text));
    expect(bodies(await drain(receiver))).toEqual([text]);
    await receiver.say(android.sendMessage(bea, ann, text));
    expect(bodies(await drain(back))).toEqual([text]);
  });
});

describe('clients that never acknowledge', () => {
  const send = async (phone: Phone, from: string, to: string, ...messages: string[]) => {
    for (const text of messages)
      expect(codeOf(await phone.say(android.sendMessage(from, to, text)))).toBe(200);
  };

  it('MUST [P,H,C,J] get every message in order: nothing waits behind an unacknowledged one', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android, HABITS.movistarPython);
    await send(sender, ann, bea, 'one', 'two', 'three');
    expect(bodies(await drain(receiver))).toEqual(['one', 'two', 'three']);
  });

  it('MUST [P,H,C,J] get nothing twice: not after a minute, not at the next log-in', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android, HABITS.movistarPython);
    await send(sender, ann, bea, 'once');
    expect(bodies(await drain(receiver))).toEqual(['once']);
    scene.clock.advance(3_000_000);
    expect(await drain(receiver)).toEqual([]);
    const next = await scene.online(bea, HABITS.movistarPython);
    expect(bodies(await drain(next))).toEqual([]);
  });

  it('of a family nobody knows: not held back, not repeated within the minute, nor for ever', async () => {
    const silent = { ...HABITS.android, acknowledges: false };
    const { ann, bea, sender, receiver } = await pair(HABITS.android, silent);
    await send(sender, ann, bea, 'one', 'two');
    expect(bodies(await drain(receiver))).toEqual(['one', 'two']);
    scene.clock.advance(50_000);
    expect(await drain(receiver)).toEqual([]);
    let repeats = 0;
    for (let minute = 0; minute < 60; minute++) {
      scene.clock.advance(60_000);
      repeats += (await drain(receiver)).length;
    }
    expect(repeats).toBeGreaterThanOrEqual(2);
    expect(repeats).toBeLessThanOrEqual(2 * 4);
    await send(sender, ann, bea, 'three');
    expect(bodies(await drain(receiver))).toEqual(['three']);
  });

  it('[A] a message whose answer was lost on the way comes again, with the same MessageID', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android);
    await send(sender, ann, bea, 'once more');
    const first = await pollOnly(receiver);
    scene.clock.advance(61_000);
    const [again] = await drain(receiver);
    expect(texts(again, 'MessageID')).toEqual(texts(first.content, 'MessageID'));
    expect(await drain(receiver)).toEqual([]);
  });

  it('MUST [P,H,C,J] are pushed their messages after a negotiation that names AcceptedContentLength 0', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android, HABITS.movistarPython);
    const agreed = await receiver.say(movistar.capability(''));
    expect(agreed.content?.name).toBe('ClientCapability-Response');
    await send(sender, ann, bea, 'pushed');
    expect(bodies(await drain(receiver))).toEqual(['pushed']);
  });

  it('MUST [P,H,C,J] presence they never acknowledge does not block their messages', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android, HABITS.movistarPython);
    await sender.say(android.authorize(bea, true));
    const watch = `<SubscribePresence-Request><User><UserID>${ann}</UserID></User></SubscribePresence-Request>`;
    await receiver.say(watch);
    expect((await pollOnly(receiver)).content?.name).toBe('PresenceNotification-Request');
    await send(sender, ann, bea, 'hi');
    expect(bodies(await drain(receiver))).toEqual(['hi']);
  });
});

describe('messages between encodings', () => {
  it('[A] a carriage return of a WBXML phone reaches WBXML and XML phones alike', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.androidWbxml, HABITS.android);
    // The script is XML text, where a carriage return must be written as a reference.
    await sender.say(android.sendMessage(ann, bea, 'a\r\nb').replace('\r', '&#13;'));
    expect(bodies(await drain(receiver))).toEqual(['a\r\nb']);
    expect(receiver.heard.at(-2)?.body.toString('utf8')).toContain('a&#13;\nb');
  });

  it('the end of a CDATA section is the one place where > is escaped', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.android);
    await sender.say(android.sendMessage(ann, bea, 'a ]]&gt; b').replace('&amp;gt;', '&gt;'));
    expect(bodies(await drain(receiver))).toEqual(['a ]]> b']);
  });

  it('DateTime of the sender is kept when it is plausible, in whatever form it came', async () => {
    const { ann, bea, sender, receiver } = await pair(HABITS.androidWbxml, HABITS.android);
    const at = new Date(scene.clock.now() - 60_000).toISOString().replace(/\.\d+/, '');
    const request = android.sendMessage(ann, bea, 'hi');
    await sender.say(request.replace('</MessageInfo>', `<DateTime>${at}</DateTime></MessageInfo>`));
    expect(texts((await drain(receiver))[0], 'DateTime')).toEqual([at.replace(/[-:]/g, '')]);
  });
});
