// Answers that the client's parser could not take (ParserSize): csp-transactions section 0, rule 10.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { elements, sendMessage, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import { codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const LIMIT = 1_000;
const CAPABILITY = elements(
  'ClientCapability-Request',
  elements('CapabilityList', elements('ParserSize', String(LIMIT))),
);
const small = (user: string, habits: Habits): Promise<Phone> =>
  scene.online(user, habits, { capability: CAPABILITY });

describe.each(VERSIONS)('a small parser in CSP %s (%s)', (_version, _encoding, habits) => {
  it('432 for a message that is too large to be fetched; it stays, and other clients get it', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [sender, receiver] = [await scene.online(ann, habits), await small(bea, habits)];
    const sent = await sender.say(sendMessage('x'.repeat(1_500), [bea]));
    const [id = ''] = texts(sent.content, 'MessageID');
    expect((await drain(receiver)).map(({ name }) => name)).toEqual(['MessageNotification']);
    const fetch = elements('GetMessage-Request', elements('MessageID', id));
    const refused = await receiver.say(fetch);
    expect(codeOf(refused)).toBe(432);
    expect(refused.body.length).toBeLessThanOrEqual(LIMIT);
    const other = await scene.online(bea, habits, { clientId: '<ClientID><URL>large</URL></ClientID>' });
    expect(texts((await other.say(fetch)).content, 'ContentData')[0]).toHaveLength(1_500);
  });

  it('a change of a list tells its Result, without the list when that is too large', async () => {
    const ann = await scene.person('ann');
    const phone = await small(ann, habits);
    const list = ann.replace('@', '/~pep1.0_privatelist@');
    for (let i = 0; i < 30; i++) {
      const contact = `wv:somebody.with.a.long.name.${i}@elsewhere.test`;
      const heard = await phone.say(android.addContact(list, contact, `Somebody ${i}`));
      expect(codeOf(heard)).toBe(200);
      expect(heard.content?.name).toBe('ListManage-Response');
      expect(heard.body.length).toBeLessThanOrEqual(LIMIT);
    }
    const other = await scene.online(ann, habits, { clientId: '<ClientID><URL>large</URL></ClientID>' });
    expect(texts((await other.say(android.readList(list))).content, 'UserID')).toHaveLength(30);
  });

  it('answers that fit are given', async () => {
    const ann = await scene.person('ann');
    const phone = await small(ann, habits);
    expect((await phone.say(android.getList())).content?.name).toBe('GetList-Response');
    expect(codeOf(await phone.say(android.keepAlive()))).toBe(200);
  });
});
