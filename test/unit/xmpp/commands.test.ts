// The gateway itself: commands in chat and by forms, registration, search, who may pass.

import { afterEach, describe, expect, test } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import type { XmppGatewayConfig } from '../../../adapters/xmpp/config.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { CounterScene } from '../../support/xmpp-counter.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRelay, MemoryStorage, wv } from '../../support/xmpp-relay.ts';
import { subscribe, textMessage } from '../../support/xmpp-requests.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const DESK = 'bob@xmpp.example/desk';
const COMMAND = `xmlns="${NS.commands}"`;
let scene: CounterScene;

async function started(
  changes: Partial<XmppGatewayConfig> = {},
  relay = new FakeRelay(),
): Promise<CounterScene> {
  scene = await CounterScene.start(changes, relay);
  scene.relay.account('ann', 'Ann');
  return scene;
}

afterEach(() => scene.stop());

/** A form filled in. */
function filled(fields: Readonly<Record<string, string>>): string {
  const all = Object.entries(fields).map(
    ([name, value]) => `<field var="${name}"><value>${value}</value></field>`,
  );
  return `<x xmlns="${NS.dataForm}" type="submit">${all.join('')}</x>`;
}

function sessionOf(answer: string): string {
  return /sessionid="([^"]+)"/.exec(answer)?.[1] ?? '';
}

function writes(from: string, to: string): void {
  scene.server.send(`<message type="chat" id="m" from="${from}" to="${to}"><body>hello</body></message>`);
}

describe('chat with the gateway', () => {
  test('help, and anything unknown, lists the commands', async () => {
    await started();
    for (const line of ['help', 'what?']) {
      const text = await scene.says(line);
      for (const name of [
        'search QUERY',
        'invite USER',
        'block USER',
        'privacy [MODE]',
        'status',
        'unregister',
      ])
        expect(text).toContain(name);
    }
  });

  test('a command without what it needs says what it needs', async () => {
    await started();
    expect(await scene.says('search')).toBe('Please say: search QUERY');
  });

  test('search names users and their addresses', async () => {
    await started();
    expect(await scene.says('search Ann')).toBe(`Ann: ann@${COMPONENT}`);
    expect(await scene.says('search Zoe')).toContain('Nobody');
  });

  test('invite asks the phone, whose answer comes as a message', async () => {
    await started();
    expect(await scene.says('invite wv:ann')).toBe('ann was asked.');
    const { inviteId, inviting } = await scene.relay.next('InviteRequest');
    const answer = await scene.gateway.request({
      primitive: 'InviteResponse',
      meta: { service: subscribe(wv('ann'), BOB).meta.service, user: wv('ann') },
      inviteId,
      accepted: true,
      inviting,
      responding: { kind: 'user', user: wv('ann') },
    });
    expect(answer.result.code).toBe(200);
    await scene.sees(/ann would like to talk/);
  });

  test.each(['wv:ann@elsewhere.example', 'a/b', '@'])('%s is no user to invite', async (text) => {
    await started();
    expect(await scene.says(`invite ${text}`)).toContain('no WV user of this server');
  });

  test.each([
    ['an error', `<message type="error" from="${DESK}" to="${COMPONENT}"><body>help</body></message>`],
    ['a headline', `<message type="headline" from="${DESK}" to="${COMPONENT}"><body>help</body></message>`],
    ['a server', `<message from="xmpp.example" to="${COMPONENT}"><body>help</body></message>`],
    [
      'another bot',
      `<message from="${DESK}" to="${COMPONENT}"><body>help</body><no-store xmlns="${NS.hints}"/></message>`,
    ],
    ['nothing said', `<message from="${DESK}" to="${COMPONENT}"><active xmlns="urn:x"/></message>`],
  ])('%s gets no answer', async (_what, stanza) => {
    await started();
    scene.server.send(stanza);
    await eventually('dropped', () => scene.relay.counts.get('xmpp_stanzas_dropped_total unanswered') === 1);
    expect(scene.server.text).not.toContain('<message');
  });

  test('who asks too often is not answered until the minute is over', async () => {
    const clock = new ManualClock();
    await started({ commandsPerMinute: 2, pingIntervalMs: 86_400_000 }, new FakeRelay(clock));
    await scene.says('status');
    await scene.says('status');
    scene.server.send(`<message from="${DESK}" to="${COMPONENT}"><body>status</body></message>`);
    await eventually(
      'dropped',
      () => scene.relay.counts.get('xmpp_stanzas_dropped_total too_many_commands') === 1,
    );
    expect(await scene.asks('set', `<command ${COMMAND} node="status"/>`)).toContain('resource-constraint');
    clock.advance(60_000);
    expect(await scene.says('status')).toContain('wv.example');
  });
});

