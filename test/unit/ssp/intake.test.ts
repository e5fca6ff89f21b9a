// Requests of a peer: repeats get the answer they got, the order of each sender is kept, limits and the agreement hold
// (ssp.md sections 2, 9 and 12).

import { describe, expect, it } from 'vitest';
import type {
  ControlRequest,
  RequestContent,
  RequestTransaction,
  ResponseTransaction,
} from '../../../src/access/ssp/document.ts';
import { Intake, type IntakeLimits } from '../../../src/access/ssp/intake.ts';
import { orderKey } from '../../../src/access/ssp/order.ts';
import { status, type RequestName, type RequestPrimitive } from '../../../src/wv/primitives.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import { OK, result, type Result } from '../../../src/wv/status.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { settled } from '../../support/ssp/exchange-scene.ts';
import { CountedMetrics } from '../../support/ssp/http-scene.ts';
import { SILENT } from '../../support/silence.ts';
import { alice, bob, hikers, peerA } from './documents.ts';

const amy = 'wv:amy@peer-a.example' as UserAddress;

/** Somebody of the peer leaves one of our groups: `group` tells one request from another. */
const leave = (user: UserAddress, group: string): RequestContent => ({
  kind: 'relay',
  requests: [
    { primitive: 'LeaveGroupRequest', meta: { service: peerA, user }, group: group as GroupAddress },
  ],
});
const ask = (transactionId: string, content: RequestContent): RequestTransaction => ({
  mode: 'Request',
  transactionId,
  content,
});

/** Relay and session of an intake, played by the test: each request waits until it is told its outcome. */
class Scene {
  readonly clock = new ManualClock();
  readonly metrics = new CountedMetrics();
  readonly intake: Intake;
  /** Groups of the requests that reached the relay, in their order. */
  readonly emitted: string[] = [];
  readonly controls: ControlRequest[] = [];
  agreed: ReadonlySet<RequestName> = new Set(['LeaveGroupRequest']);
  /** undefined: every request waits for `conclude`. */
  outcome: Result | undefined;
  readonly #waiting: { resolve: (outcome: Result) => void; reject: (error: Error) => void }[] = [];

