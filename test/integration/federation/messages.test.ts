// Messages between two servers (ssp sections 6.5, 7 and 16; ir76 6.2), where it matters that one is somewhere else.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { elements, sendMessage } from '../../support/csp-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { FarServer, ours, toUser } from '../../support/far-server.ts';
import { MortalDisk } from '../../support/mortal-disk.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, type Phone } from '../../support/phone.ts';
import { codeOf, detailsOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import type { Element } from '../../../src/wv/element.ts';

const far = new FarServer();
const [zoe, yan] = [far.user('zoe'), far.user('yan')];

let scene: Scene;
beforeAll(async () => {
  scene = await startScene({ gateways: [far] });
});
beforeEach(() => {
  far.works();
  far.requests.length = 0;
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

async function play() {
  const ann = await scene.person('ann');
  return { ann, phone: await scene.online(ann, HABITS.android) };
}

const reportsIn = (came: readonly Element[]): string[] =>
  came.filter(({ name }) => name === 'DeliveryReport-Request').map((each) => texts(each, 'Code')[0] ?? '');

async function reports(phone: Phone): Promise<string[]> {
  const came: Element[] = [];
  return eventually('reports', async () => {
    came.push(...(await drain(phone)));
    return reportsIn(came).length > 0 && reportsIn(came);
  });
}

describe('from another server', () => {
  it('reach who is there, wait for who is not, and come once, however often they are repeated', async () => {
    const { ann, phone } = await play();
    const to = [toUser(ours(ann))];
    for (let round = 0; round < 2; round += 1)
      expect(await far.sends(zoe, to, 'hello', `m ${ann}`)).toBe(200);
    expect((await drain(phone)).flatMap((each) => texts(each, 'ContentData'))).toEqual(['hello']);
  });

  it('are refused for who blocks the sender (532, M-13), or grants only others (M-14)', async () => {
    const { ann, phone } = await play();
    const to = [toUser(ours(ann))];
    await phone.say(android.block(zoe));
    expect(await far.sends(zoe, to, 'blocked')).toBe(532);
    const grant = elements('InUse', 'T') + elements('AddList', elements('UserID', yan));
    await phone.say(
      elements(
        'BlockEntity-Request',
        elements('BlockList', elements('InUse', 'F')) + elements('GrantList', grant),
      ),
    );
    expect(await far.sends(zoe, to, 'not granted')).toBe(532);
    expect(await far.sends(yan, to, 'granted')).toBe(200);
    expect((await drain(phone)).flatMap((each) => texts(each, 'ContentData'))).toEqual(['granted']);
  });

  it('are refused for nobody (531), in the name of others (901, M-17), and for a third server (516, M-18)', async () => {
    const { ann } = await play();
    expect(await far.sends(zoe, [toUser(ours('wv:ghost@wv.test'))], 'who')).toBe(531);
    expect(await far.sends(ours('wv:eve@third.test'), [toUser(ours(ann))], 'spoof')).toBe(901);
    expect(await far.sends(zoe, [toUser(ours('wv:eve@third.test'))], 'on')).toBe(516);
  });
});

describe('to another server', () => {
  it.each([427, 531, 532, 534, 538] as const)(
    'that refuses them (%i): the sender learns it though he asked for no report, once',
    async (code) => {
      const { phone } = await play();
      far.refuses(code, 'SendMessageRequest');
      expect(codeOf(await phone.say(sendMessage('hi', [zoe])))).toBe(200);
      expect(await reports(phone)).toEqual([String(code)]);
      expect(reportsIn(await drain(phone))).toEqual([]);
    },
  );

  it('that nobody serves is 516, and the other recipients get theirs (M-07)', async () => {
    const { phone } = await play();
    const heard = await phone.say(sendMessage('hi', [zoe, 'wv:eve@third.test']));
    expect([codeOf(heard), detailsOf(heard)]).toEqual([201, ['516 wv:eve@third.test']]);
    await eventually('sent', () => far.had('SendMessageRequest').length > 0);
  });

  it('that is away wait in order, and come once (M-15)', async () => {
    const { phone } = await play();
    far.refuses(503);
    for (const text of ['one', 'two', 'three'])
      expect(codeOf(await phone.say(sendMessage(text, [zoe])))).toBe(200);
    await eventually('tried', () => far.had('SendMessageRequest').length > 0);
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('sent', () => far.had('SendMessageRequest').length === 3);
    const sent = far.had('SendMessageRequest').map(({ message }) => message.content.data);
    expect(sent).toEqual(['one', 'two', 'three']);
  });

  it.each(['before', 'after'] as const)(
    'killed %s any write: a refusal that comes late reaches the sender, once',
    { timeout: 60_000 },
    async (death) => {
      const disk = new MortalDisk();
      const own = new FarServer();
      const house = await startScene({ gateways: [own], storeFilter: disk.filter });
      try {
        for (let call = 1, unspent = false; !unspent; call += 1) {
          own.refuses(531);
          own.requests.length = 0;
          const ann = await house.person('ann');
          const habits = { ...HABITS.android, headers: [] };
          let phone = await house.online(ann, habits);
          const came: Element[] = [];
          const revive = async () => {
            await house.restart();
            phone = house.again(phone);
          };
          const message = sendMessage('hi', [zoe], { info: elements('DateTime', '20080522T105600Z') });
          disk.arm(call, death);
          await phone.say(message, { id: 't1' });
          if (disk.dead) {
            await revive();
            expect(codeOf(await phone.say(message, { id: 't1' }))).toBe(200);
          }
          await eventually(`report, death ${death} call ${call}`, async () => {
            if (disk.dead) await revive();
            house.clock.advance(1_000);
            came.push(...(await drain(phone)));
            return !disk.dead && reportsIn(came).length > 0;
          });
          unspent = disk.disarm();
          came.push(...(await drain(phone)));
          // A report that was not confirmed when the server died comes again, under its old id.
          const ids = came.flatMap((each) => texts(each, 'MessageID'));
          expect([...new Set(ids)]).toHaveLength(1);
          expect([...new Set(reportsIn(came))]).toEqual(['531']);
          house.closePhones();
        }
      } finally {
        await house.stop();
      }
    },
  );
});
