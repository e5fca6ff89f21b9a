// Requests on their way to a peer: gathered, in order, each until its answer came (ssp.md sections 3, 4 and 9).

import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { OK, result, type Result } from '../../../src/wv/status.ts';
import { ExchangeScene, http, settled, TAKEN } from '../../support/ssp/exchange-scene.ts';

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

describe('POSTs', () => {
  it('carry what is asked, and are not the answer', async () => {
    const scene = new ExchangeScene();
    scene.ask('1');
    expect(scene.posts).toEqual([['1']]);
    await scene.conclude(TAKEN);
    expect(scene.code('1')).toBeUndefined();
    expect(await scene.answer('1', 532)).toBe(true);
    expect(scene.code('1')).toBe(532);
    expect(scene.exchange.size).toBe(0);
    expect(scene.clock.timers).toBe(0);
  });

  it('go out four at once, and gather what waits meanwhile: 32 at most', async () => {
    const scene = new ExchangeScene();
    for (const id of ids(1, 40)) scene.ask(id);
    expect(scene.posts).toEqual([['1'], ['2'], ['3'], ['4']]);
    await scene.conclude(TAKEN);
    expect(scene.posts[4]).toEqual(ids(5, 36));
    await scene.conclude(TAKEN);
    expect(scene.posts[5]).toEqual(ids(37, 40));
    expect(scene.out).toBe(4);
  });

  it('have no more than 256 KiB, unless one request alone has more', async () => {
    const scene = new ExchangeScene();
    for (const id of ids(1, 4)) scene.ask(id);
    for (const id of ['5', '6', '7']) scene.ask(id, { octets: 100_000 });
    scene.ask('8', { octets: 1_000_000 });
    for (let count = 0; count < 4; count += 1) await scene.conclude(TAKEN);
    expect(scene.posts.slice(4)).toEqual([['5', '6'], ['7'], ['8']]);
  });

  it('of one sender follow each other; those of others do not wait', async () => {
    const scene = new ExchangeScene();
    for (const id of ['a1', 'a2', 'b1', 'a3']) scene.ask(id, { orderKey: id.charAt(0) });
    expect(scene.posts).toEqual([['a1'], ['b1']]);
    await scene.conclude(TAKEN);
    // In one document they keep their order, too.
    expect(scene.posts[2]).toEqual(['a2', 'a3']);
    scene.ask('a4', { orderKey: 'a' });
    await scene.conclude(TAKEN);
    expect(scene.posts).toHaveLength(3);
    await scene.conclude(TAKEN);
    expect(scene.posts[3]).toEqual(['a4']);
  });

  it('never let a request overtake an older one of its sender that did not fit', async () => {
    const scene = new ExchangeScene();
    for (const id of ids(1, 4)) scene.ask(id);
    scene.ask('5', { octets: 200_000 });
    scene.ask('a1', { orderKey: 'a', octets: 100_000 });
    scene.ask('a2', { orderKey: 'a', octets: 10 });
    await scene.conclude(TAKEN);
    expect(scene.posts[4]).toEqual(['5']);
    await scene.conclude(TAKEN);
    expect(scene.posts[5]).toEqual(['a1', 'a2']);
  });

  it('join a request that is under way already', async () => {
    const scene = new ExchangeScene();
    scene.ask('1');
    const again = scene.exchange.request({
      transactionId: '1',
      content: { kind: 'control', control: { name: 'LogoutRequest' } },
      orderKey: '1',
      unanswered: false,
      lasting: true,
      takenBefore: false,
      octets: 1,
    });
    await scene.conclude(TAKEN);
    await scene.answer('1', 200);
    expect(await again).toBe(scene.replies.get('1'));
    expect(scene.posts).toEqual([['1']]);
  });
});

describe('an answer', () => {
  it('may come before the HTTP answer', async () => {
    const scene = new ExchangeScene();
    scene.ask('1');
    await scene.answer('1');
    expect(scene.code('1')).toBe(200);
    await scene.conclude(TAKEN);
    expect(scene.posts).toEqual([['1']]);
    expect(scene.noted).toEqual([]);
  });

  it('that nobody waits for is told apart, also one that comes twice', async () => {
    const scene = new ExchangeScene();
    expect(await scene.answer('x')).toBe(false);
    scene.ask('1');
    await scene.answer('1');
    expect(await scene.answer('1', 500)).toBe(false);
    expect(scene.code('1')).toBe(200);
  });

  it('is not waited for where the peer gives none: taken is done', async () => {
    const scene = new ExchangeScene();
    scene.ask('1', { unanswered: true });
    await scene.conclude(TAKEN);
    expect(scene.code('1')).toBe(200);
  });

  it('that does not come in time makes 504, and the id is free again', async () => {
    const scene = new ExchangeScene({ answerMs: 5_000 });
    scene.ask('1');
    await scene.conclude(TAKEN);
    scene.clock.advance(4_999);
    await settled();
    expect(scene.code('1')).toBeUndefined();
    scene.clock.advance(1);
    await settled();
    expect(scene.code('1')).toBe(504);
    scene.ask('1');
    expect(scene.posts).toEqual([['1'], ['1']]);
  });
});

