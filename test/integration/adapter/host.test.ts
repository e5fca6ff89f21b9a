// A gateway behind SSP, in a host of its own, and the server that it serves: what either of them can tell apart from a
// gateway in the server's own process must be nothing but that the other may be away.

import { afterEach, describe, expect, it } from 'vitest';
import { NotKnownNow, type RelayPort } from '../../../src/sap/port.ts';
import { serviceAddress, domainOf } from '../../../src/wv/address.ts';
import { trusted, type MessageId, type UserAddress } from '../../../src/wv/ids.ts';
import { simple } from '../../../src/wv/presence.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type SendMessageRequest,
} from '../../../src/wv/primitives.ts';
import { OK } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { AdapterScene, CORE, type AdapterSceneOptions } from '../../support/ssp/adapter-scene.ts';

const FAR = 'far.test';
const CAPABILITIES: readonly RequestName[] = [
  'SendMessageRequest',
  'DeliveryStatusReport',
  'SubscribeRequest',
  'UnsubscribeRequest',
  'PresenceNotification',
  'GetPresenceRequest',
  'PresenceAuthResponse',
];
const ZOE = trusted<UserAddress>(`wv:zoe@${FAR}`);
const META = { service: serviceAddress(domainOf(ZOE)), user: ZOE };

let scene: AdapterScene;
afterEach(() => scene.close());

async function play(options: AdapterSceneOptions = {}): Promise<FakeGateway> {
  scene = await AdapterScene.make([FAR], options);
  const gateway = new FakeGateway(FAR, CAPABILITIES);
  await scene.startAdapter(gateway);
  await connected();
  return gateway;
}

const connected = () =>
  eventually('the adapter knows the server', () => scene.host.readiness().parts['core'] === 'up');

function portOf({ port }: FakeGateway): RelayPort {
  if (port === undefined) throw new Error('not started');
  return port;
}

function had<Name extends RequestName>(gateway: FakeGateway, name: Name) {
  return gateway.requests.filter(
    (request): request is Extract<RequestPrimitive, { primitive: Name }> => request.primitive === name,
  );
}

function message(to: string, text: string, id = `id-${text}`): SendMessageRequest {
  const now = Date.now();
  return {
    primitive: 'SendMessageRequest',
    meta: META,
    deliveryReport: true,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ZOE },
      recipients: [{ kind: 'user', user: trusted<UserAddress>(to) }],
      sentAt: now,
      expiresAt: now + 3_600_000,
      content: { contentType: 'text/plain', encoding: 'none', data: text },
    },
  };
}

