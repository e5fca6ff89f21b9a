// One linked account: logs in, keeps the token in place of the password, follows the account, and shows its chats as the
// user's contacts (bridging 10, mode B).

import { createHash } from 'node:crypto';
import type { LinkedAccountState, RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { isSuccess } from '../../../src/wv/status.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { MatrixSettings } from '../config.ts';
import { HomeserverError } from '../errors.ts';
import type { MatrixUserId } from '../ids.ts';
import { reasonOf } from '../inbox.ts';
import { laneOf } from './lane.ts';
import type { Lane } from './lane.ts';
import { AccountSession, logIn, logOut } from './session.ts';
import type { AccountHomeserver } from './settings.ts';
import { SyncLoop } from './sync-loop.ts';

/** A linked account with everything that was found out about it. */
export interface AccountOwner {
  readonly user: UserAddress;
  readonly self: MatrixUserId;
  readonly homeserver: AccountHomeserver;
  readonly secret: { readonly password: string } | { readonly token: string };
}

export interface AccountOptions {
  readonly owner: AccountOwner;
  readonly settings: MatrixSettings;
  readonly maxChats: number;
  readonly addresses: MatrixAddresses;
  /** The account's own. */
  readonly relay: RelayPort;
  readonly onState: (state: LinkedAccountState) => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Changes of chats within this time are shown as one. */
const SHOW_AFTER_MS = 300;
/** Tries to end the token when the account is unlinked. */
const LOGOUT_TRIES = 3;
/** Whose rows these are: a user may link another account later. */
const WHOSE = 'account';

/** The homeserver does not take what we have: only the user can help. */
class Refused extends Error {
  override readonly name = 'Refused';
}

export class Account {
  readonly #options: AccountOptions;
  #lane: Lane | undefined;
  #session: AccountSession | undefined;
  #loop: SyncLoop | undefined;
  #token: string | undefined;
  #isOnline = false;
  #isChecking = false;
  #stopped = false;
  #cancelShowing: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: AccountOptions) {
    this.#options = options;
    const { secret } = options.owner;
    if ('token' in secret) this.#token = secret.token;
  }

  /** What speaks through the account; undefined until it logged in. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** Runs in the background until `stop`. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      const fields = { account: this.#options.owner.self, error: reasonOf(error) };
      this.#options.relay.log.error(fields, 'matrix: a linked account failed');
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#close();
    this.#wake?.();
    await this.#running;
  }

  /** The account is not linked any more: nothing may be done with the token. */
  async end(): Promise<void> {
    await this.stop();
    if (this.#token !== undefined) await this.#logOut(this.#token);
  }

  /** The lists are the account's: a change by the user is taken back. */
  showSoon(): void {
    this.#cancelShowing?.();
    this.#cancelShowing = this.#options.relay.clock.after(SHOW_AFTER_MS, () => {
      this.#show().catch((error: unknown) => {
        const fields = { user: this.#options.owner.user, error: reasonOf(error) };
        this.#options.relay.log.error(fields, 'matrix: contacts of a linked account were not shown');
      });
    });
  }

  async #run(): Promise<void> {
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        await this.#connect();
        return await this.#loop?.run();
      } catch (error) {
        if (error instanceof Refused) return this.#refused(error.message);
        if (!(error instanceof HomeserverError)) throw error;
        this.#failed(error);
      }
      await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
  }

  /** @throws Refused; HomeserverError when it may work later */
  async #connect(): Promise<void> {
    const { owner, relay, settings, addresses, maxChats, onState } = this.#options;
    const { user, self, homeserver } = owner;
    onState({ state: 'connecting' });
    const token = (this.#token ??= await this.#newToken());
    const session = new AccountSession(homeserver, token, () => this.#unauthorized());
    const lane = laneOf({ settings, maxChats, addresses, relay, user, self, homeserver, session, token });
    await this.#checkWho(lane);
    await this.#checkWhose();
    if (this.#stopped) return;
    await lane.chats.load();
    await lane.watching.load();
    await lane.outbound.prune();
    this.#session = session;
    this.#lane = lane;
    this.#loop = new SyncLoop({
      relay,
      self,
      lane,
      onUsable: () => this.#online(),
      onTrouble: () => this.#trouble(),
      onChats: () => this.showSoon(),
    });
  }

  /** The password is needed no more: the token takes its place on disk before it is used. */
  async #newToken(): Promise<string> {
    const { owner, relay } = this.#options;
    const { user, self, homeserver, secret } = owner;
    if ('token' in secret) return secret.token;
    const device = `WVGATE${createHash('sha256').update(`${user} ${self}`).digest('hex').slice(0, 16)}`;
    const token = await this.#refusable('the password is not taken', () =>
      logIn(homeserver, { user: self, password: secret.password, device }),
    );
    await relay.linkedAccounts.keepToken(user, token);
    return token;
  }

  async #checkWho(lane: Lane): Promise<void> {
    const { self } = this.#options.owner;
    const who = await this.#refusable(TOKEN_REFUSED, () => lane.client.whoami(self));
    if (who !== self) throw new Refused(`the token is that of ${who ?? 'nobody'}, not of ${self}`);
  }

  /** What another account left is not this one's. */
  async #checkWhose(): Promise<void> {
    const { owner, relay } = this.#options;
    const { storage } = relay;
    const before = await storage.get(WHOSE);
    if (before === owner.self) return;
    for (const [key] of await storage.list('')) await storage.delete(key);
    await storage.put(WHOSE, owner.self);
  }

  async #refusable<T>(reason: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const isFinal = error instanceof HomeserverError && (error.status === 401 || error.status === 403);
      throw isFinal ? new Refused(reason, { cause: error }) : error;
    }
  }

  #online(): void {
    const { owner, relay, onState } = this.#options;
    if (this.#isOnline) return;
    this.#isOnline = true;
    relay.log.info({ account: owner.self }, 'matrix: a linked account is online');
    onState({ state: 'online' });
    relay.linkedAccounts.becameUsable(owner.user);
  }

  #trouble(): void {
    if (!this.#isOnline) return;
    this.#isOnline = false;
    this.#options.onState({ state: 'connecting' });
  }

  /** A 401 is looked into: only one that whoami confirms is the token's end. */
  #unauthorized(): void {
    const lane = this.#lane;
    if (lane === undefined || this.#isChecking || this.#stopped) return;
    this.#isChecking = true;
    this.#checkWho(lane)
      .catch((error: unknown) => {
        if (error instanceof Refused && !this.#stopped) this.#refused(error.message);
      })
      .finally(() => {
        this.#isChecking = false;
      });
  }

  #refused(reason: string): void {
    const { owner, relay, onState } = this.#options;
    this.#isOnline = false;
    this.#close();
    this.#lane = undefined;
    relay.log.warn({ account: owner.self, reason }, 'matrix: a linked account is refused');
    onState({ state: 'refused', reason });
  }

  #failed({ status, errcode }: HomeserverError): void {
    const fields = { account: this.#options.owner.self, status, errcode };
    this.#options.relay.log.warn(fields, 'matrix: a linked account cannot log in');
  }

  #close(): void {
    this.#cancelShowing?.();
    this.#loop?.stop();
    this.#lane?.watching.stop();
    this.#lane?.client.close();
    this.#session?.close();
  }

  async #show(): Promise<void> {
    const { owner, relay } = this.#options;
    const groups = await this.#lane?.chats.contacts();
    if (groups === undefined || this.#stopped) return;
    const outcome = await relay.linkedAccounts.showContacts(owner.user, groups);
    const leftOut = this.#lane?.chats.leftOut ?? 0;
    if (!isSuccess(outcome) || leftOut > 0)
      relay.log.warn({ user: owner.user, code: outcome.code, leftOut }, 'matrix: not all chats are shown');
  }

  async #logOut(token: string): Promise<void> {
    const { owner, relay } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await logOut(owner.homeserver, token);
      } catch (error) {
        if (!(error instanceof HomeserverError)) throw error;
        // 401: it has ended already.
        if (error.status === 401) return;
        if (!error.transient || attempt === LOGOUT_TRIES) {
          const fields = { account: owner.self, status: error.status, errcode: error.errcode };
          relay.log.warn(fields, 'matrix: the token of an unlinked account could not be ended');
          return;
        }
        await new Promise<void>((resolve) => void relay.clock.after(FIRST_PAUSE_MS * attempt, resolve));
      }
    }
  }

  #pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.relay.clock.after(delay, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
  }
}

const TOKEN_REFUSED = 'its token is not taken any more';
