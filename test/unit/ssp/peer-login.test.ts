// Who waits for a session learns at once what is known already.

import { expect, it } from 'vitest';
import { Circuit } from '../../../src/access/ssp/circuit.ts';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { PeerLogin } from '../../../src/access/ssp/peer-login.ts';
import type { Domain } from '../../../src/wv/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

it('does not wait for a peer that is not tried now, and is told so every time', async () => {
  const clock = new ManualClock();
  const circuit = new Circuit({ random: () => 0.999 });
  const tried: number[] = [];
  const login = new PeerLogin({
    port: {
      locate: async () => {
        tried.push(clock.now());
        return { kind: 'unknown', reason: 'no name server' };
      },
      post: async () => ({ kind: 'unreachable', reason: 'nobody there' }),
      dialect: () => DIALECTS.standard,
      prospect: () => {},
      established: () => {},
      failed: () => {},
    },
    settings: {
      ownDomain: 'a.test' as Domain,
      peerDomain: 'b.test' as Domain,
      timeToLive: 600,
      versions: ['1.3'],
    },
    circuit,
    clock,
    ids: { random: () => 'random' },
    log: SILENT,
    metrics: NO_METRICS,
  });
  circuit.failed(clock.now(), 30);
  for (let count = 0; count < 2; count += 1) {
    expect(await login.ensure()).toEqual({ code: 503, tryAgainAfter: 30 });
  }
  expect(tried).toEqual([]);
  clock.advance(30_000);
  expect(await login.ensure()).toMatchObject({ code: 503, description: 'no name server' });
  expect(tried).toHaveLength(1);
});