describe('from the server', () => {
  it('messages come one for each recipient, and reports go back', async () => {
    const gateway = await play();
    const { user: ann, client } = await scene.core.somebody('ann');
    const report = client.next('report');
    const yan = `wv:yan@${FAR}`;
    const { id } = await client.sendMessage({
      to: [{ user: ZOE }, { user: yan }],
      content: 'Grüße <&> 😀',
      deliveryReport: true,
    });
    await eventually('both', () => had(gateway, 'SendMessageRequest').length === 2);
    const recipients = had(gateway, 'SendMessageRequest').map((request) => request.message.recipients);
    expect(recipients).toHaveLength(2);
    for (const user of [yan, ZOE]) expect(recipients).toContainEqual([{ kind: 'user', user }]);
    expect(had(gateway, 'SendMessageRequest')[0]).toMatchObject({
      message: { id, sender: { user: ann }, content: { data: 'Grüße <&> 😀' } },
    });
    const told = await portOf(gateway).emit({
      primitive: 'DeliveryStatusReport',
      meta: META,
      messageId: trusted<MessageId>(id ?? ''),
      sender: trusted<UserAddress>(ann),
      recipient: { kind: 'user', user: ZOE },
      outcome: OK,
      deliveredAt: Date.now(),
    });
    expect(told.result.code).toBe(200);
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id } });
  });

  it('a message that takes long holds up neither the next recipient nor presence', async () => {
    const gateway = await play();
    const never = new Promise<never>(() => undefined);
    gateway.reply = (request) =>
      request.primitive === 'SendMessageRequest' && request.message.content.data === 'slow'
        ? never
        : status(OK);
    const { client } = await scene.core.somebody('ann');
    await client.sendMessage({ to: { user: ZOE }, content: 'slow' });
    await client.sendMessage({ to: { user: `wv:yan@${FAR}` }, content: 'quick' });
    await client.subscribe({ users: [ZOE], attributes: ['OnlineStatus'] });
    await eventually('what came after', () =>
      ['SubscribeRequest', 'SendMessageRequest'].every((name) =>
        gateway.requests.some(
          (request) =>
            request.primitive === name &&
            (request.primitive !== 'SendMessageRequest' || request.message.content.data === 'quick'),
        ),
      ),
    );
  });

  it('answers to watchers and final goodbyes arrive', async () => {
    const gateway = await play();
    const { user: ann, client } = await scene.core.somebody('ann');
    const asked = client.next('authorization');
    const publisher = trusted<UserAddress>(ann);
    const emitted = portOf(gateway).emit({
      primitive: 'SubscribeRequest',
      meta: META,
      watcher: ZOE,
      publishers: [publisher],
    });
    await asked;
    await client.answerAuthorization(ZOE, true);
    expect((await emitted).result.code).toBe(200);
    await eventually('the grant', () => had(gateway, 'PresenceAuthResponse')[0]);
    expect(had(gateway, 'PresenceAuthResponse')[0]).toMatchObject({
      publisher,
      watcher: ZOE,
      state: 'GRANTED',
    });
    await client.updatePresence({ StatusText: simple('here') });
    await eventually('presence', () =>
      had(gateway, 'PresenceNotification').some(({ attributes }) => attributes.StatusText?.value === 'here'),
    );
    await client.subscribe({ users: [ZOE], attributes: ['OnlineStatus'] });
    await client.unsubscribe({ users: [ZOE] });
    await eventually('the goodbye', () => had(gateway, 'UnsubscribeRequest')[0]);
  });

  it('what the network cannot take now waits, and goes out when it is back', async () => {
    const gateway = await play();
    gateway.reply = () => status({ code: 503, tryAgainAfter: 300 });
    const { client } = await scene.core.somebody('ann');
    await client.sendMessage({ to: { user: ZOE }, content: 'later' });
    await eventually('a try', () => had(gateway, 'SendMessageRequest').length > 0);
    gateway.reply = () => status(OK);
    const tries = had(gateway, 'SendMessageRequest').length;
    portOf(gateway).becameUsable();
    await eventually('the next try', () => had(gateway, 'SendMessageRequest').length > tries);
    await eventually(
      'nothing waits',
      async () => (await scene.core.house.store.outboxDestinations()).length === 0,
    );
  });

  it('presence is told again when the network is back', async () => {
    const gateway = await play();
    const { client } = await scene.core.somebody('ann');
    await client.subscribe({ users: [ZOE], attributes: ['OnlineStatus'] });
    await eventually('the subscription', () => had(gateway, 'SubscribeRequest').length === 1);
    portOf(gateway).becameUsable();
    await eventually('it comes again', () => had(gateway, 'SubscribeRequest').length === 2);
  });
});

