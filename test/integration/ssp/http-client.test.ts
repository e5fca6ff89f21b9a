// Documents on their way out, against peers that behave and peers that do not: what the caller is told of each.

import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PosterOptions } from '../../../src/access/ssp/http-client.ts';
import type { PeerAddress, Poster } from '../../../src/access/ssp/transport.ts';
import { watchForUncaught } from '../../support/abuse.ts';
import { eventually } from '../../support/eventually.ts';
import { HttpScene } from '../../support/ssp/http-scene.ts';
import { OK, type Answering, type RawPeer } from '../../support/ssp/raw-peer.ts';

const scene = new HttpScene();
let checkUncaught: () => void;
beforeAll(() => {
  checkUncaught = watchForUncaught();
});
afterEach(() => scene.end());
afterAll(() => checkUncaught());

function at(url: URL): PeerAddress {
  return { url, certificateNames: [url.hostname] };
}

const good: Answering = (socket) => socket.write(OK);

async function pair(
  answer: Answering,
  options: Partial<PosterOptions> = {},
): Promise<{ peer: RawPeer; poster: Poster; post: (document?: string) => ReturnType<Poster['post']> }> {
  const peer = await scene.peer(answer);
  const poster = scene.poster(options);
  return { peer, poster, post: (document = '<a/>') => poster.post(at(peer.url), document, {}) };
}

const repeats = () => scene.metrics.counts.get('ssp_posts_repeated_total{}') ?? 0;

describe('a post', () => {
  it('has the headers that peers know, in their order', async () => {
    const { peer, poster } = await pair(good);
    const url = new URL('/path?x=1', peer.url);
    const outcome = await poster.post(at(url), '<é/>', { transactionId: 't-1', sessionId: '12@wv.example' });
    expect(outcome).toEqual({ kind: 'answered', status: 200 });
    expect(peer.requests).toEqual([
      [
        'POST /path?x=1 HTTP/1.1',
        'Connection: keep-alive',
        'x-wv-transactionid: t-1',
        'x-wv-sessionid: 12@wv.example',
        'User-Agent: wvgate/1.2.3',
        'Content-Type: application/vnd.wv.ssp+xml',
        'Content-Length: 5',
        `Host: ${peer.url.host}`,
        '',
        Buffer.from('<é/>').toString('latin1'),
      ].join('\r\n'),
    ]);
  });

  it.each(['', 'a b', 'a\r\nX: y', 'é', 'x'.repeat(300)])(
    'leaves out an id that fits no header: %j',
    async (id) => {
      const { peer, poster } = await pair(good);
      const outcome = await poster.post(at(peer.url), '<a/>', { transactionId: id, sessionId: id });
      expect(outcome.kind).toBe('answered');
      expect(peer.requests[0]).not.toMatch(/x-wv|X: y/);
    },
  );

  it.each([
    ['HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n', { status: 400 }],
    ['HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n', { status: 302 }],
    [
      'HTTP/1.1 503 X\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n',
      { status: 503, retryAfterSeconds: 30 },
    ],
    ['HTTP/1.1 503 X\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n', { status: 503 }],
    ['HTTP/1.1 503 X\r\nRetry-After: 999999999\r\n\r\n', { status: 503, retryAfterSeconds: 86_400 }],
    ['HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', { status: 204 }],
  ])('is told the answer %j as it is', async (answer, told) => {
    const { peer, post } = await pair((socket) => socket.write(answer));
    expect(await post()).toEqual({ kind: 'answered', ...told });
    expect(peer.requests).toHaveLength(1);
  });
});

