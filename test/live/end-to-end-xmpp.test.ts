// A WV phone and an XMPP client through the whole product, on each of the XMPP servers.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { restartServer, startServer, stopServer } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { verOf } from '../../adapters/xmpp/caps.ts';
import { childOf, serialize, textOf, xml, type XmlElement } from '../../adapters/xmpp/xml.ts';
import { childText, leaf } from '../../src/wv/element.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { simple } from '../../src/wv/presence.ts';
import {
  isAsked,
  lets,
  PHONES,
  seesMessage,
  seesPresence,
  SHOWN,
  startScene,
  waitingFor,
  WHEREABOUTS,
} from '../support/e2e/scene.ts';
import type { Account, Scene, Whereabouts } from '../support/e2e/scene.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { eventually } from '../support/eventually.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

/** What a contact's client says of itself. */
const PC = xml(NS.discoInfo, 'query', {}, xml(NS.discoInfo, 'identity', { category: 'client', type: 'pc' }));
const PC_CAPS = serialize(xml(NS.caps, 'c', { hash: 'sha-1', node: 'https://pc.example', ver: verOf(PC) }));

/** Servers take a moment to come back. */
const RESTART_MS = 60_000;

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`the whole house with ${name}${missing}`, () => {
    describe.each(WHEREABOUTS)('and the gateway %s', (where) => suite(name, server as XmppServer, where));
  });
}

