import { beforeEach, describe, expect, it } from 'vitest';
import type { NamedIds } from '../../../src/services/verification.ts';
import { parseGroup, userAddress } from '../../../src/wv/address.ts';
import {
  trusted,
  type ClientId,
  type Domain,
  type GroupAddress,
  type ListAddress,
} from '../../../src/wv/ids.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { FAR, HOME, homeScene } from '../../support/home-scene.ts';

const NOTHING: NamedIds = {
  users: [],
  lists: [],
  groups: [],
  screenNames: [],
  domains: [],
  unresolved: [],
};
const NOWHERE = 'nowhere.test' as Domain;
const CLUB = parseGroup('wv:zoe/club', FAR) as GroupAddress;

let scene: Awaited<ReturnType<typeof homeScene>>;
beforeEach(async () => {
  scene = await homeScene();
});

async function verify(ids: Partial<NamedIds>) {
  const home = await scene.at('ann');
  const asker = { user: home.address, clientId: trusted<ClientId>('phone') };
  return scene.verification.verify(home, asker, { ...NOTHING, ...ids });
}

describe('verifying ids', () => {
  it('finds users here, and believes in those of domains that can be reached', async () => {
    expect((await verify({ users: [userAddress('bea', HOME), userAddress('zoe', FAR)] })).code).toBe(200);
    expect((await verify({ users: [userAddress('ghost', HOME)] })).code).toBe(531);
    expect((await verify({ users: [userAddress('zoe', NOWHERE)] })).code).toBe(516);
  });

  it('knows the asker’s own lists only', async () => {
    const list = trusted<ListAddress>('wv:ann/friends@wv.test');
    expect(await verify({ lists: [list], domains: [HOME] })).toMatchObject({
      code: 201,
      details: [{ code: 700, lists: [list] }],
    });
    await scene.lists.create(await scene.at('ann'), list, {}, []);
    expect((await verify({ lists: [list] })).code).toBe(200);
  });

  it('asks a group’s home; one that does not open it to the asker has it', async () => {
    expect((await verify({ groups: [CLUB] })).code).toBe(200);
    scene.gateway.reply = () => status(result(816));
    expect((await verify({ groups: [CLUB] })).code).toBe(200);
    for (const [code, shown] of [
      [800, 800],
      [405, 800],
      [506, 800],
      [504, 504],
    ] as const) {
      scene.gateway.reply = () => status(result(code));
      expect((await verify({ groups: [CLUB] })).code).toBe(shown);
    }
    expect((await verify({ groups: [parseGroup('wv:a/b', HOME) as GroupAddress] })).code).toBe(800);
  });

  it('looks for a screen name among the joined users (901)', async () => {
    scene.gateway.reply = () => ({
      primitive: 'GetJoinedUsersResponse',
      result: OK,
      joined: [{ screenName: 'Zoe' }],
    });
    expect((await verify({ screenNames: [{ name: 'zoe', group: CLUB }] })).code).toBe(200);
    expect(await verify({ screenNames: [{ name: 'Yan', group: CLUB }] })).toMatchObject({
      code: 901,
      details: [{ screenNames: [{ name: 'Yan', group: CLUB }] }],
    });
  });

  it('answers 900 when everything fails in different ways', async () => {
    const outcome = await verify({ users: [userAddress('ghost', HOME)], domains: [NOWHERE] });
    expect(outcome.code).toBe(900);
    expect(outcome.details?.map(({ code }) => code)).toEqual([531, 516]);
  });
});