describe('connections', () => {
  it('are kept and used again, at most as many as allowed', async () => {
    const { peer, post } = await pair(good, { maxSockets: 2 });
    for (let i = 0; i < 5; i += 1) await post();
    expect(peer.connections).toHaveLength(1);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => post()));
    expect(outcomes.every(({ kind }) => kind === 'answered')).toBe(true);
    expect(peer.connections).toHaveLength(2);
    expect(repeats()).toBe(0);
  });

  it('that are idle for too long are closed', async () => {
    const { peer, post } = await pair(good, { idle: 50 });
    await post();
    await eventually('it is closed', () => peer.connections[0]?.closed);
    expect((await post()).kind).toBe('answered');
    expect(peer.connections).toHaveLength(2);
  });

  it.each(['ended', 'reset'])(
    'that the peer %s at the next request: it goes over a fresh one, once',
    async (how) => {
      const { peer, post } = await pair((socket, { request }) => {
        if (request === 1) socket.write(OK);
        else if (how === 'ended') socket.end();
        else socket.resetAndDestroy();
      });
      await post('<first/>');
      expect(await post('<second/>')).toEqual({ kind: 'answered', status: 200 });
      expect(peer.requests.map((request) => request.split('\r\n\r\n')[1])).toEqual([
        '<first/>',
        '<second/>',
        '<second/>',
      ]);
      expect(peer.connections).toHaveLength(2);
      expect(repeats()).toBe(1);
    },
  );

  it('that the peer closes after every answer cost nothing', async () => {
    const { peer, post } = await pair((socket) => socket.end(OK));
    for (let i = 0; i < 20; i += 1) expect(await post()).toEqual({ kind: 'answered', status: 200 });
    expect(peer.connections.length).toBeGreaterThanOrEqual(20);
  });

  it('that the peer closes under every try: silent after the second', async () => {
    const { peer, post } = await pair((socket, { connection, request }) => {
      if (connection === 1 && request === 1) socket.write(OK);
      else socket.end();
    });
    await post();
    expect(await post()).toMatchObject({ kind: 'silent', reason: `connection closed by ${peer.url.host}` });
    expect(peer.requests).toHaveLength(3);
  });

  it('that the peer closes under its first request: silent at once, it may have been taken', async () => {
    const { peer, post } = await pair((socket) => socket.end());
    expect(await post()).toMatchObject({ kind: 'silent' });
    expect(peer.requests).toHaveLength(1);
  });

  it('that break in the middle of an answer: silent, on a used one too', async () => {
    const { peer, post } = await pair((socket, { request }) => {
      if (request === 1) socket.write(OK);
      else socket.end('HTTP/1.1 2');
    });
    await post();
    expect(await post()).toMatchObject({ kind: 'silent' });
    expect(peer.requests).toHaveLength(2);
  });

  it('whose peer goes away altogether: silent, for the document was written', async () => {
    const { peer, post } = await pair((socket, { request }) => {
      if (request === 1) {
        socket.write(OK);
        return;
      }
      void peer.close();
    });
    await post();
    const outcome = await post();
    expect(outcome).toMatchObject({ kind: 'silent' });
  });
});

