// The secret-token exchange (ssp.md sections 4 and 15) as a state table. Pure: documents in, documents out; who posts
// them, and when, is none of its business.
//
//   initiator A                        acceptor B
//   1 SendSecretToken (Request)  ──►   stores A's token
//   stores B's token             ◄──   2 SendSecretToken (Response)
//   3 LoginRequest, digest of B's ──►  checks
//   checks                       ◄──   4 LoginRequest (Response), digest of A's token
//   5 LoginResponse, A's session ──►   session is up
//   session is up                ◄──   6 LoginResponse (Response), B's session

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Domain } from '../../wv/ids.ts';
import { isSuccess, OK, result, type Result } from '../../wv/status.ts';
import {
  SSP_VERSIONS,
  type DigestSchema,
  type LoginRequest,
  type LoginResponse,
  type Mode,
  type SendSecretToken,
  type SetupDocument,
  type SetupStep,
  type SspVersion,
} from './document.ts';

export type AttemptState =
  'token-sent' | 'token-answered' | 'login-sent' | 'login-answered' | 'confirm-sent' | 'done' | 'failed';

/** What both sides know when the session is up. */
export interface Established {
  /** The id we put into what we send. */
  readonly ownId: string;
  /** The id that the peer puts into what it sends. */
  readonly peerId: string;
  readonly version: SspVersion;
  /** Seconds of idle life: the shorter of both wishes. */
  readonly timeToLive: number;
}

/** What follows from one document. */
export type Advance =
  | { readonly kind: 'send'; readonly document: SetupDocument }
  /** `document` is the last to be sent, when there is one: the session is up once it is. */
  | { readonly kind: 'established'; readonly session: Established; readonly document?: SetupDocument }
  /** The attempt is over. `document` tells the peer. */
  | { readonly kind: 'failed'; readonly outcome: Result; readonly document?: SetupDocument }
  /** Not expected now, or not proven: nothing changes. `reason`: what is wrong beside the moment. */
  | { readonly kind: 'unexpected'; readonly reason?: string };

export interface AttemptSettings {
  readonly ownDomain: Domain;
  readonly peerDomain: Domain;
  /** Seconds. */
  readonly timeToLive: number;
  /** Versions we would speak with this peer, best first. */
  readonly versions: readonly SspVersion[];
  /** At least 128 random bits, printable. */
  readonly random: () => string;
}

type StepName = SetupStep['name'];

/** Which document moves which state on; everything else is unexpected. */
const TABLE: { readonly [State in AttemptState]?: { readonly [Step in `${Mode} ${StepName}`]?: Move } } = {
  'token-sent': { 'Response SendSecretToken': tokenAnswered, 'Response LoginResponse': refused },
  'token-answered': { 'Request LoginRequest': loginAsked, 'Request LoginResponse': refused },
  'login-sent': {
    'Response SendSecretToken': tokenAnsweredAgain,
    'Response LoginRequest': loginAnswered,
    'Response LoginResponse': refused,
  },
  'login-answered': { 'Request LoginResponse': confirmed },
  'confirm-sent': { 'Response LoginResponse': completed },
};

type Move = (attempt: Attempt, step: never, transactionId: string) => Advance;

/** One run of the exchange, on either side. */
export class Attempt {
  state: AttemptState;
  readonly settings: AttemptSettings;
  /** The initiator's transaction id, which goes through all six steps (the acceptor's step 2 may have its own). */
  readonly transactionId: string;
  readonly ownToken: Buffer;
  peerToken: Buffer = Buffer.alloc(0);
  version: SspVersion;
  /** What the peer can check. */
  peerSchemas: readonly DigestSchema[] = [];
  ownId = '';
  /** COMPAT(Baraza): it gave itself away by its spelling. */
  misspelt = false;
  /** The token came under a transaction id that is not ours: anybody may have sent it. */
  doubtful = false;
  /** Tokens of the peer that were heard. */
  heard = 0;

