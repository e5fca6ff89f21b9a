// Accounts on other networks in the homes of their users.

import { beforeEach, describe, expect, test } from 'vitest';
import { changeList } from '../../../src/access/csp/list-changes.ts';
import type { SessionTable } from '../../../src/access/csp/session-table.ts';
import { SecretCipher } from '../../../src/sap/secret-cipher.ts';
import { isListOf, listNameOf } from '../../../src/services/account-contacts.ts';
import { accountName, LinkedAccounts } from '../../../src/services/linked-accounts.ts';
import type { AccountsOfNetwork, LinkedAccountNews } from '../../../src/services/linked-accounts.ts';
import { resourceOf, userAddress } from '../../../src/wv/address.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';
import { SILENT } from '../../support/silence.ts';

const ANN = userAddress('ann', HOME);
const ROMEO = userAddress('romeo', FAR);
const [JULIET, NURSE] = [userAddress('juliet', FAR), userAddress('nurse', FAR)];
const JID = 'romeo@far.test';

let scene: Awaited<ReturnType<typeof homeScene>>;
let linked: LinkedAccounts;
let port: AccountsOfNetwork;
let news: LinkedAccountNews[];
beforeEach(async () => {
  scene = await homeScene();
  const sessions: Pick<SessionTable, 'save'> = { save: () => Promise.resolve() };
  linked = new LinkedAccounts({
    ...scene,
    cipher: new SecretCipher(Buffer.alloc(32, 1)),
    changeList: (home, list, change) => changeList({ ...scene, sessions }, home, list, change),
    networks: new Map([['xmpp', 2]]),
    log: SILENT,
  });
  news = [];
  port = linked.portFor('xmpp');
  port.follow({ changed: (each) => void news.push(each), listsChanged: () => undefined });
});

const lists = async (): Promise<string[][]> =>
  [...(await scene.at('ann')).lists.values()].map(({ address, displayName, contacts }) => [
    resourceOf(address),
    displayName,
    ...[...contacts.values()].map(({ user, name }) => `${user} ${name}`),
  ]);
const verona = { group: 'verona', displayName: 'verona', contacts: [{ user: JULIET, name: 'J' }] };

describe('linking', () => {
  test('tells the gateway the password, which is not in the store', async () => {
    expect(await linked.link(ANN, 'xmpp', JID, { password: 'open sesame' })).toBe('done');
    expect(news).toMatchObject([{ user: ANN, account: { account: JID, password: 'open sesame' } }]);
    expect(JSON.stringify(await scene.store.linkedAccounts())).not.toContain('sesame');
    expect(await linked.of(ANN)).toMatchObject([{ network: 'xmpp', account: JID, state: 'connecting' }]);
    port.report(ANN, { state: 'refused', reason: 'no' });
    expect(await linked.of(ANN)).toMatchObject([{ state: 'refused', reason: 'no' }]);
  });

  test('keeps the token that the gateway got in place of the password', async () => {
    await linked.link(ANN, 'xmpp', JID, { password: 'open sesame' });
    await port.keepToken(ANN, 'shibboleth');
    expect(JSON.stringify(await scene.store.linkedAccounts())).not.toContain('shibboleth');
    await linked.refresh();
    expect(news).toHaveLength(1);
    port.follow({ changed: (each) => void news.push(each), listsChanged: () => undefined })();
    port.follow({ changed: (each) => void news.push(each), listsChanged: () => undefined });
    await linked.refresh();
    expect(news.at(-1)?.account).toMatchObject({ token: 'shibboleth', password: undefined });
    expect(await port.unlink(ANN)).toBe(true);
    await port.keepToken(ANN, 'too late');
    expect(await scene.store.linkedAccounts()).toEqual([]);
  });

  test('is refused where it cannot be', async () => {
    await linked.link(ANN, 'xmpp', JID, { password: 'x' });
    expect(await linked.link(ANN, 'xmpp', 'other@far.test', { password: 'x' })).toBe('linked');
    expect(await linked.link(ANN, 'icq', '1@far.test', { password: 'x' })).toBe('no-network');
    expect(await linked.link(userAddress('ghost', HOME), 'xmpp', JID, { password: 'x' })).toBe('unknown');
    await linked.link(userAddress('bea', HOME), 'xmpp', 'b@far.test', { password: 'x' });
    expect(await linked.link(userAddress('cy', HOME), 'xmpp', 'c@far.test', { password: 'x' })).toBe('full');
  });

  test('by another process is noticed, and so is another password', async () => {
    const cipher = new SecretCipher(Buffer.alloc(32, 1));
    const record = { user: ANN, network: 'xmpp', account: JID, cipher: cipher.seal('one'), linkedAt: 1 };
    await scene.store.linkAccount(record, 2);
    await linked.refresh();
    await linked.refresh();
    await scene.store.linkAccount({ ...record, cipher: cipher.seal('two'), linkedAt: 2 }, 2);
    await linked.refresh();
    await scene.store.unlinkAccount(ANN, 'xmpp');
    await linked.refresh();
    expect(news.map(({ account }) => account?.password)).toEqual(['one', 'two', undefined]);
    expect(await scene.store.unlinkedAccounts(5)).toEqual([]);
  });

  test('with a key that is another one now is told as such', async () => {
    const cipher = new SecretCipher(Buffer.alloc(32, 2)).seal('one');
    await scene.store.linkAccount({ user: ANN, network: 'xmpp', account: JID, cipher, linkedAt: 1 }, 2);
    await linked.refresh();
    expect(news).toMatchObject([{ account: { account: JID, password: undefined } }]);
  });
});

