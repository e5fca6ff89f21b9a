// Users of XMPP in groups of ours (bridging 7.3): coming in, going out, and how everybody learns of it.

import { afterEach, describe, expect, test } from 'vitest';
import { xml, childOf, textOf } from '../../../adapters/xmpp/xml.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { itemOf, ROOMS, startRooms, statusesOf } from '../../support/xmpp-rooms.ts';
import type { RoomScene } from '../../support/xmpp-rooms.ts';
import { conditionOf } from '../../support/xmpp-user.ts';
import { eventually } from '../../support/eventually.ts';

const GROUP = 'wv:ann/hikers@wv.test';
const ROOM = `ann\\2fhikers@${ROOMS}`;

let scene: RoomScene;
afterEach(() => scene.stop());

async function withGroup(properties: Readonly<Record<string, string>> = {}, changes = {}) {
  scene = await startRooms(changes);
  const ann = await scene.phone('ann');
  await ann.groups.create(GROUP, { screenName: 'Ann', properties, welcomeNote: 'Be kind' });
  return { ann, bob: scene.client('bob@xmpp.example/desk'), carol: scene.client('carol@xmpp.example/tab') };
}

describe('coming in', () => {
  test('brings presence of the others, of oneself, the subject, and the welcome note, in this order', async () => {
    const { ann, bob } = await withGroup({ Name: 'Hikers', Topic: 'The <Alps>' });
    const came = ann.next('group');
    await bob.join(ROOM, 'Bob');
    const note = await bob.seesBody(ROOM, 'Be kind');
    const seen = bob.received;
    expect(seen.map(({ name, attrs }) => `${name} ${attrs['from']}`)).toEqual([
      `presence ${ROOM}/Ann`,
      `presence ${ROOM}/Bob`,
      `message ${ROOM}`,
      `message ${ROOM}`,
    ]);
    expect(statusesOf(seen[1] ?? note)).toEqual(['110']);
    expect(itemOf(seen[0] ?? note).attrs).toEqual({ affiliation: 'none', role: 'participant' });
    expect(textOf(childOf(seen[2] ?? note, 'subject'))).toBe('The <Alps>');
    expect(await came).toMatchObject({ joined: [{ screenName: 'Bob' }] });
  });

  test('with a trimmed nick says so (210)', async () => {
    const { bob } = await withGroup();
    bob.enter(ROOM, ' Bob ');
    expect(statusesOf(await bob.seesPresence(`${ROOM}/Bob`))).toEqual(['110', '210']);
  });

  test.each([
    ['a nick that is taken', 'ANN', {}, 'conflict'],
    ['no member where only members may come', 'Bob', { Accesstype: 'Restricted' }, 'registration-required'],
    ['nobody fits in any more', 'Bob', { MaxActiveUsers: '1' }, 'service-unavailable'],
    ['a nick that is too long', 'b'.repeat(60), {}, 'not-acceptable'],
    ['a nick that servers would change', 'ﬁ', {}, 'not-acceptable'],
  ])('is refused: %s', async (_why, nick, properties, condition) => {
    const { bob } = await withGroup(properties);
    bob.enter(ROOM, nick);
    expect(conditionOf(await bob.seesPresence(`${ROOM}/${nick}`, 'error'))).toBe(condition);
    bob.say(ROOM, 'hello?');
    const refused = await bob.sees('an error', ({ name, attrs }) => name === 'message' && attrs['type'] === 'error'); // prettier-ignore
    expect(conditionOf(refused)).toBe('not-acceptable');
  });

  test('is refused to who is banned', async () => {
    const { ann, bob } = await withGroup();
    await ann.groups.rejected(GROUP, { add: ['wv:bob@xmpp.example'] });
    bob.enter(ROOM, 'Bob');
    expect(conditionOf(await bob.seesPresence(`${ROOM}/Bob`, 'error'))).toBe('forbidden');
  });

  test('finds no room that does not exist, and asks the store once only', async () => {
    const { bob } = await withGroup();
    const missing = `ann\\2fnone@${ROOMS}`;
    bob.enter(missing, 'Bob');
    expect(conditionOf(await bob.seesPresence(`${missing}/Bob`, 'error'))).toBe('item-not-found');
    bob.forget();
    bob.enter(missing, 'Bob');
    expect(conditionOf(await bob.seesPresence(`${missing}/Bob`, 'error'))).toBe('item-not-found');
  });

  test('needs a nick and the x element', async () => {
    const { bob } = await withGroup();
    bob.send('presence', { to: ROOM }, xml(NS.muc, 'x'));
    expect(conditionOf(await bob.seesPresence(ROOM, 'error'))).toBe('jid-malformed');
    bob.send('presence', { to: `${ROOM}/Bob` });
    expect(conditionOf(await bob.seesPresence(`${ROOM}/Bob`, 'error'))).toBe('not-acceptable');
  });

  test('too often is refused', async () => {
    const { bob } = await withGroup({}, { joinsPerMinute: 2 });
    for (const name of ['a', 'b', 'c']) bob.enter(`ann\\2f${name}@${ROOMS}`, 'Bob');
    expect(conditionOf(await bob.seesPresence(`ann\\2fc@${ROOMS}/Bob`, 'error'))).toBe('resource-constraint');
  });
});

