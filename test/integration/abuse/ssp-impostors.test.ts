// Set-ups and sessions in the name of somebody else: they come to nothing, nothing leaks, and whoever it really is
// notices nothing (ssp.md sections 4, 12 and 15).

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { latency, HostileScene } from '../../support/ssp/hostile-scene.ts';
import {
  envelope,
  loginStep,
  md5,
  sessionStep,
  setup,
  tokenStep,
  transaction,
  type Hostile,
} from '../../support/ssp/hostile.ts';

const KEEP_ALIVE = '<KeepAliveRequest/>';
/** As another machine would have it. */
const ELSEWHERE = '127.0.0.66';

let scene: HostileScene;
/** A peer like any other, and one that means no good. */
let victim: Hostile;
let mallory: Hostile;

beforeEach(async () => {
  scene = await HostileScene.start({ hostile: { 'victim.test': {}, 'mallory.test': {} } });
  [victim, mallory] = [scene.peer('victim.test'), scene.peer('mallory.test')];
});
afterEach(async () => {
  await scene.stop();
  scene.expectNoFaults();
});

describe('a set-up in the name of another', () => {
  it('tells what is secret only where the other one is, and never completes', async () => {
    expect(await scene.stranger.begin({ as: 'victim.test', id: 'forged' })).toBe(200);
    const token = await victim.tokenFor('forged');
    expect(token).toMatch(/^[\w+/=]{20,}$/);
    for (const digest of [md5('AAAA'), 'AA==', 'A'.repeat(4000)]) {
      const step = setup('Request', 'forged', loginStep('victim.test', digest));
      expect(await scene.stranger.post(step)).toBe(403);
    }
    expect(await scene.stranger.post(setup('Request', 'forged', sessionStep('evil@victim.test')))).toBe(403);
    expect(
      await scene.stranger.say(transaction('Request', '1', KEEP_ALIVE), { sessionId: 'evil@victim.test' }),
    ).toBe(403);
    expect(scene.stranger.received).toEqual([]);
    expect(mallory.received).toEqual([]);
  });

  it('does not disturb that of the other one, who begins in the middle of hundreds', async () => {
    const forging = Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        scene.stranger.begin({ as: 'victim.test', id: `f${n}`, from: ELSEWHERE, misspelt: n % 2 === 0 }),
      ),
    );
    expect(await victim.login({ id: 'right' })).toMatch(/@a\.test$/);
    expect(await victim.ask(KEEP_ALIVE)).toBe(200);
    const statuses = await forging;
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(200);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });

  it('does not end the one that we began: step 1, 2, 4 and 6 of others are nothing', async () => {
    const sending = withMessageFor('victim.test');
    const first = await victim.hears(/mode="Request" transactionID="[^"]+"><SendSecretToken/);
    const [, id = '', token = ''] = /transactionID="([^"]+)".*<SecretToken[^>]*>([^<]+)</s.exec(first) ?? [];
    for (const misspelt of [false, true]) {
      await scene.stranger.begin({ as: 'victim.test', id: `x${misspelt}`, from: ELSEWHERE, misspelt });
      // Step 2 with an id of its own could be the victim's; the proof made of it is worth nothing to him.
      const version = misspelt ? 'procotolVersion="1.3"' : 'protocolVersion="1.3"';
      victim.react = refuse;
      expect(
        await scene.stranger.post(setup('Response', 'y', tokenStep('victim.test', 'AAAA', version))),
      ).toBe(200);
      await victim.hears(new RegExp(loginStep('a.test', '').slice(0, 40)));
      await eventually('another one is waited for', async () => {
        const step = setup('Response', 'z', tokenStep('victim.test', 'BBBB'));
        return (await scene.stranger.post(step)) === 200;
      });
    }
    expect(await scene.stranger.post(setup('Response', 'y', loginStep('victim.test', md5('AAAA'))))).toBe(
      403,
    );
    expect(await scene.stranger.post(setup('Response', 'y', sessionStep('evil@victim.test')))).toBe(403);
    victim.react = take;
    const from = victim.received.length;
    expect(await victim.post(setup('Response', id, tokenStep('victim.test', 'Y2NjYw==')))).toBe(200);
    await victim.hears(
      new RegExp(`transactionID="${id}"><LoginRequest.*${md5('Y2NjYw==').replaceAll('+', '\\+')}`),
      from,
    );
    expect(await victim.post(setup('Response', id, loginStep('victim.test', md5(token))))).toBe(200);
    await victim.hears(new RegExp(`transactionID="${id}"><LoginResponse`));
    expect(await victim.post(setup('Response', id, sessionStep('s1@victim.test')))).toBe(200);
    await sending;
    expect(await victim.hears(/SendMessageRequest/)).not.toContain('procotolVersion');
  });

  it('cannot make us take the other one for an old implementation', async () => {
    await victim.login();
    await scene.stranger.begin({ as: 'victim.test', id: 'x', misspelt: true, from: ELSEWHERE });
    await victim.tokenFor('x');
    await scene.stranger.begin({ as: 'victim.test', id: 'y', from: ELSEWHERE });
    const second = await victim.hears(/transactionID="y"/);
    expect(second).not.toContain('procotolVersion');
  });

  it('takes nothing again that was taken: steps 3 and 5 count once', async () => {
    const id = 'once';
    await victim.begin({ id });
    const token = await victim.tokenFor(id);
    const third = setup('Request', id, loginStep('victim.test', md5(token)));
    expect(await victim.post(third)).toBe(200);
    expect(await victim.post(third)).toBe(403);
    expect(await scene.stranger.post(third, { from: ELSEWHERE })).toBe(403);
    const fifth = setup('Request', id, sessionStep('s1@victim.test'));
    // Whoever saw the proof go by, or sent it again, is not where it came from.
    expect(
      await scene.stranger.post(setup('Request', id, sessionStep('evil@victim.test')), { from: ELSEWHERE }),
    ).toBe(403);
    expect(await victim.post(fifth)).toBe(200);
    await victim.hears(/transactionID="once"><LoginResponse/);
    expect(await victim.post(fifth)).toBe(403);
    expect(await victim.post(third)).toBe(403);
    victim.sessionId = 's1@victim.test';
    expect(await victim.ask(KEEP_ALIVE)).toBe(200);
    // A token is for one set-up.
    await victim.begin({ id: 'next' });
    await victim.tokenFor('next');
    expect(await victim.post(setup('Request', 'next', loginStep('victim.test', md5(token))))).toBe(403);
  });

  it('does not push the other one out with an id that can be guessed', async () => {
    await victim.begin({ id: '101' });
    const token = await victim.tokenFor('101');
    for (let n = 0; n < 6; n += 1)
      expect(await scene.stranger.begin({ as: 'victim.test', id: '101', from: ELSEWHERE })).toBe(200);
    expect(await victim.post(setup('Request', '101', loginStep('victim.test', md5(token))))).toBe(200);
    expect(await scene.stranger.post(setup('Request', '101', sessionStep('evil')), { from: ELSEWHERE })).toBe(
      403,
    );
    expect(await victim.post(setup('Request', '101', sessionStep('7@victim.test')))).toBe(200);
    victim.sessionId = '7@victim.test';
    expect(await victim.ask(KEEP_ALIVE)).toBe(200);
  });

  it('is refused for our own domain, for those of nobody, and by a peer for another one', async () => {
    for (const domain of ['a.test', 'A.TEST', 'nobody.test', 'localhost'])
      expect(await mallory.begin({ as: domain })).toBe(403);
    expect(await mallory.begin({ as: 'victim.test', id: 'v' })).toBe(200);
    await victim.tokenFor('v');
    expect(mallory.received).toEqual([]);
  });
});

