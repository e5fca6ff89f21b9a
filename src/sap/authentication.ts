// Who may log in (csp-transactions 1.1): by password (2-way), by digest (4-way), or because the mobile network says who
// it is. Limited per user and source; accounts may be locked. docs/architecture.md has the other relations between
// parties that prove who they are, and where that is done.

import type { Clock, IdSource, Log } from '../ops/ports.ts';
import type { Store, UserRecord } from '../store/store.ts';
import type { UserAddress } from '../wv/ids.ts';
import { parseMsisdn, type Msisdn } from '../wv/msisdn.ts';
import { result, type Result } from '../wv/status.ts';
import { Lockouts, type LockoutPolicy } from './lockouts.ts';
import { LoginLimits, type LoginAllowances } from './login-limits.ts';
import { DIGEST_SCHEMAS, type DigestSchema, type Passwords } from './passwords.ts';
import { Turnstile } from './turnstile.ts';

/** The subscriber that a trusted gateway of the network named; 'unusable' = it named one that is no number. */
export type NetworkNumber = Msisdn | 'unusable';

/** The user whose number it is; undefined = nobody's. */
export type NumberOwner = (number: Msisdn) => Promise<UserAddress | undefined>;

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
  /** undefined = no gateway we trust named a subscriber. */
  readonly number?: NetworkNumber | undefined;
  /** The MSISDN in the ClientID, as the client wrote it. */
  readonly clientNumber?: string | undefined;
}

/** What a user proved himself with. */
export type Proof = 'password' | 'digest' | 'network';

export type LoginOutcome =
  | { readonly kind: 'accepted'; readonly user: UserRecord; readonly by: Proof }
  | { readonly kind: 'challenge'; readonly nonce: string; readonly schema: DigestSchema | 'PWD' }
  | { readonly kind: 'refused'; readonly result: Result };

interface Challenge {
  readonly nonce: string;
  readonly schema: DigestSchema | 'PWD';
  readonly expiresAt: number;
}

export interface AuthenticationDependencies {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
  readonly limits: LoginAllowances;
  /** undefined = accounts are never locked. */
  readonly lockout?: LockoutPolicy | undefined;
  /** undefined = nobody logs in by number. */
  readonly numberOwner?: NumberOwner | undefined;
}

const CHALLENGE_LIFE_MS = 120_000;
/** Checks under way for one network address: a network's phones come together after an outage, guesses too. */
const CHECKS_PER_SOURCE = 8;
const MAX_CHALLENGES = 10_000;

function refused(code: Parameters<typeof result>[0], description?: string): LoginOutcome {
  return { kind: 'refused', result: result(code, description) };
}

export class Authentication {
  private readonly deps: AuthenticationDependencies;
  private readonly limits: LoginLimits;
  private readonly lockouts: Lockouts | undefined;
  private readonly users = new Turnstile(1);
  private readonly sources = new Turnstile(CHECKS_PER_SOURCE);
  private readonly challenges = new Map<string, Challenge>();

  constructor(deps: AuthenticationDependencies) {
    this.deps = deps;
    this.limits = new LoginLimits(deps.clock, deps.limits);
    const { lockout: policy } = deps;
    this.lockouts = policy === undefined ? undefined : new Lockouts({ ...deps, policy });
  }

  /**
   * Guesses of one source for one user are checked one after another, so that those sent together count like any
   * others; those of a stranger do not stand in the user's way.
   */
  async login(request: LoginRequest): Promise<LoginOutcome> {
    const inTurn = () => this.sources.pass(request.source, () => this.attempt(request));
    const key = `${request.user} ${request.source}`;
    return (await this.users.pass(key, inTurn)) ?? refused(503, 'Too many attempts at once');
  }

  private async attempt(request: LoginRequest): Promise<LoginOutcome> {
    const locked = (await this.lockouts?.remaining(request.user)) ?? 0;
    if (locked > 0) return refused(403, `The account is locked for ${locked} s`);
    const known = await this.byNetwork(request);
    if (known !== undefined) return known;
    const wait = this.limits.wait(request);
    if (wait > 0) return refused(503, `Too many attempts, try again in ${wait} s`);
    if (request.password !== undefined) return this.withPassword(request, request.password);
    if (request.digestBytes !== undefined) return this.withDigest(request, request.digestBytes);
    if (request.schemas.length > 0) return this.challenge(request);
    return refused(402, 'Password or DigestSchema is missing');
  }