  private constructor(
    settings: AttemptSettings,
    state: AttemptState,
    transactionId: string,
    version: SspVersion,
  ) {
    this.settings = settings;
    this.state = state;
    this.transactionId = transactionId;
    this.version = version;
    this.ownToken = Buffer.from(settings.random(), 'latin1');
  }

  /** Begins: the first step is to be sent. */
  static initiate(settings: AttemptSettings): {
    readonly attempt: Attempt;
    readonly document: SetupDocument;
  } {
    const [version = '1.3'] = settings.versions;
    const attempt = new Attempt(settings, 'token-sent', settings.random(), version);
    return { attempt, document: attempt.write('Request', attempt.token()) };
  }

  /** Answers the peer's first step. */
  static accept(
    settings: AttemptSettings,
    step: SendSecretToken,
    transactionId: string,
  ): { readonly attempt: Attempt; readonly advance: Advance } {
    const version = commonVersion(settings.versions, step.protocolVersion);
    const attempt = new Attempt(
      settings,
      'token-answered',
      transactionId,
      version ?? settings.versions[0] ?? '1.3',
    );
    attempt.hear(step);
    const advance: Advance =
      version === undefined
        ? attempt.fail(result(505, `Version ${step.protocolVersion} is not spoken here`), 'Response')
        : { kind: 'send', document: attempt.write('Response', attempt.token()) };
    return { attempt, advance };
  }

  get initiated(): boolean {
    return this.state === 'token-sent' || this.state === 'login-sent' || this.state === 'confirm-sent';
  }

  get over(): boolean {
    return this.state === 'done' || this.state === 'failed';
  }

  /** A document of the peer that belongs to this attempt. */
  take({ mode, step, transactionId }: SetupDocument): Advance {
    const move = TABLE[this.state]?.[`${mode} ${step.name}`];
    return move === undefined ? { kind: 'unexpected' } : move(this, step as never, transactionId);
  }

  /** The proof made of a doubtful token was not taken: waits for the right one. False when that makes no sense. */
  waitAgain(): boolean {
    if (!this.doubtful || this.state !== 'login-sent') return false;
    this.state = 'token-sent';
    return true;
  }

  hear({ token, digestSchemas = [], misspelt = false }: SendSecretToken): void {
    this.heard += 1;
    this.peerToken = token;
    this.peerSchemas = digestSchemas;
    this.misspelt = misspelt;
  }

  write(mode: Mode, step: SetupStep): SetupDocument {
    return { kind: 'setup', version: this.version, mode, transactionId: this.transactionId, step };
  }

  token(): SendSecretToken {
    return {
      name: 'SendSecretToken',
      service: this.settings.ownDomain,
      protocolVersion: this.version,
      token: this.ownToken,
      digestSchemas: ['SHA256', 'MD5'],
    };
  }

  /** Proves that the peer's token arrived where the peer looked us up. */
  proof(): LoginRequest {
    const schema = this.peerSchemas.includes('SHA256') ? 'SHA256' : 'MD5';
    return {
      name: 'LoginRequest',
      service: this.settings.ownDomain,
      timeToLive: this.settings.timeToLive,
      digest: digestOf(this.peerToken, schema),
      schema,
    };
  }

  isProven({ digest, schema }: LoginRequest): boolean {
    const expected = digestOf(this.ownToken, schema);
    return digest.length === expected.length && timingSafeEqual(digest, expected);
  }

  confirmation(outcome: Result): LoginResponse {
    return {
      name: 'LoginResponse',
      sessionId: this.ownId,
      timeToLive: this.settings.timeToLive,
      result: outcome,
    };
  }

  established(step: LoginResponse): Established {
    this.state = 'done';
    const wish = step.timeToLive > 0 ? step.timeToLive : this.settings.timeToLive;
    return {
      ownId: this.ownId,
      peerId: step.sessionId,
      version: this.version,
      timeToLive: Math.min(wish, this.settings.timeToLive),
    };
  }

  /** Ends the attempt; with a `mode` the peer is told by a LoginResponse. */
  fail(outcome: Result, mode?: Mode): Advance {
    this.state = 'failed';
    this.ownId = '';
    return {
      kind: 'failed',
      outcome,
      ...(mode === undefined ? {} : { document: this.write(mode, this.confirmation(outcome)) }),
    };
  }
}

