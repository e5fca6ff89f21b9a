import { beforeEach, describe, expect, it } from 'vitest';
import { presenceOf } from '../../../src/services/presence/values.ts';
import { serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { simple, type PresenceAttributeName, type PresenceAttributes } from '../../../src/wv/presence.ts';
import { changeAccess } from '../../../src/services/access-control.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const ann = userAddress('ann', HOME);
const bea = userAddress('bea', HOME);
const romeo = userAddress('romeo', FAR);

let scene: Awaited<ReturnType<typeof homeScene>>;
beforeEach(async () => {
  scene = await homeScene();
});

async function update(name: string, attributes: PresenceAttributes): Promise<void> {
  const home = await scene.at(name);
  await scene.publishing.publish(home, presenceOf(home), attributes);
}

/** Bea's client watches ann. */
async function beaWatchesAnn() {
  const client = await scene.online('bea');
  client.interests.set(ann, 'all');
  const result = await scene.watching.subscribe(bea, [ann], undefined);
  return { client, result, seen: () => client.presence.get(ann) ?? {} };
}

async function allow(
  subject: 'bea' | 'everybody' | 'list',
  attributes: PresenceAttributeName[],
): Promise<void> {
  const home = await scene.at('ann');
  if (subject === 'bea') {
    await scene.publishing.putAttributeList(home, { subject: { kind: 'user', user: bea }, attributes });
  } else if (subject === 'everybody') {
    await scene.publishing.putAttributeList(home, { subject: { kind: 'default' }, attributes });
  } else {
    const [list] = home.lists.values();
    if (list === undefined) throw new Error('no list');
    await scene.publishing.putAttributeList(home, {
      subject: { kind: 'list', list: list.address },
      attributes,
    });
  }
}

describe('who may see what', () => {
  it('shows nothing to somebody nobody decided about, and asks the user once', async () => {
    const phone = await scene.online('ann');
    const { seen } = await beaWatchesAnn();
    await scene.watching.subscribe(bea, [ann], undefined);
    expect(seen()).toEqual({});
    expect(phone.asked).toEqual([{ watcher: bea, attributes: undefined }]);
  });

  it('shows everything allowed as soon as the user grants', async () => {
    await scene.online('ann');
    const { seen } = await beaWatchesAnn();
    await scene.publishing.answer(await scene.at('ann'), bea, true, new Set(['OnlineStatus']));
    expect(seen()).toEqual({ OnlineStatus: simple('T') });
  });

  it('tells a denied watcher only that OnlineStatus is withheld', async () => {
    const { seen } = await beaWatchesAnn();
    await scene.publishing.answer(await scene.at('ann'), bea, false, undefined);
    expect(seen()).toEqual({ OnlineStatus: { valid: false } });
  });

  it('tells the network of a watcher who asks again that he was denied', async () => {
    const home = await scene.at('ann');
    await scene.publishing.answer(home, romeo, false, undefined);
    scene.gateway.requests.length = 0;
    const meta = { service: serviceAddress(FAR), user: romeo };
    const again = { primitive: 'SubscribeRequest', meta, watcher: romeo, publishers: [ann] } as const;
    expect((await scene.publishing.subscribe(again)).result.code).toBe(200);
    expect(scene.gateway.requests).toMatchObject([
      { primitive: 'PresenceAuthResponse', publisher: ann, watcher: romeo, state: 'DENIED' },
    ]);
  });

  it('prefers the personal attribute list to the default list', async () => {
    await allow('everybody', ['OnlineStatus', 'StatusText']);
    await allow('bea', ['StatusText']);
    await update('ann', { StatusText: simple('hello') });
    const { seen } = await beaWatchesAnn();
    expect(Object.keys(seen())).toEqual(['StatusText']);
  });

  it('takes away what a changed list no longer allows, with Qualifier F', async () => {
    await scene.online('ann');
    await allow('bea', ['OnlineStatus', 'UserAvailability']);
    const { seen } = await beaWatchesAnn();
    expect(seen().UserAvailability).toEqual(simple('AVAILABLE'));
    await allow('bea', ['OnlineStatus']);
    expect(seen().UserAvailability).toEqual({ valid: false });
    expect(seen().OnlineStatus).toEqual(simple('T'));
  });

  it('follows the members of a contact list that an attribute list is attached to', async () => {
    const home = await scene.at('ann');
    const { seen } = await beaWatchesAnn();
    await scene.lists.create(home, `wv:ann/pals@${HOME}` as never, {}, []);
    await allow('list', ['OnlineStatus']);
    expect(seen()).toEqual({});
    const [list] = home.lists.values();
    await scene.publishing.reauthorize(home, async () => {
      await scene.lists.add(home, list!, [{ user: bea, name: 'Bea' }]);
    });
    expect(seen().OnlineStatus).toEqual(simple('F'));
  });

  it('lets blocking beat every authorization', async () => {
    await scene.online('ann');
    await allow('everybody', ['OnlineStatus']);
    const { seen } = await beaWatchesAnn();
    const home = await scene.at('ann');
    await scene.publishing.reauthorize(home, () =>
      changeAccess(scene.store, home, { block: { inUse: true, add: [bea] } }),
    );
    expect(seen().OnlineStatus).toEqual({ valid: false });
    expect((await scene.watching.subscribe(bea, [ann], undefined)).code).toBe(532);
  });

  it('never asks about the watcher that stands for a whole network', async () => {
    const phone = await scene.online('ann');
    const meta = { service: `wv:@${FAR}` as never };
    const watcher = userAddress('gateway', FAR);
    const answer = await scene.relay.emit(scene.gateway, {
      primitive: 'SubscribeRequest',
      meta,
      watcher,
      publishers: [ann],
    });
    expect(answer.result.code).toBe(200);
    expect(phone.asked).toEqual([]);
    expect(scene.gateway.requests).toEqual([]);
  });

  it('does not show to a whole network what the default list shows to everybody', async () => {
    await allow('everybody', ['OnlineStatus']);
    const watcher = userAddress('gateway', FAR);
    const meta = { service: `wv:@${FAR}` as never };
    const request = { primitive: 'SubscribeRequest', meta, watcher, publishers: [ann] } as const;
    await scene.relay.emit(scene.gateway, request);
    expect(scene.gateway.requests).toEqual([]);
    const home = await scene.at('ann');
    const subject = { kind: 'user', user: watcher } as const;
    await scene.publishing.putAttributeList(home, { subject, attributes: ['OnlineStatus'] });
    expect(scene.gateway.requests).toMatchObject([
      { primitive: 'PresenceNotification', watchers: [watcher] },
    ]);
  });

  it('bounds unanswered questions (507)', async () => {
    const codes = [];
    for (const name of ['a', 'b', 'c']) {
      const watcher = userAddress(name, FAR);
      const request = {
        primitive: 'SubscribeRequest',
        meta: { service: `wv:@${FAR}` as never },
        watcher,
        publishers: [ann],
      } as const;
      codes.push((await scene.relay.emit(scene.gateway, request)).result.code);
    }
    expect(codes).toEqual([200, 200, 507]);
  });
});

describe('what is told', () => {
  beforeEach(() =>
    allow('everybody', ['OnlineStatus', 'UserAvailability', 'StatusText', 'CommCap', 'Alias']),
  );

  it('sends the whole state after a subscription and only changes afterwards', async () => {
    const { client, seen } = await beaWatchesAnn();
    expect(seen().OnlineStatus).toEqual(simple('F'));
    client.presence.clear();
    await update('ann', { StatusText: simple('on the train') });
    expect(seen()).toEqual({ StatusText: simple('on the train') });
  });

  it('is silent when nothing changed', async () => {
    const { client } = await beaWatchesAnn();
    await update('ann', { StatusText: simple('x') });
    client.presence.clear();
    await update('ann', { StatusText: simple('x') });
    expect(client.presence.size).toBe(0);
  });

  it('shows a user without a client as offline and not available, without client status', async () => {
    const { seen } = await beaWatchesAnn();
    const home = await scene.at('ann');
    const before = presenceOf(home);
    const phone = await scene.online('ann');
    await scene.publishing.announce(home, before);
    expect(seen()).toMatchObject({ OnlineStatus: simple('T'), CommCap: { valid: true } });
    const online = presenceOf(home);
    home.clients.delete(phone);
    await scene.publishing.announce(home, online);
    expect(seen()).toMatchObject({
      OnlineStatus: simple('F'),
      UserAvailability: simple('NOT_AVAILABLE'),
      CommCap: { valid: false },
    });
  });

  it('stays online while one of two clients is left', async () => {
    const { client, seen } = await beaWatchesAnn();
    const home = await scene.at('ann');
    const first = await scene.online('ann');
    await scene.online('ann');
    const before = presenceOf(home);
    client.presence.clear();
    home.clients.delete(first);
    await scene.publishing.announce(home, before);
    expect(seen()).toEqual({});
  });

  it('sends one notification to all foreign watchers that see the same', async () => {
    for (const name of ['romeo', 'juliet']) {
      const watcher = userAddress(name, FAR);
      await scene.relay.emit(scene.gateway, {
        primitive: 'SubscribeRequest',
        meta: { service: `wv:@${FAR}` as never },
        watcher,
        publishers: [ann],
      });
    }
    scene.gateway.requests.length = 0;
    await update('ann', { StatusText: simple('hi') });
    expect(scene.gateway.requests).toMatchObject([
      { primitive: 'PresenceNotification', watchers: [romeo, userAddress('juliet', FAR)] },
    ]);
  });

  it('keeps foreign watchers over a restart of the home', async () => {
    await scene.relay.emit(scene.gateway, {
      primitive: 'SubscribeRequest',
      meta: { service: `wv:@${FAR}` as never },
      watcher: romeo,
      publishers: [ann],
    });
    scene.homes.forget(ann);
    scene.gateway.requests.length = 0;
    await update('ann', { StatusText: simple('back') });
    expect(scene.gateway.requests).toHaveLength(1);
  });

  it('takes a network that is away for no failure: it is asked again when it returns', async () => {
    scene.gateway.reply = () => ({ primitive: 'Status', result: { code: 503 } });
    expect((await scene.watching.subscribe(ann, [romeo], undefined)).code).toBe(200);
    scene.gateway.reply = () => ({ primitive: 'Status', result: { code: 531 } });
    expect((await scene.watching.subscribe(ann, [romeo], undefined)).code).toBe(531);
  });

  it('filters by the attributes the watcher asked for', async () => {
    const client = await scene.online('bea');
    client.interests.set(ann, new Set(['StatusText']));
    await scene.watching.subscribe(bea, [ann], new Set(['StatusText']));
    await update('ann', { StatusText: simple('a'), UserAvailability: simple('DISCREET') });
    expect(Object.keys(client.presence.get(ann) ?? {})).toEqual(['StatusText']);
  });
});
