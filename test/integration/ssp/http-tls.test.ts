// SSP over TLS, both ways: who is believed, and that nothing is ever said to anybody else.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClientCertificates, SspHttpOptions } from '../../../src/access/ssp/http-server.ts';
import type { PostOutcome, Poster } from '../../../src/access/ssp/transport.ts';
import { watchForUncaught } from '../../support/abuse.ts';
import { eventually } from '../../support/eventually.ts';
import { HttpScene } from '../../support/ssp/http-scene.ts';
import { OK } from '../../support/ssp/raw-peer.ts';
import { createTestCa, pem, type TestCa } from '../../support/ssp/test-ca.ts';

const scene = new HttpScene();
let authority: TestCa;
let stranger: TestCa;
let ca: Buffer;
let serverPem: ReturnType<typeof pem>;
let checkUncaught: () => void;

beforeAll(() => {
  checkUncaught = watchForUncaught();
  authority = createTestCa();
  stranger = createTestCa('Somebody Else');
  ca = readFileSync(authority.cert);
  serverPem = pem(authority.issue(['127.0.0.1', 'localhost', 'operator-b.example']));
});
afterEach(() => scene.end());
afterAll(() => {
  authority.remove();
  stranger.remove();
  checkUncaught();
});

function tlsOf(
  certificate = serverPem,
  clientCertificates: ClientCertificates = 'none',
): Required<Pick<SspHttpOptions, 'tls'>> {
  return { tls: { ...certificate, clientCertificates, ca } };
}

/** What becomes of a document for a door on loopback that must prove these names. */
function post(
  poster: Poster,
  port: number,
  names: readonly string[] = ['127.0.0.1'],
  host = '127.0.0.1',
): Promise<PostOutcome> {
  return poster.post({ url: new URL(`https://${host}:${port}/`), certificateNames: names }, '<a/>', {});
}

describe('the certificate of a peer', () => {
  it.each([
    ['its address', '127.0.0.1', ['127.0.0.1']],
    ['its host', 'localhost', ['localhost']],
    ['its host and its domain', 'localhost', ['localhost', 'operator-b.example']],
    ['its host, when no names are given', 'localhost', []],
  ])('that is valid for %s is good', async (_what, host, names) => {
    const door = await scene.door(tlsOf());
    const outcome = await post(scene.poster({ tls: { ca } }), door.port, names, host);
    expect(outcome).toEqual({ kind: 'answered', status: 200 });
    expect(door.taken).toEqual([{ document: '<a/>', caller: { address: '127.0.0.1' } }]);
  });

  it.each([
    ['a wrong domain', ['127.0.0.1', 'operator-c.example'], 'operator-c.example'],
    ['a wrong host', ['other.example', 'operator-b.example'], 'other.example'],
    ['a name above its own', ['example'], 'example'],
    ['a name below its own', ['im.operator-b.example'], 'im.operator-b.example'],
  ])('is no good for %s: unreachable, and nothing was sent', async (_what, names, wrong) => {
    const peer = await scene.peer((socket) => socket.write(OK), serverPem);
    const outcome = await post(scene.poster({ tls: { ca } }), Number(peer.url.port), names);
    expect(outcome.kind).toBe('unreachable');
    const reason = `certificate of ${peer.url.host} is not valid for ${wrong}: `;
    expect(outcome).toHaveProperty('reason', expect.stringContaining(reason));
    expect(peer.requests).toEqual([]);
  });

  it('with a wildcard is valid for one label', async () => {
    const wild = pem(authority.issue(['*.operator-b.example', '127.0.0.1']));
    const door = await scene.door(tlsOf(wild));
    const poster = scene.poster({ tls: { ca } });
    expect((await post(poster, door.port, ['im.operator-b.example'])).kind).toBe('answered');
    expect((await post(poster, door.port, ['operator-b.example'])).kind).toBe('unreachable');
    expect((await post(poster, door.port, ['a.b.operator-b.example'])).kind).toBe('unreachable');
  });

  it('that has expired is no good', async () => {
    const door = await scene.door(tlsOf(pem(authority.issue(['127.0.0.1'], { expired: true }))));
    expect(await post(scene.poster({ tls: { ca } }), door.port)).toEqual({
      kind: 'unreachable',
      reason: `certificate of 127.0.0.1:${door.port} has expired, or one that signed it`,
    });
    expect(door.taken).toEqual([]);
  });

  it('of an authority that nobody here trusts is no good, even where Node is told to trust everybody', async () => {
    const door = await scene.door(tlsOf(pem(stranger.issue(['127.0.0.1']))));
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      for (const tls of [{ ca }, {}]) {
        const outcome = await post(scene.poster({ tls }), door.port);
        expect(outcome.kind).toBe('unreachable');
        expect(outcome).toHaveProperty(
          'reason',
          expect.stringContaining('not signed by an authority trusted'),
        );
      }
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
    expect(door.taken).toEqual([]);
  });

  it('is asked about each name: neither connection nor session of one peer serves another one', async () => {
    const peer = await scene.peer((socket, { connection }) => {
      if (connection === 1) socket.write(OK);
      else socket.end(OK);
    }, serverPem);
    const port = Number(peer.url.port);
    const poster = scene.poster({ tls: { ca } });
    expect((await post(poster, port, ['operator-b.example'])).kind).toBe('answered');
    expect((await post(poster, port, ['operator-c.example'])).kind).toBe('unreachable');
    // With its connection gone there is still its TLS session.
    peer.connections[0]?.destroy();
    expect((await post(poster, port, ['operator-b.example'])).kind).toBe('answered');
    expect((await post(poster, port, ['operator-c.example'])).kind).toBe('unreachable');
    expect(peer.requests).toHaveLength(2);
  });
});