function suite(name: 'prosody' | 'ejabberd', server: XmppServer, where: Whereabouts): void {
  let scene: Scene;
  let juliet: XmppUser;
  const julietAddress = `wv:juliet@${server?.domain}`;
  const jidOf = (account: Account): string => `${account.name}@${server.components.test.domain}`;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server }, where);
    await scene.connected();
    juliet = await XmppUser.login(server, 'juliet', 'window', '<status>at the window</status>');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await juliet.logout();
    await scene.stop();
  });

  /** What was received of a message that asked for one. */
  const isReceipt =
    (from: string, id: string) =>
    (stanza: XmlElement): boolean =>
      stanza.attrs['from']?.split('/')[0] === from &&
      childOf(stanza, 'received', NS.receipts)?.attrs['id'] === id;

  test.each(PHONES)('a phone with $phone holds the conversation', async ({ kind }) => {
    const account = await scene.newAccount('romeo');
    const jid = jidOf(account);
    const phone = await scene.login(account, kind);

    const granted = seesPresence(phone, julietAddress, {
      UserAvailability: 'AVAILABLE',
      StatusText: 'at the window',
    });
    await phone.subscribe({ users: [julietAddress], attributes: SHOWN });
    await juliet.seesPresence(jid, 'subscribe');
    await juliet.send(`<presence type="subscribed" to="${jid}"/>`);
    await granted;

    await juliet.send(`<presence type="subscribe" to="${jid}"/>`);
    if (kind.version !== '1.3') await phone.next('authorization', ({ user }) => user === julietAddress);
    else await eventually('the request is known', () => isAsked(scene, account, julietAddress));
    await lets(phone, julietAddress);
    await juliet.seesPresence(jid, 'subscribed');
    await juliet.seesPresence(jid, undefined);

    const hers = seesPresence(phone, julietAddress, {
      UserAvailability: 'DISCREET',
      StatusText: 'nurse is here',
    });
    await juliet.send('<presence><show>dnd</show><status>nurse is here</status></presence>');
    await hers;
    await phone.updatePresence({
      UserAvailability: simple('DISCREET'),
      StatusText: simple('in the orchard'),
    });
    await juliet.sees(
      'dnd',
      (stanza) =>
        stanza.attrs['from']?.split('/')[0] === jid &&
        textOf(childOf(stanza, 'show')) === 'dnd' &&
        textOf(childOf(stanza, 'status')) === 'in the orchard',
    );
    await juliet.send('<presence><status>at the window</status></presence>');

    const report = phone.next('report');
    const text = `See, how she leans <3 & "sighs" 😀 ${jid}`;
    const { id } = await phone.sendMessage({
      to: { user: julietAddress },
      content: text,
      deliveryReport: true,
    });
    const message = await juliet.seesMessage(text);
    expect(message.attrs['from']).toBe(jid);
    await juliet.send(
      `<message type="chat" to="${jid}"><received xmlns="${NS.receipts}" id="${message.attrs['id']}"/></message>`,
    );
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id } });

    const ay = seesMessage(phone, julietAddress, 'Ay me! ü 😀');
    await juliet.send(
      `<message type="chat" id="ay-${account.name}" to="${jid}"><body>Ay me! ü 😀</body><request xmlns="${NS.receipts}"/></message>`,
    );
    await ay;
    await juliet.sees('the receipt', isReceipt(jid, `ay-${account.name}`));
  });

  test.each(PHONES)('a phone with $phone is told how a contact is reached, and by what', async ({ kind }) => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account, kind);
    const reached = phone.next(
      'presence',
      ({ user, attributes }) => user === julietAddress && attributes.PreferredContacts?.valid === true,
    );
    const client = phone.next(
      'presence',
      ({ user, attributes }) => user === julietAddress && attributes.ClientInfo?.valid === true,
    );
    await phone.subscribe({ users: [julietAddress] });
    await juliet.seesPresence(jidOf(account), 'subscribe');
    juliet.answersWith(PC);
    await juliet.send(`<presence><status>at the window</status>${PC_CAPS}</presence>`);
    await juliet.send(`<presence type="subscribed" to="${jidOf(account)}"/>`);
    const [way] = (await reached).attributes.PreferredContacts?.fields ?? [];
    expect(['PrefC', 'Caddr', 'Cstatus', 'Cname'].map((name) => childText(way, name))).toEqual([
      'IM',
      julietAddress,
      'OPEN',
      'window',
    ]);
    expect((await client).attributes.ClientInfo?.fields).toContainEqual(leaf('ClientType', 'COMPUTER'));
  });

  test('a phone that denies a watcher ends his request', async () => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const asked = phone.next('authorization');
    await juliet.send(`<presence type="subscribe" to="${jidOf(account)}"/>`);
    await asked;
    await phone.answerAuthorization(julietAddress, false);
    await juliet.seesPresence(jidOf(account), 'unsubscribed');
  });

  test('an XMPP user who denies is shown as withheld', async () => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const denied = phone.next(
      'presence',
      ({ user, attributes }) => user === julietAddress && attributes.OnlineStatus?.valid === false,
    );
    await phone.subscribe({ users: [julietAddress], attributes: SHOWN });
    await juliet.seesPresence(jidOf(account), 'subscribe');
    await juliet.send(`<presence type="unsubscribed" to="${jidOf(account)}"/>`);
    await denied;
  });

  test('a phone that logs out is shown as unavailable', async () => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const asked = phone.next('authorization');
    await juliet.send(`<presence type="subscribe" to="${jidOf(account)}"/>`);
    await asked;
    await phone.answerAuthorization(julietAddress, true);
    await juliet.seesPresence(jidOf(account), undefined);
    await phone.logout();
    await juliet.seesPresence(jidOf(account), 'unavailable');
  });

  test('a message to a WV user who does not exist comes back, and so does one to an XMPP user', async () => {
    const nobody = `nobody-${Date.now()}@${server.components.test.domain}`;
    await juliet.send(`<message type="chat" id="${nobody}" to="${nobody}"><body>hello?</body></message>`);
    const error = await juliet.sees(
      'an error',
      ({ attrs }) => attrs['id'] === nobody && attrs['type'] === 'error',
    );
    expect(conditionOf(error)).toBe('service-unavailable');

    const phone = await scene.login(await scene.newAccount('romeo'));
    const report = phone.next('report');
    const { id } = await phone.sendMessage({
      to: { user: `wv:no-such-person@${server.domain}` },
      content: 'hello?',
    });
    expect(await report).toMatchObject({ outcome: { code: 410 }, message: { id } });
  });

  test.each([
    ['on the block list', { block: { inUse: true, add: { users: [julietAddress] } } }],
    ['not on the grant list', { grant: { inUse: true, add: { users: ['wv:friend'] } } }],
  ])('a sender %s gets the error of a user who does not exist, and sees him go, once', async (_, access) => {
    const account = await scene.newAccount('romeo');
    const jid = jidOf(account);
    const phone = await scene.login(account);
    const asked = phone.next('authorization');
    await juliet.send(`<presence type="subscribe" to="${jid}"/>`);
    await asked;
    await phone.answerAuthorization(julietAddress, true);
    await juliet.seesPresence(jid, undefined);
    const before = juliet.received.length;
    await phone.changeAccess(access);
    await juliet.seesPresence(jid, 'unavailable');
    await phone.updatePresence({ StatusText: simple('not for everybody') });
    const id = `blocked-${account.name}`;
    await juliet.send(`<message type="chat" id="${id}" to="${jid}"><body>psst</body></message>`);
    const error = await juliet.sees(
      'an error',
      ({ attrs }) => attrs['id'] === id && attrs['type'] === 'error',
    );
    expect(conditionOf(error)).toBe('service-unavailable');
    const shown = juliet.received
      .slice(before)
      .filter((each) => each.name === 'presence' && each.attrs['from']?.split('/')[0] === jid);
    expect(shown.map(({ attrs }) => attrs['type'])).toEqual(['unavailable']);
  });

  test('messages to a phone that is off wait for it, in order', async () => {
    const account = await scene.newAccount('romeo');
    const numbers = ['one', 'two', 'three'];
    for (const number of numbers) {
      const id = `${number}-${account.name}`;
      await juliet.send(
        `<message type="chat" id="${id}" to="${jidOf(account)}"><body>${number}</body><request xmlns="${NS.receipts}"/></message>`,
      );
    }
    await eventually('they wait', async () => (await waitingFor(scene, account)) === numbers.length);
    const phone = scene.phone(account);
    const seen: string[] = [];
    phone.on('message', ({ text }) => void seen.push(text));
    await phone.connect();
    await eventually('they arrive', () => seen.length === numbers.length);
    expect(seen).toEqual(numbers);
    for (const number of numbers) {
      await juliet.sees('the receipt', isReceipt(jidOf(account), `${number}-${account.name}`));
    }
  });

  test(
    'what a phone sends while the server restarts arrives once, in order',
    async () => {
      const account = await scene.newAccount('romeo');
      const phone = await scene.login(account);
      const numbers = Array.from({ length: 9 }, (_, at) => `${at} ${account.name}`);
      const send = async (from: number, to: number): Promise<void> => {
        for (const content of numbers.slice(from, to)) {
          await phone.sendMessage({ to: { user: julietAddress }, content });
        }
      };
      const arrived = (): string[] =>
        juliet.received
          .filter(({ name: kind }) => kind === 'message')
          .map(bodyText)
          .filter((text) => numbers.includes(text));
      await send(0, 3);
      await eventually('the first', () => arrived().length === 3);
      await juliet.logout();
      await stopServer(name);
      await send(3, 6);
      await startServer(name);
      juliet = await XmppUser.login(server, 'juliet', 'window', '<status>at the window</status>');
      await eventually('what was sent meanwhile', () => arrived().length >= 3, RESTART_MS);
      // Not before: ejabberd shows what it kept for her after what comes now.
      await send(6, 9);
      await eventually('the last', () => arrived().length >= 6);
      expect(arrived()).toEqual(numbers.slice(3));
    },
    RESTART_MS * 2,
  );

  test(
    'presence is shown again after the server was restarted',
    async () => {
      const account = await scene.newAccount('romeo');
      const phone = await scene.login(account);
      const asked = phone.next('authorization');
      await juliet.send(`<presence type="subscribe" to="${jidOf(account)}"/>`);
      await asked;
      await phone.updatePresence({ StatusText: simple('still here') });
      await phone.answerAuthorization(julietAddress, true);
      await juliet.seesPresence(jidOf(account), undefined);
      await juliet.logout();
      await restartServer(name);
      juliet = await XmppUser.login(server, 'juliet', 'window', '<status>at the window</status>');
      await eventually(
        'his presence',
        () =>
          juliet.received.find(
            (stanza) =>
              stanza.attrs['from']?.split('/')[0] === jidOf(account) &&
              textOf(childOf(stanza, 'status')) === 'still here',
          ),
        RESTART_MS,
      );
    },
    RESTART_MS * 2,
  );
}
