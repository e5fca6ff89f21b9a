// Contact lists of phones and rosters of XMPP clients, through the whole product and on each of the XMPP servers: what
// happens to a list on the one side, and what that does on the other.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startServer, stopServer } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import type { WvClient } from '../../src/client/client.ts';
import { isAsked, seesPresence, SHOWN, startScene, WHEREABOUTS } from '../support/e2e/scene.ts';
import type { Account, Scene, Whereabouts } from '../support/e2e/scene.ts';
import { liveServers } from '../support/xmpp-live.ts';
import type { XmppServerName } from '../support/xmpp-live.ts';
import { eventually } from '../support/eventually.ts';
import { XmppUser } from '../support/xmpp-user.ts';

/** Servers take a moment to come back. */
const RESTART_MS = 60_000;

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`contact lists and rosters with ${name}${missing}`, () => {
    describe.each(WHEREABOUTS)('and the gateway %s', (where) => suite(name, server as XmppServer, where));
  });
}

function suite(name: XmppServerName, server: XmppServer, where: Whereabouts): void {
  let scene: Scene;
  let nurse: XmppUser;
  const nurseAddress = `wv:nurse@${server?.domain}`;
  const nurseJid = `nurse@${server?.domain}`;
  const jidOf = (account: Account): string => `${account.name}@${server.components.test.domain}`;
  const listOf = (account: Account, name: string): string => `${account.address.replace('@', `/${name}@`)}`;

  const nurseLogsIn = async (): Promise<void> => {
    nurse = await XmppUser.login(server, 'nurse', 'kitchen', '<status>in the kitchen</status>');
  };

  beforeAll(async () => {
    scene = await startScene({ xmpp: server }, where);
    await scene.connected();
    await nurseLogsIn();
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await nurse.logout();
    await scene.stop();
  });

  /** Subscription stanzas that nurse got from the user, in order. */
  const heard = (account: Account): string[] =>
    nurse.received
      .filter(({ name, attrs }) => name === 'presence' && attrs['from'] === jidOf(account))
      .map(({ attrs }) => attrs['type'] ?? 'available')
      .filter((type) => type.includes('subscribe'));

  /** All that the phone and the gateway had to say until now was said: nurse has an answer that came after it. */
  const quiet = async (account: Account): Promise<void> => {
    const answer = await nurse.asks(jidOf(account), 'get', '<ping xmlns="urn:xmpp:ping"/>');
    expect(answer.attrs['type']).toBe('result');
  };

  const says = (account: Account, type: string): Promise<void> =>
    nurse.send(`<presence type="${type}" to="${jidOf(account)}"/>`);

  const subscription = (account: Account): string | undefined =>
    nurse.rosterItem(jidOf(account))?.attrs['subscription'];

  /** A phone whose default list is followed: who is put on it is watched. */
  const phoneOf = async (account: Account): Promise<{ phone: WvClient; friends: string; work: string }> => {
    const phone = await scene.login(account);
    const [friends, work] = [listOf(account, 'friends'), listOf(account, 'work')];
    for (const list of [friends, work]) {
      await phone.createList(list);
      await phone.subscribe({ lists: [list], attributes: SHOWN, auto: true });
    }
    return { phone, friends, work };
  };

  /** The phone adds nurse, who agrees, and so does the phone with her: both see each other. */
  const friendsOf = async (account: Account, phone: WvClient, list: string): Promise<void> => {
    const seen = seesPresence(phone, nurseAddress, { StatusText: 'in the kitchen' });
    await phone.manageList(list, { add: [{ user: nurseAddress, name: 'Nanny' }] });
    await nurse.seesPresence(jidOf(account), 'subscribe');
    await says(account, 'subscribed');
    await seen;
    const asked = phone.next('authorization', ({ user }) => user === nurseAddress);
    await says(account, 'subscribe');
    await asked;
    await phone.answerAuthorization(nurseAddress, true);
    await eventually('both', () => subscription(account) === 'both');
  };

  test('adding asks once, on whatever number of lists; renaming and moving say nothing', async () => {
    const account = await scene.newAccount('romeo');
    const { phone, friends, work } = await phoneOf(account);
    await phone.manageList(friends, { add: [{ user: nurseAddress, name: 'Nanny' }] });
    await phone.manageList(work, { add: [{ user: nurseAddress, name: 'Nurse' }] });
    await nurse.seesPresence(jidOf(account), 'subscribe');
    await quiet(account);
    expect(heard(account)).toEqual(['subscribe']);
    const seen = seesPresence(phone, nurseAddress, { StatusText: 'in the kitchen' });
    await says(account, 'subscribed');
    await seen;

    await phone.manageList(friends, { add: [{ user: nurseAddress, name: 'Angelica' }] });
    expect((await phone.manageList(friends)).contacts).toEqual([{ user: nurseAddress, name: 'Angelica' }]);
    await phone.manageList(friends, { remove: [nurseAddress] });
    await quiet(account);
    expect(heard(account)).toEqual(['subscribe']);
    expect(subscription(account)).toBe('from');
  });

  test('deleting from the last list ends both directions; adding again begins anew', async () => {
    const account = await scene.newAccount('romeo');
    const { phone, friends, work } = await phoneOf(account);
    await friendsOf(account, phone, friends);
    await phone.manageList(work, { add: [{ user: nurseAddress, name: 'Nanny' }] });
    await phone.manageList(friends, { remove: [nurseAddress] });
    await quiet(account);
    expect(heard(account)).toEqual(['subscribe', 'subscribed']);

    await phone.manageList(work, { remove: [nurseAddress] });
    await nurse.seesPresence(jidOf(account), 'unavailable');
    await eventually('the end', () => heard(account).length === 4);
    expect(heard(account).slice(2).sort()).toEqual(['unsubscribe', 'unsubscribed']);
    await eventually('none', () => subscription(account) === 'none');

    const seen = seesPresence(phone, nurseAddress, { StatusText: 'in the kitchen' });
    await phone.manageList(work, { add: [{ user: nurseAddress, name: 'Nanny' }] });
    await eventually('asked again', () => heard(account).at(-1) === 'subscribe');
    await says(account, 'subscribed');
    await seen;
  });

  test('a list deleted with all in it ends what nobody else keeps', async () => {
    const account = await scene.newAccount('romeo');
    const { phone, friends } = await phoneOf(account);
    await friendsOf(account, phone, friends);
    await phone.deleteList(friends);
    await eventually('none', () => subscription(account) === 'none');
  });

  test('an XMPP user who removes the contact is gone on the phone, and is not asked at every log-in', async () => {
    const account = await scene.newAccount('romeo');
    const { phone, friends } = await phoneOf(account);
    await friendsOf(account, phone, friends);
    const gone = phone.next(
      'presence',
      ({ user, attributes }) => user === nurseAddress && attributes.OnlineStatus?.valid === false,
      15_000,
    );
    await nurse.asks(
      nurseJid,
      'set',
      `<query xmlns="jabber:iq:roster"><item jid="${jidOf(account)}" subscription="remove"/></query>`,
    );
    await gone;
    await phone.logout();
    const before = heard(account).length;
    const again = await scene.login(account);
    const withheld = again.next('presence', ({ user }) => user === nurseAddress, 15_000);
    await again.subscribe({ lists: [friends], attributes: SHOWN });
    await withheld;
    await quiet(account);
    expect(heard(account).slice(before)).toEqual([]);

    const back = seesPresence(again, nurseAddress, { StatusText: 'in the kitchen' });
    await says(account, 'subscribe');
    await eventually('asked back', () => heard(account).slice(before).includes('subscribe'));
    await says(account, 'subscribed');
    await back;
    await eventually('both', () => subscription(account) === 'both');
  });

  test.each([
    ['agrees', true, 'subscribed'],
    ['denies', false, 'unsubscribed'],
  ])('a phone that was off when it was asked %s after a restart', async (_, accepted, expected) => {
    const account = await scene.newAccount('romeo');
    await says(account, 'subscribe');
    await eventually('the request is known', () => isAsked(scene, account, nurseAddress));
    await scene.restart();
    const phone = scene.phone(account);
    const asked = phone.next('authorization', ({ user }) => user === nurseAddress, 15_000);
    await phone.connect();
    await asked;
    await phone.answerAuthorization(nurseAddress, accepted);
    await eventually('her answer', () => heard(account).at(-1) === expected);
    expect(heard(account)).toEqual([expected]);
    if (accepted) return;
    await says(account, 'subscribe');
    await eventually('the same answer', () => heard(account).length === 2);
    expect(heard(account)).toEqual([expected, expected]);
  });

  test('a phone learns what an XMPP user is called: from the request, and else from the vCard', async () => {
    const account = await scene.newAccount('romeo');
    const phone = await scene.login(account);
    const shown = async (): Promise<string | undefined> => {
      const values = await phone.getPresence({ users: [nurseAddress], attributes: ['Alias'] });
      return values.find(({ user }) => user === nurseAddress)?.attributes.Alias?.value;
    };
    const asked = phone.next('authorization', ({ user }) => user === nurseAddress);
    const nick = '<nick xmlns="http://jabber.org/protocol/nick">Nanny</nick>';
    await nurse.send(`<presence type="subscribe" to="${jidOf(account)}">${nick}</presence>`);
    await asked;
    expect(await shown()).toBe('Nanny');

    const card = '<vCard xmlns="vcard-temp"><FN>Angelica</FN></vCard>';
    expect((await nurse.asks(nurseJid, 'set', card)).attrs['type']).toBe('result');
    const other = await scene.newAccount('juliet');
    const { phone: second } = await phoneOf(other);
    const named = second.next('presence', ({ attributes }) => attributes.Alias?.value === 'Angelica', 15_000);
    await second.manageList(listOf(other, 'friends'), { add: [{ user: nurseAddress }] });
    await second.subscribe({ users: [nurseAddress], attributes: [...SHOWN, 'Alias'] });
    await nurse.seesPresence(jidOf(other), 'subscribe');
    await says(other, 'subscribed');
    await named;
  });

  test('an answer of the XMPP user reaches a phone that was off, across a restart', async () => {
    const account = await scene.newAccount('romeo');
    const { phone, friends } = await phoneOf(account);
    await phone.manageList(friends, { add: [{ user: nurseAddress, name: 'Nanny' }] });
    await nurse.seesPresence(jidOf(account), 'subscribe');
    await phone.logout();
    await scene.restart();
    await says(account, 'subscribed');
    await quiet(account);
    const again = await scene.login(account);
    const seen = seesPresence(again, nurseAddress, { StatusText: 'in the kitchen' });
    await again.subscribe({ lists: [friends], attributes: SHOWN });
    await seen;
  });

  test(
    'who is deleted while the XMPP server is away is told when it is back, also after a restart of ours',
    async () => {
      const account = await scene.newAccount('romeo');
      const { phone, friends } = await phoneOf(account);
      await friendsOf(account, phone, friends);
      await nurse.logout();
      await stopServer(name);
      await phone.manageList(friends, { remove: [nurseAddress] });
      await phone.logout();
      const restarted = scene.restart();
      await startServer(name);
      await restarted;
      await nurseLogsIn();
      await eventually('none', () => subscription(account) === 'none', RESTART_MS);
    },
    RESTART_MS * 2,
  );
}
