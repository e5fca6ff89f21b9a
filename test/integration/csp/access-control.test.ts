// Block and grant lists over the wire: csp-transactions section 6.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import { elements, sendMessage, subscribe, VERSIONS } from '../../support/csp-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import { all, codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

interface Change {
  readonly inUse?: boolean;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly replace?: readonly string[];
}

describe.each(VERSIONS)('access control in CSP %s (%s)', (version, _encoding, habits) => {
  const flag = (value: boolean | undefined): string => (value === undefined ? '' : value ? 'T' : 'F');
  const inList = (name: 'BlockList' | 'GrantList', change: Change): string => {
    const entities = (list: string, users: readonly string[] | undefined): string =>
      users === undefined ? '' : elements(list, elements('UserID', ...users));
    const inUse = change.inUse === undefined ? '' : elements('InUse', flag(change.inUse));
    const content =
      entities('EntityList', change.replace) +
      entities('AddList', change.add) +
      entities('RemoveList', change.remove);
    if (version !== '1.3') return elements(name, inUse + content);
    const apart = change.inUse === undefined ? '' : elements(`${name}InUse`, flag(change.inUse));
    return apart + elements(name, content);
  };
  const change = (lists: { readonly block?: Change; readonly grant?: Change }): string =>
    elements(
      'BlockEntity-Request',
      (lists.block === undefined ? '' : inList('BlockList', lists.block)) +
        (lists.grant === undefined ? '' : inList('GrantList', lists.grant)),
    );
  const inUse = (content: Element | undefined, list: 'BlockList' | 'GrantList'): string | undefined =>
    version === '1.3' ? childText(content, `${list}InUse`) : childText(child(content, list), 'InUse');

  async function three() {
    const [ann, bea, cy] = await scene.people('ann', 'bea', 'cy');
    return {
      ann,
      bea,
      cy,
      owner: await scene.online(ann, habits),
      friend: await scene.online(bea, habits),
      other: await scene.online(cy, habits),
    };
  }

  it('532 for messages and subscriptions of who is blocked; unblocking lets both through', async () => {
    const { ann, bea, owner, friend, other } = await three();
    expect(codeOf(await owner.say(change({ block: { inUse: true, add: [bea] } })))).toBe(200);
    expect(codeOf(await friend.say(sendMessage('hi', [ann])))).toBe(532);
    expect(codeOf(await friend.say(subscribe(ann)))).toBe(532);
    expect(codeOf(await other.say(sendMessage('hi', [ann])))).toBe(200);
    await owner.say(change({ block: { remove: [bea] } }));
    expect(codeOf(await friend.say(sendMessage('hi', [ann])))).toBe(200);
    expect(codeOf(await friend.say(subscribe(ann)))).toBe(200);
  });

  it('a grant list in use keeps everybody else out, and wins over the block list', async () => {
    const { ann, bea, owner, friend, other } = await three();
    await owner.say(change({ block: { inUse: true, add: [bea] }, grant: { inUse: true, add: [bea] } }));
    expect(codeOf(await friend.say(sendMessage('hi', [ann])))).toBe(200);
    expect(codeOf(await other.say(sendMessage('hi', [ann])))).toBe(532);
    await owner.say(change({ grant: { inUse: false } }));
    expect(codeOf(await friend.say(sendMessage('hi', [ann])))).toBe(532);
    expect(codeOf(await other.say(sendMessage('hi', [ann])))).toBe(200);
  });

  it('who watched and is blocked learns no more: what he saw is withdrawn', async () => {
    const { ann, bea, owner, friend } = await three();
    await owner.say(android.authorize(bea, true));
    await friend.say(subscribe(ann));
    await drain(friend);
    await owner.say(change({ block: { inUse: true, add: [bea] } }));
    const withdrawn = (await drain(friend)).flatMap((each) => all(each, 'OnlineStatus'));
    expect(withdrawn.map((each) => childText(each, 'Qualifier'))).toEqual(['F']);
    await owner.say(android.updateStatus(version, 'DISCREET', 'secret'));
    expect(await drain(friend)).toEqual([]);
    const asked = await friend.say(android.ownPresence(ann));
    expect(texts(asked.content, 'PresenceValue')).toEqual([]);
  });

  it('GetBlockedList shows both lists; EntityList replaces; an absent InUse keeps its value', async () => {
    const { bea, cy, owner } = await three();
    await owner.say(change({ block: { inUse: true, add: [bea] }, grant: { add: [cy] } }));
    await owner.say(change({ block: { replace: [cy] } }));
    const { content } = await owner.say(android.getBlockedList());
    expect(texts(child(content, 'BlockList'), 'UserID')).toEqual([cy]);
    expect(texts(child(content, 'GrantList'), 'UserID')).toEqual([cy]);
    expect([inUse(content, 'BlockList'), inUse(content, 'GrantList')]).toEqual(['T', 'F']);
  });

  it('901 for what is no address, 201 beside others', async () => {
    const { bea, owner } = await three();
    expect(codeOf(await owner.say(change({ block: { add: ['wv:a@b@c'] } })))).toBe(901);
    expect(codeOf(await owner.say(change({ block: { add: ['wv:a@b@c', bea] } })))).toBe(201);
    const { content } = await owner.say(android.getBlockedList());
    expect(texts(child(content, 'BlockList'), 'UserID')).toEqual([bea]);
  });
});

describe('access control', () => {
  it('survives a restart', async () => {
    const own = await startScene();
    try {
      const [ann, bea] = await own.people('ann', 'bea');
      const owner = await own.online(ann, HABITS.android);
      await owner.say(android.block(bea));
      await own.restart();
      const sender = await own.online(bea, HABITS.android);
      expect(codeOf(await sender.say(sendMessage('hi', [ann])))).toBe(532);
    } finally {
      await own.stop();
    }
  });
});
