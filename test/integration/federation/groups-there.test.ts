// Users of this server in groups of another one (ssp sections 6.6, 7 and 16; ir76 6.4: G-04, G-12 to G-18).

import { afterEach, describe, expect, it } from 'vitest';
import { FarServer, ours, toUser } from '../../support/far-server.ts';
import {
  createGroup,
  GROUP_VERSIONS,
  joinGroup,
  leaveGroup,
  namesIn,
  newsIn,
  settled,
  toGroup,
  toName,
} from '../../support/group-variants.ts';
import { sendMessage } from '../../support/csp-variants.ts';
import { eventually } from '../../support/eventually.ts';
import { MortalDisk } from '../../support/mortal-disk.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, named, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import type { Habits, Phone } from '../../support/phone.ts';
import type { TestHouseOptions } from '../../support/house.ts';
import { OK, result } from '../../../src/wv/status.ts';

const SECOND = '<ClientID><URL>second</URL></ClientID>';
const HABITS: Habits = GROUP_VERSIONS[1][2];
/** Longer than any idle time the server allows a client that asks for none. */
const DAY_MS = 86_400_000;

let scene: Scene;
afterEach(() => scene.stop());

async function play(options: TestHouseOptions = {}, habits: Habits = HABITS) {
  const far = new FarServer();
  const other = new FarServer('other.test');
  scene = await startScene({ gateways: [far, other], ...options });
  const [ann, bea] = await scene.people('ann', 'bea');
  const moon = far.group('dan/moon');
  const [first, second] = [await scene.online(ann, habits), await scene.online(bea, habits)];
  for (const phone of [first, second]) {
    expect(namesIn((await phone.say(joinGroup(moon))).content)).toEqual(['Dan']);
  }
  far.requests.length = 0;
  return { far, other, moon, ann, bea, first, second };
}

/** Who left, in order. */
const leaversOf = (far: FarServer) => far.had('LeaveGroupRequest').map(({ meta }) => meta.user as string);

async function owed(domain: FarServer): Promise<number> {
  return (await scene.house.house.store.owedLeaves(domain.domain, 100)).length;
}

async function isTold(phone: Phone, news: string): Promise<void> {
  const heard: string[] = [];
  await eventually(`news ${news}`, async () => {
    heard.push(...newsIn(await settled(phone)));
    return heard.includes(news);
  });
}

describe.each(GROUP_VERSIONS)('a group elsewhere in CSP %s (%s)', (_version, _encoding, habits) => {
  it.each([800, 809] as const)(
    'that says to nobody in particular that it is over (%i) puts out everybody of this server who is in it',
    async (code) => {
      const { far, other, moon, ann, first, second } = await play({}, habits);
      const sun = other.group('eve/sun');
      await first.say(joinGroup(sun));
      const bystander = await scene.online(ann, habits, { clientId: SECOND });
      const over = {
        primitive: 'LeaveGroupIndication',
        group: moon,
        users: [],
        result: result(code),
      } as const;
      expect((await far.asks(over)).result).toEqual(OK);
      for (const phone of [first, second]) expect(newsIn(await settled(phone))).toEqual([`out ${code}`]);
      expect(newsIn(await settled(bystander))).toEqual([]);
      await first.say(android.logout());
      expect(leaversOf(far)).toEqual([]);
      expect(leaversOf(other)).toEqual([ann]);
    },
  );

  it('may put out only from its own groups (901)', async () => {
    const { other, moon, first } = await play({}, habits);
    const over = { primitive: 'LeaveGroupIndication', group: moon, users: [], result: result(800) } as const;
    expect((await other.asks(over)).result.code).toBe(901);
    expect(newsIn(await settled(first))).toEqual([]);
  });

  it.each([800, 808, 809] as const)(
    'that has forgotten a guest (%i): he learns it with the report of his message, and can join again',
    async (code) => {
      const { far, moon, first, second } = await play({}, habits);
      far.refuses(code, 'SendMessageRequest');
      expect(codeOf(await first.say(sendMessage('hi', [], { recipient: toGroup(moon) })))).toBe(200);
      await eventually('refused', () => far.had('SendMessageRequest').length > 0);
      await isTold(first, `out ${code}`);
      expect(newsIn(await settled(second))).toEqual([]);
      far.works();
      expect(namesIn((await first.say(joinGroup(moon))).content)).toEqual(['Dan']);
      expect(codeOf(await first.say(sendMessage('again', [], { recipient: toGroup(moon) })))).toBe(200);
      expect(codeOf(await first.say(leaveGroup(moon)))).toBe(200);
    },
  );
});

