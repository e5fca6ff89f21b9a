// Messages of the operator: csp-transactions section 11, SystemMessage-Request and SystemMessage-User.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SystemMessageDraft } from '../../../src/services/system-messages.ts';
import { childText, type Element } from '../../../src/wv/element.ts';
import { trusted, type UserAddress } from '../../../src/wv/ids.ts';
import { elements } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  all,
  codeOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ config: { messages: { maxQueue: 2 } } });
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const BOTH: readonly Habits[] = [
  { ...HABITS.android, version: '1.3' },
  { ...HABITS.androidWbxml, version: '1.3' },
];
const NEWS: SystemMessageDraft = { text: 'Closed on Sunday', validity: 3_600 };
const QUESTION: SystemMessageDraft = { ...NEWS, text: 'Do you agree?', options: ['Yes', 'No'] };

const say = async (user: string, draft: SystemMessageDraft): Promise<number> =>
  (await scene.house.house.sendSystemMessage(trusted<UserAddress>(user), draft)).code;
const response = (id: string, option?: string, key?: string): string =>
  elements(
    'SystemMessageResponse',
    elements('SystemMessageID', id) +
      (option === undefined ? '' : elements('ChosenOptionID', option)) +
      (key === undefined ? '' : elements('VerificationKey', key)),
  );
const answer = (...parts: Parameters<typeof response>): string =>
  elements('SystemMessage-User', elements('SystemMessageResponseList', response(...parts)));
const idOf = (element: Element | undefined): string => texts(element, 'SystemMessageID')[0] ?? '';

async function asked(habits: Habits, draft = QUESTION): Promise<{ ann: string; phone: Phone; id: string }> {
  const ann = await scene.person('ann');
  const phone = await scene.online(ann, habits);
  expect(await say(ann, draft)).toBe(200);
  return { ann, phone, id: idOf(named(await drain(phone), 'SystemMessage-Request')) };
}

describe.each(BOTH)('system messages in CSP 1.3, $encoding', (habits) => {
  it('without a question: shown once, gone with the Status', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    expect(await say(ann, NEWS)).toBe(200);
    const message = named(await drain(phone), 'SystemMessage-Request');
    expect(texts(message, 'SystemMessageText')).toEqual(['Closed on Sunday']);
    expect(texts(message, 'RequiresResponse')).toEqual(['F']);
    expect(await drain(await scene.online(ann, habits))).toEqual([]);
  });

  it('with a question: waits for who is not there, and until it is answered', async () => {
    const ann = await scene.person('ann');
    expect(await say(ann, QUESTION)).toBe(200);
    const first = await scene.online(ann, habits);
    const message = named(await drain(first), 'SystemMessage-Request');
    expect(texts(message, 'AnswerOptionID')).toEqual(['1', '2']);
    expect(texts(message, 'AnswerOptionText')).toEqual(['Yes', 'No']);
    expect(await drain(first)).toEqual([]);
    const second = await scene.online(ann, habits);
    const id = idOf(named(await drain(second), 'SystemMessage-Request'));
    expect(id).toBe(idOf(message));
    expect(codeOf(await second.say(answer(id, '2')))).toBe(200);
    expect(codeOf(await second.say(answer(id, '2')))).toBe(426);
    expect(await drain(await scene.online(ann, habits))).toEqual([]);
  });

  it('SystemMessage-User may come in Response mode, instead of the Status', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    await say(ann, QUESTION);
    const heard = await pollOnly(phone);
    const [told] = heard.transactions;
    const reply = await phone.say(answer(idOf(told?.content), '1'), { mode: 'Response', id: told?.id ?? '' });
    expect(codeOf(reply)).toBe(200);
    scene.clock.advance(61_000);
    expect(await drain(phone)).toEqual([]);
  });

  it('402 for an answer that is missing or none of the options, 426 for an unknown message; it stays', async () => {
    const { phone, id } = await asked(habits);
    expect(codeOf(await phone.say(answer(id)))).toBe(402);
    expect(codeOf(await phone.say(answer(id, '3')))).toBe(402);
    expect(codeOf(await phone.say(answer('nothing', '1')))).toBe(426);
    expect(codeOf(await phone.say('<SystemMessage-User/>'))).toBe(400);
    expect(codeOf(await phone.say(elements('SystemMessage-User', '<SystemMessageResponseList/>')))).toBe(402);
    expect(codeOf(await phone.say(answer(id, '1')))).toBe(200);
  });

  it('verification: the key must be right', async () => {
    const verification = { question: 'The third letter of the alphabet?', key: 'C' };
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    expect(await say(ann, { ...NEWS, verification })).toBe(200);
    const message = named(await drain(phone), 'SystemMessage-Request');
    expect(childText(all(message, 'VerificationMechanism')[0], 'InText')).toBe(verification.question);
    expect(codeOf(await phone.say(answer(idOf(message), undefined, 'd')))).toBe(402);
    expect(codeOf(await phone.say(answer(idOf(message), undefined, ' c ')))).toBe(200);
  });

  it('an answer may come with the next log-in; a wrong one does not keep the user out', async () => {
    const { ann, id } = await asked(habits);
    const login = (option: string): string =>
      android
        .login(ann, 'sesame', habits.clientId)
        .replace(
          '</Login-Request>',
          `${elements('SystemMessageResponseList', response(id, option))}</Login-Request>`,
        );
    const wrong = scene.phone(habits);
    expect(codeOf(await wrong.say(login('7')))).toBe(200);
    expect((await drain(wrong)).map(idOf)).toEqual([id]);
    const right = scene.phone(habits);
    expect(codeOf(await right.say(login('1')))).toBe(200);
    expect(await drain(right)).toEqual([]);
  });

  it('survives a restart', async () => {
    const own = await startScene();
    try {
      const ann = await own.person('ann');
      await own.house.house.sendSystemMessage(trusted<UserAddress>(ann), QUESTION);
      await own.restart();
      const phone = await own.online(ann, habits);
      expect(texts(named(await drain(phone), 'SystemMessage-Request'), 'SystemMessageText')).toEqual([
        'Do you agree?',
      ]);
    } finally {
      await own.stop();
    }
  });
});

describe.each(['1.1', '1.2'] as const)('system messages in CSP %s', (version) => {
  const habits: Habits = { ...HABITS.android, version };

  it('are instant messages of the service, confirmed as such', async () => {
    const ann = await scene.person('ann');
    const phone = await scene.online(ann, habits);
    await say(ann, QUESTION);
    const message = named(await drain(phone), 'NewMessage');
    expect(texts(message, 'ContentData')).toEqual(['Do you agree?']);
    expect(texts(all(message, 'Sender')[0], 'UserID')).toEqual(['wv:@wv.test']);
    expect(await drain(await scene.online(ann, habits))).toEqual([]);
  });

  it('405 for SystemMessage-User', async () => {
    const phone = await scene.online(await scene.person('ann'), habits);
    expect(codeOf(await phone.say(answer('x', '1')))).toBe(405);
  });
});

it('531 for an unknown user, 402 for an empty text or too many options, 507 when his queue is full', async () => {
  const ann = await scene.person('ann');
  expect(await say('wv:ghost@wv.test', NEWS)).toBe(531);
  expect(await say(ann, { ...NEWS, text: ' ' })).toBe(402);
  expect(await say(ann, { ...NEWS, text: 'x'.repeat(1_001) })).toBe(402);
  expect(await say(ann, { ...NEWS, options: Array.from({ length: 11 }, String) })).toBe(402);
  expect([await say(ann, NEWS), await say(ann, NEWS), await say(ann, NEWS)]).toEqual([200, 200, 507]);
});
