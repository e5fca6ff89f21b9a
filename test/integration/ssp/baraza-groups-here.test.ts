// Users of a Baraza in groups of ours (ssp.md section 16; observed-peer.md sections 12, 13).

import { describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import { answered, houseAndBaraza, type HouseAndBaraza } from '../../support/ssp/house-and-baraza.ts';
import { quiet, WireTranscript } from '../../support/ssp/wire-transcript.ts';

const CLUB = 'wv:ann1/club@a.test';

interface Scene extends HouseAndBaraza {
  readonly client: WvClient;
}

/** ann1 has made an open group, and is in it as Ally. */
async function scene(): Promise<Scene> {
  const both = await houseAndBaraza();
  const { client } = await both.house.somebody('ann');
  await client.groups.create(CLUB, {
    screenName: 'Ally',
    properties: { Name: 'Club', AccessType: 'Open', PrivateMessaging: 'T' },
    welcomeNote: 'Tea & <cake>',
  });
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  return { ...both, client };
}

async function joined(): Promise<Scene> {
  const here = await scene();
  await answered(here.baraza.join('bob', CLUB, { screenName: 'Bobby' }));
  await quiet(here.baraza);
  return here;
}

describe('a group here', () => {
  it('is joined, heard of, and left', async () => {
    const { house, client, baraza } = await scene();
    const transcript = new WireTranscript(baraza, 'group-ours-join');
    const came = client.next('group', (change) => change.joined.length > 0);
    const answer = await transcript.act('bob joins as Bobby', async () => {
      const join = await answered(baraza.join('bob', CLUB, { screenName: 'Bobby' }));
      await came;
      return join;
    });
    expect(answer).toMatchObject({ primitive: 'JoinGroupResponse', code: 200, welcomeNote: 'Tea & <cake>' });
    expect(answer.joined.toSorted()).toEqual(['Ally', 'Bobby']);
    expect((await came).joined.map(({ screenName }) => screenName)).toEqual(['Bobby']);

    const { client: amy } = await house.somebody('amy');
    await transcript.act('amy joins as Amy', async () => {
      await amy.groups.join(CLUB, { screenName: 'Amy' });
      await eventually('a notice', () =>
        baraza.user('bob').groupChanges.some(({ joined: names }) => names.includes('Amy')),
      );
    });
    await transcript.act('amy leaves', async () => {
      await amy.groups.leave(CLUB);
      await eventually('a notice', () =>
        baraza.user('bob').groupChanges.some(({ left }) => left.includes('Amy')),
      );
    });

    const went = client.next('group', ({ left }) => left.some(({ screenName }) => screenName === 'Bobby'));
    const left = await transcript.act('bob leaves', async () => {
      const leave = await answered(baraza.leave('bob', CLUB));
      await went;
      return leave;
    });
    expect(left.code).toBe(200);
    transcript.compare();
  });

  it('has messages and whispers both ways', async () => {
    const { client, baraza } = await joined();
    const transcript = new WireTranscript(baraza, 'group-ours-messages');
    const messages: unknown[] = [];
    client.on('message', ({ from, text }) => messages.push([from, text]));

    const sent = await transcript.act('bob writes to the group', async () => {
      const request = baraza.sendMessage('bob', [{ groupId: CLUB }], 'Hello club');
      await eventually('the message', () => messages[0]);
      return answered(request);
    });
    expect(sent.code).toBe(200);
    await transcript.act('bob whispers to Ally', async () => {
      await answered(baraza.sendMessage('bob', [{ groupId: CLUB, screenName: 'Ally' }], 'psst'));
      await eventually('the whisper', () => messages[1]);
    });
    expect(messages).toEqual([
      [{ group: CLUB, screenName: 'Bobby' }, 'Hello club'],
      [{ group: CLUB, screenName: 'Bobby' }, 'psst'],
    ]);

    await transcript.act('ann writes to the group', async () => {
      await client.sendMessage({ to: { group: CLUB }, content: 'Welcome', screenName: 'Ally' });
      await eventually('the message', () => baraza.received('bob')[1]);
    });
    expect(baraza.received('bob')[1]).toMatchObject({ text: 'Welcome', sender: CLUB, screenName: 'Ally' });
    await transcript.act('ann whispers to Bobby', async () => {
      await client.sendMessage({
        to: { group: CLUB, screenName: 'Bobby' },
        content: 'hush',
        screenName: 'Ally',
      });
      await eventually('the whisper', () => baraza.received('bob')[2]);
    });
    expect(baraza.received('bob')[2]).toMatchObject({ text: 'hush', groupId: CLUB });
    expect(messages).toHaveLength(2);
    transcript.compare();
  });

  it('sends one copy for all its members there', async () => {
    const { client, baraza } = await joined();
    await answered(baraza.join('ben', CLUB, { screenName: 'Benny' }));
    await client.sendMessage({ to: { group: CLUB }, content: 'Hello both', screenName: 'Ally' });
    await eventually('the message', () => baraza.received('ben')[0]);
    expect(baraza.received('bob').filter(({ text }) => text === 'Hello both')).toHaveLength(1);
    expect(
      baraza.log.filter(({ direction, body }) => direction === 'in' && body.includes('<GroupID groupID')),
    ).toHaveLength(1);
    await quiet(baraza);
  });

  it('answers questions about itself', async () => {
    const { baraza } = await joined();
    const transcript = new WireTranscript(baraza, 'group-ours-questions');
    const ask = (title: string, request: () => Parameters<typeof answered>[0]) =>
      transcript.act(title, () => answered(request()));
    expect(await ask('bob asks who is there', () => baraza.joinedUsers('bob', CLUB))).toMatchObject({
      primitive: 'GetJoinedUsersResponse',
      code: 200,
      reachesClient: true,
      joined: expect.arrayContaining(['Ally', 'Bobby']),
    });
    const properties = await ask('bob asks for the properties', () => baraza.groupProps('bob', CLUB));
    expect(properties).toMatchObject({ primitive: 'GetGroupPropsResponse', code: 200 });
    expect(JSON.stringify(properties.element)).toContain('Club');
    expect(await ask('bob asks for the members', () => baraza.groupMembers('bob', CLUB))).toMatchObject({
      code: 816,
    });
    expect(
      await ask('bob changes the topic', () => baraza.setGroupProps('bob', CLUB, { Topic: 'T' })),
    ).toMatchObject({ code: 816 });
    expect(await ask('bob asks for the reject list', () => baraza.rejectList('bob', CLUB))).toMatchObject({
      code: 816,
    });
    expect(
      await ask('bob asks whether he hears of changes', () => baraza.groupSubStatus('bob', CLUB)),
    ).toMatchObject({ primitive: 'GetGroupSubStatusResponse', code: 200 });
    transcript.compare();
  });

  it('is not joined by those on its reject list (809), nor when there is none (800), nor under a name that is taken (811)', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'group-ours-refused');
    const join = (title: string, group: string, screenName: string) =>
      transcript.act(title, () => answered(baraza.join('bob', group, { screenName })));
    expect(await join('bob joins as Ally, who is there', CLUB, 'Ally')).toMatchObject({ code: 811 });
    expect(await join('bob joins no group', 'wv:ann1/none@a.test', 'Bobby')).toMatchObject({ code: 800 });
    await client.groups.rejected(CLUB, { add: [at('bob')] });
    expect(await join('bob joins, and is on the reject list', CLUB, 'Bobby')).toMatchObject({ code: 809 });
    transcript.compare();
  });

  it('may put him out (809), and be deleted (800)', async () => {
    const { client, baraza, at } = await joined();
    const transcript = new WireTranscript(baraza, 'group-ours-deleted');
    await transcript.act('ann puts bob on the reject list', async () => {
      await client.groups.rejected(CLUB, { add: [at('bob')] });
      await eventually('the indication', () => baraza.user('bob').groupsLeft[0]);
    });
    await client.groups.rejected(CLUB, { remove: [at('bob')] });
    await answered(baraza.join('bob', CLUB, { screenName: 'Bobby' }));
    await quiet(baraza);
    await transcript.act('bob has joined again, and ann deletes the group', async () => {
      await client.groups.delete(CLUB);
      await eventually('the indication', () => baraza.user('bob').groupsLeft[1]);
    });
    expect(baraza.user('bob').groupsLeft.map(({ code }) => code)).toEqual([809, 800]);
    transcript.compare();
  });
});