describe('messages', () => {
  it('to the group, and to a screen name in it, go to its home alone (G-08, G-10)', async () => {
    const { far, moon, ann, first } = await play();
    await first.say(sendMessage('all', [], { recipient: toGroup(moon) }));
    await first.say(sendMessage('you', [], { recipient: toName(moon, 'Dan') }));
    await eventually('both', () => far.had('SendMessageRequest').length === 2);
    const sent = far.had('SendMessageRequest').map(({ message }) => [message.sender, message.recipients]);
    const sender = expect.objectContaining({ kind: 'user', user: ann }) as unknown;
    expect(sent).toContainEqual([sender, [{ kind: 'group', group: moon }]]);
    expect(sent).toContainEqual([sender, [{ kind: 'group', group: moon, screenName: 'Dan' }]]);
  });

  it('of the group reach its guests, as from a screen name (G-09); a blocked group reaches nobody', async () => {
    const { far, moon, ann, bea, first, second } = await play();
    await second.say(android.block(moon).replaceAll('UserID', 'GroupID'));
    const message = (id: string) =>
      ({
        primitive: 'SendMessageRequest',
        deliveryReport: false,
        message: {
          id: id as never,
          sender: { kind: 'group', group: moon, screenName: 'Dan' },
          recipients: [ann, bea].map((user) => toUser(ours(user))),
          addressedTo: { kind: 'group', group: moon },
          sentAt: scene.clock.now(),
          expiresAt: scene.clock.now() + 600_000,
          content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
        },
      }) as const;
    expect((await far.asks(message('m1'))).result).toMatchObject({
      code: 201,
      details: [{ code: 532, users: [bea] }],
    });
    const came = named(await settled(first), 'NewMessage');
    expect(texts(came, 'SName')).toEqual(['Dan']);
    expect(texts(came, 'ContentData')).toEqual(['hello']);
    expect(named(await settled(second), 'NewMessage')).toBeUndefined();
  });
});

describe('what only its home can do', () => {
  it('a group cannot be made there (516, G-17)', async () => {
    const { far, first } = await play();
    expect(codeOf(await first.say(createGroup(far.group('ann/mine'))))).toBe(516);
    expect(far.requests).toEqual([]);
  });

  it('a home that does not answer is 504, and nothing is joined: it may have let in, so it is told', async () => {
    const { far, ann, first } = await play();
    const mars = far.group('dan/mars');
    far.isSilent();
    const joining = first.say(joinGroup(mars));
    await eventually('asked', () => far.had('JoinGroupRequest').length > 0);
    scene.clock.advance(10_000);
    expect(codeOf(await joining)).toBe(504);
    expect(await owed(far)).toBe(1);
    // The first try is in vain as well.
    await eventually('tried', () => leaversOf(far).length > 0);
    far.works();
    scene.clock.advance(10_000);
    far.port?.becameUsable();
    await eventually('told', async () => (await owed(far)) === 0);
    expect(far.had('LeaveGroupRequest').map(({ group }) => group)).toEqual([mars, mars]);
    expect(leaversOf(far)).toEqual([ann, ann]);
  });

  it('a home that cannot be reached is 503, and is told later, unless the client has joined meanwhile', async () => {
    const { far, first } = await play();
    const mars = far.group('dan/mars');
    far.refuses(503);
    expect(codeOf(await first.say(joinGroup(mars)))).toBe(503);
    await eventually('tried', () => leaversOf(far).length > 0);
    far.works();
    far.requests.length = 0;
    expect(namesIn((await first.say(joinGroup(mars))).content)).toEqual(['Dan']);
    far.port?.becameUsable();
    await eventually('settled', async () => (await owed(far)) === 0);
    expect(leaversOf(far)).toEqual([]);
  });

  it('a home that refuses is not told that nobody is in', async () => {
    const { far, first } = await play();
    far.refuses(809, 'JoinGroupRequest');
    expect(codeOf(await first.say(joinGroup(far.group('dan/mars'))))).toBe(809);
    expect(await owed(far)).toBe(0);
    expect(leaversOf(far)).toEqual([]);
  });
});