/** Under another id than ours the step may be the acceptor's own, or a stranger's: it cannot end the attempt. */
function tokenAnswered(attempt: Attempt, step: SendSecretToken, transactionId: string): Advance {
  const version = commonVersion(attempt.settings.versions, step.protocolVersion);
  const doubtful = transactionId !== attempt.transactionId;
  if (version === undefined && doubtful) return { kind: 'unexpected', reason: 'no common version' };
  attempt.hear(step);
  attempt.doubtful = doubtful;
  if (version === undefined)
    return attempt.fail(result(505, `The peer speaks version ${step.protocolVersion}`), 'Request');
  attempt.version = version;
  attempt.state = 'login-sent';
  return { kind: 'send', document: attempt.write('Request', attempt.proof()) };
}

/** Our own id is a secret of two: what comes under it counts more than what came before. */
function tokenAnsweredAgain(attempt: Attempt, step: SendSecretToken, transactionId: string): Advance {
  if (!attempt.doubtful || transactionId !== attempt.transactionId) return { kind: 'unexpected' };
  return tokenAnswered(attempt, step, transactionId);
}

/** A wrong digest proves nothing, not even that it is the peer's: the right one may still come. */
function loginAsked(attempt: Attempt, step: LoginRequest): Advance {
  if (!attempt.isProven(step)) return { kind: 'unexpected', reason: 'wrong digest' };
  attempt.state = 'login-answered';
  return { kind: 'send', document: attempt.write('Response', attempt.proof()) };
}

function loginAnswered(attempt: Attempt, step: LoginRequest): Advance {
  if (!attempt.isProven(step)) return attempt.fail(result(401, 'Wrong digest'));
  attempt.state = 'confirm-sent';
  attempt.ownId = newSessionId(attempt.settings);
  return { kind: 'send', document: attempt.write('Request', attempt.confirmation(OK)) };
}

function confirmed(attempt: Attempt, step: LoginResponse): Advance {
  if (!isSuccess(step.result) || step.sessionId === '') return attempt.fail(refusalOf(step));
  attempt.ownId = newSessionId(attempt.settings);
  const session = attempt.established(step);
  return { kind: 'established', session, document: attempt.write('Response', attempt.confirmation(OK)) };
}

function completed(attempt: Attempt, step: LoginResponse): Advance {
  if (!isSuccess(step.result) || step.sessionId === '') return attempt.fail(refusalOf(step));
  return { kind: 'established', session: attempt.established(step) };
}

function refused(attempt: Attempt, step: LoginResponse): Advance {
  return isSuccess(step.result) ? { kind: 'unexpected' } : attempt.fail(refusalOf(step));
}

function refusalOf({ result: outcome }: LoginResponse): Result {
  return isSuccess(outcome) ? result(402, 'No session id') : outcome;
}

function newSessionId({ random, ownDomain }: AttemptSettings): string {
  return `${random()}@${ownDomain}`;
}

const HASHES: Readonly<Record<DigestSchema, string>> = { MD5: 'md5', SHA256: 'sha256' };

function digestOf(token: Buffer, schema: DigestSchema): Buffer {
  return createHash(HASHES[schema]).update(token).digest();
}

/** The highest version that is ours and not above what the peer wrote; undefined = none. */
function commonVersion(ours: readonly SspVersion[], written: string): SspVersion | undefined {
  const theirs = /^\s*(\d+)\.(\d+)/.exec(written);
  if (theirs === null) return undefined;
  const ceiling = Number(theirs[1]) * 1000 + Number(theirs[2]);
  return SSP_VERSIONS.find((version) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return ours.includes(version) && major * 1000 + minor <= ceiling;
  });
}

/**
 * Both began at once (section 15): the one with the smaller domain goes on as initiator, the other yields. True when
 * it is us who go on.
 */
export function goesOn(ownDomain: Domain, peerDomain: Domain): boolean {
  return ownDomain < peerDomain;
}