describe('a session', () => {
  it('counts by a short id only from where it was set up', async () => {
    await victim.login({ sessionId: '101@victim.test' });
    expect(await victim.ask(KEEP_ALIVE)).toBe(200);
    const guess = transaction('Request', 'g', KEEP_ALIVE);
    expect(await scene.stranger.say(guess, { sessionId: '101@victim.test', from: ELSEWHERE })).toBe(403);
    expect(await scene.stranger.say(guess, { sessionId: 'a'.repeat(100_000), from: ELSEWHERE })).toBe(403);
    expect(scene.log.entries().filter(({ msg }) => String(msg).includes('from elsewhere'))).toHaveLength(1);
  });

  it('that we began counts by a short id only from where the proof came from', async () => {
    const sending = withMessageFor('victim.test');
    await answerSetup(victim, '102@victim.test');
    await sending;
    const guess = transaction('Request', 'g', KEEP_ALIVE);
    expect(await scene.stranger.say(guess, { sessionId: '102@victim.test', from: ELSEWHERE })).toBe(403);
    victim.sessionId = '102@victim.test';
    expect(await victim.ask(KEEP_ALIVE)).toBe(200);
  });

  it('of one peer is none of another: an id that both chose leads each to himself', async () => {
    await mallory.login({ sessionId: '7', from: '127.0.0.3' });
    await victim.login({ sessionId: '7', from: '127.0.0.4' });
    const ask = transaction('Request', 'who', KEEP_ALIVE);
    expect(await mallory.say(ask, { from: '127.0.0.3' })).toBe(200);
    await mallory.codeFor('who');
    expect(await victim.say(ask, { from: '127.0.0.4' })).toBe(200);
    await victim.codeFor('who');
    expect(await mallory.say(ask, { from: '127.0.0.5' })).toBe(403);
  });

  it('ends when its peer says so, and is nothing afterwards', async () => {
    const pair = await scene.pair();
    await victim.login();
    expect(await victim.ask('<LogoutRequest/>')).toBe(200);
    expect(await victim.say(transaction('Request', '1', KEEP_ALIVE))).toBe(403);
    expect(await latency(pair)).toBeLessThan(10_000);
  });

  it('is not begun anew at the word of strangers, more than once in a while', async () => {
    await victim.login({ misspelt: true, sessionId: '101@victim.test' });
    const from = victim.received.length;
    const document = envelope('<Session sessionID="999@victim.test"/>');
    for (let n = 0; n < 20; n += 1)
      expect(await scene.stranger.post(document, { from: ELSEWHERE })).toBe(403);
    expect(victim.received.slice(from).filter((each) => each.includes('SendSecretToken'))).toEqual([]);
    // The peer itself may have lost its own.
    for (let n = 0; n < 5; n += 1) expect(await victim.post(document)).toBe(403);
    await victim.hears(/mode="Request".*SendSecretToken/, from);
    expect(victim.received.slice(from).filter((each) => each.includes('SendSecretToken'))).toHaveLength(1);
  });
});

