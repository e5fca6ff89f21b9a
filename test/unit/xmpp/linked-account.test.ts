// A linked account between the relay and its own server, without a network.

import { beforeEach, describe, expect, test } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { stanza, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { simple } from '../../../src/wv/presence.ts';
import { eventually } from '../../support/eventually.ts';
import { accountScene, ROMEO } from '../../support/xmpp-account.ts';
import type { AccountScene } from '../../support/xmpp-account.ts';
import {
  authorisation,
  notification,
  subscribe,
  textMessage,
  unsubscribe,
} from '../../support/xmpp-requests.ts';

const JULIET = trusted<UserAddress>('wv:juliet@xmpp.example');
const OWN = trusted<UserAddress>(`wv:${ROMEO}`);

const item = (jid: string, attrs: Record<string, string>, ...groups: string[]): XmlElement =>
  xml(NS.roster, 'item', { jid, ...attrs }, ...groups.map((group) => xml(NS.roster, 'group', {}, group)));
const juliet = item('juliet@xmpp.example', { subscription: 'both', name: 'Juliet' }, 'Verona');
const push = (attrs: Record<string, string>, ...items: XmlElement[]): XmlElement =>
  stanza('iq', { type: 'set', id: 'push', ...attrs }, xml(NS.roster, 'query', {}, ...items));
const body = (text: string): XmlElement => xml(NS.component, 'body', {}, text);

let scene: AccountScene;
beforeEach(() => {
  scene = accountScene();
});

const received = (element: XmlElement): void => scene.streams.last.handlers.stanza(element);
const written = (): string => scene.streams.last.written.join('\n');
const told = (): string[] =>
  scene.bridge.relay.inbox.map(({ message: { sender, content } }) =>
    [sender.kind === 'user' ? sender.user : '', content.data].join(' '),
  );
const settle = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
  await eventually('all queues are empty', () => scene.bridge.queues.busy === 0);
};

describe('logging in', () => {
  test('presence goes out when the roster is known, not before', async () => {
    await scene.account.start();
    const { presence } = scene.account.lane;
    await presence.notify(notification(scene.user, OWN, { OnlineStatus: simple('T') }));
    expect(written()).not.toContain('<presence');
    scene.streams.last.answer('jabber:iq:roster', xml(NS.roster, 'query'));
    await eventually('presence', () => written().includes('<presence'));
    expect(written()).not.toContain('from=');
    expect(scene.states.map(({ state }) => state)).toEqual(['connecting', 'online']);
  });

  test('the account is told the presence of its user', async () => {
    await scene.login();
    const request = await scene.bridge.relay.next('SubscribeRequest');
    expect(request).toMatchObject({ watcher: OWN, publishers: [scene.user] });
  });

  test('a refused password is final', async () => {
    scene.streams.fails = 'refused';
    await scene.account.start();
    expect(scene.states.at(-1)).toEqual({ state: 'refused', reason: 'it is refused' });
    scene.bridge.clock.advance(3_600_000);
    expect(scene.streams.opened).toHaveLength(1);
  });

  test('a server without TLS is not given the password, and not tried again', async () => {
    scene.streams.fails = 'insecure';
    await scene.account.start();
    expect(scene.states.at(-1)?.state).toBe('refused');
  });

  test('a server that cannot be reached is tried again, less and less often', async () => {
    scene.streams.fails = 'unreachable';
    await scene.account.start();
    for (let minute = 0; minute < 10; minute++) {
      scene.bridge.clock.advance(60_000);
      await settle();
    }
    expect(scene.streams.opened.length).toBeGreaterThan(5);
    expect(scene.streams.opened.length).toBeLessThan(30);
    expect(scene.states.at(-1)?.state).toBe('connecting');
  });

  test('a stream that was taken over comes back under another resource', async () => {
    await scene.login();
    const [first] = scene.streams.opened;
    first?.cut('conflict');
    scene.bridge.clock.advance(1_000);
    await settle();
    expect(scene.streams.opened).toHaveLength(2);
    expect(scene.streams.last.options.resource).not.toBe(first?.options.resource);
  });

  test('a server that does not answer is left', async () => {
    await scene.login();
    const { pingIntervalMs, confirmTimeoutMs } = scene.bridge.settings;
    const before = scene.streams.opened.length;
    scene.bridge.clock.advance(2 * (pingIntervalMs + confirmTimeoutMs) + 1_000);
    await settle();
    expect(scene.streams.opened.length).toBeGreaterThan(before);
  });

  test('nothing is heard after it was stopped', async () => {
    await scene.login();
    await scene.account.stop();
    scene.bridge.clock.advance(3_600_000);
    await settle();
    expect(scene.streams.opened).toHaveLength(1);
  });
});

