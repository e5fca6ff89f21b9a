// A linked Matrix account before a homeserver that does what it should not, and processes that end in between.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId } from '../../../src/wv/ids.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import type { SendMessageRequest } from '../../../src/wv/primitives.ts';
import { eventually } from '../../support/eventually.ts';
import { AccountScene, ALICE, CHAT, ERIN, ERIN_ID, fromErin, SELF } from '../../support/matrix-account.ts';
import { HOME, TestRelay } from '../../support/matrix-relay.ts';

let scene: AccountScene;
beforeEach(async () => {
  scene = new AccountScene();
  await scene.server.open();
});
afterEach(async () => {
  await scene.account.stop();
  await scene.server.close();
});

const message = (id: string): SendMessageRequest => ({
  primitive: 'SendMessageRequest',
  meta: { service: serviceAddress(HOME), user: ALICE },
  deliveryReport: false,
  message: {
    id: trusted<MessageId>(id),
    sender: { kind: 'user', user: ALICE },
    recipients: [{ kind: 'user', user: ERIN }],
    sentAt: Date.now(),
    expiresAt: Date.now() + 60_000,
    content: { contentType: 'text/plain', encoding: 'none', data: id },
  },
});
const send = async (id: string): Promise<number | undefined> =>
  (await scene.account.lane?.outbound.send(message(id)))?.result.code;

describe('logging in', () => {
  it('puts the token in place of the password before it is used', async () => {
    scene.begin();
    await scene.online();
    expect(scene.kept).toHaveLength(1);
    expect(scene.server.asked.every(({ token, path }) => path.endsWith('/login') || token === scene.kept[0])).toBe(true); // prettier-ignore
  });

  it('again, after the token was lost, is the same device', async () => {
    scene.begin();
    await scene.online();
    await scene.account.stop();
    scene.begin();
    await eventually('another login', () => scene.server.all('/login').length === 2);
    const [one, two] = scene.server.all('/login').map(({ body }) => body['device_id']);
    expect(one).toBe(two);
  });

  it('with a wrong password is refused and not tried again', async () => {
    scene.begin({ password: 'wrong' });
    await eventually('the refusal', () => scene.states.at(-1)?.state === 'refused');
    expect(scene.states.at(-1)?.reason).toBe('the password is not taken');
    expect(scene.server.all('/login')).toHaveLength(1);
  });

  it('is tried again while the homeserver is in trouble', async () => {
    scene.server.failures.set('/login', [502]);
    scene.begin();
    await scene.online();
    expect(scene.server.all('/login')).toHaveLength(2);
  });

  it('is over only when whoami confirms that the token is', async () => {
    scene.begin();
    await scene.online();
    scene.server.failures.set('/filter', [401]);
    scene.server.tell({ account_data: { events: [{ type: 'm.direct', content: {} }] } });
    await eventually('it goes on', () => scene.server.all('/filter').length >= 4);
    await scene.online();
    scene.server.tokens.clear();
    scene.server.tell({});
    await eventually('the refusal', () => scene.states.at(-1)?.state === 'refused');
    expect(scene.account.lane).toBeUndefined();
  });
});

