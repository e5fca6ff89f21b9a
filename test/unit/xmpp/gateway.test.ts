// The gateway as a whole: configuration, answers without a stream, IQ, and the small machinery.

import { describe, expect, test } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { BoundedMap } from '../../../adapters/xmpp/bounded-map.ts';
import type { XmppGatewayConfig } from '../../../adapters/xmpp/config.ts';
import { ConversationQueues, QueueFull } from '../../../adapters/xmpp/conversation-queue.ts';
import { createXmppGateway, XmppConfigError } from '../../../adapters/xmpp/gateway.ts';
import { NotKnownNow } from '../../../src/sap/port.ts';
import { IqResponder } from '../../../adapters/xmpp/iq.ts';
import { Pacer } from '../../../adapters/xmpp/pacer.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, xml } from '../../../adapters/xmpp/xml.ts';
import { PresenceBridge } from '../../../adapters/xmpp/presence.ts';
import { COMPONENT, incoming, iqOf, testBridge } from '../../support/xmpp-bridge.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRelay, wv } from '../../support/xmpp-relay.ts';
import { subscribe, textMessage } from '../../support/xmpp-requests.ts';
import { conditionOf } from '../../support/xmpp-user.ts';

const CONFIG: XmppGatewayConfig = {
  host: '127.0.0.1',
  port: 1,
  componentDomain: COMPONENT,
  secret: 'secret',
  domains: ['xmpp.example'],
  pseudoDomain: 'xmpp.wv.example',
};
const BOB = trusted<UserAddress>('wv:bob@xmpp.example');

describe('the configuration', () => {
  test('names the domains behind the gateway', () => {
    expect(createXmppGateway(CONFIG).domains).toEqual(['xmpp.example', 'xmpp.wv.example']);
  });

  test.each([
    [{ domains: ['not a domain'] }],
    [{ domains: ['XMPP.example'] }],
    [{ domains: ['xmpp.example', 'xmpp.example'] }],
    [{ domains: [COMPONENT] }],
    [{ componentDomain: 'a@b' }],
    [{ secret: '' }],
  ])('is refused when it cannot work: %j', (changes) => {
    expect(() => createXmppGateway({ ...CONFIG, ...changes })).toThrow(XmppConfigError);
  });

  test('the home domain cannot be bridged', async () => {
    const gateway = createXmppGateway({ ...CONFIG, domains: ['wv.example'] });
    await expect(gateway.start(new FakeRelay())).rejects.toThrow(XmppConfigError);
  });
});

describe('without a stream', () => {
  test('every request is answered in its own form', async () => {
    const gateway = createXmppGateway(CONFIG);
    const message = textMessage(wv('alice'), BOB, 'x');
    expect(gateway.health()).toBe('down');
    expect(await gateway.request(message)).toMatchObject({
      primitive: 'SendMessageResponse',
      result: { code: 503 },
    });
    await gateway.start(new FakeRelay());
    expect(gateway.health()).toBe('down');
    expect((await gateway.request(message)).result.code).toBe(503);
    expect((await gateway.request(subscribe(wv('alice'), BOB))).result.code).toBe(503);
    const group = {
      ...subscribe(wv('alice'), BOB),
      primitive: 'LeaveGroupRequest',
      group: 'wv:/x@xmpp.example',
    };
    expect(
      (await gateway.request(group as unknown as Parameters<typeof gateway.request>[0])).result.code,
    ).toBe(516);
    await gateway.stop();
  });
});

