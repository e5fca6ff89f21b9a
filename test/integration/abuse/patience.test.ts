// How long the HTTP door waits: limits injected, so that a test need not wait for minutes.

import { afterEach, describe, expect, it } from 'vitest';
import { startCspHttp, type HttpEndpoint, type HttpOptions } from '../../../src/access/csp/http.ts';
import { AddressList } from '../../../src/access/address-list.ts';
import { Origins } from '../../../src/access/csp/origin.ts';
import type { CspRequest } from '../../../src/access/csp/server.ts';
import { posted, Wire } from '../../support/abuse.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';

let endpoint: HttpEndpoint | undefined;
const wires: Wire[] = [];

afterEach(async () => {
  for (const wire of wires.splice(0)) wire.drop();
  await endpoint?.close(0);
  endpoint = undefined;
});

async function door(
  options: Partial<HttpOptions>,
  handle: HttpOptions['csp']['handle'] = async ({ body }) => ({ body, lost: () => {} }),
): Promise<() => Promise<Wire>> {
  const started = await startCspHttp({
    host: '127.0.0.1',
    port: 0,
    path: '/csp',
    maxBody: 10_000,
    idleSeconds: 60,
    maxConnections: 100,
    log: SILENT,
    metrics: NO_METRICS,
    csp: { handle },
    origins: new Origins({ trustedProxies: new AddressList([]), msisdn: undefined, log: SILENT }),
    calls: { ask: () => 'unknown' },
    ...options,
  });
  endpoint = started;
  return async () => {
    const opened = await Wire.open(started.address.port);
    wires.push(opened);
    return opened;
  };
}

const whole = posted('<a/>');

describe('patience', () => {
  it('half a request, then silence: 408 and the end of the connection, others unaffected', async () => {
    const open = await door({ patience: { request: 200, headers: 150 } });
    const [slowBody, slowHead, patient] = [await open(), await open(), await open()];
    slowBody.send(whole.subarray(0, whole.length - 2));
    slowHead.send(whole.subarray(0, 20));
    patient.send(whole);
    expect((await patient.answer()).status).toBe(200);
    expect((await slowBody.answer()).status).toBe(408);
    expect((await slowHead.answer()).status).toBe(408);
    for (const slow of [slowBody, slowHead]) {
      slow.finish();
      await slow.isClosed();
    }
    patient.send(whole);
    expect(await patient.answers(2)).toHaveLength(2);
  });

  it('a connection that never says anything is ended', async () => {
    const open = await door({ patience: { request: 200, headers: 150 } });
    const mute = await open();
    await mute.hears('408');
  });

  it('a client that does not take its answer is dropped', async () => {
    let lost = 0;
    const body = Buffer.alloc(64 * 1024 * 1024);
    const open = await door({ patience: { silence: 300 } }, async () => ({ body, lost: () => (lost += 1) }));
    const greedy = await open();
    greedy.pause();
    greedy.send(whole);
    await expect.poll(() => lost, { timeout: 5000 }).toBe(1);
  });

  it('an idle connection is closed after its time, a busy one is not', async () => {
    const open = await door({ idleSeconds: 0.2 });
    const idle = await open();
    idle.send(whole);
    await idle.answer();
    idle.finish();
    await idle.isClosed();
  });

  it.each(['keep-alive', 'close'])(
    'an answer that was taken is not lost: Connection: %s',
    async (connection) => {
      let lost = 0;
      const body = Buffer.alloc(100_000);
      const open = await door({}, async () => ({ body, lost: () => (lost += 1) }));
      const client = await open();
      client.send(posted('<a/>', { Connection: connection }));
      expect((await client.answer()).body).toHaveLength(body.length);
      if (connection === 'close') client.finish();
      else client.drop();
      await client.isClosed();
      await endpoint?.close(0);
      expect(lost).toBe(0);
    },
  );

  it('an answer is lost when the client vanished before it was ready', async () => {
    let lost = 0;
    const asked = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    const open = await door({}, async ({ body }) => {
      asked.resolve();
      await ready.promise;
      return { body, lost: () => (lost += 1) };
    });
    const client = await open();
    client.send(whole);
    await asked.promise;
    client.reset();
    await client.isClosed();
    ready.resolve();
    await expect.poll(() => lost).toBe(1);
  });

  it('connections beyond the limit are closed at once', async () => {
    const open = await door({ maxConnections: 2 });
    const [first, second, third] = [await open(), await open(), await open()];
    third.finish();
    await third.isClosed();
    for (const wire of [first, second]) {
      wire.send(whole);
      expect((await wire.answer()).status).toBe(200);
    }
  });
});

describe('what the server is told of a client', () => {
  it('is its own IPv4 address, also on a socket for both families', async () => {
    const seen: CspRequest['remote'][] = [];
    const open = await door({ host: '::' }, async ({ remote, body }) => {
      seen.push(remote);
      return { body, lost: () => {} };
    });
    const client = await open();
    client.send(posted('<a/>', { 'User-Agent': 'Phone/1.0' }));
    await client.answer();
    expect(seen).toEqual([{ address: '127.0.0.1', userAgent: 'Phone/1.0' }]);
  });

  it('a handler that fails costs the client a 500 and nobody else anything', async () => {
    const open = await door({}, () => Promise.reject(new Error('a bug')));
    const client = await open();
    client.send(Buffer.concat([whole, whole]));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([500, 500]);
  });
});
