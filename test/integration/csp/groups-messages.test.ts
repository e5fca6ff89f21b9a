// Messages in groups over the wire: to everybody, to one screen name, history, delivery (csp-transactions 7, 8).

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sendMessage } from '../../support/csp-variants.ts';
import {
  createGroup,
  GROUP_VERSIONS,
  joinGroup,
  leaveGroup,
  settled,
  setProps,
  toGroup,
  toName,
} from '../../support/group-variants.ts';
import { android } from '../../support/phone-messages.ts';
import {
  all,
  codeOf,
  detailsOf,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';
import { HABITS, type Phone } from '../../support/phone.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const say = (text: string, recipient: string, report = false): string =>
  sendMessage(text, [], { recipient, report });

/** Texts of the messages that came, in order. */
const heard = (came: readonly Element[]): string[] =>
  came.flatMap((element) => texts(element, 'ContentData'));

const person = (side: Element | undefined): string[] =>
  all(side, 'ScreenName').map((name) => `${childText(name, 'SName')} in ${childText(name, 'GroupID')}`);

describe.each(GROUP_VERSIONS)('messages in groups in CSP %s (%s)', (_version, _encoding, habits) => {
  async function three(properties: Readonly<Record<string, string>> = {}) {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    const group = ann.replace('@', '/rocket@');
    const owner = await scene.online(ann, habits);
    const guest = await scene.online(bea, habits);
    const other = await scene.online(cy, habits);
    await owner.say(createGroup(group, { properties, join: true, name: 'Annie' }));
    await guest.say(joinGroup(group, { name: 'Bea', subscribe: false }));
    await other.say(joinGroup(group, { name: 'Cy', subscribe: false }));
    return { ann, bea, cy, group, owner, guest, other };
  }

  it('a message to the group reaches everybody in it but its author, from a screen name', async () => {
    const { group, owner, guest, other } = await three();
    expect(codeOf(await guest.say(say('Hi guys', toGroup(group))))).toBe(200);
    for (const phone of [owner, other]) {
      const info = child(named(await settled(phone), 'NewMessage'), 'MessageInfo');
      expect(texts(child(info, 'Recipient'), 'GroupID')).toEqual([group]);
      expect(texts(child(info, 'Recipient'), 'SName')).toEqual([]);
      expect(person(child(info, 'Sender'))).toEqual([`Bea in ${group}`]);
      expect(texts(info, 'UserID')).toEqual([]);
    }
    expect(await settled(guest)).toEqual([]);
  });

  it('a whisper reaches one, addressed by his own screen name', async () => {
    const { group, owner, guest, other } = await three();
    expect(codeOf(await guest.say(say('psst', toName(group, 'ANNIE'))))).toBe(200);
    const info = child(named(await settled(owner), 'NewMessage'), 'MessageInfo');
    expect(person(child(info, 'Recipient')).map((name) => name.toLowerCase())).toEqual([`annie in ${group}`]);
    expect(person(child(info, 'Sender'))).toEqual([`Bea in ${group}`]);
    expect(await settled(other)).toEqual([]);
  });

  it('808 not joined, 800 no such group, 812 and 813 no private messages, 410 nobody of that name', async () => {
    const { ann, group, owner, guest, other } = await three();
    expect(codeOf(await guest.say(say('psst', toName(group, 'Nobody'))))).toBe(410);
    await owner.say(setProps(group, { own: { PrivateMessaging: 'F' } }));
    expect(codeOf(await guest.say(say('psst', toName(group, 'Annie'))))).toBe(813);
    await owner.say(setProps(group, { group: { PrivateMessaging: 'F' } }));
    expect(codeOf(await guest.say(say('psst', toName(group, 'Cy'))))).toBe(812);
    await guest.say(leaveGroup(group));
    expect(codeOf(await guest.say(say('Hi', toGroup(group))))).toBe(808);
    expect(codeOf(await guest.say(say('Hi', toGroup(ann.replace('@', '/no@')))))).toBe(800);
    expect(codeOf(await guest.say(say('Hi', toGroup('wv:ann'))))).toBe(901);
    expect(codeOf(await guest.say(say('Hi', toGroup('wv:ann/g@nowhere.test'))))).toBe(516);
    for (const phone of [owner, other]) expect(heard(await settled(phone))).toEqual([]);
  });

  it('201 where a user is reached and a group is not; the detail names the group', async () => {
    const { ann, group, owner, guest } = await three();
    await guest.say(leaveGroup(group));
    const answer = await guest.say(sendMessage('Hi', [ann], { recipient: toGroup(group) }));
    expect(codeOf(answer)).toBe(201);
    expect(detailsOf(answer)).toEqual([`808 ${group}`]);
    expect(heard(await settled(owner))).toEqual(['Hi']);
  });

  it('one report for a message to the group, which names the group', async () => {
    const { group, owner, guest } = await three();
    await guest.say(say('Hi', toGroup(group), true));
    await settled(owner);
    const reports = (await settled(guest)).filter(({ name }) => name === 'DeliveryReport-Request');
    expect(reports).toHaveLength(1);
    expect(texts(child(child(reports[0], 'MessageInfo'), 'Recipient'), 'GroupID')).toEqual([group]);
  });

  it('a Sender in the group form is taken, and is who he is', async () => {
    const { group, owner, guest } = await three();
    const forged = say('Hi', toGroup(group)).replace(
      '</Recipient>',
      `</Recipient><Sender>${toName(group, 'Annie')}</Sender>`,
    );
    expect(codeOf(await guest.say(forged))).toBe(200);
    const info = child(named(await settled(owner), 'NewMessage'), 'MessageInfo');
    expect(person(child(info, 'Sender'))).toEqual([`Bea in ${group}`]);
  });

  it('GetMessageList: the history of a group that keeps one; 821, 808 and 800 else', async () => {
    const { ann, group, owner, guest, other } = await three({ History: 'T' });
    for (const text of ['one', 'two', 'three']) await guest.say(say(text, toGroup(group)));
    const list = (id: string, more = '') =>
      elements('GetMessageList-Request', elements('GroupID', id) + more);
    const { content } = await owner.say(list(group, elements('MessageCount', '2')));
    expect(content?.name).toBe('GetMessageList-Response');
    expect(all(content, 'MessageInfo').map((info) => person(child(info, 'Sender'))[0])).toEqual(
      Array.from({ length: 2 }, () => `Bea in ${group}`),
    );
    await other.say(leaveGroup(group));
    expect(codeOf(await other.say(list(group)))).toBe(808);
    expect(codeOf(await other.say(list(ann.replace('@', '/no@'))))).toBe(800);
    expect(codeOf(await other.say(list(ann)))).toBe(800);
    expect(codeOf(await other.say(list('wv:ann/g@far.test')))).toBe(821);
    await owner.say(setProps(group, { group: { History: 'F' } }));
    expect(codeOf(await owner.say(list(group)))).toBe(821);
  });

  it('SetDeliveryMethod for one group: its messages are announced, others pushed; the rest is refused', async () => {
    const { ann, bea, group, owner, guest, other } = await three();
    const method = (id: string, letter = 'N') =>
      elements('SetDeliveryMethod-Request', elements('DeliveryMethod', letter) + elements('GroupID', id));
    expect(codeOf(await owner.say(method(group)))).toBe(200);
    await guest.say(say('in the group', toGroup(group)));
    await guest.say(sendMessage('to Ann', [ann]));
    expect((await settled(owner)).map(({ name }) => name)).toEqual(['MessageNotification', 'NewMessage']);
    expect(heard(await settled(other))).toEqual(['in the group']);
    expect(codeOf(await owner.say(method(group, 'P')))).toBe(200);
    await guest.say(say('again', toGroup(group)));
    expect((await settled(owner)).map(({ name }) => name)).toEqual(['NewMessage']);
    expect(codeOf(await owner.say(method(group, 'X')))).toBe(402);
    await guest.say(leaveGroup(group));
    expect(codeOf(await guest.say(method(group)))).toBe(808);
    expect(codeOf(await guest.say(method(bea.replace('@', '/no@'))))).toBe(800);
    expect(codeOf(await guest.say(method('wv:ann')))).toBe(800);
  });

  it('of two clients of a user the one that joined gets the messages; when it goes, the other', async () => {
    const { bea, group, owner, guest } = await three();
    const second = await scene.online(bea, habits, { clientId: '<ClientID><URL>second</URL></ClientID>' });
    await owner.say(say('for the joined one', toGroup(group)));
    expect(await settled(second)).toEqual([]);
    const [message] = (await pollOnly(guest)).transactions;
    expect(texts(message?.content, 'ContentData')).toEqual(['for the joined one']);
    // Not acknowledged, and its session ends: the message goes to who is left.
    await guest.say(android.logout());
    expect(heard(await settled(second))).toEqual(['for the joined one']);
  });
});

describe('messages in groups for Android', () => {
  it('the group is the Recipient: Android finds the talk by it', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const group = ann.replace('@', '/rocket@');
    const phone = async (user: string): Promise<Phone> => scene.online(user, HABITS.android);
    const [owner, guest] = [await phone(ann), await phone(bea)];
    await owner.say(createGroup(group, { join: true, name: 'Annie' }));
    await guest.say(android.joinGroup(group, 'Bea'));
    await owner.say(say('Hi', toGroup(group)));
    const info = child(named(await settled(guest), 'NewMessage'), 'MessageInfo');
    expect(child(child(child(info, 'Recipient'), 'Group'), 'GroupID')?.text).toBe(group);
  });
});