describe('the server', () => {
  it('sees the state of the network', async () => {
    const gateway = await play();
    const state = () => scene.core.house.readiness().parts[`ssp:${FAR}`];
    await eventually('up', () => state() === 'up');
    gateway.health = () => 'down';
    await eventually('down', () => state() === 'down');
  });

  it('takes a message once, however often it is handed in', async () => {
    const gateway = await play();
    const { user, client } = await scene.core.somebody('ann');
    const seen: string[] = [];
    client.on('message', ({ text }) => void seen.push(text ?? ''));
    for (let time = 0; time < 3; time++)
      expect((await portOf(gateway).emit(message(user, 'once'))).result.code).toBe(200);
    expect((await portOf(gateway).emit(message(user, 'last'))).result.code).toBe(200);
    await eventually('the last', () => seen.includes('last'));
    expect(seen).toEqual(['once', 'last']);
  });

  it('refuses those for nobody, for others, and from others', async () => {
    const port = portOf(await play());
    const { user } = await scene.core.somebody('ann');
    expect((await port.emit(message(`wv:nobody@${CORE}`, 'a'))).result).toMatchObject({ code: 531 });
    expect((await port.emit(message('wv:bea@elsewhere.test', 'b'))).result.code).toBe(516);
    const forged = message(user, 'c');
    const sender = { kind: 'user', user: trusted<UserAddress>('wv:eve@elsewhere.test') } as const;
    expect((await port.emit({ ...forged, message: { ...forged.message, sender } })).result.code).toBe(901);
  });

  it('that is away is waited for', async () => {
    const gateway = await play();
    const user = await scene.core.person('ann');
    await scene.core.stop();
    const emitted = portOf(gateway).emit(message(user, 'patience'));
    await scene.core.start();
    expect((await emitted).result.code).toBe(200);
    expect(await scene.core.house.store.queueOf(trusted<UserAddress>(user), 0, 10)).toHaveLength(1);
  });

  it('that stays away: the sender is told to try again', async () => {
    const gateway = await play({ adapter: { patienceSeconds: 1 } });
    const user = await scene.core.person('ann');
    await scene.core.stop();
    expect((await portOf(gateway).emit(message(user, 'in vain'))).result.code).toBe(503);
    await scene.core.start();
  });
});

describe('users of the server', () => {
  it('are known with their names', async () => {
    const port = portOf(await play());
    await scene.core.house.accounts.create({ name: 'bea', password: 'sesame', displayName: 'Bea <&>' });
    const bea = trusted<UserAddress>(`wv:bea@${CORE}`);
    expect(await port.userExists(bea)).toBe(true);
    expect(await port.displayName(bea)).toBe('Bea <&>');
    const nobody = trusted<UserAddress>(`wv:nobody@${CORE}`);
    expect(await port.userExists(nobody)).toBe(false);
    expect(await port.displayName(nobody)).toBeUndefined();
    expect(await port.userExists(trusted<UserAddress>('wv:bea@elsewhere.test'))).toBe(false);
  });

  it('are not known, rather than unknown, while the server is away', async () => {
    const port = portOf(await play());
    await scene.core.stop();
    await expect(port.userExists(trusted<UserAddress>(`wv:bea@${CORE}`))).rejects.toBeInstanceOf(NotKnownNow);
    await scene.core.start();
  });

  it('are no business of a peer that is not called a gateway', async () => {
    const port = portOf(await play({ entry: { gateway: false } }));
    const user = trusted<UserAddress>(await scene.core.person('ann'));
    await expect(port.userExists(user)).rejects.toBeInstanceOf(NotKnownNow);
  });
});

describe('an adapter that ends and comes back', () => {
  it('gets what was for it meanwhile, once', async () => {
    const gateway = await play();
    const { client } = await scene.core.somebody('ann');
    await scene.stopAdapter();
    await client.sendMessage({ to: { user: ZOE }, content: 'meanwhile' });
    expect(had(gateway, 'SendMessageRequest')).toEqual([]);
    const next = new FakeGateway(FAR, CAPABILITIES);
    await scene.startAdapter(next);
    await eventually('the message', () => had(next, 'SendMessageRequest').length > 0, 20_000);
    await eventually(
      'nothing waits',
      async () => (await scene.core.house.store.outboxDestinations()).length === 0,
    );
    expect(had(next, 'SendMessageRequest')).toHaveLength(1);
  });

  it('answers 506 what the gateway does not serve', async () => {
    const gateway = new FakeGateway(FAR, ['SendMessageRequest', 'SubscribeRequest']);
    scene = await AdapterScene.make([FAR]);
    await scene.startAdapter(gateway);
    await connected();
    const { client } = await scene.core.somebody('ann');
    await expect(client.getPresence({ users: [ZOE], attributes: ['OnlineStatus'] })).rejects.toMatchObject({
      code: 506,
    });
  });
});
