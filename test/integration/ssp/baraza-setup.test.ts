// Setting up sessions with a Baraza (observed-peer.md section 11), whoever begins, and with all that it does wrong.

import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { JumpingClock } from '../../support/jumping-clock.ts';
import type { BarazaPeer } from '../../support/ssp/baraza/peer.ts';
import {
  answered,
  counted,
  houseAndBaraza,
  type HouseAndBaraza,
} from '../../support/ssp/house-and-baraza.ts';
import { quiet, transactionsOf, WireTranscript } from '../../support/ssp/wire-transcript.ts';

/** Direction, mode and step of each document of a set-up, with what became of it where that is not 200. */
const steps = (peer: BarazaPeer): string[] =>
  peer.log
    .filter(({ body }) => body.includes('<SetupTransaction'))
    .map((entry) => {
      const [step] = transactionsOf(entry);
      const outcome = entry.outcome === 200 ? '' : ` ${entry.outcome}`;
      return `${entry.direction === 'in' ? 'we' : 'it'}: ${step?.mode} ${step?.primitive}${outcome}`;
    });

const WE_BEGIN = [
  'we: Request SendSecretToken',
  'it: Response SendSecretToken',
  'we: Request LoginRequest',
  'it: Response LoginRequest',
  'we: Request LoginResponse',
  'it: Response LoginResponse',
];
const IT_BEGINS = [
  'it: Request SendSecretToken',
  'we: Response SendSecretToken',
  'it: Request LoginRequest',
  'we: Response LoginRequest',
  'it: Request LoginResponse',
  'we: Response LoginResponse',
];

/** What it answers 405: questions about the session. */
const controls = (peer: BarazaPeer): number =>
  peer.log.filter(
    ({ direction, body }) =>
      direction === 'in' && /<(KeepAlive|Logout|Service)Request|<Disconnect/.test(body),
  ).length;

/** Ann writes to bob, and he to her: a session is up, and is of use to both. */
async function talk({ house, baraza, at }: HouseAndBaraza): Promise<void> {
  const { user: ann, client: a } = await house.somebody('ann');
  const before = baraza.received('bob').length;
  await a.sendMessage({ to: { user: at('bob') }, content: 'Hello bob' });
  await eventually('the message', () => baraza.received('bob')[before]?.text === 'Hello bob', 10_000);
  const message = a.next('message', undefined, 10_000);
  await answered(baraza.sendMessage('bob', [ann], 'Hello ann'));
  expect((await message).text).toBe('Hello ann');
}

describe('a set-up', () => {
  it('that we begin, when a user of ours has something to say', async () => {
    const scene = await houseAndBaraza();
    const { house, baraza, at } = scene;
    const transcript = new WireTranscript(baraza, 'set-up-ours');
    const { client } = await house.somebody('ann');
    await transcript.act('ann writes to bob: a session is set up, and the message goes', async () => {
      await client.sendMessage({ to: { user: at('bob') }, content: 'Hello' });
      await eventually('the message', () => baraza.received('bob')[0]);
    });
    transcript.compare();
    expect(steps(baraza)).toEqual(WE_BEGIN);
    await talk(scene);
    expect(controls(baraza)).toBe(0);
  });

  it('that it begins', async () => {
    const scene = await houseAndBaraza();
    const { house, baraza } = scene;
    const { user } = await house.somebody('ann');
    const transcript = new WireTranscript(baraza, 'set-up-theirs');
    await transcript.act(
      'bob writes to ann: it sets a session up, and sends when its timer tells it to',
      () => answered(baraza.sendMessage('bob', [user], 'Hello')),
    );
    transcript.compare();
    expect(steps(baraza)).toEqual(IT_BEGINS);
    await talk(scene);
    expect(controls(baraza)).toBe(0);
  });

  it.each([
    ['we come first in the alphabet', 'a.test', 'b.test'],
    ['it comes first', 'b.test', 'a.test'],
  ])('that both begin at once (%s)', async (_what, ours, theirs) => {
    const scene = await houseAndBaraza({ ours, theirs });
    const { house, baraza, at } = scene;
    const { user, client } = await house.somebody('ann');
    const message = client.next('message', undefined, 10_000);
    const sent = baraza.sendMessage('bob', [user], 'from there');
    await client.sendMessage({ to: { user: at('bob') }, content: 'from here' });
    await answered(sent);
    expect((await message).text).toBe('from there');
    await eventually('the message', () => baraza.received('bob')[0]);
    await talk(scene);
    expect(baraza.received('bob').map(({ text }) => text)).toEqual(['from here', 'Hello bob']);
  });

  it('over TLS on both sides', async () => {
    const scene = await houseAndBaraza({ secure: true });
    await talk(scene);
    expect(scene.baraza.url).toMatch(/^https:/);
  });

  it('by a peer that tries TLS at our plain port first', async () => {
    const scene = await houseAndBaraza({ baraza: { probesTls: true } });
    const { user } = await scene.house.somebody('amy');
    expect(await answered(scene.baraza.sendMessage('bob', [user], 'Hello'))).toMatchObject({ code: 200 });
    await talk(scene);
  });
});