describe('the end of a session, with the other server', () => {
  const ends: [string, (phones: { first: Phone; ann: string }) => Promise<unknown>][] = [
    ['log-out', ({ first }) => first.say(android.logout())],
    ['a new log-in of the same client', ({ ann }) => scene.online(ann, HABITS)],
    ['the operator', ({ ann }) => scene.house.house.forceLogout(ann.slice(3, ann.indexOf('@')))],
    ['removal of the account', ({ ann }) => removed(ann)],
  ];
  async function removed(user: string): Promise<void> {
    const { store } = scene.house.house;
    await store.deleteUser(ours(user));
    await eventually('cleared', async () => {
      scene.clock.advance(10_000);
      return (await store.removedUsers(1)).length === 0;
    });
  }

  it.each(ends)('there: by %s, it leaves at once', async (_how, end) => {
    const { far, ann, first } = await play();
    await end({ first, ann });
    await eventually('left', () => leaversOf(far).length > 0);
    expect(leaversOf(far)).toEqual([ann]);
    expect(await owed(far)).toBe(0);
  });

  it.each(ends)('away: by %s, it leaves when the other server is back, once', async (_how, end) => {
    const { far, ann, first } = await play();
    far.refuses(503, 'LeaveGroupRequest');
    await end({ first, ann });
    await eventually('owed', async () => (await owed(far)) === 1);
    far.requests.length = 0;
    far.works();
    far.port?.becameUsable();
    await eventually('told', async () => (await owed(far)) === 0);
    expect(leaversOf(far)).toEqual([ann]);
    far.port?.becameUsable();
    await settled(first).catch(() => {});
    expect(leaversOf(far)).toEqual([ann]);
  });

  it('silent: it is as if it were away', async () => {
    const { far, first } = await play();
    far.isSilent();
    const ending = first.say(android.logout());
    await eventually('asked', () => leaversOf(far).length > 0);
    scene.clock.advance(10_000);
    await eventually('owed', async () => (await owed(far)) === 1);
    // What it watches elsewhere ends, too.
    scene.clock.advance(10_000);
    expect(codeOf(await ending)).toBe(200);
  });

  it('away: an expired session leaves later', async () => {
    const { far, ann, bea } = await play();
    far.refuses(504, 'LeaveGroupRequest');
    await eventually('owed', async () => {
      scene.clock.advance(3_600_000);
      return (await owed(far)) === 2;
    });
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('told', async () => (await owed(far)) === 0);
    expect(leaversOf(far).toSorted()).toEqual([ann, bea].toSorted());
  });

  it('away: what is owed survives a restart of this one', async () => {
    const { far, ann, first } = await play();
    far.refuses(503, 'LeaveGroupRequest');
    await first.say(android.logout());
    await scene.restart();
    expect(await owed(far)).toBe(1);
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('told', async () => (await owed(far)) === 0);
    expect(leaversOf(far)).toEqual([ann]);
  });

  it('away: a client that has joined again does not leave', async () => {
    const { far, ann, moon, first } = await play();
    far.refuses(503, 'LeaveGroupRequest');
    await first.say(android.logout());
    const again = await scene.online(ann, HABITS);
    await again.say(joinGroup(moon));
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('settled', async () => (await owed(far)) === 0);
    expect(leaversOf(far)).toEqual([]);
    await again.say(android.logout());
    expect(leaversOf(far)).toEqual([ann]);
  });

  it('away: another client of the user that is in does not count', async () => {
    const { far, ann, moon, first } = await play();
    const other = await scene.online(ann, HABITS, { clientId: SECOND });
    await other.say(joinGroup(moon));
    far.refuses(503, 'LeaveGroupRequest');
    await first.say(android.logout());
    far.works();
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('told', async () => (await owed(far)) === 0);
    expect(leaversOf(far)).toEqual([ann]);
  });

  it('slow, without having gone: it is tried again by and by', async () => {
    const { far, first } = await play();
    far.refuses(504, 'LeaveGroupRequest');
    await first.say(android.logout());
    expect(await owed(far)).toBe(1);
    far.works();
    await eventually('told', async () => {
      scene.clock.advance(60_000);
      return (await owed(far)) === 0;
    });
  });

  it('still away after the first of many: it is not asked for the others', async () => {
    const { far, first, second } = await play();
    far.refuses(503, 'LeaveGroupRequest');
    for (const phone of [first, second]) await phone.say(android.logout());
    far.requests.length = 0;
    far.port?.becameUsable();
    await eventually('asked', () => leaversOf(far).length > 0);
    await scene.house.house.store.sizes();
    expect(leaversOf(far)).toHaveLength(1);
    expect(await owed(far)).toBe(2);
  });

  it.each([800, 808, 531, 506] as const)('refusing (%i): nothing is owed', async (code) => {
    const { far, first } = await play();
    far.refuses(code, 'LeaveGroupRequest');
    await first.say(android.logout());
    expect(await owed(far)).toBe(0);
  });

  it('away for more than a day: it is not worth telling any more', async () => {
    const { far, first } = await play();
    far.refuses(503, 'LeaveGroupRequest');
    await first.say(android.logout());
    scene.clock.advance(DAY_MS - 60_000);
    expect(await owed(far)).toBeGreaterThan(0);
    await eventually('forgotten', async () => {
      scene.clock.advance(60_000);
      const left = await scene.house.house.store.owedLeaves(far.domain, 100);
      return left.every(({ owedAt }) => owedAt > scene.clock.now() - DAY_MS) && left.length < 2;
    });
  });
});

