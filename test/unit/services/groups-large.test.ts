// A group of many: nobody else waits while a message goes to all of them.

import { expect, it } from 'vitest';
import { userAddress } from '../../../src/wv/address.ts';
import { HOME } from '../../support/home-scene.ts';
import { ann, groupScene, PHONE, ROCKET } from '../../support/group-scene.ts';

const MANY = 10_000;
it('gives a message to 10,000 joined users in pieces, and has it on disk for all of them', async () => {
  const scene = await groupScene(['ann']);
  const members = Array.from({ length: MANY }, (_, i) => userAddress(`u${i}`, HOME));
  const user = (address: typeof ann) => ({ address, credentials: {}, createdAt: 0, active: true });
  await Promise.all(members.map((member) => scene.store.createUser(user(member), [])));
  const joined = [ann, ...members].map((member) => ({
    user: member,
    clientId: PHONE,
    screenName: member,
    subscribed: true,
  }));
  const state = {
    address: ROCKET,
    owner: ann,
    createdAt: 0,
    profile: { properties: {} },
    people: [],
    rejected: [],
  };
  await scene.store.createGroup({ ...state, joined }, { perOwner: 1, perServer: 1 });
  let turns = 0;
  let ticking: NodeJS.Immediate;
  const tick = () => {
    turns++;
    ticking = setImmediate(tick);
  };
  tick();
  const { result } = await scene.messaging.send(await scene.at('ann'), PHONE, {
    content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
    recipients: [{ kind: 'group', group: ROCKET }],
    deliveryReport: false,
  });
  clearImmediate(ticking!);
  expect(result).toEqual({ code: 200 });
  expect(await scene.store.sizes()).toMatchObject({ queue: MANY });
  // Others had their turn after each 200 copies at the latest (3 ms of work; reading the group: 11 ms).
  expect(turns).toBeGreaterThanOrEqual(MANY / 200);
}, 30_000);