describe('several clients of one user', () => {
  test('share a nick; only the one that goes is dropped', async () => {
    const { ann, bob } = await withGroup();
    const phone = scene.client('bob@xmpp.example/phone');
    await bob.join(ROOM, 'Bob');
    phone.enter(ROOM, 'Bobby');
    expect(statusesOf(await phone.seesPresence(`${ROOM}/Bob`))).toEqual(['110', '210']);
    bob.send('presence', { to: `${ROOM}/Bob`, type: 'unavailable' });
    expect(statusesOf(await bob.seesPresence(`${ROOM}/Bob`, 'unavailable'))).toEqual(['110']);
    await ann.sendMessage({ to: { group: GROUP }, content: 'still there?' });
    await phone.seesBody(`${ROOM}/Ann`, 'still there?');
    expect(bob.received.some((stanza) => childOf(stanza, 'body') !== undefined && textOf(childOf(stanza, 'body')) === 'still there?')).toBe(false); // prettier-ignore
    const left = ann.next('group', ({ left: gone }) => gone.length > 0);
    phone.send('message', { to: `${ROOM}/Ann`, type: 'error' }, xml(NS.component, 'error', { type: 'cancel' }, xml(NS.stanzaError, 'recipient-unavailable'))); // prettier-ignore
    expect(await left).toMatchObject({ left: [{ screenName: 'Bob' }] });
  });

  test('a client that comes again gets everything again', async () => {
    const { bob } = await withGroup();
    await bob.join(ROOM, 'Bob');
    bob.forget();
    await bob.join(ROOM, 'Bob');
    await bob.seesPresence(`${ROOM}/Ann`);
  });
});

describe('another nick', () => {
  test('is told as 303 to oneself and to others', async () => {
    const { ann, bob, carol } = await withGroup();
    const came = ann.next('group', ({ joined }) => joined[0]?.screenName === 'Bob');
    await bob.join(ROOM, 'Bob');
    await came;
    await carol.join(ROOM, 'Carol');
    bob.forget();
    const heard = ann.next('group', ({ left }) => left.length > 0);
    bob.send('presence', { to: `${ROOM}/Robert` });
    const gone = await bob.seesPresence(`${ROOM}/Bob`, 'unavailable');
    expect(statusesOf(gone)).toEqual(['303', '110']);
    expect(itemOf(gone).attrs['nick']).toBe('Robert');
    expect(statusesOf(await bob.seesPresence(`${ROOM}/Robert`))).toEqual(['110']);
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Bob`, 'unavailable'))).toEqual(['303']);
    await carol.seesPresence(`${ROOM}/Robert`);
    expect(await heard).toMatchObject({ left: [{ screenName: 'Bob' }] });
    bob.send('presence', { to: `${ROOM}/Ann` });
    expect(conditionOf(await bob.seesPresence(`${ROOM}/Ann`, 'error'))).toBe('conflict');
  });
});

describe('a phone', () => {
  test('that comes and goes is seen', async () => {
    const { bob } = await withGroup();
    await bob.join(ROOM, 'Bob');
    const bea = await scene.phone('bea');
    await bea.groups.join(GROUP, { screenName: 'Bea 😀' });
    await bob.seesPresence(`${ROOM}/Bea 😀`);
    await bea.groups.leave(GROUP);
    expect(statusesOf(await bob.seesPresence(`${ROOM}/Bea 😀`, 'unavailable'))).toEqual([]);
  });

  test('bans (301), takes membership away (307), deletes the group (destroy)', async () => {
    const { ann, bob, carol } = await withGroup();
    await ann.groups.addMembers(GROUP, 'wv:carol@xmpp.example');
    await bob.join(ROOM, 'Bob');
    await carol.join(ROOM, 'Carol');
    await ann.groups.rejected(GROUP, { add: ['wv:bob@xmpp.example'] });
    const banned = await bob.seesPresence(`${ROOM}/Bob`, 'unavailable');
    expect(statusesOf(banned)).toEqual(['110', '301']);
    expect(itemOf(banned).attrs).toMatchObject({ affiliation: 'outcast', role: 'none' });
    await ann.groups.removeMembers(GROUP, 'wv:carol@xmpp.example');
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Carol`, 'unavailable'))).toEqual(['110', '307']);
    carol.forget();
    await carol.join(ROOM, 'Carol');
    await ann.groups.delete(GROUP);
    const destroyed = await carol.seesPresence(`${ROOM}/Carol`, 'unavailable');
    expect(childOf(childOf(destroyed, 'x', NS.mucUser) ?? destroyed, 'destroy', NS.mucUser)).toBeDefined();
  });
});