describe('following', () => {
  it('hands on what came before and after a stop once each, and with the same ids', async () => {
    scene.begin();
    await scene.online();
    scene.relay.onEmit = () => new Promise(() => undefined);
    scene.server.tellEvents([fromErin('one'), fromErin('two')]);
    await eventually('the first', () => scene.told().length === 1);
    const [first] = scene.relay.all('SendMessageRequest');
    void scene.account.stop();
    const [token = ''] = scene.kept;
    scene.begin({ token }, new TestRelay(scene.relay.storage));
    await eventually('both', () => scene.told().length === 2);
    expect(scene.told()).toEqual(['one', 'two']);
    expect(scene.relay.all('SendMessageRequest')[0]?.message.id).toBe(first?.message.id);
    scene.server.tellEvents([fromErin('three')]);
    await eventually('the third', () => scene.told().length === 3);
  });

  it('fetches what a sync left out, in order, before what it told', async () => {
    scene.begin();
    await scene.online();
    scene.server.pages.set('p1', { chunk: [fromErin('four'), fromErin('three')], end: 'p2' });
    scene.server.pages.set('p2', { chunk: [fromErin('two'), fromErin('one')] });
    scene.server.tellEvents([fromErin('five')], { limited: true, prev_batch: 'p1' });
    await eventually('all', () => scene.told().length === 5);
    expect(scene.told()).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(scene.server.all('/messages').every(({ query }) => query.get('to') === 's0')).toBe(true);
  });

  it('waits while the relay cannot take a message', async () => {
    scene.begin();
    await scene.online();
    let tries = 0;
    scene.relay.onEmit = () => ({ code: ++tries === 1 ? 503 : 200 });
    scene.server.tellEvents([fromErin('later'), fromErin('after it')]);
    await eventually('both', () => scene.told().at(-1) === 'after it');
    expect(scene.told()).toEqual(['later', 'later', 'after it']);
  });

  it('tells nothing of his own, of strangers in his chats, or of rooms that are none', async () => {
    scene.begin();
    await scene.online();
    scene.server.tell({
      rooms: {
        join: {
          [CHAT]: {
            timeline: {
              events: [
                fromErin('mine', { sender: SELF }),
                fromErin('a stranger', { sender: '@eve:hs.test' }),
              ],
            },
          },
          '!other:hs.test': { timeline: { events: [fromErin('elsewhere')] } },
        },
      },
    });
    scene.server.tellEvents([fromErin('the end')]);
    await eventually('the end', () => scene.told().length > 0);
    expect(scene.told()).toEqual(['the end']);
  });

  it('survives answers of every wrong shape', async () => {
    scene.begin();
    await scene.online();
    const wrong = [null, 7, 'x', [], {}, { events: null }, { events: [null, 7, {}] }];
    for (const each of wrong) {
      const room = { timeline: each, state: each, ephemeral: each };
      const content = { [ERIN_ID]: [CHAT, each], nobody: each };
      scene.server.tell({
        presence: each,
        account_data: { events: [{ type: 'm.direct', content }] },
        rooms: { join: { [CHAT]: room, 'no room': room }, leave: each },
      });
    }
    scene.server.tellEvents([fromErin('still here')]);
    await eventually('the message', () => scene.told().includes('still here'));
    expect(scene.relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('direct chats', () => {
  it('are contacts by name; those of ghosts, of too many and of bridges are left out', async () => {
    scene.server.rooms.set('!crowd:hs.test', { members: [SELF, '@bob:hs.test', '@eve:hs.test'] });
    scene.server.rooms.set('!secret:hs.test', { members: [SELF, '@kim:hs.test'], encrypted: true });
    scene.server.direct = {
      [ERIN_ID]: [CHAT],
      '@_imps_ann:hs.test': ['!ghost:hs.test'],
      '@_xmpp_bob:hs.test': ['!bridge:hs.test'],
      '@bob:hs.test': ['!crowd:hs.test'],
      '@kim:hs.test': ['!secret:hs.test'],
    };
    scene.begin();
    await eventually('the lists', () => scene.shown.length > 0);
    const lists = scene.shown
      .at(-1)
      ?.map(({ displayName, contacts }) => [displayName, ...contacts.map(({ user }) => user)]);
    expect(lists).toEqual([
      ['Matrix', ERIN],
      ['Matrix: encrypted, not readable', 'wv:kim%40hs.test@matrix.wv.example'],
    ]);
  });

  it('end when encryption is switched on', async () => {
    scene.begin();
    await scene.online();
    expect(await send('in the open')).toBe(200);
    scene.server.rooms.set(CHAT, { members: [SELF, ERIN_ID], encrypted: true });
    scene.server.tellEvents([fromErin('', { type: 'm.room.encryption', state_key: '', content: {} })]);
    await eventually('it is refused', async () => (await send(`m${Math.random()}`)) === 405);
  });

  it('that were being made when the process ended are found again, not made twice', async () => {
    scene.server.direct = {};
    scene.server.failures.set('/m.direct', []);
    scene.begin();
    await scene.online();
    scene.server.failures.set('/m.direct', [502]);
    expect(await send('m1')).toBe(503);
    expect(scene.server.all('/createRoom')).toHaveLength(1);
    expect(await send('m1')).toBe(200);
    expect(scene.server.all('/createRoom')).toHaveLength(1);
    expect(JSON.stringify(scene.server.direct)).toContain('!made1:hs.test');
  });

  it('get a message once, however often it is asked for', async () => {
    scene.begin();
    await scene.online();
    expect([await send('again'), await send('again')]).toEqual([200, 200]);
    const sends = scene.server.asked.filter(({ path }) => path.includes('/send/'));
    expect(new Set(sends.map(({ path }) => path)).size).toBe(1);
  });
});

it('ends the token when the account is unlinked', async () => {
  scene.begin();
  await scene.online();
  await scene.account.end();
  expect(scene.server.tokens.size).toBe(0);
});
