// Two servers over TLS: the flows of ssp.md section 16, and what passed on the wire (test/transcripts/ssp).

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simple } from '../../../src/wv/presence.ts';
import { federation, type Federation } from '../../support/ssp/federation.ts';
import { COMMON, NEW, OLD } from '../../support/ssp/mixes.ts';
import { expectTranscript } from '../../support/ssp/transcript.ts';
import type { Side } from '../../support/ssp/two-houses.ts';
import type { WireTap } from '../../support/ssp/wire-tap.ts';

let all: Federation<'a' | 'b'>;
let a: Side;
let b: Side;
let wire: WireTap;

beforeAll(async () => {
  all = await federation({ a: {}, b: {} });
  ({ a, b } = all.houses);
  ({ wire } = all);
}, 30_000);

afterAll(() => all.close(), 60_000);

/** What passes while the play goes on, until nothing is under way any more, is what the transcript tells. */
async function recorded(flow: string, play: () => Promise<unknown>): Promise<void> {
  await wire.settled();
  const mark = wire.log.length;
  await play();
  await wire.settled(mark);
  expectTranscript(flow, wire.since(mark));
}

describe('set-up', () => {
  it('takes six steps, then both say what they serve', async () => {
    const { client } = await a.somebody('ann', COMMON);
    const { user: bea, client: far } = await b.somebody('bea', NEW);
    const arrived = far.next('message');
    await client.sendMessage({ to: { user: bea }, content: 'the first word' });
    await arrived;
    await wire.settled();
    const steps = wire.log.filter(({ body }) => body.includes('<SetupTransaction'));
    expectTranscript('setup', steps);
    const [request] = wire.requests('ServiceRequest');
    const negotiation = wire.log.filter(({ body }) => body.includes(`"${request?.id}"`));
    expectTranscript('negotiation', negotiation);
    expect(
      wire
        .requests('ServiceRequest')
        .map(({ from }) => from)
        .toSorted(),
    ).toEqual(['a.test', 'b.test']);
  });
});

describe('messages', () => {
  it('arrive, and are reported when the client has them', async () => {
    const { user: ann, client: near } = await a.somebody('ann', OLD);
    const { user: bea, client: far } = await b.somebody('bea', NEW);
    await recorded('im-with-report', async () => {
      const [message, report] = [far.next('message'), near.next('report')];
      const sent = await near.sendMessage({
        to: { user: bea },
        content: 'Grüße <&> 😀',
        deliveryReport: true,
      });
      expect(await message).toMatchObject({ id: sent.id, from: { user: ann }, text: 'Grüße <&> 😀' });
      expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });
    });
  });

  it('that are refused are reported as such, though no report was asked for', async () => {
    const { user: ann, client: near } = await b.somebody('ann', COMMON);
    const { user: bea, client: far } = await a.somebody('bea', OLD);
    await far.block(ann);
    await recorded('im-refused', async () => {
      const report = near.next('report');
      const sent = await near.sendMessage({ to: { user: bea }, content: 'are you there?' });
      expect(sent.outcome.code).toBe(200);
      expect(await report).toMatchObject({ outcome: { code: 532 }, message: { id: sent.id } });
    });
  });
});

describe('presence', () => {
  it('is asked for, granted, and told', async () => {
    const { user: ann, client: near } = await a.somebody('ann', NEW);
    const { user: bea, client: far } = await b.somebody('bea', COMMON);
    await far.updatePresence({ StatusText: simple('on the train') });
    await recorded('presence-reactive', async () => {
      const [asked, seen] = [far.next('authorization'), near.next('presence')];
      await near.subscribe({ users: [bea], attributes: ['OnlineStatus', 'StatusText'] });
      expect((await asked).user).toBe(ann);
      await far.answerAuthorization(ann, true);
      expect(await seen).toMatchObject({ user: bea, attributes: { StatusText: { value: 'on the train' } } });
    });
  });

  it('is asked for, and denied: nothing is told', async () => {
    const { client: near } = await b.somebody('ann', OLD);
    const { user: bea, client: far } = await a.somebody('bea', NEW);
    await recorded('presence-denied', async () => {
      const asked = far.next('authorization');
      await near.subscribe({ users: [bea] });
      await far.answerAuthorization((await asked).user, false);
    });
  });

  it('goes once to all who may see the same, and else once for each set', async () => {
    const { user: ann, client: one } = await a.somebody('ann', COMMON);
    const { user: abe, client: two } = await a.somebody('abe', NEW);
    const { user: amy, client: three } = await a.somebody('amy', OLD);
    const { user: bea, client: far } = await b.somebody('bea', NEW);
    await far.updatePresence({ StatusText: simple('free') });
    await far.createAttributeList(['UserAvailability', 'StatusText'], { users: [ann, abe] });
    await far.createAttributeList(['StatusText'], { users: [amy] });
    for (const client of [one, two, three]) {
      const first = client.next('presence');
      await client.subscribe({ users: [bea] });
      await first;
    }
    await recorded('presence-change', async () => {
      const busy = { StatusText: simple('busy'), UserAvailability: simple('DISCREET') };
      const seen = [one, two, three].map((client) => client.next('presence'));
      await far.updatePresence(busy);
      await Promise.all(seen);
    });
  });
});