describe('contacts of an account', () => {
  beforeEach(() => linked.link(ANN, 'xmpp', JID, { password: 'x' }));

  test('are lists of the user, which follow', async () => {
    await port.showContacts(ANN, [verona]);
    expect(await lists()).toEqual([['xmpp~verona', 'verona', `${JULIET} J`]]);
    await port.showContacts(ANN, [
      { ...verona, contacts: [{ user: NURSE, name: '' }] },
      { group: '', displayName: 'XMPP', contacts: [{ user: JULIET, name: 'Juliet' }] },
    ]);
    expect(await lists()).toEqual([
      ['xmpp~verona', 'verona', `${NURSE} `],
      ['xmpp~', 'XMPP', `${JULIET} Juliet`],
    ]);
    await port.showContacts(ANN, []);
    expect(await lists()).toEqual([]);
  });

  test('without a group are left out where the user has them on a list of his own', async () => {
    const home = await scene.at('ann');
    const own = { address: 'wv:ann/own@wv.test' as never, displayName: 'own', isDefault: true };
    await scene.lists.create(home, own.address, {}, [{ user: JULIET, name: 'mine' }]);
    await port.showContacts(ANN, [
      { group: '', displayName: 'XMPP', contacts: [{ user: JULIET, name: '' }] },
    ]);
    expect(await lists()).toEqual([['own', 'own', `${JULIET} mine`]]);
  });

  test('that do not all fit are said so', async () => {
    const contacts = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ user: userAddress(name, FAR), name }));
    expect((await port.showContacts(ANN, [{ ...verona, contacts }, verona])).code).not.toBe(200);
  });

  test('do not come back after unlinking', async () => {
    await linked.unlink(ANN, 'xmpp');
    await port.showContacts(ANN, [verona]);
    expect(await lists()).toEqual([]);
  });

  test.each(['', 'verona', 'Verona', 'VERONA', 'a b', 'a/b@c+d', 'Дом', 'x'.repeat(500)])(
    'of the group %j are on a list whose name is one',
    async (group) => {
      const code = await port.showContacts(ANN, [{ ...verona, group }]);
      expect(code).toEqual({ code: 200 });
      const [list] = (await scene.at('ann')).lists.keys();
      expect(list !== undefined && isListOf('xmpp', list)).toBe(true);
    },
  );

  test('of different groups are on different lists', () => {
    const names = ['verona', 'Verona', 'a b', 'a-b', 'a  b', 'Дом', 'Сад'].map((group) =>
      listNameOf('xmpp', group),
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

test('unlinking takes everything of the account, and only that', async () => {
  const home = await scene.at('ann');
  await scene.lists.create(home, 'wv:ann/own@wv.test' as never, {}, [{ user: NURSE, name: '' }]);
  await linked.link(ANN, 'xmpp', JID, { password: 'x' });
  await port.admit(ANN, ROMEO);
  await port.showContacts(ANN, [verona]);
  const meta = { service: 'wv:@far.test' as never, user: ROMEO };
  await scene.publishing.subscribe({
    primitive: 'SubscribeRequest',
    meta,
    watcher: ROMEO,
    publishers: [ANN],
  });
  expect(home.authorizations.get(ROMEO)?.state).toBe('GRANTED');
  expect(home.watchers.has(ROMEO)).toBe(true);
  expect(await linked.unlink(ANN, 'xmpp')).toBe(true);
  expect(await linked.unlink(ANN, 'xmpp')).toBe(false);
  expect(await lists()).toEqual([['own', 'own', `${NURSE} `]]);
  const stored = await scene.store.loadHome(ANN);
  expect([stored?.authorizations, stored?.watchers]).toEqual([[], []]);
  expect(await linked.of(ANN)).toEqual([]);
  expect(news.at(-1)).toEqual({ user: ANN, account: undefined });
});

test.each([
  [' Romeo@XMPP.example ', 'romeo@xmpp.example'],
  ['romeo@xmpp.example/desk', undefined],
  ['romeo', undefined],
  ['a b@xmpp.example', undefined],
  ['@xmpp.example', undefined],
  [`${'x'.repeat(400)}@xmpp.example`, undefined],
])('the account %j is %j', (text, name) => {
  expect(accountName(text)).toBe(name);
});
