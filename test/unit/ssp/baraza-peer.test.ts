// The scripted peer against itself, as two real ones were seen to talk, and against bare documents: sessions and HTTP.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startBarazaPeer, type BarazaPeer } from '../../support/ssp/baraza/peer.ts';
import {
  requestDocument,
  loginDocument,
  sessionDocument,
  tokenDocument,
} from '../../support/ssp/baraza/write.ts';
import { ALICE, answered, BOB, post, posted, scene } from './baraza-scene.ts';

/** Modes, transactions and roots of what one side sent, in order. */
const steps = (peer: BarazaPeer): string[] =>
  peer.log
    .filter((entry) => entry.direction === 'out' && entry.body.includes('<SetupTransaction'))
    .map(({ body, headers }) => {
      const [, mode] = /mode="(\w+)"/.exec(body) ?? [];
      const [, id] = /transactionID="(\w+)"/.exec(body) ?? [];
      const [, step] = /<(SendSecretToken|Login\w+)/.exec(body) ?? [];
      const header = headers.find(([name]) => name === 'x-wv-transactionid')?.[1] ?? '-';
      return `${step} ${mode} ${id} ${header}`;
    });

describe('set-up', () => {
  it('takes six steps, the second under an ID of its own, when the first request waits', async () => {
    const { a, b } = await scene();
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await answered(sent);
    expect(steps(a)).toEqual([
      'SendSecretToken Request 101 101',
      'LoginRequest Request 101 -',
      'LoginResponse Request 101 -',
    ]);
    expect(steps(b)).toEqual([
      'SendSecretToken Response 501 501',
      'LoginRequest Response 101 -',
      'LoginResponse Response 101 -',
    ]);
    expect(a.sessions).toMatchObject([
      { state: 'up', ownSessionId: '101@peer-a.example', theirSessionId: '501@peer-b.example' },
    ]);
    expect(sent.attempts).toBe(1);
  });

  it('works in the other direction, and a second one leaves both sessions usable', async () => {
    const { a, b } = await scene({ sendsOn: 'oldest' }, { sendsOn: 'newest' });
    const fromB = b.sendMessage('bob', [ALICE], 'first');
    await answered(fromB);
    // A forgets, and begins anew: B accepts, and keeps both.
    await a.restart({ forget: true });
    await answered(a.sendMessage('alice', [BOB], 'second'));
    expect(b.sessions.map((row) => [row.role, row.state])).toEqual([
      ['initiator', 'up'],
      ['acceptor', 'up'],
    ]);
    await answered(b.sendMessage('bob', [ALICE], 'third'));
    expect(a.received('alice').map((message) => message.text)).toEqual(['third']);
  });

  it('a second time by the same peer leaves the first session usable', async () => {
    const { a, b } = await scene();
    await answered(a.sendMessage('alice', [BOB], 'Hello'));
    await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'));
    const token = b.sessions[1]?.ownToken ?? '';
    const digest = createHash('md5').update(token).digest('base64');
    await post(b, loginDocument('Request', 'x-1', 'peer-a.example', digest));
    await post(b, sessionDocument('Request', 'x-1', 'another session'));
    expect(b.sessions.map((row) => row.state)).toEqual(['up', 'up']);
    for (const id of ['101@peer-a.example', 'another session']) {
      const request = requestDocument(id, '1', '<KeepAliveRequest/>\n');
      expect(await post(b, request)).toMatchObject({ status: 200 });
    }
  });

  it('[race] drops a step that comes too early, and stays half open for ever', async () => {
    const { a, b } = await scene({}, { race: 60_000 });
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await eventually('step 3 closed', () => a.log.some((one) => one.outcome === 'closed'));
    expect(steps(a)).toHaveLength(2);
    expect([a.sessions[0]?.state, b.sessions[0]?.state]).toEqual(['login-sent', 'token-answered']);
    expect([sent.state, sent.attempts]).toEqual(['queued', 0]);
  });

  it('[race] takes the same step when it comes later', async () => {
    const { b } = await scene({}, { race: true });
    await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'));
    await eventually('step 2', () => steps(b).length === 1);
    const digest = createHash('md5')
      .update(b.sessions[0]?.ownToken ?? '')
      .digest('base64');
    const step3 = loginDocument('Request', 'x-1', 'peer-a.example', digest);
    await eventually('taken', async () => (await post(b, step3)) !== 'closed');
    await eventually('step 4', () => steps(b).length === 2);
  });

  it('survives that it tries TLS first', async () => {
    const { a } = await scene({ probesTls: true });
    expect(await answered(a.sendMessage('alice', [BOB], 'Hello'))).toMatchObject({ code: 200 });
  });

  it.each([
    ['a wrong digest', loginDocument('Request', 'x-1', 'peer-a.example', 'd3Jvbmc=')],
    ['an unknown transaction', loginDocument('Request', 'x-2', 'peer-a.example', 'd3Jvbmc=')],
    ['a token of nobody', tokenDocument('Request', 'x-3', '', 'abc')],
    ['a domain without a route', tokenDocument('Request', 'x-4', 'elsewhere.example', 'abc')],
  ])('closes the connection on %s', async (_what, body) => {
    const { b } = await scene();
    expect(await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'))).toMatchObject({
      status: 200,
    });
    await eventually('step 2', () => steps(b).length === 1);
    expect(await post(b, body)).toBe('closed');
  });

  it('deletes its half after a wrong digest and after a refusal', async () => {
    const { b } = await scene();
    await post(b, tokenDocument('Request', 'x-1', 'peer-a.example', 'abc'));
    await post(b, loginDocument('Request', 'x-1', 'peer-a.example', 'd3Jvbmc='));
    expect(b.sessions).toEqual([]);
    await post(b, tokenDocument('Request', 'x-2', 'peer-a.example', 'abc'));
    const digest = createHash('md5')
      .update(b.sessions[0]?.ownToken ?? '')
      .digest('base64');
    expect(await post(b, loginDocument('Request', 'x-2', 'peer-a.example', digest))).toMatchObject({
      status: 200,
    });
    const refusal = sessionDocument('Request', 'x-2', '').replace('"200"', '"401"');
    expect(await post(b, refusal)).toBe('closed');
    expect(b.sessions).toEqual([]);
  });
});

