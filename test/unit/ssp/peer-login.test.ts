// Looking for a peer that could not be reached.

import { expect, it } from 'vitest';
import { Circuit } from '../../../src/access/ssp/circuit.ts';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { PeerLogin } from '../../../src/access/ssp/peer-login.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

const never = (): never => {
  throw new Error('not while the circuit is open');
};

it('is refused, not broken off, while the peer is left alone', async () => {
  const clock = new ManualClock();
  const circuit = new Circuit({ random: () => 0.999 });
  circuit.failed(clock.now());
  const login = new PeerLogin({
    port: {
      locate: never,
      post: never,
      dialect: () => DIALECTS.standard,
      prospect: never,
      established: never,
    },
    settings: {
      ownDomain: trusted<Domain>('a.test'),
      peerDomain: trusted<Domain>('b.test'),
      timeToLive: 60,
      versions: ['1.3'],
    },
    circuit,
    clock,
    ids: { random: () => 'id' },
    log: SILENT,
    metrics: NO_METRICS,
  });
  expect(await login.ensure()).toMatchObject({ code: 503, tryAgainAfter: 1 });
  expect(await login.ensure()).toMatchObject({ code: 503 });
});
