import { beforeEach, describe, expect, it } from 'vitest';
import { parseGroup, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted, type GroupAddress, type MessageId } from '../../../src/wv/ids.ts';
import type { DeliveryStatusReport, LeaveGroupIndication } from '../../../src/wv/primitives.ts';
import { result, type StatusCode } from '../../../src/wv/status.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const ann = userAddress('ann', HOME);
const MOON = parseGroup('wv:dan/moon', FAR) as GroupAddress;
const OAK = parseGroup('wv:ann/oak', HOME) as GroupAddress;

let scene: Awaited<ReturnType<typeof homeScene>>;
beforeEach(async () => {
  scene = await homeScene();
});

const indication = (users: LeaveGroupIndication['users']): LeaveGroupIndication => ({
  primitive: 'LeaveGroupIndication',
  meta: { service: serviceAddress(FAR) },
  group: MOON,
  users,
  result: result(800),
});

const report = (group: GroupAddress, code: StatusCode): DeliveryStatusReport => ({
  primitive: 'DeliveryStatusReport',
  meta: { service: serviceAddress(HOME) },
  messageId: trusted<MessageId>(`m ${code}`),
  sender: ann,
  recipient: { kind: 'group', group },
  outcome: result(code),
  deliveredAt: 0,
});

describe('the end of a group that names nobody', () => {
  it('is news, with his own address, for each client that is in it, and for no other', async () => {
    const [inside, outside, bea] = [
      await scene.online('ann'),
      await scene.online('ann'),
      await scene.online('bea'),
    ];
    for (const client of [inside, bea]) client.joined.add(MOON);
    await scene.relay.emit(scene.gateway, indication([]));
    expect(inside.news).toMatchObject([{ group: MOON, users: [ann] }]);
    expect(bea.news).toMatchObject([{ users: [userAddress('bea', HOME)] }]);
    expect(outside.news).toEqual([]);
  });

  it('is not for everybody when it names somebody', async () => {
    const [inside, bea] = [await scene.online('ann'), await scene.online('bea')];
    for (const client of [inside, bea]) client.joined.add(MOON);
    await scene.relay.emit(scene.gateway, indication([ann]));
    expect(inside.news).toHaveLength(1);
    expect(bea.news).toEqual([]);
  });
});

describe('a message that a group elsewhere did not take', () => {
  it.each([800, 808, 809] as const)('from somebody it does not know (%i) puts him out', async (code) => {
    const client = await scene.online('ann');
    client.joined.add(MOON);
    await scene.relay.request(report(MOON, code));
    expect(client.news).toMatchObject([{ primitive: 'LeaveGroupIndication', group: MOON, result: { code } }]);
    expect(client.entries.map(({ item }) => item.kind)).toEqual(['report']);
  });

  it.each([200, 410, 503, 542, 812, 813] as const)(
    'for another reason (%i) changes nothing',
    async (code) => {
      const client = await scene.online('ann');
      client.joined.add(MOON);
      await scene.relay.request(report(MOON, code));
      expect(client.news).toEqual([]);
    },
  );

  it('is no news of a group of this server, which tells its guests itself', async () => {
    const client = await scene.online('ann');
    client.joined.add(OAK);
    await scene.relay.request(report(OAK, 808));
    expect(client.news).toEqual([]);
  });
});