describe('HTTP', () => {
  it('answers with an empty 200, its name, and two Connection headers', async () => {
    const { b } = await scene();
    const reply = await post(b, tokenDocument('Request', 'x', 'peer-a.example', 'abc'));
    if (reply === 'closed') throw new Error('closed');
    expect(reply.rawHeaders.slice(0, 4)).toEqual(['Server', 'Kannel/1.4.5', 'Content-Length', '0']);
    const connection = reply.rawHeaders.flatMap((name, index) =>
      name === 'Connection' ? [reply.rawHeaders[index + 1]] : [],
    );
    expect(connection).toEqual(['Keep-Alive', 'keep-alive']);
  });

  it.each(['<a>', '', '<WV-SSP-Message/>', '<Other/>'])('answers 400 to %j', async (body) => {
    const { b } = await scene();
    expect(await post(b, body)).toMatchObject({ status: 400 });
  });

  it('closes on an unknown session, and takes other content without a word', async () => {
    const { b } = await scene();
    expect(await post(b, requestDocument('9@nowhere', '1', '<Status code="200"/>\n'))).toBe('closed');
    expect(await post(b, 'x', 'application/octet-stream')).toMatchObject({ status: 200 });
  });

  it('names itself, the transaction of requests, and on answers the session of the other side', async () => {
    const { a, b } = await scene();
    const sent = a.sendMessage('alice', [BOB], 'Hello');
    await answered(sent);
    const ours = posted(a, 'SendMessageRequest')[0]?.headers;
    expect(ours?.map(([name]) => name)).toEqual([
      'Connection',
      'x-wv-transactionid',
      'x-wv-sessionid',
      'User-Agent',
      'Content-Type',
      'Content-Length',
      'Host',
    ]);
    expect(ours).toContainEqual(['x-wv-transactionid', sent.transactionId]);
    expect(ours).toContainEqual(['x-wv-sessionid', '101@peer-a.example']);
    const theirs = Object.fromEntries(posted(b, 'SendMessageResponse')[0]?.headers ?? []);
    expect(theirs['x-wv-sessionid']).toBe('101@peer-a.example');
    expect(theirs).not.toHaveProperty('x-wv-transactionid');
  });
});