describe('nobody there', () => {
  it('a refused connection is unreachable', async () => {
    const { peer, post } = await pair(good);
    await peer.close();
    expect(await post()).toEqual({
      kind: 'unreachable',
      reason: `connection to ${peer.url.host} refused: nothing listens there`,
    });
  });

  it('a name without an address is unreachable', async () => {
    const url = new URL('http://nobody.invalid:8082/');
    const outcome = await scene.poster().post(at(url), '<a/>', {});
    expect(outcome.kind).toBe('unreachable');
    expect(outcome).toHaveProperty('reason', expect.stringMatching(/^no address .*nobody\.invalid:8082/));
  });

  it.each(['ftp://127.0.0.1/', 'file:///etc/passwd'])('%s is unreachable', async (url) => {
    const outcome = await scene.poster().post(at(new URL(url)), '<a/>', {});
    expect(outcome.kind).toBe('unreachable');
  });

  it('a peer that does not finish TLS is unreachable after its time', async () => {
    const mute = await scene.peer(good);
    const url = new URL(mute.url.href.replace('http:', 'https:'));
    const outcome = await scene.poster({ patience: { connect: 100 } }).post(at(url), '<a/>', {});
    expect(outcome).toEqual({ kind: 'unreachable', reason: `${url.host}: no connection within 0.1 s` });
    expect(mute.requests).toEqual([]);
  });

  it('a document that gets no connection because all are in use is unreachable', async () => {
    const { peer, post } = await pair(() => {}, { maxSockets: 1, patience: { answer: 100 } });
    const outcomes = await Promise.all([post(), post()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['silent', 'unreachable']);
    expect(peer.requests).toHaveLength(1);
  });
});

describe('odd answers', () => {
  it('none at all is silent after its time', async () => {
    const { peer, post } = await pair(() => {}, { patience: { answer: 100 } });
    expect(await post()).toEqual({ kind: 'silent', reason: `${peer.url.host}: no answer within 0.1 s` });
  });

  it.each([
    '\u0000\u0001\u0002garbage',
    'HTTP/1.1 abc\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n`,
  ])('%.20j is silent', async (answer) => {
    const { post } = await pair((socket) => socket.end(answer));
    const outcome = await post();
    expect(outcome.kind).toBe('silent');
    expect(outcome).toHaveProperty('reason', expect.stringMatching(/is not HTTP \(HPE_/));
  });

  it('a switch of protocols that nobody asked for is no answer to us', async () => {
    const { post } = await pair((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    );
    expect((await post()).kind).toBe('silent');
  });

  it('a small body is thrown away, and the connection used again', async () => {
    const body = 'x'.repeat(60_000);
    const { peer, post } = await pair((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    for (let i = 0; i < 3; i += 1) {
      expect(await post()).toEqual({ kind: 'answered', status: 200 });
      await eventually('the body has gone', () => peer.connections[0]?.writableLength === 0);
    }
  });

  it('a body of ten megabytes is cut: its status counts, its connection ends', async () => {
    const body = Buffer.alloc(10 * 1024 * 1024, 0x78);
    const { peer, post } = await pair((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    expect(await post()).toEqual({ kind: 'answered', status: 200 });
    await eventually('it is closed', () => peer.connections[0]?.closed);
    expect((await post()).kind).toBe('answered');
    expect(peer.connections).toHaveLength(2);
  });

  it('a body that never ends does not keep its connection', async () => {
    const { peer, post } = await pair(
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx'),
      { patience: { answer: 100 } },
    );
    expect(await post()).toEqual({ kind: 'answered', status: 200 });
    await eventually('it is closed', () => peer.connections[0]?.closed);
  });
});

describe('the end', () => {
  it('closes idle connections at once, and lets what is under way finish', async () => {
    let answer = () => {};
    const { peer, poster, post } = await pair((socket, { connection }) => {
      if (connection === 1) socket.write(OK);
      else answer = () => socket.write(OK);
    });
    const before = post();
    const during = post();
    await before;
    await eventually('two are open', () => peer.requests.length === 2);
    poster.close();
    poster.close();
    await eventually('the idle one is closed', () => peer.connections[0]?.closed);
    answer();
    expect(await during).toEqual({ kind: 'answered', status: 200 });
    await eventually('the other one too', () => peer.connections[1]?.closed);
    expect(await post()).toEqual({ kind: 'unreachable', reason: 'wvgate is stopping' });
  });

  it('gives up what does not finish', async () => {
    const { peer, poster, post } = await pair(() => {}, { maxSockets: 1, patience: { close: 50 } });
    const outcomes = Promise.all([post('<sent/>'), post('<waiting/>')]);
    await eventually('one is sent', () => peer.requests.length === 1);
    poster.close();
    expect((await outcomes).map(({ kind }) => kind)).toEqual(['silent', 'unreachable']);
  });
});

it('a peer on IPv6 is reached', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.end(OK)));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  const { port } = server.address() as AddressInfo;
  const outcome = await scene.poster().post(at(new URL(`http://[::1]:${port}/`)), '<a/>', {});
  expect(outcome).toEqual({ kind: 'answered', status: 200 });
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
