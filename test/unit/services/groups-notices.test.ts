import { beforeEach, describe, expect, it } from 'vitest';
import {
  ann,
  bea,
  cy,
  far,
  groupScene,
  properties,
  ROCKET,
  type GroupScene,
} from '../../support/group-scene.ts';
import { status, type GroupChangeNotice, type Status } from '../../../src/wv/primitives.ts';

let scene: GroupScene;
beforeEach(async () => {
  scene = await groupScene();
  await scene.create([], { join: true, screenName: 'Annie' });
});

describe('news of a group', () => {
  it('go to those who subscribed, and not to the one who joined or left', async () => {
    const phones = [await scene.online('ann'), await scene.online('bea'), await scene.online('cy')] as const;
    await scene.join(bea, { screenName: 'Bea', subscribe: false });
    await scene.join(cy, { screenName: 'Cy' });
    await scene.ask(cy, 'LeaveGroupRequest', {});
    await scene.groups.settled();
    const [toAnn, toBea, toCy] = phones.map(({ news }) => news);
    expect(toAnn).toMatchObject([
      { primitive: 'GroupChangeNotice', group: ROCKET, joined: [{ screenName: 'Bea' }], left: [] },
      { joined: [{ screenName: 'Cy' }], left: [] },
      { joined: [], left: [{ screenName: 'Cy' }] },
    ]);
    expect(toBea).toEqual([]);
    expect(toCy).toEqual([]);
  });

  it('name the user to Admins and, where he wants it, to all', async () => {
    await scene.join(bea);
    const [admin, user] = [await scene.online('ann'), await scene.online('bea')];
    await scene.join(cy);
    await scene.join(far, { screenName: 'Fay', ownProperties: properties('ShowID=T') });
    await scene.groups.settled();
    expect(admin.news).toMatchObject([{ joined: [{ user: cy }] }, { joined: [{ user: far }] }]);
    expect(user.news).toMatchObject([{ joined: [{ screenName: 'cy' }] }, { joined: [{ user: far }] }]);
    expect(user.news[0]).not.toHaveProperty(['joined', 0, 'user']);
  });

  it('are switched on and off by each client', async () => {
    await scene.join(bea);
    expect(await scene.ask(bea, 'GetGroupSubStatusRequest', {})).toMatchObject({ subscribed: true });
    await scene.ask(bea, 'UnsubscribeGroupChangeRequest', {});
    expect(await scene.ask(bea, 'GetGroupSubStatusRequest', {})).toMatchObject({ subscribed: false });
    const phone = await scene.online('bea');
    await scene.join(cy);
    await scene.ask(bea, 'SubscribeGroupChangeRequest', {});
    await scene.ask(cy, 'LeaveGroupRequest', {});
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ left: [{ screenName: 'cy' }] }]);
  });

  it('tell of a new screen name as of one who left and one who joined', async () => {
    await scene.join(bea, { screenName: 'Bea' });
    const phone = await scene.online('ann');
    await scene.join(bea, { screenName: 'Bibi' });
    await scene.join(bea, { screenName: 'Bibi' });
    await scene.groups.settled();
    expect(phone.news).toMatchObject([{ joined: [{ screenName: 'Bibi' }], left: [{ screenName: 'Bea' }] }]);
  });

  it('reach other domains, one request for each', async () => {
    await scene.join(far);
    await scene.join(bea);
    await scene.groups.settled();
    const [notice] = scene.gateway.requests.filter(
      (request): request is GroupChangeNotice => request.primitive === 'GroupChangeNotice',
    );
    expect(notice).toMatchObject({ recipients: [far], joined: [{ screenName: 'bea' }] });
  });

  it('end with the group: everybody in it learns that it is deleted (800)', async () => {
    const phone = await scene.online('bea');
    await scene.join(bea);
    await scene.join(far);
    expect(await scene.ask(ann, 'DeleteGroupRequest', {})).toMatchObject({ result: { code: 200 } });
    await scene.groups.settled();
    const out = { primitive: 'LeaveGroupIndication', group: ROCKET, result: { code: 800 } };
    expect(phone.news.at(-1)).toMatchObject(out);
    expect(scene.gateway.requests.at(-1)).toMatchObject({ ...out, users: [far] });
  });

  it('never hold up a transaction while a gateway is slow', async () => {
    await scene.join(far);
    const phone = await scene.online('bea');
    const held = Promise.withResolvers<Status>();
    scene.gateway.reply = () => held.promise;
    expect(await scene.join(bea)).toMatchObject({ result: { code: 200 } });
    await scene.join(cy);
    await expect.poll(() => phone.news.length).toBe(1);
    held.resolve(status({ code: 200 }));
    await scene.groups.settled();
  });
});