describe('the sender', () => {
  it('tries again under the same ID, in order, and delivers after the other side came back', async () => {
    const { a, b } = await scene({ retryMs: 20 });
    await answered(a.sendMessage('alice', [BOB], '0'));
    await b.kill();
    const sent = ['1', '2', '3'].map((text) => a.sendMessage('alice', [BOB], text));
    await eventually('two attempts', () => (sent[0]?.attempts ?? 0) >= 2);
    expect(sent[1]?.attempts).toBe(0);
    await b.restart();
    for (const one of sent) await answered(one);
    expect(b.received('bob').map((one) => one.text)).toEqual(['0', '1', '2', '3']);
    const ids = posted(a, 'SendMessageRequest').map(
      ({ headers }) => Object.fromEntries(headers)['x-wv-transactionid'],
    );
    expect(new Set(ids).size).toBe(4);
  });

  it('keeps sessions and queue over a restart, and has nothing after it forgot', async () => {
    const { a, b } = await scene({ retryMs: 20 });
    await answered(a.sendMessage('alice', [BOB], 'before'));
    await b.kill();
    a.sendMessage('alice', [BOB], 'waiting');
    await eventually('an attempt', () => posted(a, 'SendMessageRequest').length >= 2);
    const url = a.url;
    await a.restart();
    expect([a.url, a.waiting, a.sessions.length]).toEqual([url, 1, 1]);
    await b.restart();
    await eventually('delivered', () => b.received('bob').length === 2);
    await b.restart({ forget: true });
    expect([b.sessions, b.received('bob')]).toEqual([[], []]);
  });

  it('repeats what is not well formed until it expires, without holding up others', async () => {
    const { a } = await scene({ retryMs: 20, lifeMs: 1000 });
    await answered(a.sendMessage('alice', [BOB], 'x'));
    const invitation = { inviteId: 'i-1', type: 'IM', invited: BOB } as const;
    const cancel = a.cancelInvite('alice', invitation);
    expect(await answered(a.invite('alice', invitation))).toMatchObject({ primitive: 'Status', code: 200 });
    await eventually('expired', () => cancel.state === 'expired');
    expect(cancel.attempts).toBeGreaterThan(1);
    expect(posted(a, 'CancelInviteRequest').every(({ outcome }) => outcome === 400)).toBe(true);
  });
});

it('starts alone, and begins no set-up where it has no route', async () => {
  const peer = await startBarazaPeer({
    domain: 'peer-a.example',
    peer: { domain: 'peer-b.example' },
    users: ['alice'],
    retryMs: 5,
  });
  onTestFinished(() => peer.stop());
  const sent = peer.sendMessage('alice', [BOB], 'Hello');
  expect([sent.state, peer.sessions, peer.log]).toEqual(['queued', [], []]);
});

it('shares no code with what it tests', () => {
  const folder = new URL('../../support/ssp/baraza/', import.meta.url);
  const imports = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    return [...text.matchAll(/from '([^']+)'/g)].map(([, path]) => path);
  });
  expect(imports.filter((path) => !/^(\.\/[\w-]+\.ts|node:[\w/]+|saxes)$/.test(path ?? ''))).toEqual([]);
});