describe('this server', () => {
  it('tells a gateway who is in its groups, also after a restart', async () => {
    const { far, ann, moon } = await play();
    const isIn = () => far.port?.hasJoined(ours(ann), undefined, moon);
    expect(isIn()).toBe(true);
    expect(far.port?.hasJoined(ours(ann), 'nobody' as never, moon)).toBe(false);
    await scene.restart();
    expect(isIn()).toBe(true);
    await scene.house.house.forceLogout(ann.slice(3, ann.indexOf('@')));
    expect(isIn()).toBe(false);
  });

  it('does not leave for its guests when the other one comes back (G-18)', async () => {
    const { far, ann, moon, first } = await play();
    far.port?.becameUsable();
    await scene.house.house.store.sizes();
    await far.asks({
      primitive: 'GroupChangeNotice',
      group: moon,
      recipients: [ours(ann)],
      joined: [{ screenName: 'Eve' }],
      left: [],
    });
    expect(newsIn(await settled(first))).toEqual(['+Eve']);
    expect(leaversOf(far)).toEqual([]);
  });

  it.each(['before', 'after'] as const)(
    'killed %s any write while a session ends: no ghost stays in the group',
    { timeout: 60_000 },
    async (death) => {
      const disk = new MortalDisk();
      for (let call = 1; ; call += 1) {
        const { far, ann, first } = await play({ storeFilter: disk.filter });
        far.refuses(503, 'LeaveGroupRequest');
        disk.arm(call, death);
        await first.say(android.logout());
        const unspent = disk.disarm();
        await scene.restart();
        far.works();
        far.requests.length = 0;
        // The session may have come back: then it ends once more when nothing is heard of it.
        far.port?.becameUsable();
        await eventually(`left after death ${death} call ${call}`, () => {
          if (leaversOf(far).includes(ann)) return true;
          scene.clock.advance(600_000);
          return false;
        });
        if (unspent) return;
        await scene.stop();
      }
    },
  );
});
