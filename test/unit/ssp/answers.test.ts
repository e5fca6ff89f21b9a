// Answers on their way to a peer: gathered per session, tried again for a while, and never out of hand.

import type { Domain } from '../../../src/wv/ids.ts';
import { describe, expect, it } from 'vitest';
import { Answers } from '../../../src/access/ssp/answers.ts';
import type { ResponseTransaction } from '../../../src/access/ssp/document.ts';
import type { PeerSession } from '../../../src/access/ssp/sessions.ts';
import type { PostOutcome } from '../../../src/access/ssp/transport.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { http, says, settled, TAKEN } from '../../support/ssp/exchange-scene.ts';
import { SILENT } from '../../support/silence.ts';

const session = (number: number): PeerSession => ({
  ownId: `own-${number}@a.test`,
  peerId: `peer-${number}@b.test`,
  version: '1.3',
  timeToLive: 60_000,
  since: 0,
  dialect: 'standard',
  callers: [],
  url: 'https://b.test/',
});
const ONE = session(1);
const OTHER = session(2);

const answer = (transactionId: string): ResponseTransaction => ({
  mode: 'Response',
  transactionId,
  content: says(200),
});
const answers = (from: number, to: number): ResponseTransaction[] =>
  Array.from({ length: to - from + 1 }, (_, at) => answer(String(from + at)));

class Scene {
  readonly clock = new ManualClock();
  readonly posts: { session: string; ids: string[] }[] = [];
  readonly warnings: string[] = [];
  readonly #waiting: ((outcome: PostOutcome) => void)[] = [];
  readonly answers = new Answers({
    peer: 'b.example' as Domain,
    metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined },
    clock: this.clock,
    log: { ...SILENT, warn: (_, text) => void this.warnings.push(text) },
    post: ({ ownId }, transactions) => {
      this.posts.push({ session: ownId, ids: transactions.map(({ transactionId }) => transactionId) });
      return new Promise((resolve) => this.#waiting.push(resolve));
    },
  });

  async conclude(outcome: PostOutcome): Promise<void> {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) throw new Error('nothing is being posted');
    oldest(outcome);
    await settled();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  /** How many answers each POST had. */
  get sizes(): number[] {
    return this.posts.map(({ ids }) => ids.length);
  }
}

describe('answers', () => {
  it('go out together, in the session in which was asked, two POSTs at once', async () => {
    const scene = new Scene();
    scene.answers.add(ONE, answers(1, 2));
    scene.answers.add(OTHER, answers(3, 3));
    scene.answers.add(ONE, answers(4, 4));
    expect(scene.posts).toEqual([]);
    await settled();
    expect(scene.posts).toEqual([
      { session: ONE.ownId, ids: ['1', '2', '4'] },
      { session: OTHER.ownId, ids: ['3'] },
    ]);
    scene.answers.add(ONE, answers(5, 74));
    await settled();
    expect(scene.posts).toHaveLength(2);
    await scene.conclude(TAKEN);
    await scene.conclude(TAKEN);
    expect(scene.sizes).toEqual([3, 1, 64, 6]);
  });

  it('are no POST when there are none', async () => {
    const scene = new Scene();
    scene.answers.add(ONE, []);
    await settled();
    expect(scene.posts).toEqual([]);
  });

  it.each([
    { kind: 'unreachable', reason: 'nobody there' },
    { kind: 'silent', reason: 'no answer' },
    http(503),
    http(500),
    http(429),
  ] satisfies PostOutcome[])(
    'are tried again for a minute when the peer is away ($kind $status)',
    async (outcome) => {
      const scene = new Scene();
      scene.answers.add(ONE, answers(1, 1));
      await settled();
      for (const pause of [250, 1_000, 4_000, 15_000, 40_000]) {
        await scene.conclude(outcome);
        await scene.pass(pause - 1);
        const before = scene.posts.length;
        await scene.pass(1);
        expect(scene.posts).toHaveLength(before + 1);
      }
      await scene.conclude(outcome);
      expect(scene.clock.timers).toBe(0);
      expect(scene.posts).toHaveLength(6);
    },
  );

  it.each([400, 403, 404])(
    'that the peer refuses with %i are not tried again: it asks again',
    async (status) => {
      const scene = new Scene();
      scene.answers.add(ONE, answers(1, 1));
      await settled();
      await scene.conclude(http(status));
      expect(scene.clock.timers).toBe(0);
      scene.answers.add(ONE, answers(2, 2));
      await settled();
      expect(scene.posts).toHaveLength(2);
    },
  );

  it('wait in a number that is limited; those beyond are dropped, and asked for again', async () => {
    const scene = new Scene();
    for (let from = 1; from < 2_101; from += 300) scene.answers.add(ONE, answers(from, from + 299));
    expect(scene.warnings).toEqual(['SSP answers dropped: the peer does not take them']);
    await settled();
    while (scene.posts.flatMap(({ ids }) => ids).length < 2_000) await scene.conclude(TAKEN);
    expect(scene.posts.at(-1)?.ids.at(-1)).toBe('2000');
  });

  it('are not sent any more after the end, nor tried again', async () => {
    const scene = new Scene();
    scene.answers.add(ONE, answers(1, 1));
    await settled();
    scene.answers.add(ONE, answers(2, 2));
    scene.answers.stop();
    await scene.conclude(http(503));
    await scene.pass(60_000);
    scene.answers.add(ONE, answers(3, 3));
    await settled();
    expect(scene.posts.map(({ ids }) => ids)).toEqual([['1'], ['2']].slice(0, scene.posts.length));
    expect(scene.posts.length).toBeLessThanOrEqual(1);
  });
});