describe('an end of the server', () => {
  test('in order tells everybody (332), and leaves nobody in the group', async () => {
    const { bob } = await withGroup();
    await bob.join(ROOM, 'Bob');
    const before = scene.gateway.link;
    await scene.restart(false);
    expect(before.sent.some((stanza) => stanza.attrs['type'] === 'unavailable' && statusesOf(stanza).includes('332'))).toBe(true); // prettier-ignore
    const ann = await scene.phone('ann');
    expect(await ann.groups.participants(GROUP)).toEqual([]);
  });

  test('by a kill keeps who answers, and lets go who does not', async () => {
    const { bob, carol } = await withGroup({}, { selfPingWaitMs: 300 });
    const bea = await scene.phone('bea');
    await bea.groups.join(GROUP, { screenName: 'Bea' });
    await bob.join(ROOM, 'Bob');
    await carol.join(ROOM, 'Carol');
    scene.gateway.dies = true;
    await bea.groups.leave(GROUP);
    await scene.restart(true);
    scene.gateway.host.online();
    const ping = await bob.sees('a ping', ({ name }) => name === 'iq');
    bob.send('iq', { to: ping.attrs['from'] ?? '', type: 'result', id: ping.attrs['id'] ?? '' });
    // What happened meanwhile.
    await bob.seesPresence(`${ROOM}/Bea`, 'unavailable');
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Carol`, 'unavailable'))).toEqual(['110', '332']);
    const ann = await scene.phone('ann');
    await ann.groups.join(GROUP, { screenName: 'Ann' });
    await eventually('only who is there is in the group', async () => {
      const names = (await ann.groups.participants(GROUP)).map(({ screenName }) => screenName);
      return names.length === 2 && names.includes('Bob');
    });
    await ann.sendMessage({ to: { group: GROUP }, content: 'welcome back' });
    await bob.seesBody(`${ROOM}/Ann`, 'welcome back');
  });
});

describe('a stream that ended', () => {
  test('is followed by a question to each client whether it is still there', async () => {
    const { ann, bob, carol } = await withGroup();
    await bob.join(ROOM, 'Bob');
    await carol.join(ROOM, 'Carol');
    scene.gateway.host.offline();
    scene.gateway.host.online();
    for (const [client, type] of [
      [bob, 'result'],
      [carol, 'error'],
    ] as const) {
      const { attrs } = await client.sees('a ping', ({ name }) => name === 'iq');
      client.send('iq', { to: attrs['from'] ?? '', type, id: attrs['id'] ?? '' });
    }
    expect(statusesOf(await carol.seesPresence(`${ROOM}/Carol`, 'unavailable'))).toEqual(['110', '332']);
    await bob.seesPresence(`${ROOM}/Carol`, 'unavailable');
    await eventually('Carol is out', async () => {
      const names = (await ann.groups.participants(GROUP)).map(({ screenName }) => screenName);
      return names.includes('Bob') && !names.includes('Carol');
    });
  });

  test('says nothing of who was asked and could not answer any more', async () => {
    const { bob } = await withGroup({}, { selfPingWaitMs: 200 });
    await bob.join(ROOM, 'Bob');
    scene.gateway.host.online();
    await bob.sees('a ping', ({ name }) => name === 'iq');
    scene.gateway.host.offline();
    const ends = performance.now() + 400;
    await eventually('his time is over', () => performance.now() > ends);
    expect(bob.received.filter(({ attrs }) => attrs['type'] === 'unavailable')).toEqual([]);
  });

  test.each(['written and never confirmed', 'not written'])(
    'is followed by the comings and goings that were %s',
    async (how) => {
      const { ann, bob } = await withGroup();
      const bea = await scene.phone('bea');
      await bea.groups.join(GROUP, { screenName: 'Bea' });
      await bob.join(ROOM, 'Bob');
      const { link } = scene.gateway;
      if (how === 'not written') link.online = false;
      else link.confirms = false;
      await bea.groups.leave(GROUP);
      const names = async () => (await ann.groups.participants(GROUP)).map(({ screenName }) => screenName);
      await eventually('Bea is out', async () => !(await names()).includes('Bea'));
      await eventually('the notice came', () =>
        scene.gateway.served.some(({ primitive }) => primitive === 'GroupChangeNotice'),
      );
      scene.gateway.host.offline();
      bob.forget();
      link.online = true;
      link.confirms = true;
      scene.gateway.host.online();
      await bob.seesPresence(`${ROOM}/Bea`, 'unavailable');
    },
  );
});
