// An account is removed while the server runs, by another process: nothing of it is left to whoever gets the name next.

import { afterEach, expect, it } from 'vitest';
import { sendMessage } from '../../support/csp-variants.ts';
import {
  addMembers,
  createGroup,
  getJoined,
  getMembers,
  joinGroup,
  memberAccess,
  namesIn,
  newsIn,
  settled,
} from '../../support/group-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
afterEach(() => scene.stop());

const habits = { ...HABITS.s60, encoding: 'wbxml', version: '1.2' } as const;

async function play() {
  scene = await startScene();
  const [ann, bea] = await scene.people('ann', 'bea');
  const [own, her] = [ann.replace('@', '/rocket@'), bea.replace('@', '/tea@')];
  const owner = await scene.online(ann, habits);
  const guest = await scene.online(bea, habits);
  await owner.say(createGroup(own, { join: true, name: 'Annie', subscribe: true }));
  await owner.say(addMembers('1.2', own, bea));
  await owner.say(memberAccess('1.2', own, { Mod: [bea] }));
  await guest.say(joinGroup(own, { name: 'Bea' }));
  await guest.say(createGroup(her));
  await owner.say(joinGroup(her, { name: 'Annie' }));
  await settled(owner);
  return { ann, bea, own, her, owner, guest };
}

const cleared = async () => (await scene.house.house.store.removedUsers(1)).length === 0;

it('his sessions end, he leaves groups, his own groups end, and messages to him find nobody', async () => {
  const { bea, own, her, owner, guest } = await play();
  expect(codeOf(await owner.say(sendMessage('waiting', [bea])))).toBe(200);
  await scene.house.house.accounts.remove(bea);
  // The server does not know yet, and takes it for a user who is there.
  expect(codeOf(await owner.say(sendMessage('lost', [bea])))).toBe(200);
  scene.clock.advance(10_000);
  await eventually('the end of the removed account', cleared, 5_000);
  expect(codeOf(await guest.say(android.keepAlive()))).toBe(601);
  const came = await settled(owner);
  expect(newsIn(came).toSorted()).toEqual(['-Bea', 'out 800']);
  expect(
    came.filter(({ name }) => name === 'DeliveryReport-Request').flatMap((each) => texts(each, 'Code')),
  ).toEqual(['531', '531']);
  expect(namesIn((await owner.say(getJoined(own))).content)).toEqual(['Annie']);
  expect(codeOf(await owner.say(joinGroup(her)))).toBe(800);
  expect(codeOf(await owner.say(sendMessage('hello', [bea])))).toBe(531);
});

it('whoever gets the name next is a stranger to those groups, also after a restart', async () => {
  const { bea, own } = await play();
  await scene.house.house.accounts.remove(bea);
  await scene.restart();
  const name = bea.slice('wv:'.length, bea.indexOf('@'));
  await scene.house.house.accounts.create({ name, password: 'sesame' });
  const next = await scene.online(bea, habits);
  expect(codeOf(await next.say(getMembers(own)))).toBe(816);
  expect(codeOf(await next.say(getJoined(own)))).toBe(808);
});
