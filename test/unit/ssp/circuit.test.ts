// When a peer that is away is tried again.

import { describe, expect, it } from 'vitest';
import { Circuit } from '../../../src/access/ssp/circuit.ts';

/** The longest waits that jitter allows. */
const LONGEST = () => 1;
const SECOND = 1_000;

/** Lets trials fail one after another from time 0; the waits between them, ms. */
function waits(circuit: Circuit, failures: number): number[] {
  let now = 0;
  return Array.from({ length: failures }, () => {
    expect(circuit.mayTry(now)).toBe(true);
    circuit.failed(now);
    const wait = (circuit.nextTry ?? 0) - now;
    now += wait;
    return wait;
  });
}

describe('a circuit', () => {
  it('lets everything through while nothing fails', () => {
    const circuit = new Circuit();
    expect([circuit.mayTry(0), circuit.mayTry(0), circuit.state]).toEqual([true, true, 'closed']);
    expect(circuit.nextTry).toBeUndefined();
  });

  it('opens with a failure and says when to come back', () => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(5 * SECOND);
    expect([circuit.state, circuit.nextTry]).toEqual(['open', 6 * SECOND]);
    expect(circuit.mayTry(6 * SECOND - 1)).toBe(false);
    expect(circuit.state).toBe('open');
  });

  it('allows one trial then, and no second one beside it', () => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(0);
    expect([circuit.mayTry(SECOND), circuit.state]).toEqual([true, 'trying']);
    expect([circuit.mayTry(SECOND), circuit.mayTry(60 * SECOND)]).toEqual([false, false]);
  });

  it('closes when the trial succeeds, and begins anew with the next failure', () => {
    const circuit = new Circuit({ random: LONGEST });
    waits(circuit, 5);
    circuit.mayTry(1_000 * SECOND);
    circuit.succeeded();
    expect([circuit.state, circuit.mayTry(1_000 * SECOND)]).toEqual(['closed', true]);
    circuit.failed(2_000 * SECOND);
    expect(circuit.nextTry).toBe(2_001 * SECOND);
  });

  it('waits twice as long after each failure, up to 300 s', () => {
    const circuit = new Circuit({ random: LONGEST });
    expect(waits(circuit, 11).map((ms) => ms / SECOND)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(waits(new Circuit({ random: LONGEST }), 2_000).at(-1)).toBe(300 * SECOND);
  });

  it('spreads the waits over the whole time up to the bound', () => {
    const draws = [0, 0.5, 0.25];
    const circuit = new Circuit({ random: () => draws.shift() ?? 1 });
    expect(waits(circuit, 4)).toEqual([0, 1_000, 1_000, 8_000]);
  });

  it('waits at least as long as the peer asked for', () => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(0, 120);
    expect(circuit.nextTry).toBe(120 * SECOND);
    circuit.mayTry(120 * SECOND);
    circuit.failed(120 * SECOND, 1);
    expect(circuit.nextTry).toBe(122 * SECOND);
  });

  it.each([
    [1e12, 3_600 * SECOND],
    [-5, 1 * SECOND],
  ])('takes a peer that asks for %d s as a mistake', (asked, next) => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(0, asked);
    expect(circuit.nextTry).toBe(next);
  });

  it('counts requests that were under way together as one failure', () => {
    const circuit = new Circuit({ random: LONGEST });
    for (let request = 0; request < 20; request += 1) circuit.failed(request);
    expect(circuit.nextTry).toBe(SECOND);
    circuit.failed(20, 30);
    expect(circuit.nextTry).toBe(20 + 30 * SECOND);
  });

  it('closes when an earlier request is answered after all', () => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(0);
    circuit.succeeded();
    expect(circuit.mayTry(1)).toBe(true);
  });

  it('allows another trial when nobody told what became of the last', () => {
    const circuit = new Circuit({ random: LONGEST, trialMs: 10 * SECOND });
    circuit.failed(0);
    circuit.mayTry(SECOND);
    expect(circuit.nextTry).toBe(11 * SECOND);
    expect([circuit.mayTry(11 * SECOND - 1), circuit.mayTry(11 * SECOND)]).toEqual([false, true]);
  });

  it('can be hurried, and does not forget how often it failed', () => {
    const circuit = new Circuit({ random: LONGEST });
    waits(circuit, 4);
    circuit.tryNow(100);
    expect([circuit.nextTry, circuit.mayTry(100), circuit.mayTry(100)]).toEqual([100, true, false]);
    circuit.failed(100);
    expect(circuit.nextTry).toBe(100 + 16 * SECOND);
  });

  it('does not wait for a time of a clock that was set back', () => {
    const circuit = new Circuit({ random: LONGEST });
    circuit.failed(86_400 * SECOND);
    expect(circuit.mayTry(0)).toBe(true);
  });
});
