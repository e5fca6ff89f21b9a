// How requests to one peer are gathered into POSTs.

import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import type { SspTransaction } from '../../../src/access/ssp/document.ts';
import { Exchange } from '../../../src/access/ssp/exchange.ts';
import { systemClock } from '../../../src/ops/clock.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK } from '../../../src/wv/status.ts';
import { SILENT } from '../../support/silence.ts';

/** An exchange whose peer takes everything and answers in the next turn; `posts`: transaction ids of each POST. */
function scene() {
  const posts: string[][] = [];
  const exchange: Exchange = new Exchange({
    clock: systemClock,
    log: SILENT,
    limits: { open: 100, answerMs: 5_000 },
    port: {
      dialect: () => DIALECTS.standard,
      ready: () => Promise.resolve(OK),
      isReady: () => true,
      post: (transactions) => {
        posts.push(transactions.map(({ transactionId }) => transactionId));
        setImmediate(() => transactions.forEach(answer));
        return Promise.resolve({ kind: 'answered', status: 200 });
      },
      noteTaken: () => Promise.resolve(),
      sessionLost: () => undefined,
      reached: () => undefined,
      unreached: () => undefined,
    },
  });
  const answer = ({ transactionId }: SspTransaction) =>
    exchange.answered(transactionId, { kind: 'relay', response: status(OK) });
  const ask = (transactionId: string, orderKey: string) =>
    exchange.request({
      transactionId,
      orderKey,
      unanswered: false,
      lasting: false,
      takenBefore: false,
      octets: 0,
      content: { kind: 'control', control: { name: 'KeepAliveRequest', timeToLive: 60 } },
    });
  return { ask, posts };
}

describe('requests made in one turn of the event loop', () => {
  it('share a POST, in their order', async () => {
    const { ask, posts } = scene();
    await Promise.all([ask('1', 'ann'), ask('2', 'bea'), ask('3', 'ann')]);
    expect(posts).toEqual([['1', '2', '3']]);
  });

  it('fill several POSTs when they are many', async () => {
    const { ask, posts } = scene();
    await Promise.all(Array.from({ length: 70 }, (_, index) => ask(`${index}`, `sender ${index}`)));
    expect(posts.map(({ length }) => length)).toEqual([32, 32, 6]);
  });
});

it('a request of a later turn is not kept waiting for others', async () => {
  const { ask, posts } = scene();
  await ask('1', 'ann');
  await ask('2', 'bea');
  expect(posts).toEqual([['1'], ['2']]);
});
