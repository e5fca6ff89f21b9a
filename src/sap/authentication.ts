// Who may log in: plain (2-way) and digest (4-way) login (csp-transactions 1.1), rate limited per user and source.

import type { Clock, IdSource } from '../ops/ports.ts';
import type { Store, UserRecord } from '../store/store.ts';
import type { UserAddress } from '../wv/ids.ts';
import { result, type Result } from '../wv/status.ts';
import { DIGEST_SCHEMAS, type DigestSchema, type Passwords } from './passwords.ts';
import { RateLimit } from './rate-limit.ts';
import { Turnstile } from './turnstile.ts';

export interface LoginRequest {
  readonly user: UserAddress;
  /** Distinguishes log-ins under way at the same time: client id and cookie. */
  readonly attempt: string;
  /** Network address of the client, for rate limits. */
  readonly source: string;
  readonly password?: string | undefined;
  readonly digestBytes?: string | undefined;
  /** Schemas the client offers; names we do not know are ignored. */
  readonly schemas: readonly string[];
}

export type LoginOutcome =
  | { readonly kind: 'accepted'; readonly user: UserRecord }
  | { readonly kind: 'challenge'; readonly nonce: string; readonly schema: DigestSchema | 'PWD' }
  | { readonly kind: 'refused'; readonly result: Result };

interface Challenge {
  readonly nonce: string;
  readonly schema: DigestSchema | 'PWD';
  readonly expiresAt: number;
}

const CHALLENGE_LIFE_MS = 120_000;
/** Checks under way for one network address: a network's phones come together after an outage, guesses too. */
const CHECKS_PER_SOURCE = 8;
const MAX_CHALLENGES = 10_000;

function refused(code: Parameters<typeof result>[0], description?: string): LoginOutcome {
  return { kind: 'refused', result: result(code, description) };
}

export class Authentication {
  private readonly store: Store;
  private readonly passwords: Passwords;
  private readonly clock: Clock;
  private readonly ids: IdSource;
  private readonly perUser: RateLimit;
  private readonly perSource: RateLimit;
  private readonly users = new Turnstile(1);
  private readonly sources = new Turnstile(CHECKS_PER_SOURCE);
  private readonly challenges = new Map<string, Challenge>();

  constructor(deps: {
    store: Store;
    passwords: Passwords;
    clock: Clock;
    ids: IdSource;
    /** Wrong tries at once, then one every so many seconds. */
    limits: { user: { burst: number; seconds: number }; source: { burst: number; seconds: number } };
  }) {
    this.store = deps.store;
    this.passwords = deps.passwords;
    this.clock = deps.clock;
    this.ids = deps.ids;
    this.perUser = new RateLimit(deps.clock, deps.limits.user.burst, deps.limits.user.seconds);
    this.perSource = new RateLimit(deps.clock, deps.limits.source.burst, deps.limits.source.seconds);
  }

  /** Guesses for one user are checked one after another, so that those sent together count like any others. */
  async login(request: LoginRequest): Promise<LoginOutcome> {
    const inTurn = () => this.sources.pass(request.source, () => this.attempt(request));
    return (await this.users.pass(request.user, inTurn)) ?? refused(503, 'Too many attempts at once');
  }

  private async attempt(request: LoginRequest): Promise<LoginOutcome> {
    const wait = Math.max(this.perUser.wait(request.user), this.perSource.wait(request.source));
    if (wait > 0) return refused(503, `Too many attempts, try again in ${wait} s`);
    if (request.password !== undefined) return this.withPassword(request, request.password);
    if (request.digestBytes !== undefined) return this.withDigest(request, request.digestBytes);
    if (request.schemas.length > 0) return this.challenge(request);
    return refused(402, 'Password or DigestSchema is missing');
  }

  private async withPassword(request: LoginRequest, password: string): Promise<LoginOutcome> {
    const user = await this.store.getUser(request.user);
    if (user === undefined) {
      await this.passwords.waste(password);
      return this.failed(request, 531);
    }
    return (await this.passwords.matches(user.credentials, password))
      ? this.succeeded(request, user)
      : this.failed(request, 409);
  }

  private async withDigest(request: LoginRequest, digest: string): Promise<LoginOutcome> {
    const key = challengeKey(request);
    const challenge = this.challenges.get(key);
    this.challenges.delete(key);
    const user = await this.store.getUser(request.user);
    if (user === undefined) return this.failed(request, 531);
    // An unknown or used nonce looks like a wrong password; the client starts again with a new challenge.
    if (challenge === undefined || challenge.expiresAt < this.clock.now() || challenge.schema === 'PWD') {
      return this.failed(request, 409);
    }
    return this.passwords.matchesDigest(user.credentials, challenge.schema, challenge.nonce, digest)
      ? this.succeeded(request, user)
      : this.failed(request, 409);
  }

  private async challenge(request: LoginRequest): Promise<LoginOutcome> {
    const user = await this.store.getUser(request.user);
    if (user === undefined) return this.failed(request, 531);
    const schema = chooseSchema(request.schemas, user.credentials.cipher !== undefined);
    if (schema === undefined) return refused(543);
    const nonce = this.ids.random(18);
    this.challenges.set(challengeKey(request), {
      nonce,
      schema,
      expiresAt: this.clock.now() + CHALLENGE_LIFE_MS,
    });
    if (this.challenges.size > MAX_CHALLENGES) {
      this.challenges.delete(this.challenges.keys().next().value as string);
    }
    return { kind: 'challenge', nonce, schema };
  }

  private succeeded(request: LoginRequest, user: UserRecord): LoginOutcome {
    this.perUser.forgive(request.user);
    if (!user.active) return refused(403, 'Account is not active');
    return { kind: 'accepted', user };
  }

  private failed(request: LoginRequest, code: 409 | 531): LoginOutcome {
    this.perUser.spend(request.user);
    this.perSource.spend(request.source);
    return refused(code);
  }
}

function challengeKey(request: LoginRequest): string {
  return `${request.user} ${request.attempt}`;
}

/** 1.1 sends one element with commas, 1.2 several elements; both arrive here as a flat list. */
function chooseSchema(offered: readonly string[], digestPossible: boolean): DigestSchema | 'PWD' | undefined {
  const names = new Set(offered.flatMap((text) => text.split(',')).map((name) => name.trim().toUpperCase()));
  const digest = digestPossible ? DIGEST_SCHEMAS.find((schema) => names.has(schema)) : undefined;
  return digest ?? (names.has('PWD') ? 'PWD' : undefined);
}
