// Restarts on either side, with the sessions kept or lost: a Baraza keeps using what it knows, and never begins anew by
// itself while it believes in a session (observed-peer.md section 11).

import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import {
  answered,
  forgetSessions,
  houseAndBaraza,
  type HouseAndBaraza,
} from '../../support/ssp/house-and-baraza.ts';
import { documentsWith, quiet } from '../../support/ssp/wire-transcript.ts';

interface Scene extends HouseAndBaraza {
  readonly ann: string;
}

/** A session is up, begun by us; ann1 has no client. */
async function scene(options: Parameters<typeof houseAndBaraza>[0] = {}): Promise<Scene> {
  const both = await houseAndBaraza(options);
  const { user: ann, client } = await both.house.somebody('ann');
  await client.sendMessage({ to: { user: both.at('bob') }, content: 'first' });
  await eventually('the first message', () => both.baraza.received('bob')[0]);
  await quiet(both.baraza);
  await client.logout();
  return { ...both, ann };
}

const setUps = ({ baraza }: Scene): number => documentsWith(baraza, 'in', 'SendSecretToken').length;

/** Texts that ann finds, oldest first. */
async function readBy({ house, ann }: Scene): Promise<string[]> {
  const client = await house.online(ann, { deliveryMethod: 'N' });
  const waiting = await client.getMessages();
  const texts = [];
  for (const { id } of waiting) texts.push((await client.getMessage(id)).text);
  return texts;
}

async function restart(
  { house }: Scene,
  between: () => Promise<void> | void = () => undefined,
): Promise<void> {
  await house.stop();
  await between();
  await house.start();
}

describe('our restart', () => {
  it('with sessions kept goes on with them, both ways, without a set-up', async () => {
    const here = await scene();
    await restart(here);
    await answered(here.baraza.sendMessage('bob', [here.ann], 'after'));
    expect(await readBy(here)).toEqual(['after']);
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'and back' });
    await eventually('the message', () => here.baraza.received('bob')[1]);
    expect(setUps(here)).toBe(1);
    expect(here.baraza.sessions).toHaveLength(1);
    expect(here.baraza.log.filter(({ body }) => body.includes('<LogoutRequest'))).toEqual([]);
  });

  it('is waited for by its messages', async () => {
    const here = await scene();
    await restart(here, () => {
      here.baraza.sendMessage('bob', [here.ann], 'meanwhile');
    });
    await eventually('taken', () => here.baraza.waiting === 0);
    await quiet(here.baraza);
    expect(await readBy(here)).toEqual(['meanwhile']);
  });

  it('with sessions lost: a new one is set up by us, it uses that, and nothing is lost', async () => {
    const here = await scene();
    await forgetSessions(here.house, 'b.test');
    await restart(here);
    expect(setUps(here)).toBe(1);
    const sent = here.baraza.sendMessage('bob', [here.ann], 'after');
    await answered(sent);
    const outcomes = documentsWith(here.baraza, 'out', 'SendMessageRequest').map(({ outcome }) => outcome);
    expect(outcomes[0]).toBe(403);
    expect(outcomes.at(-1)).toBe(200);
    expect(setUps(here)).toBe(2);
    expect(here.baraza.sessions.map(({ state }) => state)).toEqual(['up', 'up']);
    expect(await readBy(here)).toEqual(['after']);
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'and back' });
    await eventually('the message', () => here.baraza.received('bob')[1]);
  });

  it('finds what waited for it to be sent', async () => {
    const here = await scene();
    await here.baraza.kill();
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'kept' });
    await client.logout();
    await restart(here);
    await here.baraza.restart();
    await eventually('the message', () => here.baraza.received('bob')[1]);
    await quiet(here.baraza);
    expect(here.baraza.received('bob').map(({ text }) => text)).toEqual(['first', 'kept']);
  });
});

describe('its restart', () => {
  it('with sessions kept is not noticed but by waiting', async () => {
    const here = await scene();
    await here.baraza.kill();
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'while it was away' });
    await here.baraza.restart();
    await eventually('the message', () => here.baraza.received('bob')[1]);
    const message = client.next('message');
    await answered(here.baraza.sendMessage('bob', [here.ann], 'back'));
    expect((await message).text).toBe('back');
    expect(setUps(here)).toBe(1);
    expect(here.baraza.received('bob')).toHaveLength(2);
  });

  it('with sessions lost: we set one up when we have something to say', async () => {
    const here = await scene();
    const client = await here.house.online(here.ann);
    await here.baraza.restart({ forget: true });
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'do you know me?' });
    await eventually('the message', () => here.baraza.received('bob')[0]);
    await quiet(here.baraza);
    expect(here.baraza.received('bob').map(({ text }) => text)).toEqual(['do you know me?']);
    expect(setUps(here)).toBe(2);
  });

  it('with sessions lost: it sets one up when it has something to say', async () => {
    const here = await scene();
    await here.baraza.restart({ forget: true });
    await answered(here.baraza.sendMessage('bob', [here.ann], 'it is me'));
    expect(await readBy(here)).toEqual(['it is me']);
    const client = await here.house.online(here.ann);
    await client.sendMessage({ to: { user: here.at('bob') }, content: 'welcome back' });
    await eventually('the message', () => here.baraza.received('bob')[0]);
    expect(setUps(here)).toBe(2);
  });

  it('leaves presence as it was: watchers there are told anew', async () => {
    const here = await scene();
    const client = await here.house.online(here.ann);
    const asked = client.next('authorization');
    await answered(here.baraza.subscribe('bob', [here.ann]));
    await asked;
    await client.answerAuthorization(here.at('bob'), true);
    await eventually('presence', () =>
      here.baraza.user('bob').presenceSeen.some(({ values }) => values['OnlineStatus'] === 'T'),
    );
    await here.baraza.kill();
    await client.logout();
    await here.baraza.restart();
    await eventually(
      'the log-out',
      () => here.baraza.user('bob').presenceSeen.at(-1)?.values['OnlineStatus'] === 'F',
    );
  });
});

describe('a second set-up by it', () => {
  it.each(['newest', 'oldest'] as const)(
    'leaves both sessions usable (it sends on the %s)',
    async (sendsOn) => {
      const here = await scene({ baraza: { sendsOn } });
      const [first] = here.baraza.sessions;
      if (first === undefined) throw new Error('no session');
      // It begins when it knows of none that is up.
      here.baraza.sessions
        .filter(({ state }) => state === 'up')
        .forEach((row) => (row.state = 'confirm-sent'));
      const hidden = (here.baraza.sessions as (typeof first)[]).splice(0);
      await answered(here.baraza.sendMessage('bob', [here.ann], 'on a new one'));
      (here.baraza.sessions as (typeof first)[]).unshift(...hidden);
      first.state = 'up';
      expect(here.baraza.sessions.map(({ state }) => state)).toEqual(['up', 'up']);

      const sent = here.baraza.sendMessage('bob', [here.ann], 'on either');
      await answered(sent);
      const used = documentsWith(here.baraza, 'out', 'SendMessageRequest').at(-1)?.body ?? '';
      const expected = sendsOn === 'oldest' ? first : here.baraza.sessions[1];
      expect(used).toContain(`sessionID="${expected?.ownSessionId}"`);
      expect(await readBy(here)).toEqual(['on a new one', 'on either']);
      const client = await here.house.online(here.ann);
      await client.sendMessage({ to: { user: here.at('bob') }, content: 'back' });
      await eventually('the message', () => here.baraza.received('bob')[1]);
    },
  );
});
