// The server's clock is set while sessions are open: by an operator, or by the network after a start without a battery.

import { afterEach, expect, it } from 'vitest';
import { HABITS } from '../../support/phone.ts';
import { eventually } from '../../support/eventually.ts';
import { startScene, type Scene } from '../../support/phone-scene.ts';

let scene: Scene;
afterEach(() => scene.stop());

const YEAR_MS = 31_556_952_000;
/** Longer than any session may be silent. */
const LONG_MS = 3 * 86_400_000;

const sessions = async () => (await scene.house.house.store.allSessions()).length;
const allGone = () => eventually('the end of all sessions', async () => (await sessions()) === 0, 5_000);

it('put back by years: sessions of before and of after end when they were silent too long', async () => {
  scene = await startScene();
  await scene.online(await scene.person(), HABITS.android);
  scene.clock.set(scene.clock.now() - 10 * YEAR_MS);
  await scene.online(await scene.person(), HABITS.android);
  scene.clock.advance(2_000);
  expect(await sessions()).toBe(2);
  scene.clock.advance(LONG_MS);
  await allGone();
});

it('put forward by years: what is too old ends, and the seconds are not counted one by one', async () => {
  scene = await startScene();
  await scene.online(await scene.person(), HABITS.android);
  scene.clock.set(scene.clock.now() + 300 * YEAR_MS);
  const begun = process.cpuUsage();
  scene.clock.advance(2_000);
  expect(process.cpuUsage(begun).user).toBeLessThan(2_000_000);
  await allGone();
});