describe('ad-hoc commands', () => {
  test('are listed under their node, and say what they are', async () => {
    await started();
    const items = await scene.asks('get', `<query xmlns="${NS.discoItems}" node="${NS.commands}"/>`);
    for (const node of ['search', 'privacy', 'register', 'unregister', 'status'])
      expect(items).toContain(`node="${node}"`);
    const info = await scene.asks('get', `<query xmlns="${NS.discoInfo}" node="privacy"/>`);
    expect(info).toContain('command-node');
    expect(await scene.asks('get', `<query xmlns="${NS.discoInfo}" node="nonsense"/>`)).toContain(
      'item-not-found',
    );
    expect(await scene.asks('get', `<query xmlns="${NS.discoItems}" node="nonsense"/>`)).toContain(
      'item-not-found',
    );
  });

  test('without arguments are over at once', async () => {
    await started();
    const answer = await scene.asks('set', `<command ${COMMAND} node="status" action="execute"/>`);
    expect(answer).toContain('status="completed"');
    expect(answer).toContain('You are not registered');
  });

  test('with arguments show a form, then do what it says, once', async () => {
    await started();
    const first = await scene.asks('set', `<command ${COMMAND} node="search"/>`);
    expect(first).toContain('status="executing"');
    expect(first).toContain('var="query"');
    const second = `<command ${COMMAND} node="search" sessionid="${sessionOf(first)}">${filled({ query: 'Ann' })}</command>`;
    expect(await scene.asks('set', second)).toContain(`<value>ann@${COMPONENT}</value>`);
    expect(await scene.asks('set', second)).toContain('bad-sessionid');
  });

  test('a session belongs to one client, can be cancelled, and ends', async () => {
    const clock = new ManualClock();
    await started({ pingIntervalMs: 86_400_000 }, new FakeRelay(clock));
    const open = async () => sessionOf(await scene.asks('set', `<command ${COMMAND} node="block"/>`));
    const go = (id: string, rest: string) => `<command ${COMMAND} node="block" sessionid="${id}" ${rest}`;
    const form = `>${filled({ user: 'wv:ann' })}</command>`;
    const id = await open();
    expect(await scene.asks('set', go(id, form), 'bob@xmpp.example/phone')).toContain('bad-sessionid');
    expect(await scene.asks('set', go(id, 'action="next"/>'))).toContain('bad-action');
    expect(await scene.asks('set', go(id, 'action="complete"/>'))).toContain('bad-payload');
    expect(await scene.asks('set', go(id, 'action="cancel"/>'))).toContain('status="canceled"');
    expect(await scene.asks('set', go(id, form))).toContain('bad-sessionid');
    const late = await open();
    clock.advance(600_000);
    expect(await scene.asks('set', go(late, form))).toContain('session-expired');
    expect(await scene.asks('set', `<command ${COMMAND} node="nonsense"/>`)).toContain('item-not-found');
  });
});

describe('registration', () => {
  const QUERY = `xmlns="${NS.register}"`;

  test('tells, changes and removes', async () => {
    await started();
    expect(await scene.asks('get', `<query ${QUERY}/>`)).not.toContain('<registered');
    expect(await scene.asks('set', `<query ${QUERY}><nick>Bobby</nick></query>`)).toContain('type="result"');
    const now = await scene.asks('get', `<query ${QUERY}/>`);
    expect(now).toContain('<registered/>');
    expect(now).toContain('<nick>Bobby</nick>');
    expect(await scene.asks('set', `<query ${QUERY}>${filled({ nick: 'Rob' })}</query>`)).toContain(
      'type="result"',
    );
    expect(await scene.says('status')).toContain('registered as Rob');
    expect(await scene.asks('set', `<query ${QUERY}><remove/></query>`)).toContain('type="result"');
    expect(await scene.asks('set', `<query ${QUERY}><remove/></query>`)).toContain('registration-required');
    expect([...scene.relay.storage.values.keys()]).toEqual([]);
  });

  test.each(['', '<remove/><nick>x</nick>', '<other/>'])('%j is malformed', async (inside) => {
    await started();
    expect(await scene.asks('set', `<query ${QUERY}>${inside}</query>`)).toContain('bad-request');
  });

  test('the name goes with what he asks for', async () => {
    await started();
    await scene.says('register Bobby');
    scene.server.send(`<presence type="subscribe" from="bob@xmpp.example" to="ann@${COMPONENT}"/>`);
    expect((await scene.relay.next('SubscribeRequest')).meta.friendlyName).toBe('Bobby');
  });

  test('is kept', async () => {
    const storage = new MemoryStorage();
    await started({}, new FakeRelay(undefined, storage));
    await scene.says('register Bobby');
    await scene.stop();
    await started({}, new FakeRelay(undefined, storage));
    expect(await scene.says('status')).toContain('registered as Bobby');
  });

  test('removal ends the subscriptions in both directions', async () => {
    await started();
    scene.server.send(`<presence type="subscribe" from="bob@xmpp.example" to="ann@${COMPONENT}"/>`);
    await scene.relay.next('SubscribeRequest');
    await scene.gateway.request(subscribe(wv('ann'), BOB));
    await scene.says('unregister');
    await scene.sees(
      new RegExp(`<presence type="unsubscribed" from="ann@${COMPONENT}" to="bob@xmpp.example"/>`),
    );
    await scene.sees(
      new RegExp(`<presence type="unsubscribe" from="ann@${COMPONENT}" to="bob@xmpp.example"/>`),
    );
    await scene.relay.next('UnsubscribeRequest');
    await eventually('nothing kept', () => scene.relay.storage.values.size === 0);
  });

  test('where it is required, strangers are told so', async () => {
    await started({ registration: 'required' });
    writes(DESK, `ann@${COMPONENT}`);
    await scene.sees(/<message type="error".*registration-required/s);
    scene.server.send(`<presence type="subscribe" from="bob@xmpp.example" to="ann@${COMPONENT}"/>`);
    await scene.sees(/<presence type="error".*registration-required/s);
    await scene.says('register');
    writes(DESK, `ann@${COMPONENT}`);
    await scene.relay.next('SendMessageRequest');
  });

  test('where it is off, it is neither offered nor answered', async () => {
    await started({ registration: 'off' });
    expect(await scene.asks('get', `<query xmlns="${NS.discoInfo}"/>`)).not.toContain(NS.register);
    expect(await scene.asks('get', `<query ${QUERY}/>`)).toContain('service-unavailable');
    expect(await scene.says('help')).not.toContain('register [NAME]');
  });

  test('a full gateway takes nobody more', async () => {
    await started({ maxPeople: 1 });
    await scene.says('register');
    expect(await scene.says('register', 'eve@xmpp.example/x')).toContain('no room');
    expect(await scene.says('status')).toContain('You are registered');
  });
});

