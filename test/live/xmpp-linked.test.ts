// A WV user who speaks as an XMPP account of his own, through the whole product: romeo has a phone.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { restartServer } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { mucDomain } from '../../scripts/stack/layout.ts';
import { WvClient } from '../../src/client/client.ts';
import { simple } from '../../src/wv/presence.ts';
import { seesMessage, seesPresence, SHOWN, startScene } from '../support/e2e/scene.ts';
import type { Account, Scene } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import type { TestHouse } from '../support/house.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { bodyText, XmppUser } from '../support/xmpp-user.ts';

const RESTART_MS = 60_000;

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`accounts of ${name} linked with WV users${missing}`, () => {
    suite(name, server as XmppServer);
  });
}

function suite(name: 'prosody' | 'ejabberd', server: XmppServer): void {
  let scene: Scene;
  let juliet: XmppUser;
  const romeoJid = `romeo@${server?.domain}`;
  const julietAddress = `wv:juliet@${server?.domain}`;
  const [nurseJid, nurseAddress] = [`nurse@${server?.domain}`, `wv:nurse@${server?.domain}`];

  beforeAll(async () => {
    await befriend(server);
    scene = await startScene({ linked: server });
    house = scene.house;
    await scene.connected();
    juliet = await XmppUser.login(server, 'juliet', 'window', '<status>at the window</status>');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await juliet.logout();
    await scene.stop();
  });

  let house: TestHouse;
  const api = async (account: Account, method: string, path = '', body?: object): Promise<Response> => {
    const { web } = house.house.addresses;
    return await fetch(`http://${web?.host}:${web?.port}/api/profile/accounts${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${account.name}:sesame`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
  const stateOf = async (account: Account): Promise<{ state?: string; reason?: string } | undefined> => {
    const answer = (await (await api(account, 'GET')).json()) as { accounts: { state: string }[] };
    return answer.accounts[0];
  };
  const link = async (account: Account, password = 'romeo-secret'): Promise<void> => {
    const answer = await api(account, 'PUT', '/xmpp', { account: romeoJid, password });
    expect(answer.status).toBe(202);
  };
  const unlink = async (account: Account): Promise<void> => {
    expect((await api(account, 'DELETE', '/xmpp')).status).toBe(204);
  };
  /** A phone whose user is romeo. */
  const linkedPhone = async (): Promise<{ readonly account: Account; readonly phone: WvClient }> => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    await link(account);
    await eventually('the account is online', async () => (await stateOf(account))?.state === 'online');
    return { account, phone };
  };
  const isFromRomeo = ({ attrs }: XmlElement): boolean => attrs['from']?.split('/')[0] === romeoJid;
  const listNamed = async (phone: WvClient, part: string): Promise<string | undefined> =>
    (await phone.getLists()).lists.find((list) => list.includes(part));

  test('the roster is there as contact lists, and follows its changes', async () => {
    const { account, phone } = await linkedPhone();
    const verona = await eventually('the list of the group', () => listNamed(phone, '/xmpp~verona'));
    const content = await phone.manageList(verona);
    expect(content.contacts).toEqual([{ user: julietAddress, name: 'Juliet C' }]);
    expect(content.properties.displayName).toBe('Verona');

    const romeo = await XmppUser.login(server, 'romeo', 'elsewhere');
    const set = (item: string) => romeo.asks(romeoJid, 'set', `<query xmlns="${NS.roster}">${item}</query>`);
    await set(`<item jid="${nurseJid}" name="Nurse"><group>Verona</group></item>`);
    await eventually('the nurse is on the list', async () =>
      (await phone.manageList(verona)).contacts.some(({ user }) => user === nurseAddress),
    );
    await phone.manageList(verona, { add: [{ user: nurseAddress, name: 'Angelica' }] });
    await romeo.sees('the new name', (s) => JSON.stringify(s).includes('"name":"Angelica"'));
    await set(`<item jid="${nurseJid}" subscription="remove"/>`);
    await eventually('the nurse is gone', async () => (await phone.manageList(verona)).contacts.length === 1);
    await romeo.logout();
    await unlink(account);
  });

  test('messages and receipts go as the account, and come to it', async () => {
    const { account, phone } = await linkedPhone();
    const report = phone.next('report');
    const text = `as myself ${account.name}`;
    const { id } = await phone.sendMessage({
      to: { user: julietAddress },
      content: text,
      deliveryReport: true,
    });
    const message = await juliet.seesMessage(text);
    expect(isFromRomeo(message)).toBe(true);
    const from = message.attrs['from'] ?? '';
    await juliet.send(
      `<message to="${from}" id="r1"><received xmlns="${NS.receipts}" id="${message.attrs['id']}"/></message>`,
    );
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id } });

    await phone.updatePresence({ OnlineStatus: simple('T') });
    await juliet.sees('romeo', (stanza) => isFromRomeo(stanza) && stanza.name === 'presence');
    const heard = seesMessage(phone, julietAddress, `wherefore ${account.name}`);
    await juliet.send(
      `<message type="chat" id="w-${account.name}" to="${romeoJid}"><body>wherefore ${account.name}</body><request xmlns="${NS.receipts}"/></message>`,
    );
    await heard;
    await juliet.sees(
      'the receipt',
      (stanza) =>
        isFromRomeo(stanza) && childOf(stanza, 'received', NS.receipts)?.attrs['id'] === `w-${account.name}`,
    );
    await unlink(account);
  });

  test('what is sent to another client of the account comes too', async () => {
    const { account, phone } = await linkedPhone();
    const desk = await XmppUser.login(server, 'romeo', 'desk', '');
    const heard = seesMessage(phone, julietAddress, `to the desk ${account.name}`);
    await juliet.send(
      `<message type="chat" id="c-${account.name}" to="${romeoJid}/desk"><body>to the desk ${account.name}</body></message>`,
    );
    await heard;
    await desk.logout();
    await unlink(account);
  });

  test('presence goes both ways, and nobody is asked', async () => {
    const { account, phone } = await linkedPhone();
    const seen = seesPresence(phone, julietAddress, {
      UserAvailability: 'AVAILABLE',
      StatusText: 'at the window',
    });
    await phone.subscribe({ users: [julietAddress], attributes: SHOWN });
    await seen;
    const asleep = seesPresence(phone, julietAddress, { UserAvailability: 'DISCREET', StatusText: 'asleep' });
    await juliet.send('<presence><show>dnd</show><status>asleep</status></presence>');
    await asleep;
    await juliet.send('<presence><status>at the window</status></presence>');

    await phone.updatePresence({
      UserAvailability: simple('DISCREET'),
      StatusText: simple(`under the balcony ${account.name}`),
    });
    await juliet.sees(
      'romeo below',
      (stanza) =>
        isFromRomeo(stanza) &&
        textOf(childOf(stanza, 'show')) === 'dnd' &&
        textOf(childOf(stanza, 'status')) === `under the balcony ${account.name}`,
    );
    const before = juliet.received.length;
    await phone.logout();
    await eventually('romeo is gone', () =>
      juliet.received
        .slice(before)
        .some((stanza) => isFromRomeo(stanza) && stanza.attrs['type'] === 'unavailable'),
    );
    await unlink(account);
  });

  test('what is written while the phone is off waits at the server', async () => {
    const { account, phone } = await linkedPhone();
    await phone.updatePresence({ OnlineStatus: simple('T') });
    const [before, text] = [juliet.received.length, `good night ${account.name}`];
    await phone.logout();
    await eventually('romeo is gone', () =>
      juliet.received
        .slice(before)
        .some((stanza) => isFromRomeo(stanza) && stanza.attrs['type'] === 'unavailable'),
    );
    await juliet.send(
      `<message type="chat" id="n-${account.name}" to="${romeoJid}"><body>${text}</body></message>`,
    );
    const later = scene.phone(account);
    const heard = seesMessage(later, julietAddress, text);
    await later.connect();
    await heard;
    await unlink(account);
  });

  test('a contact put on a list is asked, one taken off leaves the roster', async () => {
    const { account, phone } = await linkedPhone();
    const mercutio = await XmppUser.login(server, 'mercutio', 'street', '');
    const address = `wv:mercutio@${server.domain}`;
    const { defaultList = '' } = await phone.getLists();
    await phone.manageList(defaultList, { add: [{ user: address, name: 'Mercutio' }] });
    await phone.subscribe({ users: [address], attributes: SHOWN });
    await mercutio.sees('the request', (s) => isFromRomeo(s) && s.attrs['type'] === 'subscribe');
    const seen = seesPresence(phone, address, { UserAvailability: 'AVAILABLE' });
    await mercutio.send(`<presence type="subscribed" to="${romeoJid}"/>`);
    await seen;
    const gone = phone.manageList(defaultList, { remove: [address] });
    await mercutio.sees('the end', (s) => isFromRomeo(s) && s.attrs['type'] === 'unsubscribe');
    await gone;
    await mercutio.logout();
    await unlink(account);
  });

  test('who asks to see the account is put to the phone', async () => {
    const { account, phone } = await linkedPhone();
    const mercutio = await XmppUser.login(server, 'mercutio', 'street', '');
    const asked = phone.next('authorization', ({ user }) => user === `wv:mercutio@${server.domain}`);
    await mercutio.send(`<presence type="subscribe" to="${romeoJid}"/>`);
    await asked;
    await phone.answerAuthorization(`wv:mercutio@${server.domain}`, true);
    await mercutio.sees('the answer', (s) => isFromRomeo(s) && s.attrs['type'] === 'subscribed');
    await mercutio.send(`<presence type="unsubscribe" to="${romeoJid}"/>`);
    await mercutio.logout();
    await unlink(account);
  });

  test('in a room the account is there with its own JID', async () => {
    const { account, phone } = await linkedPhone();
    const [room, group] = [
      `${account.name}@${mucDomain(server.domain)}`,
      `wv:/${account.name}@${mucDomain(server.domain)}`,
    ];
    await juliet.send(`<presence to="${room}/Juliet"><x xmlns="${NS.muc}"/></presence>`);
    await juliet.sees('the room', ({ attrs }) => attrs['from'] === `${room}/Juliet`);
    await juliet.asks(
      room,
      'set',
      `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit"/></query>`,
    );
    await phone.groups.join(group, { screenName: 'Romeo' });
    const presence = await juliet.sees('romeo enters', ({ attrs }) => attrs['from'] === `${room}/Romeo`);
    const item = childOf(childOf(presence, 'x', NS.mucUser) as XmlElement, 'item', NS.mucUser);
    expect(item?.attrs['jid']?.split('/')[0]).toBe(romeoJid);
    const heard = phone.next('message', ({ text }) => text === 'come in');
    await juliet.send(`<message type="groupchat" id="m1" to="${room}"><body>come in</body></message>`);
    await heard;
    await phone.sendMessage({ to: { group }, content: 'here I am' });
    await juliet.sees('his words', (s) => s.attrs['from'] === `${room}/Romeo` && bodyText(s) === 'here I am');
    await phone.groups.leave(group);
    await unlink(account);
  });

  test('a wrong password is told, and not tried again', async () => {
    const account = await scene.newAccount('paris');
    await link(account, 'wrong');
    const state = await eventually('the refusal', async () => {
      const now = await stateOf(account);
      return now?.state === 'refused' ? now : undefined;
    });
    expect(state.reason).toContain('password');
    const waiting = await eventually('the system message', async () => {
      const entries = await scene.house.house.store.queueOf(account.address, 0, 10);
      return entries.length === 0 ? undefined : entries;
    });
    expect(waiting.map(({ item }) => item)).toMatchObject([
      {
        notice: {
          text: 'Your XMPP account cannot be used: the server refuses the password. Link it again, or unlink it.',
        },
      },
    ]);
    const phone = await scene.login(account);
    const report = phone.next('report');
    await phone.sendMessage({ to: { user: julietAddress }, content: 'never', deliveryReport: true });
    expect((await report).outcome.code).toBe(403);
    await link(account);
    await eventually('the account is online', async () => (await stateOf(account))?.state === 'online');
    await unlink(account);
  });

  test(
    'a restart of the server is survived',
    async () => {
      const { account, phone } = await linkedPhone();
      await restartServer(name);
      await juliet.logout();
      await eventually('the account is back', async () => (await stateOf(account))?.state === 'online');
      juliet = await XmppUser.login(server, 'juliet', 'window', '<status>at the window</status>');
      await phone.sendMessage({ to: { user: julietAddress }, content: `after all ${account.name}` });
      const message = await juliet.seesMessage(`after all ${account.name}`);
      expect(isFromRomeo(message)).toBe(true);
      await unlink(account);
    },
    RESTART_MS,
  );

  test('unlinking leaves nothing', async () => {
    const { account, phone } = await linkedPhone();
    await eventually('the lists', () => listNamed(phone, '/xmpp~'));
    const before = juliet.received.length;
    await phone.updatePresence({ OnlineStatus: simple('T') });
    await unlink(account);
    expect(await listNamed(phone, '/xmpp~')).toBeUndefined();
    expect(await stateOf(account)).toBeUndefined();
    const home = await scene.house.house.store.loadHome(account.address);
    expect(home?.authorizations).toEqual([]);
    expect(home?.watchers).toEqual([]);
    await eventually('romeo is gone', () =>
      juliet.received
        .slice(before)
        .some((stanza) => isFromRomeo(stanza) && stanza.attrs['type'] === 'unavailable'),
    );
    await phone.sendMessage({ to: { user: julietAddress }, content: `nobody ${account.name}` });
    const message = await juliet.seesMessage(`nobody ${account.name}`);
    expect(message.attrs['from']).toBe(`${account.name}@${server.components.test.domain}`);
  });

  // The last: the scene's house is gone then.
  test('a restart of wvgate takes the account up again', async () => {
    const account = await scene.newAccount('romeo');
    await link(account);
    await eventually('the account is online', async () => (await stateOf(account))?.state === 'online');
    const before = juliet.received.length;
    house = await scene.house.restart();
    await eventually('the account is back', async () => (await stateOf(account))?.state === 'online');
    const phone = new WvClient({ url: house.url, user: account.address, password: 'sesame' });
    await phone.connect();
    await eventually('romeo is there', () =>
      juliet.received
        .slice(before)
        .some((stanza) => isFromRomeo(stanza) && stanza.attrs['type'] === undefined),
    );
    await phone.logout();
    await unlink(account);
    await house.house.stop();
  });
}