describe('IQ', () => {
  const ask = async (to: string, type: string, ...payload: Parameters<typeof incoming>[2][]) => {
    const bridge = testBridge();
    bridge.relay.account('alice', 'Alice & Co');
    const responder = new IqResponder(bridge, new PresenceBridge(bridge, iqOf(bridge)));
    responder.received(incoming('iq', { type, id: 'q', from: 'bob@xmpp.example/d', to }, ...payload));
    if (type === 'result' || type === 'error') return undefined;
    return await eventually('an answer', () => bridge.link.sent[0]);
  };

  test('what nobody knows is refused, what is empty is wrong', async () => {
    const unknown = await ask(COMPONENT, 'get', xml('urn:nobody:knows', 'query'));
    expect(unknown === undefined ? '' : conditionOf(unknown)).toBe('service-unavailable');
    const empty = await ask(COMPONENT, 'set');
    expect(empty === undefined ? '' : conditionOf(empty)).toBe('bad-request');
  });

  test('a user who does not exist answers like one who does not support it', async () => {
    const answer = await ask(`nobody@${COMPONENT}`, 'get', xml(NS.discoInfo, 'query'));
    expect(answer === undefined ? '' : conditionOf(answer)).toBe('service-unavailable');
  });

  test('a user of whom the server cannot say anything now may be asked about later', async () => {
    const bridge = testBridge();
    bridge.relay.userExists = () => Promise.reject(new NotKnownNow('away'));
    const about = { type: 'get', id: 'q', from: 'bob@xmpp.example/d', to: `alice@${COMPONENT}` };
    new IqResponder(bridge, new PresenceBridge(bridge, iqOf(bridge))).received(
      incoming('iq', about, xml(NS.discoInfo, 'query')),
    );
    const answer = await eventually('an answer', () => bridge.link.sent[0]);
    expect([conditionOf(answer), childOf(answer, 'error')?.attrs['type']]).toEqual([
      'resource-constraint',
      'wait',
    ]);
  });

  test('a user announces receipts, and what he is told in words', async () => {
    const answer = await ask(`alice@${COMPONENT}`, 'get', xml(NS.discoInfo, 'query'));
    const features = elementsOf(elementsOf(answer ?? xml('', ''))[0] ?? xml('', '')).map(
      ({ attrs }) => attrs['var'],
    );
    for (const feature of [NS.receipts, NS.correction, NS.reactions, NS.reply]) {
      expect(features).toContain(feature);
    }
    expect(features).not.toContain(NS.retraction);
  });

  test('more than one payload, and no type that there is, are wrong', async () => {
    const two = await ask(COMPONENT, 'get', xml(NS.ping, 'ping'), xml(NS.version, 'query'));
    expect(two === undefined ? '' : conditionOf(two)).toBe('bad-request');
    const neither = await ask(COMPONENT, 'maybe', xml(NS.ping, 'ping'));
    expect(neither === undefined ? '' : conditionOf(neither)).toBe('bad-request');
  });

  test.each([
    `alice@${COMPONENT}/imps`,
    `alice@${COMPONENT}/anything`,
    `${COMPONENT}/x`,
    `\\20@${COMPONENT}`,
  ])('a request to %s is answered from there', async (to) => {
    for (const type of ['get', 'set']) {
      const answer = await ask(to, type, xml('urn:nobody:knows', 'query'));
      expect(answer?.attrs).toMatchObject({ type: 'error', id: 'q', from: to, to: 'bob@xmpp.example/d' });
    }
  });

  test('results and errors are not answered', async () => {
    expect(await ask(COMPONENT, 'result')).toBeUndefined();
    expect(await ask(COMPONENT, 'error')).toBeUndefined();
  });
});

describe('the machinery', () => {
  test('a full map drops what was unused for longest', () => {
    const dropped: string[] = [];
    const map = new BoundedMap<string, number>(2, (key) => void dropped.push(key));
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect(dropped).toEqual(['b']);
  });

  test('a full conversation refuses, others go on', async () => {
    const queues = new ConversationQueues(1);
    let release = (): void => undefined;
    const first = queues.run('a', () => new Promise<void>((resolve) => (release = resolve)));
    await expect(queues.run('a', () => Promise.resolve())).rejects.toThrow(QueueFull);
    expect(await queues.run('b', () => Promise.resolve(1))).toBe(1);
    await Promise.resolve();
    release();
    await first;
    await queues.drain();
    expect(queues.busy).toBe(0);
  });

  test('a failed task does not hold up the next', async () => {
    const queues = new ConversationQueues(10);
    const failing = queues.run('a', () => Promise.reject(new Error('x')));
    const next = queues.run('a', () => Promise.resolve(2));
    await expect(failing).rejects.toThrow('x');
    expect(await next).toBe(2);
  });

  test('a pacer spreads a burst and forgets nothing', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, 10, 100);
    let run = 0;
    for (let n = 0; n < 35; n++) pacer.run(String(n), () => (run += 1));
    expect(run).toBe(10);
    clock.advance(1_000);
    expect(run).toBe(20);
    clock.advance(2_000);
    expect(run).toBe(35);
    expect(clock.timers).toBe(0);
  });
});
