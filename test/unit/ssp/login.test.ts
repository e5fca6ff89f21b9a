// The secret-token exchange (ssp.md sections 4 and 15) as a table: what each document does in each state.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LoginRequest, SetupDocument, SspVersion } from '../../../src/access/ssp/document.ts';
import { Attempt, goesOn, type Advance, type AttemptSettings } from '../../../src/access/ssp/login.ts';
import type { Domain } from '../../../src/wv/ids.ts';
import { result } from '../../../src/wv/status.ts';

const A = 'a.example' as Domain;
const B = 'b.example' as Domain;

function settings(own: Domain, peer: Domain, versions: readonly SspVersion[] = ['1.3', '1.2', '1.1']) {
  let count = 0;
  const random = () => `${own}-secret-${++count}`;
  return { ownDomain: own, peerDomain: peer, timeToLive: 600, versions, random } satisfies AttemptSettings;
}

function sent(advance: Advance): SetupDocument {
  if (advance.kind !== 'send') throw new Error(`not sent: ${advance.kind}`);
  return advance.document;
}

function tokenOf({ step }: SetupDocument) {
  if (step.name !== 'SendSecretToken') throw new Error(step.name);
  return step;
}

function start(ours = settings(A, B), theirs = settings(B, A)) {
  const { attempt: initiator, document: first } = Attempt.initiate(ours);
  const { attempt: acceptor, advance } = Attempt.accept(theirs, tokenOf(first), first.transactionId);
  return { initiator, acceptor, first, second: sent(advance) };
}

describe('a set-up', () => {
  it('takes six steps and leaves both with the same session', () => {
    const { initiator, acceptor, first, second } = start();
    const third = sent(initiator.take(second));
    const fourth = sent(acceptor.take(third));
    const fifth = sent(initiator.take(fourth));
    const atB = acceptor.take(fifth);
    if (atB.kind !== 'established' || atB.document === undefined) throw new Error(atB.kind);
    const atA = initiator.take(atB.document);
    if (atA.kind !== 'established') throw new Error(atA.kind);

    const steps = [first, second, third, fourth, fifth, atB.document];
    expect(steps.map(({ mode, step }) => `${mode} ${step.name}`)).toEqual([
      'Request SendSecretToken',
      'Response SendSecretToken',
      'Request LoginRequest',
      'Response LoginRequest',
      'Request LoginResponse',
      'Response LoginResponse',
    ]);
    expect(new Set(steps.map(({ transactionId }) => transactionId)).size).toBe(1);
    expect(atA.session).toMatchObject({
      ownId: atB.session.peerId,
      peerId: atB.session.ownId,
      version: '1.3',
    });
    expect(atA.session.ownId).toMatch(/@a\.example$/);
    expect(atA.session.peerId).toMatch(/@b\.example$/);
    expect(atA.document).toBeUndefined();
  });

  it('proves the token of the other side, by SHA-256 where both can and by MD5 else', () => {
    const { initiator, second } = start();
    const { token } = tokenOf(second);
    const proof = (document: SetupDocument) => document.step as LoginRequest;
    expect(proof(sent(initiator.take(second)))).toMatchObject({
      schema: 'SHA256',
      digest: createHash('sha256').update(token).digest(),
    });
    const other = start();
    const { digestSchemas: _, ...old } = tokenOf(other.second);
    expect(proof(sent(other.initiator.take({ ...other.second, step: old })))).toMatchObject({
      schema: 'MD5',
      digest: createHash('md5').update(old.token).digest(),
    });
  });

  it('accepts a second step under a transaction id of the acceptor', () => {
    const { initiator, second } = start();
    const third = sent(initiator.take({ ...second, transactionId: '501' }));
    expect(third.transactionId).toBe(initiator.transactionId);
  });

  it('lives for the shorter of the two wishes', () => {
    const { initiator, acceptor, second } = start(settings(A, B), { ...settings(B, A), timeToLive: 90 });
    const fifth = sent(initiator.take(sent(acceptor.take(sent(initiator.take(second))))));
    expect(acceptor.take(fifth)).toMatchObject({ kind: 'established', session: { timeToLive: 90 } });
  });

  it('is not harmed by step 3 with a wrong digest, of whatever length: anybody may send one', () => {
    const { initiator, acceptor, second } = start();
    const third = sent(initiator.take(second));
    for (const length of [0, 1, 16, 20, 31, 32, 33, 5000]) {
      const forged = { ...third, step: { ...(third.step as LoginRequest), digest: Buffer.alloc(length) } };
      expect(acceptor.take(forged)).toEqual({ kind: 'unexpected', reason: 'wrong digest' });
    }
    expect(sent(acceptor.take(third)).step.name).toBe('LoginRequest');
    expect(acceptor.take(third)).toEqual({ kind: 'unexpected' });
  });

  it('goes on with the step 2 that knows its id, whoever sent one before', () => {
    const { initiator, acceptor, second } = start();
    const strange = { ...tokenOf(second), token: Buffer.from('of somebody else') };
    const foreign = { ...second, transactionId: 'x', step: strange };
    const wrong = sent(initiator.take(foreign));
    expect(acceptor.take(wrong)).toMatchObject({ kind: 'unexpected' });
    expect(initiator.take(foreign)).toEqual({ kind: 'unexpected' });
    const third = sent(initiator.take(second));
    expect(initiator.take(second)).toEqual({ kind: 'unexpected' });
    expect(initiator.take({ ...second, transactionId: 'y' })).toEqual({ kind: 'unexpected' });
    expect(initiator.waitAgain()).toBe(false);
    expect(sent(initiator.take(sent(acceptor.take(third)))).step.name).toBe('LoginResponse');
  });

  it('waits again when the proof of a doubtful token was refused, and is not ended by its version', () => {
    const { initiator, second } = start();
    const old = { ...second, transactionId: 'x', step: { ...tokenOf(second), protocolVersion: '0.1' } };
    expect(initiator.take(old)).toEqual({ kind: 'unexpected', reason: 'no common version' });
    sent(initiator.take({ ...second, transactionId: 'x' }));
    expect(initiator.waitAgain()).toBe(true);
    expect(initiator.waitAgain()).toBe(false);
    sent(initiator.take({ ...second, transactionId: 'y' }));
  });

  it('ends with step 4 with a wrong digest', () => {
    const two = start();
    const fourth = sent(two.acceptor.take(sent(two.initiator.take(two.second))));
    const short = { ...fourth, step: { ...(fourth.step as LoginRequest), digest: Buffer.from('x') } };
    expect(two.initiator.take(short)).toMatchObject({ kind: 'failed', outcome: { code: 401 } });
  });

  it('ends when the other side refuses, and does not when it sends what is not expected', () => {
    const { initiator, acceptor, second } = start();
    const third = sent(initiator.take(second));
    expect(acceptor.take({ ...third, mode: 'Response' })).toEqual({ kind: 'unexpected' });
    expect(initiator.take(second)).toEqual({ kind: 'unexpected' });
    const refusal = acceptor.write('Response', acceptor.confirmation(result(503)));
    expect(initiator.take(refusal)).toMatchObject({ kind: 'failed', outcome: { code: 503 } });
  });

  it('wants a session id', () => {
    const { initiator, acceptor, second } = start();
    const fifth = sent(initiator.take(sent(acceptor.take(sent(initiator.take(second))))));
    const nameless = { ...fifth, step: { ...fifth.step, sessionId: '' } } as SetupDocument;
    expect(acceptor.take(nameless)).toMatchObject({ kind: 'failed', outcome: { code: 402 } });
  });
});