/** romeo and juliet see each other; he has nobody else. */
async function befriend(server: XmppServer): Promise<void> {
  const [romeo, juliet] = await Promise.all([
    XmppUser.login(server, 'romeo', 'setup', ''),
    XmppUser.login(server, 'juliet', 'setup', ''),
  ]);
  const [romeoJid, julietJid] = [`romeo@${server.domain}`, `juliet@${server.domain}`];
  const roster = await romeo.asks(romeoJid, 'get', `<query xmlns="${NS.roster}"/>`);
  const query = childOf(roster, 'query', NS.roster);
  for (const { attrs } of query === undefined ? [] : elementsOf(query)) {
    const item = `<item jid="${attrs['jid']}" subscription="remove"/>`;
    await romeo.asks(romeoJid, 'set', `<query xmlns="${NS.roster}">${item}</query>`);
  }
  const item = `<item jid="${julietJid}" name="Juliet C"><group>Verona</group></item>`;
  await romeo.asks(romeoJid, 'set', `<query xmlns="${NS.roster}">${item}</query>`);
  await romeo.send(`<presence type="subscribe" to="${julietJid}"/>`);
  await juliet.sees('the request', (s) => s.attrs['type'] === 'subscribe');
  await juliet.send(`<presence type="subscribed" to="${romeoJid}"/>`);
  await juliet.send(`<presence type="subscribe" to="${romeoJid}"/>`);
  await romeo.sees('the request', (s) => s.attrs['type'] === 'subscribe');
  await romeo.send(`<presence type="subscribed" to="${julietJid}"/>`);
  await juliet.sees('the consent', (s) => s.attrs['type'] === 'subscribed');
  await Promise.all([romeo.logout(), juliet.logout()]);
}