describe('a peer', () => {
  it('whose port is plain gets nothing, although its address says https', async () => {
    const peer = await scene.peer((socket) => socket.write(OK));
    const outcome = post(scene.poster({ tls: { ca } }), Number(peer.url.port));
    const socket = await eventually('it is connected', () => peer.connections[0]);
    socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    expect(await outcome).toEqual({ kind: 'unreachable', reason: `${peer.url.host} does not speak TLS` });
    expect(peer.requests).toEqual([]);
    expect(peer.connections).toHaveLength(1);
  });

  it('that ended a connection it had kept is asked again over a fresh one', async () => {
    const peer = await scene.peer((socket, { request }) => {
      if (request === 1) socket.write(OK);
      else socket.end();
    }, serverPem);
    const poster = scene.poster({ tls: { ca } });
    await post(poster, Number(peer.url.port));
    expect(await post(poster, Number(peer.url.port))).toEqual({ kind: 'answered', status: 200 });
    expect(peer.requests).toHaveLength(3);
    expect(scene.metrics.counts.get('ssp_posts_repeated_total{}')).toBe(1);
  });

  it('is told our certificate, and is asked over one connection', async () => {
    const door = await scene.door(tlsOf(serverPem, 'required'));
    const own = pem(authority.issue(['operator-a.example', '*.a.example', '127.0.0.1']));
    const poster = scene.poster({ tls: { ca, ...own } });
    for (let i = 0; i < 3; i += 1) expect((await post(poster, door.port)).kind).toBe('answered');
    const names = ['operator-a.example', '*.a.example'];
    const caller = { address: '127.0.0.1', certificateNames: names };
    expect(door.taken.map((each) => each.caller)).toEqual([caller, caller, caller]);
  });
});

describe('callers', () => {
  it('without a certificate are refused where one is required', async () => {
    const door = await scene.door(tlsOf(serverPem, 'required'));
    const poster = scene.poster({ tls: { ca } });
    // Twice: a TLS session that was left behind must not open the door.
    for (let i = 0; i < 2; i += 1) expect((await post(poster, door.port)).kind).not.toBe('answered');
    expect(door.taken).toEqual([]);
  });

  it('with a certificate of another authority, or one that has expired, are refused too', async () => {
    const door = await scene.door(tlsOf(serverPem, 'required'));
    for (const own of [
      stranger.issue(['operator-a.example']),
      authority.issue(['operator-a.example'], { expired: true }),
    ]) {
      const poster = scene.poster({ tls: { ca, ...pem(own) } });
      for (let i = 0; i < 2; i += 1) expect((await post(poster, door.port)).kind).not.toBe('answered');
    }
    expect(door.taken).toEqual([]);
  });

  it('are all served where it is optional, and only the names of a good certificate are told', async () => {
    const door = await scene.door(tlsOf(serverPem, 'optional'));
    const good = pem(authority.issue([], { commonName: 'operator-a.example' }));
    const bad = pem(stranger.issue(['operator-a.example']));
    for (const own of [good, bad, {}]) {
      // A connection each, so that the second one resumes the session of the first.
      const poster = scene.poster({ tls: { ca, ...own }, maxFreeSockets: 0 });
      for (let i = 0; i < 2; i += 1) expect((await post(poster, door.port)).kind).toBe('answered');
    }
    const believed = ['operator-a.example'];
    expect(door.taken.map(({ caller }) => caller.certificateNames)).toEqual([
      believed,
      believed,
      ...Array<undefined>(4).fill(undefined),
    ]);
  });

  it('are believed no certificate where no authority is configured', async () => {
    const tls = { ...serverPem, clientCertificates: 'optional' } as const;
    const door = await scene.door({ tls });
    const own = pem(authority.issue(['operator-a.example']));
    expect((await post(scene.poster({ tls: { ca, ...own } }), door.port)).kind).toBe('answered');
    expect(door.taken[0]?.caller).toEqual({ address: '127.0.0.1' });
  });

  it('need TLS 1.2 at least', async () => {
    const door = await scene.door(tlsOf());
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(handshake(door.port, old)).rejects.toThrow(/alert protocol version/);
    expect(await handshake(door.port, { maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
  });

  it('without TLS are hung up on at once', async () => {
    const door = await scene.door(tlsOf());
    const wire = await scene.wire(door.port);
    wire.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    wire.finish();
    await wire.isClosed();
    expect((await post(scene.poster({ tls: { ca } }), door.port)).kind).toBe('answered');
  });

  it('that never begin TLS are hung up on after their time', async () => {
    const door = await scene.door({ ...tlsOf(), patience: { headers: 100, request: 200 } });
    const mute = connect({ host: '127.0.0.1', port: door.port }).resume();
    await once(mute, 'close');
  });

  it('beyond the connections of one address are hung up on', async () => {
    const door = await scene.door({ ...tlsOf(), maxConnectionsPerAddress: 1 });
    const poster = scene.poster({ tls: { ca } });
    expect((await post(poster, door.port)).kind).toBe('answered');
    const second = await post(scene.poster({ tls: { ca } }), door.port);
    expect(second.kind).toBe('unreachable');
    expect((await post(poster, door.port)).kind).toBe('answered');
  });
});

/** The version of TLS that is agreed on. */
function handshake(port: number, options: ConnectionOptions): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, ca, ...options });
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

it('TLS material that cannot be used is told when the poster is made', () => {
  expect(() => scene.poster({ tls: { cert: 'nonsense', key: 'nonsense' } })).toThrow();
  expect(() =>
    scene.poster({ tls: { cert: serverPem.cert, key: readFileSync(stranger.issue(['x']).key) } }),
  ).toThrow();
});