describe('privacy', () => {
  test('a block looks like absence on both sides, and ends what they saw of each other', async () => {
    await started();
    await scene.gateway.request(subscribe(wv('ann'), BOB));
    expect(await scene.says('block wv:ann')).toBe('ann is blocked.');
    await scene.sees(/<presence type="unsubscribe" /);
    writes(DESK, `ann@${COMPONENT}`);
    await scene.sees(/<message type="error".*service-unavailable/s);
    expect(await scene.asks('get', `<vCard xmlns="${NS.vcard}"/>`, DESK, `ann@${COMPONENT}`)).toContain(
      'service-unavailable',
    );
    const before = scene.server.text;
    expect((await scene.gateway.request(textMessage(wv('ann'), BOB, 'x'))).result.code).toBe(410);
    expect((await scene.gateway.request(subscribe(wv('ann'), BOB))).result.code).toBe(200);
    expect(scene.server.text).toBe(before);
    expect(scene.relay.inbox).toEqual([]);
    await scene.says('unblock ann');
    expect((await scene.gateway.request(textMessage(wv('ann'), BOB, 'x'))).result.code).toBe(200);
  });

  test('only those allowed pass, when he says so', async () => {
    await started();
    await scene.says('privacy allowed');
    expect((await scene.gateway.request(textMessage(wv('ann'), BOB, 'x'))).result.code).toBe(410);
    await scene.says('allow wv:ann');
    expect((await scene.gateway.request(textMessage(wv('ann'), BOB, 'y'))).result.code).toBe(200);
    expect(await scene.says('privacy')).toContain('Allowed: ann');
    expect(await scene.says('privacy nonsense')).toContain('Say privacy');
  });
});

describe('search (XEP-0055)', () => {
  const QUERY = `xmlns="${NS.search}"`;

  test('offers a field and a form, and answers in kind', async () => {
    await started();
    expect(await scene.asks('get', `<query ${QUERY}/>`)).toContain('<nick/>');
    expect(await scene.asks('set', `<query ${QUERY}><nick>Ann</nick></query>`)).toContain(
      `<item jid="ann@${COMPONENT}">`,
    );
    const table = await scene.asks('set', `<query ${QUERY}>${filled({ nick: 'Ann' })}</query>`);
    expect(table).toContain('<reported>');
    expect(table).toContain(`<value>ann@${COMPONENT}</value>`);
    expect(await scene.asks('set', `<query ${QUERY}/>`)).toContain('bad-request');
  });
});

describe('small questions', () => {
  test('uptime and time are answered', async () => {
    await started();
    expect(await scene.asks('get', `<query xmlns="${NS.last}"/>`)).toMatch(/seconds="\d+"/);
    expect(await scene.asks('get', `<time xmlns="${NS.time}"/>`)).toContain('<tzo>+00:00</tzo>');
  });

  test('every feature announced is answered', async () => {
    await started();
    const info = await scene.asks('get', `<query xmlns="${NS.discoInfo}"/>`);
    for (const feature of [
      NS.commands,
      NS.last,
      NS.search,
      NS.register,
      NS.time,
      NS.vcard,
      NS.version,
      NS.gateway,
    ])
      expect(info).toContain(`var="${feature}"`);
  });

  test('whoever adds the gateway to his roster sees it', async () => {
    await started();
    scene.server.send(`<presence type="subscribe" from="bob@xmpp.example" to="${COMPONENT}"/>`);
    await scene.sees(new RegExp(`<presence type="subscribed" from="${COMPONENT}"`));
    await scene.sees(new RegExp(`<presence from="${COMPONENT}" to="bob@xmpp.example"/>`));
  });
});
