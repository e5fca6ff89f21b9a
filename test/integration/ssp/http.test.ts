// The door of SSP on real sockets: what it takes, what it refuses, and that no caller holds up another.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AddressList } from '../../../src/access/address-list.ts';
import { startCspHttp } from '../../../src/access/csp/http.ts';
import { Origins } from '../../../src/access/csp/origin.ts';
import { sspHandler } from '../../../src/access/ssp/http-server.ts';
import type { Acceptance } from '../../../src/access/ssp/transport.ts';
import { posted, watchForUncaught } from '../../support/abuse.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_METRICS, SILENT } from '../../support/silence.ts';
import { HttpScene } from '../../support/ssp/http-scene.ts';

const SSP = 'application/vnd.wv.ssp+xml';
const scene = new HttpScene();
let checkUncaught: () => void;
beforeAll(() => {
  checkUncaught = watchForUncaught();
});
afterEach(() => scene.end());
afterAll(() => checkUncaught());

/** A POST to / as octets. */
function ssp(document: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Buffer {
  const octets = posted(document, { 'Content-Type': SSP, ...headers });
  return Buffer.from(octets.toString('latin1').replace('POST /csp', 'POST /'), 'latin1');
}

async function ask(port: number, octets: string | Uint8Array): Promise<{ status: number; head: string }> {
  const wire = await scene.wire(port);
  wire.send(octets);
  return wire.answer();
}

describe('a document', () => {
  it('goes to the sink with the address of its caller; the answer is 200 and empty', async () => {
    const door = await scene.door();
    const { status, head } = await ask(door.port, ssp('<a>é</a>'));
    expect(status).toBe(200);
    expect(head).toMatch(/^content-length: 0$/im);
    expect(door.taken).toEqual([{ document: '<a>é</a>', caller: { address: '127.0.0.1' } }]);
  });

  it.each([
    [{ status: 400 }, undefined],
    [{ status: 403 }, undefined],
    [{ status: 503, retryAfterSeconds: 7.2 }, '8'],
  ] satisfies [Acceptance, string | undefined][])(
    'that the sink answers %j is answered so, on a connection that stays',
    async (acceptance, retryAfter) => {
      const door = await scene.door({}, () => acceptance);
      const wire = await scene.wire(door.port);
      wire.send(ssp('<a/>'));
      const { status, head } = await wire.answer();
      expect(status).toBe(acceptance.status);
      expect(/^retry-after: (.*)$/im.exec(head)?.[1]).toBe(retryAfter);
      wire.send(ssp('<b/>'));
      await wire.answers(2);
      expect(door.taken).toHaveLength(2);
    },
  );

  it.each([
    `${SSP}; charset=utf-8`,
    'Application/VND.WV.SSP+XML;x=y',
    'text/xml; charset=utf-8',
    'application/xml',
  ])('may have the content type %s', async (type) => {
    const door = await scene.door();
    expect((await ask(door.port, ssp('<a/>', { 'Content-Type': type }))).status).toBe(200);
  });

  it.each(['/', '/any/path?x=1', 'http://im.example', '*'])('may be posted to %s', async (path) => {
    const door = await scene.door();
    const octets = ssp('<a/>').toString('latin1').replace('POST /', `POST ${path}`);
    expect((await ask(door.port, octets)).status).toBe(200);
  });

  it('may come in chunks, and without a single octet', async () => {
    const door = await scene.door();
    const head = ssp('', { 'Content-Length': '', 'Transfer-Encoding': 'chunked' }).toString('latin1');
    const wire = await scene.wire(door.port);
    for (const octet of `${head}2\r\n<a\r\n2\r\n/>\r\n0\r\n\r\n`) wire.send(octet);
    expect((await wire.answer()).status).toBe(200);
    await ask(door.port, ssp(''));
    expect(door.taken.map(({ document }) => document)).toEqual(['<a/>', '']);
  });

  it('may come with others at once: they reach the sink, and are answered, in their order', async () => {
    const first = Promise.withResolvers<Acceptance>();
    const door = await scene.door({}, (text) => (text === '0' ? first.promise : { status: 403 }));
    const wire = await scene.wire(door.port);
    wire.send(Buffer.concat(Array.from({ length: 20 }, (_, i) => ssp(String(i)))));
    await eventually('all are taken', () => door.taken.length === 20);
    first.resolve({ status: 200 });
    const statuses = (await wire.answers(20)).map(({ status }) => status);
    expect(statuses).toEqual([200, ...Array<number>(19).fill(403)]);
    expect(door.taken.map(({ document }) => document)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  });

  it('is answered 503 while a hundred of its connection wait', async () => {
    const ready = Promise.withResolvers<Acceptance>();
    const door = await scene.door({}, () => ready.promise);
    const wire = await scene.wire(door.port);
    wire.send(Buffer.concat(Array.from({ length: 101 }, () => ssp('<a/>'))));
    await eventually('a hundred are taken', () => door.taken.length === 100);
    ready.resolve({ status: 200 });
    const answers = await wire.answers(101);
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(100).fill(200), 503]);
    wire.send(ssp('<a/>'));
    expect((await wire.answers(102)).at(-1)?.status).toBe(200);
  });

  it('that makes the sink fail is answered 500, others are not affected', async () => {
    const door = await scene.door({}, (text) =>
      text === 'bug' ? Promise.reject(new Error('a bug')) : { status: 200 },
    );
    const wire = await scene.wire(door.port);
    wire.send(Buffer.concat([ssp('bug'), ssp('<a/>')]));
    expect((await wire.answers(2)).map(({ status }) => status)).toEqual([500, 200]);
  });
});