describe('a POST that the peer refuses', () => {
  it.each([400, 404, 405, 413, 415])('with %i is split, and only the one at fault fails', async (code) => {
    const scene = new ExchangeScene();
    for (const id of ids(1, 7)) scene.ask(id);
    await scene.conclude(TAKEN);
    expect(scene.posts[4]).toEqual(['5', '6', '7']);
    for (let count = 0; count < 3; count += 1) await scene.conclude(TAKEN);
    await scene.conclude(http(code));
    expect(scene.posts.slice(5)).toEqual([['5'], ['6'], ['7']]);
    await scene.conclude(TAKEN);
    await scene.conclude(http(code));
    await scene.conclude(TAKEN);
    expect(['5', '6', '7'].map((id) => scene.code(id))).toEqual([
      undefined,
      code === 413 ? 415 : 400,
      undefined,
    ]);
  });

  it('and is split keeps the order of each sender', async () => {
    const scene = new ExchangeScene();
    for (const id of ids(1, 4)) scene.ask(id);
    for (const id of ['a1', 'b1']) scene.ask(id, { orderKey: id.charAt(0) });
    await scene.conclude(TAKEN);
    scene.ask('a2', { orderKey: 'a' });
    for (let count = 0; count < 3; count += 1) await scene.conclude(TAKEN);
    expect(scene.posts[4]).toEqual(['a1', 'b1']);
    await scene.conclude(http(400));
    expect(scene.posts.slice(5)).toEqual([['a1'], ['b1']]);
    await scene.conclude(TAKEN);
    expect(scene.posts[7]).toEqual(['a2']);
  });

  it.each([500, 503, 429, 408])('with %i is a peer that cannot now', async (code) => {
    const scene = new ExchangeScene();
    scene.ask('1');
    await scene.conclude(http(code, 7));
    expect(scene.replies.get('1')).toMatchObject({ result: { code: 503, tryAgainAfter: 7 } });
    expect(scene.unreached).toEqual([`HTTP ${code}, 7 s`]);
  });
});

describe('a peer that is not reached', () => {
  it.each(['unreachable', 'silent'] as const)('(%s) makes 503', async (kind) => {
    const scene = new ExchangeScene();
    scene.ask('1');
    await scene.conclude({ kind, reason: 'cut' });
    expect(scene.replies.get('1')).toMatchObject({ result: { code: 503, description: 'cut' } });
    expect(scene.unreached).toEqual(['cut']);
    expect(scene.lost).toEqual([]);
  });

  it('and closes without an answer may not know the session, where that is its way to say so', async () => {
    const scene = new ExchangeScene();
    scene.dialect = DIALECTS.baraza;
    scene.ask('1');
    await scene.conclude({ kind: 'silent', reason: 'closed' });
    expect(scene.lost).toEqual(['closed without an answer']);
    expect(scene.noted).toEqual([]);
  });
});

