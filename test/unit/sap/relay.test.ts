import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/sap/outbox.ts';
import { Relay } from '../../../src/sap/relay.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { parseDomain, serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted, type MessageId } from '../../../src/wv/ids.ts';
import { status, type RequestPrimitive, type SendMessageRequest } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { ManualClock, START } from '../../support/manual-clock.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

const HOME = parseDomain('wv.test')!;
const FAR = parseDomain('far.test')!;
const ann = userAddress('ann', HOME);
const bob = userAddress('bob', FAR);

function message(id: string, text = id, to = bob): SendMessageRequest {
  return {
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(HOME), user: ann },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ann },
      recipients: [{ kind: 'user', user: to }],
      sentAt: START,
      expiresAt: START + 1_000_000,
      content: { contentType: 'text/plain', encoding: 'none', data: text },
    },
  };
}

async function scene() {
  const clock = new ManualClock();
  const store = await openSqliteStore({ file: ':memory:', clock });
  const gateway = new FakeGateway('far.test', [
    'SendMessageRequest',
    'SubscribeRequest',
    'GetPresenceRequest',
    'InviteResponse',
    'CancelInviteRequest',
  ]);
  const local: RequestPrimitive[] = [];
  const service = serviceAddress(HOME);
  const outbox = new Outbox({ store, clock, log: SILENT, metrics: NO_METRICS, service });
  const relay = new Relay({
    homeDomain: HOME,
    outbox,
    clock,
    log: SILENT,
    metrics: NO_METRICS,
    local: async (request) => {
      local.push(request);
      return status(OK);
    },
  });
  relay.addGateway(gateway);
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const sent = () =>
    gateway.requests.flatMap((request) =>
      request.primitive === 'SendMessageRequest' ? [request.message.id] : [],
    );
  return {
    clock,
    store,
    gateway,
    outbox,
    relay,
    local,
    settled,
    sent,
    start: () => outbox.start([gateway], relay),
  };
}

describe('relay', () => {
  it('answers 516 for a domain that nobody serves', async () => {
    const { relay } = await scene();
    const answer = await relay.request(message('m', 'm', userAddress('x', parseDomain('nowhere.test')!)));
    expect(answer.result.code).toBe(516);
  });

  it('answers 506 for a request that the gateway does not serve', async () => {
    const { relay } = await scene();
    const answer = await relay.request({
      primitive: 'UnsubscribeRequest',
      meta: { service: serviceAddress(HOME) },
      watcher: ann,
      publishers: [bob],
      final: true,
    });
    expect(answer.result.code).toBe(506);
  });

  it('refuses a gateway that speaks for a domain that is not behind it (901)', async () => {
    const { relay, gateway, local } = await scene();
    const answer = await relay.emit(gateway, {
      ...message('m', 'm', ann),
      message: { ...message('m').message, recipients: [{ kind: 'user', user: ann }] },
    });
    expect(answer.result.code).toBe(901);
    expect(local).toEqual([]);
  });

  it('carries nothing from one network to another (516)', async () => {
    const { relay, gateway } = await scene();
    const meta = { service: serviceAddress(FAR), user: bob };
    const transit: SendMessageRequest = {
      ...message('m'),
      meta,
      message: { ...message('m').message, sender: { kind: 'user', user: bob } },
    };
    expect((await relay.emit(gateway, transit)).result.code).toBe(516);
  });

  it('gives our users what was for them and for others (201 with 516)', async () => {
    const { relay, gateway, local } = await scene();
    const meta = { service: serviceAddress(FAR), user: bob };
    const recipients = [ann, bob].map((user) => ({ kind: 'user', user }) as const);
    const mixed: SendMessageRequest = {
      ...message('m'),
      meta,
      message: { ...message('m').message, sender: { kind: 'user', user: bob }, recipients },
    };
    const answer = await relay.emit(gateway, mixed);
    expect(answer.result).toMatchObject({ code: 201, details: [{ code: 516, users: [bob] }] });
    expect(local).toMatchObject([{ message: { recipients: [{ user: ann }] } }]);
  });

  it('answers 504 when a gateway takes longer than ten seconds', async () => {
    const { relay, gateway, clock, settled } = await scene();
    gateway.reply = () => new Promise(() => {});
    const answer = relay.request({
      primitive: 'GetPresenceRequest',
      meta: { service: serviceAddress(HOME), user: ann },
      watcher: ann,
      publishers: [bob],
    });
    await settled();
    clock.advance(10_001);
    expect((await answer).result.code).toBe(504);
  });

  it('gives up on presence of the moment after five seconds', async () => {
    const { relay, gateway, clock, settled } = await scene();
    gateway.reply = () => new Promise(() => {});
    const meta = { service: serviceAddress(HOME), user: ann };
    const about = { meta, watcher: ann, publishers: [bob] } as const;
    const codes: number[] = [];
    for (const primitive of ['GetPresenceRequest', 'SubscribeRequest'] as const)
      void relay.request({ ...about, primitive }).then((answer) => codes.push(answer.result.code));
    await settled();
    clock.advance(5_001);
    await settled();
    expect(codes).toEqual([504]);
    clock.advance(5_000);
    await settled();
    expect(codes).toEqual([504, 504]);
  });

  it('makes 500 of what throws, so that no caller has to catch', async () => {
    const { relay, gateway } = await scene();
    gateway.reply = () => Promise.reject(new Error('boom'));
    const answer = await relay.request({
      primitive: 'GetPresenceRequest',
      meta: { service: serviceAddress(HOME), user: ann },
      watcher: ann,
      publishers: [bob],
    });
    expect(answer.result.code).toBe(500);
  });
});