  constructor(limits: Partial<IntakeLimits> = {}) {
    this.intake = new Intake({
      clock: this.clock,
      log: SILENT,
      metrics: this.metrics,
      limits: { requestsPerSecond: 1_000, burst: 10_000, open: 100, ...limits },
      port: {
        emit: async (request) => status(await this.#emit(request)),
        agreed: () => this.agreed,
        control: async (control) => {
          this.controls.push(control);
          return control.name === 'Disconnect' ? undefined : { kind: 'relay', response: status(OK) };
        },
        orderKey,
      },
    });
  }

  #emit(request: RequestPrimitive): Promise<Result> {
    this.emitted.push('group' in request ? request.group : request.primitive);
    if (this.outcome !== undefined) return Promise.resolve(this.outcome);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  async conclude(outcome: Result = OK): Promise<void> {
    this.#waiting.shift()?.resolve(outcome);
    await settled();
  }

  async fail(): Promise<void> {
    this.#waiting.shift()?.reject(new Error('a bug'));
    await settled();
  }

  /** `id code` of each answer. */
  async take(...transactions: RequestTransaction[]): Promise<string[]> {
    return (await this.intake.take(transactions)).map(told);
  }
}

const told = ({ transactionId, content }: ResponseTransaction): string =>
  `${transactionId} ${content.kind === 'relay' ? content.response.result.code : content.kind}`;

function answering(outcome: Result = OK, limits: Partial<IntakeLimits> = {}): Scene {
  const scene = new Scene(limits);
  scene.outcome = outcome;
  return scene;
}

describe('requests of one document', () => {
  it('are answered in their order, when all are done', async () => {
    const scene = new Scene();
    const answers = scene.take(ask('1', leave(alice, 'g1')), ask('2', leave(amy, 'g2')));
    await settled();
    expect(scene.emitted).toEqual(['g1', 'g2']);
    await scene.conclude(result(808));
    await scene.conclude();
    expect(await answers).toEqual(['1 808', '2 200']);
  });

  it('of one sender are done one after the other, whatever becomes of them', async () => {
    const scene = new Scene();
    const answers = scene.take(
      ask('1', leave(alice, 'g1')),
      ask('2', leave(alice, 'g2')),
      ask('3', leave(amy, 'g3')),
    );
    const later = scene.take(ask('4', leave(alice, 'g4')));
    await settled();
    expect(scene.emitted).toEqual(['g1', 'g3']);
    await scene.fail();
    expect(scene.emitted).toEqual(['g1', 'g3', 'g2']);
    await scene.conclude();
    await scene.conclude();
    expect(await answers).toEqual(['1 500', '2 200', '3 200']);
    expect(scene.emitted).toEqual(['g1', 'g3', 'g2', 'g4']);
    await scene.conclude();
    expect(await later).toEqual(['4 200']);
  });

  it('that are several here and one on the wire get one answer', async () => {
    const scene = new Scene();
    const [first] = (leave(alice, 'g1') as { requests: readonly RequestPrimitive[] }).requests;
    const [second] = (leave(alice, 'g2') as { requests: readonly RequestPrimitive[] }).requests;
    if (first === undefined || second === undefined) throw new Error('two requests');
    const several = scene.take(ask('1', { kind: 'relay', requests: [first, second] }));
    await settled();
    await scene.conclude();
    await scene.conclude(result(808));
    expect(await several).toEqual(['1 201']);
    expect(await scene.take(ask('2', { kind: 'relay', requests: [] }))).toEqual(['2 200']);
  });

  it('about the session are not the relay’s, and may need no answer', async () => {
    const scene = answering();
    const control = (id: string, name: 'LogoutRequest' | 'Disconnect') =>
      ask(id, {
        kind: 'control',
        control: name === 'Disconnect' ? { name, result: OK } : { name },
      });
    expect(await scene.take(control('1', 'LogoutRequest'), control('2', 'Disconnect'))).toEqual(['1 200']);
    expect(scene.controls.map(({ name }) => name)).toEqual(['LogoutRequest', 'Disconnect']);
    expect(scene.emitted).toEqual([]);
  });

  it('that cannot be understood are told so', async () => {
    const unreadable = { kind: 'unreadable', primitive: 'Odd', code: 405, reason: 'not known' } as const;
    expect(await answering().take(ask('1', unreadable))).toEqual(['1 405']);
  });

  it('outside the agreement are answered 506, also when it is made while they wait', async () => {
    const scene = new Scene();
    const answers = scene.take(ask('1', leave(alice, 'g1')), ask('2', leave(alice, 'g2')));
    await settled();
    scene.agreed = new Set();
    await scene.conclude();
    expect(await answers).toEqual(['1 200', '2 506']);
    expect(scene.emitted).toEqual(['g1']);
  });
});

describe('a repeat', () => {
  it('gets the answer that was given, and nothing is done again', async () => {
    const scene = answering(result(808));
    await scene.take(ask('1', leave(alice, 'g1')));
    scene.outcome = OK;
    expect(await scene.take(ask('1', leave(alice, 'g1')))).toEqual(['1 808']);
    expect(scene.emitted).toEqual(['g1']);
    expect(scene.metrics.counts.get('ssp_repeats_total{}')).toBe(1);
  });

  it('of one that is still being done waits for it', async () => {
    const scene = new Scene();
    const both = [scene.take(ask('1', leave(alice, 'g1'))), scene.take(ask('1', leave(alice, 'g1')))];
    await settled();
    expect(scene.emitted).toEqual(['g1']);
    await scene.conclude();
    expect(await Promise.all(both)).toEqual([['1 200'], ['1 200']]);
  });

  it('in one document counts once', async () => {
    const scene = answering();
    expect(await scene.take(ask('1', leave(alice, 'g1')), ask('1', leave(alice, 'g1')))).toEqual([
      '1 200',
      '1 200',
    ]);
    expect(scene.emitted).toEqual(['g1']);
  });

  it('of the number only is something new: the peer began to count anew', async () => {
    const scene = answering();
    await scene.take(ask('1', leave(alice, 'g1')));
    await scene.take(ask('1', leave(alice, 'g2')));
    expect(scene.emitted).toEqual(['g1', 'g2']);
  });

  it.each([500, 503, 504] as const)('of one that failed with %i is done', async (code) => {
    const scene = answering(result(code));
    expect(await scene.take(ask('1', leave(alice, 'g1')))).toEqual([`1 ${code}`]);
    scene.outcome = OK;
    expect(await scene.take(ask('1', leave(alice, 'g1')))).toEqual(['1 200']);
    expect(scene.emitted).toEqual(['g1', 'g1']);
  });

  it('is known for ten minutes, and while no thousand others came', async () => {
    const scene = answering();
    await scene.take(ask('1', leave(alice, 'g1')));
    scene.clock.advance(599_999);
    await scene.take(ask('1', leave(alice, 'g1')));
    expect(scene.emitted).toHaveLength(1);
    scene.clock.advance(1);
    await scene.take(ask('1', leave(alice, 'g1')));
    expect(scene.emitted).toHaveLength(2);
    for (let count = 0; count < 1_000; count += 1) {
      await scene.take(ask(`n${count}`, leave(amy, `n${count}`)));
    }
    await scene.take(ask('1', leave(alice, 'g1')));
    expect(scene.emitted).toHaveLength(1_003);
  });
});

describe('a peer that asks too much', () => {
  it('is told to wait, and what it was told is not remembered', async () => {
    const scene = answering(OK, { requestsPerSecond: 2, burst: 3 });
    const requests = [1, 2, 3, 4].map((number) => ask(`${number}`, leave(alice, `g${number}`)));
    const answers = await scene.intake.take(requests);
    expect(answers.map(told)).toEqual(['1 200', '2 200', '3 200', '4 503']);
    expect(answers[3]?.content).toMatchObject({ response: { result: { tryAgainAfter: 1 } } });
    expect(scene.metrics.counts.get('ssp_throttled_total{}')).toBe(1);
    scene.clock.advance(500);
    expect(await scene.take(ask('4', leave(alice, 'g4')))).toEqual(['4 200']);
  });

  it('may repeat what was answered all the same', async () => {
    const scene = answering(OK, { requestsPerSecond: 1, burst: 1 });
    await scene.take(ask('1', leave(alice, 'g1')));
    expect(await scene.take(ask('1', leave(alice, 'g1')), ask('2', leave(alice, 'g2')))).toEqual([
      '1 200',
      '2 503',
    ]);
  });

  it('has so many under way at once, also while they wait for each other', async () => {
    const scene = new Scene({ open: 2 });
    const answers = scene.take(
      ask('1', leave(alice, 'g1')),
      ask('2', leave(alice, 'g2')),
      ask('3', leave(amy, 'g3')),
    );
    await settled();
    await scene.conclude();
    await scene.conclude();
    expect(await answers).toEqual(['1 200', '2 200', '3 503']);
    const next = scene.take(ask('3', leave(amy, 'g3')));
    await settled();
    await scene.conclude();
    expect(await next).toEqual(['3 200']);
  });
});

it('keeps what one sender says of another apart: a group, a publisher and an author are lanes of their own', async () => {
  const scene = new Scene();
  scene.agreed = new Set(['LeaveGroupRequest', 'GetPresenceRequest']);
  const watch: RequestContent = {
    kind: 'relay',
    requests: [
      {
        primitive: 'GetPresenceRequest',
        meta: { service: peerA, user: alice },
        watcher: amy,
        publishers: [bob],
      },
    ],
  };
  const answers = scene.take(ask('1', leave(alice, hikers)), ask('2', watch));
  await settled();
  expect(scene.emitted).toEqual([hikers, 'GetPresenceRequest']);
  await scene.conclude();
  await scene.conclude();
  expect(await answers).toEqual(['1 200', '2 200']);
});
