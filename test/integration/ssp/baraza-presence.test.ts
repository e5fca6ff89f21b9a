// Presence between our users and those of a Baraza (ssp.md section 16; observed-peer.md sections 12, 13).

import { describe, expect, it } from 'vitest';
import type { WvClient } from '../../../src/client/client.ts';
import { simple } from '../../../src/wv/presence.ts';
import { eventually } from '../../support/eventually.ts';
import { answered, houseAndBaraza, type HouseAndBaraza } from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, quiet, WireTranscript } from '../../support/ssp/wire-transcript.ts';

const ATTRIBUTES = ['OnlineStatus', 'StatusText'] as const;

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

/** What bob sees of others, in order. */
const seenBy = ({ baraza }: Scene, name: string) =>
  baraza.user(name).presenceSeen.map(({ userId, values }) => ({ userId, values }));

describe('our user watches one of its users', () => {
  it('hears of changes once he is authorised, of the log-out, and no more after he stopped', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'presence-ours');
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    baraza.logIn('bob');

    const subscribed = await transcript.act('ann subscribes to bob, who has authorised nobody', async () => {
      const outcome = await client.subscribe({ users: [at('bob')], attributes: ATTRIBUTES });
      await eventually(
        'the empty notification',
        () => documentsWith(baraza, 'out', 'PresenceNotification')[0],
      );
      return outcome;
    });
    expect(subscribed.code).toBe(200);

    const text = client.next('presence', ({ attributes }) => attributes.StatusText?.value === 'Tea & <cake>');
    await transcript.act('bob authorises ann, and says what he does', async () => {
      baraza.authorise('bob', 'ann1@a.test', [...ATTRIBUTES]);
      baraza.publish('bob', { StatusText: 'Tea & <cake>' });
      await text;
    });
    expect((await text).user).toBe(at('bob'));
    expect((await text).attributes.OnlineStatus?.value).toBe('T');

    const gone = client.next('presence', ({ attributes }) => attributes.OnlineStatus?.value === 'F');
    await transcript.act('bob logs out', async () => {
      baraza.logOut('bob');
      await gone;
    });

    await transcript.act('ann unsubscribes', () => client.unsubscribe({ users: [at('bob')] }));
    await eventually('no watcher', () => baraza.user('bob').watchers.size === 0);
    expect(errors).toEqual([]);
    transcript.compare();
  });

  it('is not troubled by notifications about people whom nobody watches', async () => {
    const { client, baraza, ann, at } = await scene();
    await client.subscribe({ users: [at('bob')] });
    await quiet(baraza);
    await client.unsubscribe({ users: [at('bob')] });
    await quiet(baraza);
    // It goes on telling.
    baraza.user('bob').watchers.set('ann1@a.test', { address: ann, asked: undefined });
    baraza.authorise('bob', '*', 'all');
    const before = documentsWith(baraza, 'out', 'PresenceNotification').length;
    const seen: unknown[] = [];
    client.on('presence', ({ user }) => seen.push(user));
    baraza.publish('bob', { StatusText: 'still here' });
    await eventually('it', () => documentsWith(baraza, 'out', 'PresenceNotification')[before]);
    await quiet(baraza);
    await client.poll();
    expect(seen).toEqual([]);
  });

  it('learns of users that do not exist', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'presence-ours-unknown');
    const outcome = await transcript.act('ann subscribes to bob and nobody', async () => {
      const answer = await client.subscribe({ users: [at('bob'), at('nobody')] });
      await eventually(
        'the empty notification',
        () => documentsWith(baraza, 'out', 'PresenceNotification')[0],
      );
      return answer;
    });
    expect(outcome).toMatchObject({ code: 201, details: [{ code: 531 }] });
    transcript.compare();
  });

  it('asks once', async () => {
    const { client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'presence-ours-get');
    baraza.logIn('bob');
    const hidden = await transcript.act('ann asks for the presence of bob, who shows nothing', () =>
      client.getPresence({ users: [at('bob')], attributes: ATTRIBUTES }),
    );
    expect(hidden.filter(({ attributes }) => attributes.OnlineStatus?.valid === true)).toEqual([]);
    baraza.authorise('bob', '*', 'all');
    const shown = await transcript.act('ann asks again, and he shows all', () =>
      client.getPresence({ users: [at('bob')], attributes: ATTRIBUTES }),
    );
    expect(shown).toMatchObject([{ user: at('bob'), attributes: { OnlineStatus: { value: 'T' } } }]);
    await transcript.act('ann asks for all there is', () => client.getPresence({ users: [at('bob')] }));
    transcript.compare();
  });
});