describe('outbox', () => {
  it('has a message on disk before the sender is told 200', async () => {
    const { relay, store } = await scene();
    expect((await relay.request(message('m1'))).result.code).toBe(200);
    expect(await store.outboxOf('fake', 0, 10)).toHaveLength(1);
  });

  it('forgets a message only when the gateway took it', async () => {
    const { relay, store, gateway, settled, start } = await scene();
    let confirm = () => {};
    gateway.reply = () => new Promise((resolve) => (confirm = () => resolve(status(OK))));
    start();
    await relay.request(message('m1'));
    await settled();
    expect(await store.outboxOf('fake', 0, 10)).toHaveLength(1);
    confirm();
    await settled();
    expect(await store.outboxOf('fake', 0, 10)).toEqual([]);
  });

  it('keeps the order of a conversation while its first message has to be tried again', async () => {
    const { relay, gateway, settled, start, clock, sent } = await scene();
    let broken = true;
    gateway.reply = () => status(broken ? result(503) : OK);
    start();
    for (const id of ['m1', 'm2', 'm3']) await relay.request(message(id));
    await settled();
    expect(sent()).toEqual(['m1']);
    broken = false;
    clock.advance(60_000);
    await settled();
    expect(sent()).toEqual(['m1', 'm1', 'm2', 'm3']);
  });

  it('lets other conversations pass one that waits', async () => {
    const { relay, gateway, settled, start } = await scene();
    const carol = userAddress('carol', FAR);
    const to = (request: RequestPrimitive) =>
      request.primitive === 'SendMessageRequest' ? JSON.stringify(request.message.recipients) : '';
    gateway.reply = (request) => status(to(request).includes('bob') ? result(503) : OK);
    start();
    await relay.request(message('m1'));
    await relay.request(message('m2', 'm2', carol));
    await settled();
    expect(gateway.requests.some((request) => to(request).includes('carol'))).toBe(true);
  });

  it('tells the sender when the far side refuses for good', async () => {
    const { relay, gateway, local, settled, start, store } = await scene();
    gateway.reply = () => status(result(531));
    start();
    await relay.request(message('m1'));
    await settled();
    expect(local).toMatchObject([
      { primitive: 'DeliveryStatusReport', messageId: 'm1', sender: ann, outcome: { code: 531 } },
    ]);
    expect(await store.outboxOf('fake', 0, 10)).toEqual([]);
  });

  it('reports 542 when the validity ends before the far side came back', async () => {
    const { relay, gateway, local, settled, start, clock } = await scene();
    gateway.reply = () => status(result(503));
    start();
    await relay.request(message('m1'));
    await settled();
    for (let step = 0; step < 30; step++) {
      clock.advance(60_000);
      await settled();
    }
    expect(local).toMatchObject([{ primitive: 'DeliveryStatusReport', outcome: { code: 542 } }]);
  });

  it('sends again after a restart what was not confirmed, under the same id', async () => {
    const { relay, gateway, settled, start, store, clock } = await scene();
    gateway.reply = () => new Promise(() => {});
    start();
    await relay.request(message('m1'));
    await settled();
    const again = new FakeGateway('far.test', ['SendMessageRequest']);
    const outbox = new Outbox({
      store,
      clock,
      log: SILENT,
      metrics: NO_METRICS,
      service: serviceAddress(HOME),
    });
    outbox.start([again], relay);
    await settled();
    expect(again.requests).toMatchObject([{ message: { id: 'm1' } }]);
  });

  it('accepts the same message once, however often a client repeats it', async () => {
    const { relay, settled, start, sent } = await scene();
    start();
    await relay.request(message('m1'));
    await relay.request(message('m1'));
    await settled();
    await relay.request(message('m1'));
    await settled();
    expect(sent()).toEqual(['m1']);
  });

  it('takes more than fits its window from disk bit by bit, in order', async () => {
    const { relay, settled, sent, start, outbox } = await scene();
    for (let i = 0; i < 300; i++) await relay.request(message(`m${i}`));
    start();
    while (sent().length < 300) await settled();
    await settled();
    expect(sent()).toEqual(Array.from({ length: 300 }, (_, i) => `m${i}`));
    expect(outbox.held('fake')).toBe(0);
  });

  it.each(['InviteResponse', 'CancelInviteRequest'] as const)(
    'keeps %s until the far side took or refused it, and again under the same InviteID',
    async (primitive) => {
      const { relay, store, gateway, local, settled, start, clock } = await scene();
      const parties = [
        { kind: 'user', user: ann },
        { kind: 'user', user: bob },
      ] as const;
      const meta = { service: serviceAddress(HOME), user: ann };
      const [own, other] = parties;
      const request: RequestPrimitive =
        primitive === 'InviteResponse'
          ? { primitive, meta, inviteId: 'i1', accepted: true, inviting: other, responding: own }
          : { primitive, meta, inviteId: 'i1', canceling: own, canceled: other };
      gateway.reply = () => status(result(503));
      start();
      expect((await relay.request(request)).result.code).toBe(200);
      await settled();
      expect(await store.outboxOf('fake', 0, 10)).toHaveLength(1);
      gateway.reply = () => status(result(423));
      clock.advance(60_000);
      await settled();
      expect(await store.outboxOf('fake', 0, 10)).toEqual([]);
      expect(local).toEqual([]);
      await relay.request(request);
      await settled();
      expect(gateway.requests).toEqual([request, request, request]);
    },
  );
});