describe('what is no document', () => {
  it.each(['GET / HTTP/1.1', 'HEAD / HTTP/1.1', 'GET http://im.example/ HTTP/1.1'])(
    '%s is answered 200 with nothing',
    async (line) => {
      const door = await scene.door();
      const { status, head } = await ask(door.port, `${line}\r\nHost: x\r\n\r\n`);
      expect([status, /^content-length: (.*)$/im.exec(head)?.[1]]).toEqual([200, '0']);
      expect(door.taken).toEqual([]);
    },
  );

  it.each([
    ['GET /elsewhere', 'POST'],
    ['PUT /', 'GET, HEAD, POST'],
    ['DELETE /x', 'POST'],
    ['OPTIONS *', 'POST'],
  ])('%s is answered 405 with Allow: %s', async (line, allow) => {
    const door = await scene.door();
    const { status, head } = await ask(door.port, `${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect([status, /^allow: (.*)$/im.exec(head)?.[1]]).toEqual([405, allow]);
  });

  it.each(['application/vnd.wv.csp.xml', 'application/vnd.wv.ssp+xmlx', 'text/plain', ''])(
    'the content type %j is answered 415',
    async (type) => {
      const door = await scene.door();
      expect((await ask(door.port, ssp('<a/>', { 'Content-Type': type }))).status).toBe(415);
      expect(door.taken).toEqual([]);
    },
  );

  it('a content coding other than identity is answered 415', async () => {
    const door = await scene.door();
    expect((await ask(door.port, ssp('<a/>', { 'Content-Encoding': 'gzip' }))).status).toBe(415);
    expect((await ask(door.port, ssp('<a/>', { 'Content-Encoding': 'Identity' }))).status).toBe(200);
  });

  it('too much is answered 413, announced or not, and the answer arrives', async () => {
    const door = await scene.door();
    const big = Buffer.alloc(200_000, 0x3c);
    expect((await ask(door.port, ssp(big))).status).toBe(413);
    const head = ssp('', { 'Content-Length': '', 'Transfer-Encoding': 'chunked' });
    const chunk = [`${big.length.toString(16)}\r\n`, big, '\r\n0\r\n\r\n'].map((part) => Buffer.from(part));
    expect((await ask(door.port, Buffer.concat([head, ...chunk]))).status).toBe(413);
    expect((await ask(door.port, ssp('', { 'Content-Length': '9007199254740993' }))).status).toBe(413);
    expect((await ask(door.port, ssp(Buffer.alloc(10_000, 0x3c)))).status).toBe(200);
    expect(door.taken).toHaveLength(1);
  });

  it('garbage is answered 400 and hung up on, also if the caller stays', async () => {
    const door = await scene.door({ maxConnectionsPerAddress: 1 });
    const wire = await scene.wire(door.port);
    wire.send('\0\u0001\u0002 this is no HTTP\r\n\r\n');
    expect((await wire.answer()).status).toBe(400);
    await eventually('the server let go', () => hasPlace(door.port));
    expect(wire.closed).toBe(false);
  });

  it('a ClientHello of TLS is answered and hung up on at once', async () => {
    const door = await scene.door();
    const wire = await scene.wire(door.port);
    wire.send(Buffer.concat([Buffer.from('16030100c8010000c40303', 'hex'), Buffer.alloc(194)]));
    expect((await wire.answer()).status).toBe(400);
    wire.finish();
    await wire.isClosed();
  });

  it('garbage behind a document does not cost it its answer', async () => {
    const door = await scene.door();
    const wire = await scene.wire(door.port);
    wire.send(Buffer.concat([ssp('<a/>'), Buffer.from('garbage\r\n\r\n')]));
    expect((await wire.answers(2)).map(({ status }) => status)).toEqual([200, 400]);
  });
});

/** True when the place of a connection is free, and another one is served there. */
async function hasPlace(port: number): Promise<boolean> {
  const wire = await scene.wire(port);
  wire.send(ssp('<a/>'));
  wire.finish();
  await wire.isClosed();
  return wire.text.includes('200 OK');
}

describe('patience', () => {
  it('slow heads and bodies end with 408, and hold nobody up', async () => {
    const door = await scene.door({ patience: { request: 300, headers: 200 } });
    const whole = ssp('<slow/>');
    const slow = await Promise.all([0, 1, 2, 3].map(() => scene.wire(door.port)));
    for (const [i, wire] of slow.entries()) wire.send(whole.subarray(0, i % 2 === 0 ? 20 : whole.length - 2));
    const quick = await scene.wire(door.port);
    for (let sent = 1; sent <= 10; sent += 1) {
      quick.send(ssp('<quick/>'));
      await quick.answers(sent);
    }
    for (const wire of slow) {
      expect((await wire.answer()).status).toBe(408);
      wire.finish();
      await wire.isClosed();
    }
    expect(door.taken).toHaveLength(10);
  });

  it('a caller that vanishes in the middle of a document costs nothing', async () => {
    const door = await scene.door();
    const wire = await scene.wire(door.port);
    wire.send(ssp('<a/>').subarray(0, -1));
    wire.reset();
    await eventually('it is noticed', () => scene.metrics.counts.get('ssp_http_answers_total{gone}') === 1);
    expect((await ask(door.port, ssp('<b/>'))).status).toBe(200);
    expect(door.taken.map(({ document }) => document)).toEqual(['<b/>']);
  });

  it('connections beyond those of an address, or of all, are closed at once', async () => {
    const door = await scene.door({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    const [first, second, third] = [
      await scene.wire(door.port),
      await scene.wire(door.port),
      await scene.wire(door.port),
    ];
    third.finish();
    await third.isClosed();
    const other = await scene.wire(door.port, '127.0.0.2');
    const tooMany = await scene.wire(door.port, '127.0.0.3');
    tooMany.finish();
    await tooMany.isClosed();
    for (const wire of [first, second, other]) {
      wire.send(ssp('<a/>'));
      expect((await wire.answer()).status).toBe(200);
    }
    expect(scene.metrics.counts.get('http_connections_refused_total{address}')).toBe(1);
    expect(scene.metrics.counts.get('http_connections_refused_total{all}')).toBe(1);
    first.drop();
    await eventually('its place is free', () => hasPlace(door.port));
  });

  it('at the end of the server what was taken is answered, and idle connections close', async () => {
    const ready = Promise.withResolvers<Acceptance>();
    const door = await scene.door({}, () => ready.promise);
    const [busy, idle] = [await scene.wire(door.port), await scene.wire(door.port)];
    busy.send(ssp('<a/>'));
    await eventually('it is taken', () => door.taken.length === 1);
    const closed = door.endpoint.close(5_000);
    idle.finish();
    await idle.isClosed();
    ready.resolve({ status: 200 });
    const { status, head } = await busy.answer();
    expect([status, /^connection: (.*)$/im.exec(head)?.[1]]).toEqual([200, 'close']);
    busy.finish();
    await closed;
  });
});

describe('on the port of CSP', () => {
  async function cspPort(withSsp: boolean): Promise<{ port: number; taken: string[] }> {
    const taken: string[] = [];
    const handler = sspHandler({
      maxBody: 1_000,
      log: SILENT,
      metrics: NO_METRICS,
      addressOf: () => '192.0.2.7',
      sink: async (document, { address }) => {
        taken.push(`${Buffer.from(document).toString()} ${address}`);
        if (document.length === 3) throw new Error('a bug');
        return { status: 200 };
      },
    });
    const endpoint = await startCspHttp({
      host: '127.0.0.1',
      port: 0,
      path: '/csp',
      idleSeconds: 60,
      maxConnections: 100,
      maxBody: 10_000,
      csp: { handle: async ({ body }) => ({ body, lost: () => {} }) },
      origins: new Origins({ trustedProxies: new AddressList([]), msisdn: undefined, log: SILENT }),
      calls: { ask: () => 'unknown' },
      log: SILENT,
      metrics: NO_METRICS,
      ...(withSsp ? { ssp: handler } : {}),
    });
    ending.push(() => endpoint.close(0));
    return { port: endpoint.address.port, taken };
  }
  const ending: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0)) await end();
  });

  it('the content type tells SSP from CSP, on any path', async () => {
    const { port, taken } = await cspPort(true);
    expect((await ask(port, ssp('<a/>', { 'Content-Type': `${SSP}; charset=utf-8` }))).status).toBe(200);
    expect((await ask(port, posted('<b/>', { 'Content-Type': SSP }))).status).toBe(200);
    expect((await ask(port, posted('<c/>', { 'Content-Type': 'text/xml' }))).head).toMatch(
      /^content-length: 4$/im,
    );
    expect((await ask(port, ssp(Buffer.alloc(2_000, 0x3c)))).status).toBe(413);
    expect((await ask(port, ssp('bug'))).status).toBe(500);
    expect(taken).toEqual(['<a/> 192.0.2.7', '<b/> 192.0.2.7', 'bug 192.0.2.7']);
  });

  it('without SSP such a request is answered 415', async () => {
    const { port } = await cspPort(false);
    expect((await ask(port, ssp('<a/>'))).status).toBe(415);
  });
});
