// Our users in groups of a Baraza (ssp.md section 16; observed-peer.md sections 12, 13).

import { describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { eventually } from '../../support/eventually.ts';
import { houseAndBaraza, type HouseAndBaraza } from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, quiet, WireTranscript } from '../../support/ssp/wire-transcript.ts';

const HIKERS = 'wv:bob/hikers@b.test';
const CLOSED = 'wv:bob/closed@b.test';

interface Scene extends HouseAndBaraza {
  readonly ann: string;
  readonly client: WvClient;
}

async function scene(): Promise<Scene> {
  const both = await houseAndBaraza();
  const { user: ann, client } = await both.house.somebody('ann');
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  return { ...both, ann, client };
}

/** ann1 is in the group as Ally. */
async function joined(): Promise<Scene> {
  const here = await scene();
  await here.client.groups.join(HIKERS, { screenName: 'Ally' });
  await eventually('her notice', () => documentsWith(here.baraza, 'out', 'GroupChangeNotice')[0]);
  await quiet(here.baraza);
  return here;
}

/** What it came to: the answer, or the error. */
const refused = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('a group there', () => {
  it('is joined, heard of, and left', async () => {
    const { client, baraza } = await scene();
    const transcript = new WireTranscript(baraza, 'group-theirs-join');
    const answer = await transcript.act('ann joins as Ally', async () => {
      const list = await client.groups.join(HIKERS, { screenName: 'Ally' });
      await eventually('her notice', () => documentsWith(baraza, 'out', 'GroupChangeNotice')[0]);
      return list;
    });
    expect(answer.participants.map(({ screenName }) => screenName).toSorted()).toEqual(['Ally', 'Bobby']);

    const came = client.next('group', (change) =>
      change.joined.some(({ screenName }) => screenName === 'Benny'),
    );
    await transcript.act('ben joins as Benny, at home', async () => {
      baraza.joinHere('ben', 'bob/hikers', 'Benny');
      await came;
    });
    expect((await came).group).toBe(HIKERS);
    const went = client.next('group', (change) =>
      change.left.some(({ screenName }) => screenName === 'Benny'),
    );
    await transcript.act('ben leaves', async () => {
      baraza.leaveHere('ben', 'bob/hikers');
      await went;
    });

    const left = await transcript.act('ann leaves', () => client.groups.leave(HIKERS));
    expect(left.code).toBe(200);
    expect(baraza.group('bob/hikers').members.map(({ screenName }) => screenName)).toEqual(['Bobby']);
    transcript.compare();
  });

  it('has messages and whispers both ways', async () => {
    const { client, baraza } = await joined();
    const transcript = new WireTranscript(baraza, 'group-theirs-messages');
    const messages: unknown[] = [];
    client.on('message', ({ from, text }) => messages.push([from, text]));

    await transcript.act('ann writes to the group', async () => {
      await client.sendMessage({ to: { group: HIKERS }, content: 'Hello hikers', screenName: 'Ally' });
      await eventually('the message', () => baraza.received('bob')[1]);
    });
    expect(baraza.received('bob')[1]).toMatchObject({ text: 'Hello hikers', groupId: HIKERS });

    await transcript.act('ann whispers to Bobby', async () => {
      await client.sendMessage({
        to: { group: HIKERS, screenName: 'Bobby' },
        content: 'psst',
        screenName: 'Ally',
      });
      await eventually('the whisper', () => baraza.received('bob')[2]);
    });
    expect(baraza.received('bob')[2]).toMatchObject({ text: 'psst', groupId: HIKERS });

    await transcript.act('bob writes to the group', async () => {
      baraza.postToGroup('bob', 'bob/hikers', 'Welcome');
      await eventually('the message', () => messages[0]);
    });
    expect(messages).toEqual([[{ group: HIKERS, screenName: 'Bobby' }, 'Welcome']]);
    transcript.compare();
  });

  it('does not serve messages of ours to others of ours: the sender is told', async () => {
    const { house, client, baraza } = await joined();
    const { client: other } = await house.somebody('amy');
    await other.groups.join(HIKERS, { screenName: 'Amy' });
    await quiet(baraza);
    const transcript = new WireTranscript(baraza, 'group-theirs-516');
    const report = client.next('report');
    await transcript.act('ann writes to the group, in which amy is, too', async () => {
      await client.sendMessage({ to: { group: HIKERS }, content: 'Hello Amy', screenName: 'Ally' });
      await report;
    });
    expect(await report).toMatchObject({ outcome: { code: 516 } });
    expect(baraza.received('bob')[1]?.text).toBe('Hello Amy');
    transcript.compare();
  });

  it('answers questions about itself', async () => {
    const { client, baraza } = await joined();
    const transcript = new WireTranscript(baraza, 'group-theirs-questions');
    const names = await transcript.act('ann asks who is there', () => client.groups.participants(HIKERS));
    expect(names.map(({ screenName }) => screenName).toSorted()).toEqual(['Ally', 'Bobby']);
    const properties = await transcript.act('ann asks for the properties', () =>
      client.groups.properties(HIKERS),
    );
    expect(properties).toBeDefined();
    const members = await transcript.act('ann asks for the members', () =>
      refused(client.groups.members(HIKERS)),
    );
    expect(members).toMatchObject({ code: 816 });
    const changed = await transcript.act('ann changes the topic', () =>
      refused(client.groups.setProperties(HIKERS, { properties: { Topic: 'T' } })),
    );
    expect(changed).toMatchObject({ code: 201, details: [{ code: 816 }] });
    const list = await transcript.act('ann asks for the reject list', () =>
      refused(client.groups.rejected(HIKERS)),
    );
    expect(list).toMatchObject({ code: 816 });
    const subscribed = await transcript.act('ann asks whether she hears of changes', () =>
      client.request('SubscribeGroupNotice-Request', { GroupID: HIKERS, SubscribeType: 'G' }),
    );
    expect(JSON.stringify(subscribed.content)).toContain('"T"');
    const stopped = await transcript.act('ann does not want to hear of changes', () =>
      refused(client.request('SubscribeGroupNotice-Request', { GroupID: HIKERS, SubscribeType: 'U' })),
    );
    expect(stopped).toMatchObject({ primitive: 'Status' });
    const deleted = await transcript.act('ann deletes it', () => refused(client.groups.delete(HIKERS)));
    expect(deleted).toMatchObject({ code: 816 });
    transcript.compare();
  });

  it('is not joined by those on its reject list (809), nor when there is none (800)', async () => {
    const { client, baraza } = await scene();
    const transcript = new WireTranscript(baraza, 'group-theirs-refused');
    const rejected = await transcript.act('ann joins a group that rejects her', () =>
      refused(client.groups.join(CLOSED, { screenName: 'Ally' })),
    );
    expect(rejected).toMatchObject({ code: 809 });
    const missing = await transcript.act('ann joins a group that does not exist', () =>
      refused(client.groups.join('wv:bob/none@b.test', { screenName: 'Ally' })),
    );
    expect(missing).toMatchObject({ code: 800 });
    transcript.compare();
  });

  it('is left when it is deleted, which names nobody', async () => {
    const { house, client, baraza } = await joined();
    const { client: other } = await house.somebody('amy');
    await other.groups.join(HIKERS, { screenName: 'Amy' });
    const { client: stranger } = await house.somebody('sue');
    await quiet(baraza);
    const strange: unknown[] = [];
    stranger.on('groupExit', (exit) => strange.push(exit));
    const transcript = new WireTranscript(baraza, 'group-theirs-deleted');
    const exits = [client.next('groupExit'), other.next('groupExit')];
    await transcript.act('bob deletes the group', async () => {
      baraza.deleteGroup('bob/hikers');
      await Promise.all(exits);
    });
    for (const exit of exits) expect(await exit).toMatchObject({ group: HIKERS, outcome: { code: 800 } });
    expect(strange).toEqual([]);
    expect(await refused(client.groups.leave(HIKERS))).toMatchObject({ code: 800 });
    transcript.compare();
  });

  it('is left when the session ends', async () => {
    const { client, baraza } = await joined();
    await client.logout();
    await eventually('Bobby alone', () => baraza.group('bob/hikers').members.length === 1);
  });
});
