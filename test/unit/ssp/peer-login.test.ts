// Setting up a session: who waits for one learns at once what is known already, and no step is waited for in vain.

import { expect, it } from 'vitest';
import { Circuit } from '../../../src/access/ssp/circuit.ts';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { PeerLogin } from '../../../src/access/ssp/peer-login.ts';
import type { Located } from '../../../src/access/ssp/targets.ts';
import type { Domain } from '../../../src/wv/ids.ts';
import type { SetupDocument } from '../../../src/access/ssp/document.ts';
import { Attempt } from '../../../src/access/ssp/login.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { settled } from '../../support/ssp/exchange-scene.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

const OURS = { ownDomain: 'a.test' as Domain, peerDomain: 'b.test' as Domain, timeToLive: 600 };
const THEIRS = { ownDomain: OURS.peerDomain, peerDomain: OURS.ownDomain, timeToLive: 600 };
const ADDRESS = { url: new URL('https://b.test/'), certificateNames: [] };
const CALLER = { address: '192.0.2.2' };

function scene(located: Located) {
  const clock = new ManualClock();
  const circuit = new Circuit({ random: () => 0.999 });
  const posted: SetupDocument[] = [];
  const looked: number[] = [];
  const login = new PeerLogin({
    port: {
      locate: async () => {
        looked.push(clock.now());
        return located;
      },
      post: async (_, document) => {
        posted.push(document);
        return { kind: 'answered', status: 200 };
      },
      dialect: () => DIALECTS.baraza,
      prospect: () => {},
      established: () => {},
      failed: () => {},
    },
    settings: { ...OURS, versions: ['1.3'] },
    circuit,
    clock,
    ids: { random: () => `random ${looked.length}` },
    log: SILENT,
    metrics: NO_METRICS,
  });
  /** The step that is sent next. */
  const next = async (): Promise<SetupDocument> => {
    const before = posted.length;
    await settled();
    clock.advance(1_000);
    await settled();
    const document = posted[before];
    if (document === undefined) throw new Error('nothing was sent');
    return document;
  };
  return { clock, circuit, login, looked, next };
}

it('does not wait for a peer that is not tried now, and is told so every time', async () => {
  const { clock, circuit, login, looked } = scene({ kind: 'unknown', reason: 'no name server' });
  circuit.failed(clock.now(), 30);
  for (let count = 0; count < 2; count += 1) {
    expect(await login.ensure()).toEqual({ code: 503, tryAgainAfter: 30 });
  }
  expect(looked).toEqual([]);
  clock.advance(30_000);
  expect(await login.ensure()).toMatchObject({ code: 503, description: 'no name server' });
  expect(looked).toHaveLength(1);
});

it('gives up a set-up whose last step does not come, when the peer goes on without, and not before', async () => {
  const { clock, login, next } = scene({ kind: 'found', addresses: [ADDRESS] });
  expect(login.missedTheEnd()).toBe(false);
  const waiting = login.ensure();
  const first = await next();
  if (first.step.name !== 'SendSecretToken') throw new Error(first.step.name);
  const settings = { ...THEIRS, versions: ['1.3'] as const, random: () => 'theirs' };
  const { attempt, advance } = Attempt.accept(settings, first.step, first.transactionId);
  if (advance.kind !== 'send') throw new Error(advance.kind);
  await login.take(advance.document, CALLER);
  const fourth = attempt.take(await next());
  clock.advance(10_000);
  expect(login.missedTheEnd()).toBe(false);
  if (fourth.kind !== 'send') throw new Error(fourth.kind);
  await login.take(fourth.document, CALLER);
  expect(attempt.take(await next()).kind).toBe('established');
  expect(login.running).toBe(true);
  expect(login.missedTheEnd()).toBe(true);
  expect(login.running).toBe(false);
  expect(await waiting).toMatchObject({ code: 503 });
});

it('begins anew after a peer that never went on', async () => {
  const { clock, login, next } = scene({ kind: 'found', addresses: [ADDRESS] });
  const waiting = login.ensure();
  const first = await next();
  clock.advance(DIALECTS.baraza.setupPatienceMs);
  expect(await waiting).toMatchObject({ code: 503 });
  clock.advance(60_000);
  void login.ensure();
  expect((await next()).step.name).toBe(first.step.name);
});

it('does not wait for ever for a set-up of the peer that got stuck', async () => {
  const { clock, login, looked, next } = scene({ kind: 'found', addresses: [ADDRESS] });
  const settings = { ...THEIRS, versions: ['1.3'] as const, random: () => 'theirs' };
  const { attempt, document } = Attempt.initiate(settings);
  await login.take(document, CALLER);
  const third = attempt.take(await next());
  if (third.kind !== 'send') throw new Error(third.kind);
  await login.take(third.document, CALLER);
  await next();
  // It has proven who it is, and dies before step 5.
  const before = looked.length;
  void login.ensure();
  await settled();
  expect(looked).toHaveLength(before);
  clock.advance(10_000);
  void login.ensure();
  expect((await next()).mode).toBe('Request');
  expect(looked).toHaveLength(before + 1);
});
