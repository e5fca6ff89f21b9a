import { expect, it } from 'vitest';
import { RefusalLog } from '../../../src/access/csp/cir/refusal-log.ts';
import type { Log } from '../../../src/ops/ports.ts';
import { SILENT_LOG, SteppingClock } from './sockets.ts';

it('says one line a minute, with how many got none', () => {
  const lines: object[] = [];
  const log: Log = { ...SILENT_LOG, warn: (fields) => lines.push(fields) };
  const clock = new SteppingClock();
  const refusals = new RefusalLog(clock, log);
  clock.advance(1);
  for (let i = 0; i < 1000; i++) refusals.refused('192.0.2.1', 'address');
  expect(lines).toEqual([{ address: '192.0.2.1', reason: 'address', unsaid: 0 }]);
  clock.advance(60_000);
  refusals.refused('192.0.2.2', 'all');
  expect(lines[1]).toEqual({ address: '192.0.2.2', reason: 'all', unsaid: 999 });
});