describe('messages', () => {
  test('go out as the account, and are taken when its server answers', async () => {
    await scene.login(juliet);
    const sending = scene.account.lane.outgoing.send(textMessage(scene.user, JULIET, 'my love'));
    await eventually('the message', () => written().includes('my love'));
    expect(written()).toMatch(/<message type="chat" id="[^"]+" to="juliet@xmpp.example"><body>my love/);
    await eventually('the ping', () => written().includes(NS.ping));
    scene.streams.last.answer(NS.ping);
    expect((await sending).result.code).toBe(200);
  });

  test('are not taken when the stream ends first, nor while there is none', async () => {
    await scene.login(juliet);
    const { outgoing } = scene.account.lane;
    const sending = outgoing.send(textMessage(scene.user, JULIET, 'my love'));
    await eventually('the message', () => written().includes('my love'));
    scene.streams.last.cut();
    expect((await sending).result.code).toBe(503);
    expect((await outgoing.send(textMessage(scene.user, JULIET, 'again'))).result.code).toBe(503);
  });

  test('to the account are for its user', async () => {
    await scene.login(juliet);
    const { resource } = scene.streams.last.options;
    received(stanza('message', { type: 'chat', from: 'juliet@xmpp.example/w', to: ROMEO }, body('one')));
    received(
      stanza(
        'message',
        { type: 'chat', from: 'juliet@xmpp.example/w', to: `${ROMEO}/${resource}` },
        body('two'),
      ),
    );
    received(
      stanza('message', { type: 'chat', from: 'juliet@xmpp.example/w', to: 'else@xmpp.example' }, body('no')),
    );
    await settle();
    expect(told()).toEqual([`${JULIET} one`, `${JULIET} two`]);
  });
});

describe('what an account had read when the gateway died', () => {
  const hers = stanza(
    'message',
    { type: 'chat', id: 'm1', from: 'juliet@xmpp.example/w', to: ROMEO },
    body('good night'),
    xml(NS.receipts, 'request'),
  );
  const left = async (): Promise<number> =>
    (await scene.bridge.relay.storage.list('')).filter(([key]) => key.startsWith('unread')).length;

  beforeEach(async () => {
    await scene.login(juliet);
    // The relay never answers: what is handed on is under way when the gateway dies.
    scene.bridge.relay.answer = () => new Promise(() => undefined);
    received(hers);
    await eventually('it is on disk', async () => (await left()) === 1);
  });

  test('is taken up by the account, not by the component, which would answer under another name', async () => {
    scene = accountScene({}, scene.bridge.relay.storage);
    await scene.bridge.inbox.load();
    expect(scene.bridge.inbox.takeUp()).toEqual([]);
    await scene.login(juliet);
    await eventually('it is handed on', () => told().length === 1);
    expect(told()).toEqual([`${JULIET} good night`]);
    await eventually('it is forgotten', async () => (await left()) === 0);
  });

  test('goes with the account when that is unlinked', async () => {
    await scene.account.end();
    expect(await left()).toBe(0);
  });
});

