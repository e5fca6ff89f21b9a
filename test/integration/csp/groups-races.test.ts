// Sessions that end while they are about to be in a group: nobody is left in it who is not there.

import { afterEach, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import {
  createGroup,
  getJoined,
  joinGroup,
  namesIn,
  setProps,
  settled,
} from '../../support/group-variants.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { codeOf, startScene, type Scene } from '../../support/phone-scene.ts';

/** Holds calls of one method of the store until they are let go. */
class SlowDisk {
  slow: keyof Store | undefined;
  readonly held: (() => void)[] = [];

  readonly filter = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name: keyof Store): unknown => {
        const method = target[name] as (...parameters: unknown[]) => unknown;
        return async (...parameters: unknown[]): Promise<unknown> => {
          if (name === this.slow) await new Promise<void>((resolve) => this.held.push(resolve));
          return method(...parameters);
        };
      },
    });

  letGo(): void {
    this.slow = undefined;
    for (const release of this.held.splice(0)) release();
  }
}

let scene: Scene;
afterEach(() => scene.stop());

const habits = { ...HABITS.s60, encoding: 'wbxml', version: '1.2' } as const;

async function play() {
  const disk = new SlowDisk();
  scene = await startScene({ storeFilter: disk.filter });
  const [ann, bea] = await scene.people('ann', 'bea');
  const group = ann.replace('@', '/rocket@');
  const owner = await scene.online(ann, habits);
  await owner.say(createGroup(group, { join: true, name: 'Annie', subscribe: true }));
  const guest = await scene.online(bea, habits);
  const inside = async () => namesIn((await owner.say(getJoined(group))).content).toSorted();
  const waiting = () => eventually('a call of the store', () => disk.held.length > 0);
  return { disk, bea, group, owner, guest, inside, waiting };
}

it('a session that the operator ends while it joins is not left in the group', async () => {
  const { disk, bea, group, owner, guest, inside, waiting } = await play();
  disk.slow = 'putSession';
  const joining = guest.say(joinGroup(group, { name: 'Bea' }));
  await waiting();
  await scene.house.house.forceLogout(bea);
  disk.letGo();
  await joining;
  await settled(owner);
  expect(await inside()).toEqual(['Annie']);
});

it('a session that ends while it joins its groups by itself is not left in them', async () => {
  const { disk, bea, group, owner, guest, inside, waiting } = await play();
  await guest.say(joinGroup(group, { name: 'Bea' }));
  expect(codeOf(await guest.say(setProps(group, { own: { AutoJoin: 'T' } })))).toBe(200);
  await guest.say(android.logout());
  expect(await inside()).toEqual(['Annie']);
  const again = await scene.online(bea, habits);
  disk.slow = 'autoJoinGroups';
  const polling = again.poll();
  await waiting();
  await scene.house.house.forceLogout(bea);
  disk.letGo();
  await polling;
  await settled(owner);
  expect(await inside()).toEqual(['Annie']);
});