describe('the version', () => {
  const chosen = (ours: readonly SspVersion[], written: string) => {
    const { attempt, advance } = Attempt.accept(
      settings(B, A, ours),
      { name: 'SendSecretToken', service: A, protocolVersion: written, token: Buffer.from('t') },
      '1',
    );
    return advance.kind === 'send' ? attempt.version : advance;
  };

  it('is the highest that both speak', () => {
    expect(chosen(['1.3', '1.2', '1.1'], '1.2')).toBe('1.2');
    expect(chosen(['1.3', '1.2', '1.1'], ' 1.3\n')).toBe('1.3');
    expect(chosen(['1.3', '1.2', '1.1'], '2.0')).toBe('1.3');
    expect(chosen(['1.1'], '1.3')).toBe('1.1');
  });

  it('is refused with 505 when there is none', () => {
    for (const written of ['1.0', '', 'x']) {
      expect(chosen(['1.3', '1.2'], written)).toMatchObject({
        kind: 'failed',
        outcome: { code: 505 },
        document: { mode: 'Response', step: { name: 'LoginResponse', result: { code: 505 } } },
      });
    }
    const { initiator, second } = start(settings(A, B, ['1.3']));
    expect(initiator.take({ ...second, step: { ...tokenOf(second), protocolVersion: '1.1' } })).toMatchObject(
      {
        kind: 'failed',
        outcome: { code: 505 },
        document: { mode: 'Request', step: { name: 'LoginResponse' } },
      },
    );
  });
});

it('goes on with the set-up of the smaller domain when both began', () => {
  expect(goesOn(A, B)).toBe(true);
  expect(goesOn(B, A)).toBe(false);
});