describe('its dialect', () => {
  it('is learnt from its spelling, and steps wait from then on until it has stored its half', async () => {
    const scene = await houseAndBaraza({ baraza: { race: true } });
    await talk(scene);
    expect(steps(scene.baraza)).toEqual(WE_BEGIN);
  });

  it('is learnt from step 1 as well', async () => {
    const scene = await houseAndBaraza({ baraza: { race: true } });
    const { user } = await scene.house.somebody('amy');
    await answered(scene.baraza.sendMessage('bob', [user], 'Hello'));
    expect(steps(scene.baraza)).toEqual(IT_BEGINS);
  });

  it.each(['we begin', 'it begins'])('is survived when it is slower than we wait (%s)', async (who) => {
    const scene = await houseAndBaraza({ baraza: { race: 250 } });
    if (who === 'it begins') {
      const { user } = await scene.house.somebody('amy');
      await answered(scene.baraza.sendMessage('bob', [user], 'Hello'));
    }
    await talk(scene);
    expect(steps(scene.baraza).some((step) => step.endsWith('closed'))).toBe(true);
    expect(scene.baraza.sessions.filter(({ state }) => state === 'up')).toHaveLength(1);
  });
});

describe('its session', () => {
  it('is used as long as it holds, and nobody asks about it', async () => {
    const clock = new JumpingClock();
    const scene = await houseAndBaraza({ clock });
    await talk(scene);
    for (let day = 0; day < 3; day++) {
      clock.jump(86_400_000);
      // Whatever the round of the directory does, it has done when the next one is due.
      clock.jump(1_000);
    }
    await talk(scene);
    await quiet(scene.baraza);
    await scene.house.stop();
    expect(controls(scene.baraza)).toBe(0);
    expect(steps(scene.baraza)).toEqual(WE_BEGIN);
  });
});

describe('late steps', () => {
  const LATE_MS = 40_000;

  it.each(['LoginRequest', 'LoginResponse'])('of a set-up that we began are taken (%s)', async (late) => {
    const clock = new JumpingClock();
    const scene = await houseAndBaraza({
      clock,
      baraza: {
        beforeStep: (step) => {
          if (step === late) clock.jump(LATE_MS);
        },
      },
    });
    await talk(scene);
    expect(steps(scene.baraza)).toEqual(WE_BEGIN);
  });

  it.each(['LoginRequest', 'LoginResponse'])('of a set-up that it began are taken (%s)', async (late) => {
    const clock = new JumpingClock();
    const scene = await houseAndBaraza({
      clock,
      baraza: {
        beforeStep: (step) => {
          if (step === late) clock.jump(LATE_MS);
        },
      },
    });
    const { user } = await scene.house.somebody('amy');
    await answered(scene.baraza.sendMessage('bob', [user], 'Hello'));
    expect(steps(scene.baraza)).toEqual(IT_BEGINS);
    await talk(scene);
  });

  it('are of no use when it is its first one: we begin again', async () => {
    const clock = new JumpingClock();
    let isFirst = true;
    const scene = await houseAndBaraza({
      clock,
      baraza: {
        beforeStep: () => {
          if (isFirst) clock.jump(LATE_MS);
          isFirst = false;
        },
      },
    });
    await talk(scene);
    expect(steps(scene.baraza).filter((step) => step === 'we: Request SendSecretToken')).toHaveLength(2);
  });
});

describe('a wrong digest', () => {
  it.each(['we begin', 'it begins'])(
    'is refused, and the next set-up is as good as ever (%s)',
    async (who) => {
      let isFirst = true;
      const scene = await houseAndBaraza({
        baraza: {
          beforeStep: (step, row) => {
            if (step !== 'LoginRequest' || !isFirst) return;
            isFirst = false;
            row.theirToken = Buffer.from('another');
          },
        },
      });
      if (who === 'it begins') {
        const { user } = await scene.house.somebody('amy');
        const sent = scene.baraza.sendMessage('bob', [user], 'Hello');
        await eventually('403', () => scene.baraza.log.some(({ outcome }) => outcome === 403));
        expect(sent.state).toBe('queued');
      }
      await talk(scene);
      expect(steps(scene.baraza).filter((step) => step.endsWith('403'))).toHaveLength(1);
      // What anybody could have sent ends nothing; what answers us does.
      const metric = who === 'we begin' ? 'ssp_setups_failed_total' : 'ssp_setup_steps_refused_total';
      expect(await counted(scene.house, metric)).toBe(1);
      await quiet(scene.baraza);
    },
  );
});