describe('one of its users watches ours', () => {
  it('is asked for at our phone, hears of changes and of the log-out, and no more after he stopped', async () => {
    const here = await scene();
    const { ann, client, baraza, at } = here;
    const transcript = new WireTranscript(baraza, 'presence-theirs');

    const asked = client.next('authorization');
    const subscribed = await transcript.act('bob subscribes to ann, whose phone asks her', async () => {
      const answer = await answered(baraza.subscribe('bob', [ann], [...ATTRIBUTES]));
      await asked;
      return answer;
    });
    expect(subscribed).toMatchObject({ primitive: 'Status', code: 200 });
    expect((await asked).user).toBe(at('bob'));

    const has = (name: string, value: string) => () =>
      seenBy(here, 'bob').some(({ userId, values }) => userId === ann && values[name] === value);
    await transcript.act('ann lets him', async () => {
      await client.answerAuthorization(at('bob'), true);
      await eventually('OnlineStatus', has('OnlineStatus', 'T'));
    });
    await transcript.act('ann says what she does', async () => {
      await client.updatePresence({ StatusText: simple('Tea & <cake>') });
      await eventually('StatusText', has('StatusText', 'Tea & <cake>'));
    });
    await transcript.act('ann logs out', async () => {
      await client.logout();
      await eventually('OnlineStatus', has('OnlineStatus', 'F'));
    });
    await transcript.act('bob unsubscribes', () => answered(baraza.unsubscribe('bob', [ann])));
    const before = seenBy(here, 'bob').length;
    await here.house.online(ann);
    await quiet(baraza);
    expect(seenBy(here, 'bob')).toHaveLength(before);
    transcript.compare();
  });

  it('hears nothing when our user does not want him to', async () => {
    const here = await scene();
    const { ann, client, baraza, at } = here;
    const asked = client.next('authorization');
    await answered(baraza.subscribe('bob', [ann]));
    await asked;
    await client.answerAuthorization(at('bob'), false);
    await client.updatePresence({ StatusText: simple('secret') });
    await quiet(baraza);
    expect(JSON.stringify(seenBy(here, 'bob'))).not.toContain('secret');
  });

  it('may have asked for a list that is (null): all that he may see', async () => {
    const here = await scene();
    const { ann, client, baraza, at } = here;
    const transcript = new WireTranscript(baraza, 'presence-theirs-null');
    await client.answerAuthorization(at('bob'), true);
    await transcript.act('bob subscribes to ann with a list that is (null)', async () => {
      await answered(baraza.subscribe('bob', [ann]));
      await eventually('presence', () =>
        seenBy(here, 'bob').some(({ values }) => values['OnlineStatus'] === 'T'),
      );
    });
    transcript.compare();
  });

  it('is told who does not exist', async () => {
    const { baraza } = await scene();
    const answer = await answered(baraza.subscribe('bob', ['wv:nobody@a.test']));
    expect([answer.code, ...answer.details]).toContain(531);
  });

  it('asks once', async () => {
    const { ann, client, baraza, at } = await scene();
    const transcript = new WireTranscript(baraza, 'presence-theirs-get');
    await client.updatePresence({ StatusText: simple('Tea') });
    const hidden = await transcript.act('bob asks for the presence of ann, who shows nothing', () =>
      answered(baraza.getPresence('bob', [ann], [...ATTRIBUTES])),
    );
    expect(hidden).toMatchObject({ primitive: 'GetPresenceResponse' });
    expect(JSON.stringify(hidden.element)).not.toContain('Tea');
    await client.answerAuthorization(at('bob'), true);
    await quiet(baraza);
    const shown = await transcript.act('bob asks again, with a list that is (null)', () =>
      answered(baraza.getPresence('bob', [ann])),
    );
    expect(shown).toMatchObject({ primitive: 'GetPresenceResponse', code: 200 });
    expect(JSON.stringify(shown.element)).toContain('Tea');
    transcript.compare();
  });
});
