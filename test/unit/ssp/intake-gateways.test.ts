// What one peer asks: repeats, and what must not wait for what.

import { describe, expect, it } from 'vitest';
import type { RequestTransaction, ResponseContent } from '../../../src/access/ssp/document.ts';
import { Intake } from '../../../src/access/ssp/intake.ts';
import { conversationKey, orderKey } from '../../../src/access/ssp/order.ts';
import { serviceAddress, userAddress } from '../../../src/wv/address.ts';
import { trusted, type Domain, type MessageId } from '../../../src/wv/ids.ts';
import { status, type RequestPrimitive, type SendMessageRequest } from '../../../src/wv/primitives.ts';
import { OK } from '../../../src/wv/status.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

const A = trusted<Domain>('a.test');
const B = trusted<Domain>('b.test');
const ANN = userAddress('ann', A);

function message(to: string, { id = 'm1', expiresAt = 1 } = {}): SendMessageRequest {
  return {
    primitive: 'SendMessageRequest',
    meta: { service: serviceAddress(A), user: ANN },
    deliveryReport: false,
    message: {
      id: trusted<MessageId>(id),
      sender: { kind: 'user', user: ANN },
      recipients: [{ kind: 'user', user: userAddress(to, B) }],
      sentAt: 0,
      expiresAt,
      content: { contentType: 'text/plain', encoding: 'none', data: 'hello' },
    },
  };
}

const transaction = (transactionId: string, request: RequestPrimitive): RequestTransaction => ({
  mode: 'Request',
  transactionId,
  content: { kind: 'relay', requests: [request] },
});

function intakeOf(
  serve: (request: RequestPrimitive) => Promise<void>,
  key = orderKey,
  limits = { requestsPerSecond: 100, burst: 100, open: 100 },
) {
  const control: ResponseContent = { kind: 'relay', response: status(OK) };
  return new Intake({
    clock: new ManualClock(),
    log: SILENT,
    metrics: NO_METRICS,
    limits,
    port: {
      emit: async (request) => {
        await serve(request);
        return status(OK);
      },
      agreed: () => new Set(['SendMessageRequest']),
      control: () => Promise.resolve(control),
      orderKey: key,
    },
  });
}

describe('a request that comes again', () => {
  it('is not served again, though the end of its validity is reckoned anew', async () => {
    const served: RequestPrimitive[] = [];
    const intake = intakeOf(async (request) => void served.push(request));
    const first = await intake.take([transaction('t', message('bob', { expiresAt: 1_000 }))]);
    const second = await intake.take([transaction('t', message('bob', { expiresAt: 2_000 }))]);
    expect(second).toEqual(first);
    expect(served).toHaveLength(1);
  });

  it('is another one when it says something else', async () => {
    const served: RequestPrimitive[] = [];
    const intake = intakeOf(async (request) => void served.push(request));
    await intake.take([transaction('t', message('bob', { id: 'm1' }))]);
    await intake.take([transaction('t', message('bob', { id: 'm2' }))]);
    expect(served).toHaveLength(2);
  });
});

describe('messages of one user to two', () => {
  const both = async (key: typeof orderKey): Promise<number> => {
    let started = 0;
    const intake = intakeOf(() => {
      started++;
      return new Promise(() => undefined);
    }, key);
    void intake.take([transaction('1', message('bob')), transaction('2', message('bea', { id: 'm2' }))]);
    await new Promise((resolve) => setImmediate(resolve));
    return started;
  };

  it('wait for each other', async () => {
    expect(await both(orderKey)).toBe(1);
  });

  it('do not where each is a conversation of its own', async () => {
    expect(await both(conversationKey)).toBe(2);
  });
});

describe('questions about users', () => {
  it('count against the limits', async () => {
    const intake = intakeOf(async () => undefined, orderKey, { requestsPerSecond: 1, burst: 1, open: 1 });
    const query = (id: string): RequestTransaction => ({
      mode: 'Request',
      transactionId: id,
      content: { kind: 'control', control: { name: 'UserQuery', user: ANN } },
    });
    const [first, second] = await intake.take([query('1'), query('2')]);
    expect(first?.content).toMatchObject({ response: { result: { code: 200 } } });
    expect(second?.content).toMatchObject({ response: { result: { code: 503 } } });
  });
});