describe('copies of what other clients of the account do', () => {
  const carbon = (kind: 'sent' | 'received', from: string, inner: XmlElement): XmlElement =>
    stanza(
      'message',
      { from, to: `${ROMEO}/x` },
      xml(NS.carbons, kind, {}, xml(NS.forward, 'forwarded', {}, inner)),
    );
  const hers = stanza(
    'message',
    { type: 'chat', id: 'm1', from: 'juliet@xmpp.example/w', to: `${ROMEO}/desk` },
    body('to the desk'),
    xml(NS.receipts, 'request'),
  );
  const his = stanza(
    'message',
    { type: 'chat', id: 'm2', from: `${ROMEO}/desk`, to: 'juliet@xmpp.example' },
    body('from the desk'),
  );

  test('are believed of the account itself only', async () => {
    await scene.login(juliet);
    received(carbon('received', 'mallory@xmpp.example', hers));
    received(carbon('received', `${ROMEO}/desk`, hers));
    await settle();
    expect(told()).toEqual([]);
    received(carbon('received', ROMEO, hers));
    await settle();
    expect(told()).toEqual([`${JULIET} to the desk`]);
    expect(scene.bridge.relay.all('SendMessageRequest')[0]?.deliveryReport).toBe(false);
  });

  test('of what he wrote are left out, unless the operator wants them', async () => {
    await scene.login(juliet);
    received(carbon('sent', ROMEO, his));
    await settle();
    expect(told()).toEqual([]);
    scene = accountScene({ showOwn: true });
    await scene.login(juliet);
    received(carbon('sent', ROMEO, his));
    await settle();
    expect(told()).toEqual([`${JULIET} you wrote: from the desk`]);
  });
});

describe('the roster', () => {
  test('is shown by its groups', async () => {
    await scene.login(juliet, item('nurse@xmpp.example', {}));
    scene.bridge.clock.advance(1_000);
    const nurse = trusted<UserAddress>('wv:nurse@xmpp.example');
    expect(scene.shown).toEqual([
      [
        { group: 'Verona', displayName: 'Verona', contacts: [{ user: JULIET, name: 'Juliet' }] },
        { group: '', displayName: 'XMPP', contacts: [{ user: nurse, name: '' }] },
      ],
    ]);
  });

  test('has a limit', async () => {
    scene = accountScene({ maxRoster: 2 });
    const many = Array.from({ length: 1_000 }, (_, index) => item(`p${index}@xmpp.example`, {}));
    await scene.login(...many);
    scene.bridge.clock.advance(1_000);
    expect(scene.shown[0]?.[0]?.contacts).toHaveLength(2);
    expect(scene.bridge.relay.counts.get('xmpp_linked_roster_left_out_total')).toBe(998);
  });

  test('is changed by the account only', async () => {
    await scene.login(juliet);
    scene.bridge.clock.advance(1_000);
    const gone = item('juliet@xmpp.example', { subscription: 'remove' });
    received(push({ from: 'mallory@xmpp.example' }, gone));
    scene.bridge.clock.advance(1_000);
    expect(scene.shown).toHaveLength(1);
    received(push({}, gone));
    scene.bridge.clock.advance(1_000);
    expect(scene.shown[1]).toEqual([]);
    expect(written()).toContain('<iq type="result" id="push"/>');
  });

  test('of nonsense is no harm', async () => {
    await scene.login(xml(NS.roster, 'item', { jid: 'not a jid' }), xml(NS.roster, 'other'), juliet);
    received(push({}));
    scene.bridge.clock.advance(1_000);
    expect(scene.shown[0]).toHaveLength(1);
  });

  test('takes what the user changed on the phone, and nothing else', async () => {
    await scene.login(juliet);
    scene.bridge.clock.advance(1_000);
    scene.account.listsChanged(scene.shown[0] ?? []);
    expect(written()).not.toContain('<iq type="set" id="ask-3"');
    scene.account.listsChanged([
      { group: 'Capulets', displayName: 'Capulets', contacts: [{ user: JULIET, name: 'Jule' }] },
    ]);
    expect(scene.streams.last.written.at(-1)).toContain(
      '<item jid="juliet@xmpp.example" name="Jule"><group>Capulets</group></item>',
    );
    // The push that follows is no news.
    received(push({}, item('juliet@xmpp.example', { subscription: 'both', name: 'Jule' }, 'Capulets')));
    scene.bridge.clock.advance(1_000);
    const before = scene.streams.last.written.length;
    scene.account.listsChanged(scene.shown[1] ?? []);
    expect(scene.streams.last.written).toHaveLength(before);
  });
});