describe('groups', () => {
  /** Bea's group at b.test; amy and abe of a.test are in it, and hear who comes and goes. */
  async function meeting() {
    const { user: bea, client: owner } = await b.somebody('bea', NEW);
    const { user: ann, client: near } = await a.somebody('ann', COMMON);
    const { client: other } = await a.somebody('abe', OLD);
    const group = bea.replace('@', '/hikers@');
    await owner.groups.create(group, { screenName: 'Bo', welcomeNote: 'Boots, please' });
    await other.groups.join(group, { screenName: 'Abe' });
    return { group, owner, ann, near, other };
  }

  /** The same with ann in it as Ally, and everybody told. */
  async function together() {
    const scene = await meeting();
    const { group, owner, near, other } = scene;
    const heard = [owner, other].map((client) =>
      client.next('group', ({ joined }) => joined[0]?.screenName === 'Ally'),
    );
    await near.groups.join(group, { screenName: 'Ally' });
    await Promise.all(heard);
    return scene;
  }

  it('are joined at their home, and those who are in hear of it', async () => {
    const { group, owner, near, other } = await meeting();
    await recorded('group-join', async () => {
      const heard = [owner, other].map((client) => client.next('group'));
      const joined = await near.groups.join(group, { screenName: 'Ally' });
      expect(joined.welcomeNote).toBe('Boots, please');
      expect(joined.participants.map(({ screenName }) => screenName).toSorted()).toEqual([
        'Abe',
        'Ally',
        'Bo',
      ]);
      for (const { joined: came } of await Promise.all(heard))
        expect(came).toMatchObject([{ screenName: 'Ally' }]);
    });
  });

  it('pass messages on to everybody but their author, and show no addresses', async () => {
    const { group, owner, near, other, ann } = await together();
    let echoes = 0;
    near.on('message', () => (echoes += 1));
    await recorded('group-message', async () => {
      const heard = [owner, other].map((client) => client.next('message'));
      await near.sendMessage({ to: { group }, content: 'who comes?' });
      for (const message of await Promise.all(heard))
        expect(message).toMatchObject({ from: { group, screenName: 'Ally' }, text: 'who comes?' });
    });
    expect(echoes).toBe(0);
    const copies = wire
      .requests('SendMessageRequest')
      .filter(({ body, from }) => from === 'b.test' && body.includes(group));
    expect(copies).toHaveLength(1);
    expect(copies[0]?.body).not.toContain(ann);
  });

  it('pass whispers to one', async () => {
    const { group, owner, near, other } = await together();
    let overheard = 0;
    other.on('message', () => (overheard += 1));
    await recorded('whisper', async () => {
      const heard = owner.next('message');
      await near.sendMessage({ to: { group, screenName: 'Bo' }, content: 'only you' });
      expect(await heard).toMatchObject({ from: { group, screenName: 'Ally' }, text: 'only you' });
    });
    expect(overheard).toBe(0);
  });

  it('are left, and those who are in hear of it', async () => {
    const { group, owner, near, other } = await together();
    await recorded('group-leave', async () => {
      const heard = [owner, other].map((client) => client.next('group'));
      await near.groups.leave(group);
      for (const { left } of await Promise.all(heard)) expect(left).toMatchObject([{ screenName: 'Ally' }]);
    });
  });

  it('are left when a session is lost', async () => {
    const { owner, near, other, ann } = await together();
    await recorded('session-loss', async () => {
      const heard = [owner, other].map((client) => client.next('group'));
      near.abandon();
      await a.house.forceLogout(ann.slice(3, ann.indexOf('@')));
      for (const { left } of await Promise.all(heard)) expect(left).toMatchObject([{ screenName: 'Ally' }]);
    });
  });
});

describe('invitations', () => {
  it('reach the other server, and so does the answer', async () => {
    const { user: ann, client: near } = await b.somebody('ann', OLD);
    const { user: bea, client: far } = await a.somebody('bea', COMMON);
    const group = ann.replace('@', '/hikers@');
    await near.groups.create(group, { screenName: 'Ally' });
    await recorded('invitation', async () => {
      const [invited, answered] = [far.next('invitation'), near.next('invitationAnswer')];
      await near.invitations.invite('i1', { user: bea }, { type: 'GR', group, note: 'Sunday?' });
      const invitation = await invited;
      expect(invitation).toMatchObject({ type: 'GR', group, note: 'Sunday?', from: { user: ann } });
      await far.invitations.answer(invitation, true, 'gladly');
      expect(await answered).toMatchObject({ id: 'i1', accepted: true, from: { user: bea } });
    });
  });

  it('are taken back', async () => {
    const { client: near } = await a.somebody('ann', NEW);
    const { user: bea, client: far } = await b.somebody('bea', OLD);
    await recorded('invitation-cancelled', async () => {
      const [invited, cancelled] = [far.next('invitation'), far.next('invitationCancelled')];
      await near.invitations.invite('i1', { user: bea }, { type: 'IM', note: 'a word?' });
      await invited;
      await near.invitations.cancel('i1', { user: bea });
      expect(await cancelled).toMatchObject({ id: 'i1' });
    });
  });
});