  /**
   * The network knows the user: step one of 4-way, or an empty password, is answered at once. undefined = it does not,
   * or the client proves himself otherwise. A number that does not help is an error only where nothing else was
   * offered: a phone of one user may log another one in.
   */
  private async byNetwork(request: LoginRequest): Promise<LoginOutcome | undefined> {
    const { number, password, digestBytes, schemas } = request;
    if (number === undefined || digestBytes !== undefined) return undefined;
    if (password !== undefined && password !== '') return undefined;
    const obstacle = await this.obstacle(request, number);
    if (obstacle !== undefined) return schemas.length > 0 ? undefined : refused(920, obstacle);
    const user = await this.deps.store.getUser(request.user);
    if (user === undefined) return undefined;
    this.deps.log.info({ user: request.user, source: request.source }, 'log-in by the number of the network');
    return this.succeeded(request, user, 'network');
  }

  /** Why the network's number does not log this user in; undefined = it does. */
  private async obstacle(request: LoginRequest, number: NetworkNumber): Promise<string | undefined> {
    if (number === 'unusable') return 'The number cannot be read';
    const { clientNumber, user } = request;
    if (clientNumber !== undefined && parseMsisdn(clientNumber) !== number)
      return 'ClientID has another number';
    return (await this.deps.numberOwner?.(number)) === user ? undefined : 'Not the number of this user';
  }

  private async withPassword(request: LoginRequest, password: string): Promise<LoginOutcome> {
    const { store, passwords } = this.deps;
    const user = await store.getUser(request.user);
    if (user === undefined) {
      await passwords.waste(password);
      return this.failed(request, 531);
    }
    return (await passwords.matches(user.credentials, password))
      ? this.succeeded(request, user, 'password')
      : this.failed(request, 409);
  }

  private async withDigest(request: LoginRequest, digest: string): Promise<LoginOutcome> {
    const key = challengeKey(request);
    const challenge = this.challenges.get(key);
    this.challenges.delete(key);
    const user = await this.deps.store.getUser(request.user);
    if (user === undefined) return this.failed(request, 531);
    // An unknown or used nonce looks like a wrong password; the client starts again with a new challenge.
    if (
      challenge === undefined ||
      challenge.expiresAt < this.deps.clock.now() ||
      challenge.schema === 'PWD'
    ) {
      return this.failed(request, 409);
    }
    return this.deps.passwords.matchesDigest(user.credentials, challenge.schema, challenge.nonce, digest)
      ? this.succeeded(request, user, 'digest')
      : this.failed(request, 409);
  }

  private async challenge(request: LoginRequest): Promise<LoginOutcome> {
    const user = await this.deps.store.getUser(request.user);
    if (user === undefined) return this.failed(request, 531);
    const schema = chooseSchema(request.schemas, user.credentials.cipher !== undefined);
    if (schema === undefined) return refused(543);
    const nonce = this.deps.ids.random(18);
    this.challenges.set(challengeKey(request), {
      nonce,
      schema,
      expiresAt: this.deps.clock.now() + CHALLENGE_LIFE_MS,
    });
    if (this.challenges.size > MAX_CHALLENGES) {
      this.challenges.delete(this.challenges.keys().next().value as string);
    }
    return { kind: 'challenge', nonce, schema };
  }

  private async succeeded(request: LoginRequest, user: UserRecord, by: Proof): Promise<LoginOutcome> {
    this.limits.succeeded(request);
    await this.lockouts?.succeeded(request.user);
    if (!user.active) return refused(403, 'Account is not active');
    return { kind: 'accepted', user, by };
  }

  private async failed(request: LoginRequest, code: 409 | 531): Promise<LoginOutcome> {
    this.limits.failed(request);
    if (code === 409) await this.lockouts?.failed(request.user);
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