describe('presence', () => {
  const presence = (from: string, ...children: XmlElement[]): XmlElement =>
    stanza('presence', { from, to: `${ROMEO}/x` }, ...children);

  test('of contacts is known before anybody looks', async () => {
    await scene.login(juliet);
    received(presence('juliet@xmpp.example/w', xml(NS.component, 'status', {}, 'at the window')));
    received(presence('mallory@xmpp.example/w'));
    await settle();
    await scene.account.lane.presence.subscribe(subscribe(scene.user, JULIET));
    scene.bridge.clock.advance(5_000);
    const { attributes } = await scene.bridge.relay.next('PresenceNotification');
    expect(attributes.StatusText?.value).toBe('at the window');
    expect(scene.bridge.relay.all('PresenceNotification')).toHaveLength(1);
    expect(written()).not.toContain('probe');
  });

  test('of who left while the stream was down is not what it was', async () => {
    await scene.login(juliet);
    received(presence('juliet@xmpp.example/w'));
    await settle();
    scene.streams.last.cut();
    scene.bridge.clock.advance(1_000);
    await settle();
    scene.streams.last.answer('jabber:iq:roster', xml(NS.roster, 'query', {}, juliet));
    await settle();
    await scene.account.lane.presence.notify(notification(scene.user, OWN, { OnlineStatus: simple('T') }));
    await scene.account.lane.presence.subscribe(subscribe(scene.user, JULIET));
    scene.bridge.clock.advance(5_000);
    const { attributes } = await scene.bridge.relay.next('PresenceNotification');
    expect(attributes.OnlineStatus?.value).toBe('F');
  });

  test('of the user goes out once to the server, and to no contact', async () => {
    await scene.login(juliet);
    const { presence: bridge } = scene.account.lane;
    const away = { OnlineStatus: simple('T'), UserAvailability: simple('DISCREET') };
    await bridge.notify(notification(scene.user, OWN, away));
    await bridge.notify(notification(scene.user, OWN, away));
    await bridge.notify(notification(scene.user, JULIET, away));
    const sent = scene.streams.last.written.filter((text) => text.startsWith('<presence'));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatch(/^<presence><show>dnd<\/show>/);
  });

  test('a phone that is off is an account that is off', async () => {
    await scene.login(juliet);
    const { presence: bridge } = scene.account.lane;
    await bridge.notify(notification(scene.user, OWN, { OnlineStatus: simple('T') }));
    await bridge.notify(notification(scene.user, OWN, { OnlineStatus: simple('F') }));
    expect(scene.streams.last.written.at(-1)).toBe('<presence type="unavailable"/>');
  });
});

describe('subscriptions', () => {
  const asks = (type: string): XmlElement =>
    stanza('presence', { type, from: 'nurse@xmpp.example', to: ROMEO });
  const NURSE = trusted<UserAddress>('wv:nurse@xmpp.example');

  test('who is not in the roster is asked, who is in it without a subscription is not', async () => {
    await scene.login(juliet, item('paris@xmpp.example', { subscription: 'none' }));
    const { presence } = scene.account.lane;
    await presence.subscribe(subscribe(scene.user, NURSE));
    await presence.subscribe(subscribe(scene.user, trusted<UserAddress>('wv:paris@xmpp.example')));
    const asked = scene.streams.last.written.filter((text) => text.includes('type="subscribe"'));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('to="nurse@xmpp.example"');
  });

  test('who is given up leaves the roster; who only is not watched stays', async () => {
    await scene.login(juliet);
    const { presence } = scene.account.lane;
    await presence.unsubscribe(unsubscribe(scene.user, JULIET, false));
    expect(written()).not.toContain('remove');
    await presence.unsubscribe(unsubscribe(scene.user, JULIET, true));
    expect(written()).toContain('<item jid="juliet@xmpp.example" subscription="remove"/>');
  });

  test.each([
    ['GRANTED', 'subscribed'],
    ['DENIED', 'unsubscribed'],
  ] as const)('a stranger’s request is put to the user; %s sends %s', async (state, type) => {
    await scene.login();
    received(asks('subscribe'));
    const isHers = ({ watcher }: { readonly watcher: UserAddress }): boolean => watcher === NURSE;
    await scene.bridge.relay.next('SubscribeRequest', isHers);
    await settle();
    await scene.account.lane.presence.authorise(authorisation(scene.user, NURSE, state));
    expect(scene.streams.last.written.at(-1)).toBe(`<presence type="${type}" to="nurse@xmpp.example"/>`);
  });

  test('a subscription that ends is told as withheld presence', async () => {
    await scene.login(juliet);
    received(push({}, item('juliet@xmpp.example', { subscription: 'from' })));
    const { attributes } = await scene.bridge.relay.next('PresenceNotification');
    expect(attributes.OnlineStatus?.valid).toBe(false);
  });
});