const take: Hostile['react'] = (_, response) => void response.end();
const refuse: Hostile['react'] = (_, response) => void response.writeHead(403).end();

/** Somebody at a.test writes to somebody there, until the message was posted. */
async function withMessageFor(domain: string): Promise<void> {
  const peer = scene.peer(domain);
  const { client } = await scene.houses.a.somebody('cy');
  await client.sendMessage({ to: { user: `wv:vic@${domain}` }, content: 'are you there?' });
  await peer.hears(/SendMessageRequest|mode="Request" transactionID="[^"]+"><SendSecretToken/);
}

/** What a peer does with a set-up that we begin. */
async function answerSetup(peer: Hostile, sessionId: string): Promise<void> {
  const first = await peer.hears(/mode="Request" transactionID="[^"]+"><SendSecretToken/);
  const [, id = '', token = ''] = /transactionID="([^"]+)".*<SecretToken[^>]*>([^<]+)</s.exec(first) ?? [];
  await peer.post(setup('Response', id, tokenStep(peer.domain, 'AAAA')));
  await peer.hears(new RegExp(`transactionID="${id}"><LoginRequest`));
  await peer.post(setup('Response', id, loginStep(peer.domain, md5(token))));
  await peer.hears(new RegExp(`transactionID="${id}"><LoginResponse`));
  await peer.post(setup('Response', id, sessionStep(sessionId)));
}