describe('a session that the peer does not know', () => {
  it.each([401, 403])('by HTTP %i is set up anew, and the same ids are sent again', async (code) => {
    const scene = new ExchangeScene();
    scene.ask('1');
    await scene.conclude(http(code));
    expect(scene.lost).toEqual([`HTTP ${code}`]);
    expect(scene.posts).toEqual([['1'], ['1']]);
    await scene.conclude(http(code));
    await scene.conclude(http(code));
    expect(scene.posts).toHaveLength(3);
    expect(scene.code('1')).toBe(503);
  });

  it.each([600, 604] as const)('by Status %i likewise', async (code) => {
    const scene = new ExchangeScene();
    for (const id of ['a1', 'a2']) scene.ask(id, { orderKey: 'a' });
    await scene.conclude(TAKEN);
    await scene.answer('a1', code);
    expect(scene.lost).toEqual(['the peer says so']);
    await scene.conclude(TAKEN);
    expect(scene.posts).toEqual([['a1'], ['a2'], ['a1']]);
    await scene.answer('a1', code);
    await scene.conclude(TAKEN);
    await scene.answer('a1', code);
    expect(scene.code('a1')).toBe(code);
  });

  it('holds everything back until there is one, in the order of the asking', async () => {
    const scene = new ExchangeScene();
    const { promise, resolve } = Promise.withResolvers<Result>();
    scene.isUp = false;
    scene.session = promise;
    for (const id of ids(1, 3)) scene.ask(id);
    await settled();
    expect(scene.posts).toEqual([]);
    scene.isUp = true;
    resolve(OK);
    await settled();
    expect(scene.posts).toEqual([['1', '2', '3']]);
  });

  it('that cannot be had fails all that waits for it', async () => {
    const scene = new ExchangeScene();
    scene.isUp = false;
    scene.session = Promise.resolve({ code: 503, tryAgainAfter: 9 });
    scene.ask('1');
    await settled();
    expect(scene.replies.get('1')).toMatchObject({ result: { code: 503, tryAgainAfter: 9 } });
    scene.session = Promise.reject(new Error('a bug'));
    scene.ask('2');
    await settled();
    expect(scene.code('2')).toBe(503);
  });
});

describe('a peer that would do it twice', () => {
  const scene = () => {
    const made = new ExchangeScene();
    made.dialect = DIALECTS.baraza;
    return made;
  };

  it('is not asked again for what it took: without an answer it is done', async () => {
    const made = scene();
    made.ask('1');
    await made.conclude(TAKEN);
    made.clock.advance(60_000);
    await settled();
    expect(made.code('1')).toBe(200);
  });

  it('has what it took noted, when that could be asked again after a restart', async () => {
    const made = scene();
    for (const id of ids(1, 4)) made.ask(id);
    made.ask('5');
    made.ask('6', { lasting: false });
    for (let count = 0; count < 5; count += 1) await made.conclude(TAKEN);
    expect(made.noted).toEqual(ids(1, 5));
    const other = new ExchangeScene();
    other.ask('1');
    await other.conclude(TAKEN);
    expect(other.noted).toEqual([]);
  });

  it('and answers nothing is done when that is on disk, and not before', async () => {
    const made = scene();
    const { promise, resolve } = Promise.withResolvers<void>();
    made.noting = promise;
    made.ask('a1', { orderKey: 'a', unanswered: true });
    made.ask('a2', { orderKey: 'a', unanswered: true });
    await made.conclude(TAKEN);
    expect(made.code('a1')).toBeUndefined();
    expect(made.posts).toEqual([['a1']]);
    resolve();
    await settled();
    expect(made.code('a1')).toBe(200);
    expect(made.posts).toEqual([['a1'], ['a2']]);
  });

  it('took it before a restart: nothing is sent, and its answer counts', async () => {
    const made = scene();
    for (const id of ['1', '2']) made.ask(id, { takenBefore: true });
    made.ask('3', { takenBefore: true, unanswered: true });
    await settled();
    expect(made.posts).toEqual([]);
    expect(made.code('3')).toBe(200);
    await made.answer('1', 531);
    expect(made.code('1')).toBe(531);
    // After a restart it is not known what kind of peer it is, until there is a session.
    made.dialect = DIALECTS.standard;
    made.clock.advance(60_000);
    await settled();
    expect(made.code('2')).toBe(200);
    expect(made.exchange.size).toBe(0);
  });
});

describe('the limit of requests under way', () => {
  it('is answered 503', async () => {
    const scene = new ExchangeScene({ open: 2 });
    for (const id of ids(1, 3)) scene.ask(id);
    await settled();
    expect(scene.replies.get('3')).toMatchObject({ result: { code: 503, tryAgainAfter: 1 } });
    await scene.answer('1');
    scene.ask('4');
    await settled();
    expect(scene.code('4')).toBeUndefined();
  });
});

describe('giving up', () => {
  it('ends all, whatever their state, and leaves no timer', async () => {
    const scene = new ExchangeScene();
    scene.ask('a1', { orderKey: 'a' });
    scene.ask('a2', { orderKey: 'a' });
    scene.ask('b1', { orderKey: 'b' });
    await scene.conclude(TAKEN);
    scene.exchange.abandon(result(503, 'Stopped'));
    await settled();
    expect(['a1', 'a2', 'b1'].map((id) => scene.code(id))).toEqual([503, 503, 503]);
    expect(scene.exchange.size).toBe(0);
    expect(scene.clock.timers).toBe(0);
    // What was out then changes nothing any more.
    await scene.conclude(http(403));
    await scene.conclude(http(400));
    expect(scene.posts).toHaveLength(3);
  });
});
