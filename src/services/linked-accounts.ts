// Accounts on other networks that users linked with theirs (bridging 10, mode B): the gateway of the network then speaks
// as that account. Kept here: what is linked, and what an account leaves in the user's home.

import type { Clock, Log } from '../ops/ports.ts';
import type { LinkedAccountRecord, Store } from '../store/store.ts';
import { domainOf, serviceAddress } from '../wv/address.ts';
import type { UserAddress } from '../wv/ids.ts';
import { OK, result, type Result } from '../wv/status.ts';
import {
  showContacts,
  shownGroups,
  type AccountContactsDependencies,
  type AccountGroup,
  type ListChanger,
} from './account-contacts.ts';
import { readSecret, secretText, type AccountSecret } from './account-secrets.ts';
import type { ContactLists } from './contact-lists.ts';
import type { Home, Homes } from './home.ts';
import type { Messaging } from './messaging.ts';
import type { Publishing } from './presence/publishing.ts';
import { sendSystemMessage } from './system-messages.ts';

export interface LinkedAccount {
  readonly user: UserAddress;
  /** As the network writes it: a JID, a Matrix user id. */
  readonly account: string;
  /** Milliseconds since the epoch; another value: linked anew. */
  readonly linkedAt: number;
  /** Never logged. Undefined when it cannot be read (the server's key is another one), or there is a token. */
  readonly password: string | undefined;
  /** Instead of a password. Never logged. */
  readonly token?: string;
}

/** `account` undefined: unlinked. */
export interface LinkedAccountNews {
  readonly user: UserAddress;
  readonly account: LinkedAccount | undefined;
}

export interface LinkedAccountsListener {
  changed(news: LinkedAccountNews): void;
  /** The user himself changed the lists that `showContacts` made; these are all of them. */
  listsChanged(user: UserAddress, groups: readonly AccountGroup[]): void;
}

/** How it goes with an account. `refused`: the user has to do something, `reason` says what. */
export interface LinkedAccountState {
  readonly state: 'connecting' | 'online' | 'refused';
  readonly reason?: string;
}

/** What an account looks like from outside. */
export interface LinkedAccountView extends LinkedAccountState {
  readonly network: string;
  readonly account: string;
  /** Milliseconds since the epoch. */
  readonly linkedAt: number;
}

/** What a gateway gets of the accounts on its network. */
export interface AccountsOfNetwork {
  /** Tells what is linked, soon, and every change from then on. Returns what ends it. */
  follow(listener: LinkedAccountsListener): () => void;
  /** From now on the account's own address may see all of the user's presence. */
  admit(user: UserAddress, watcher: UserAddress): Promise<void>;
  /** The user's contact lists of this network become these; 753 or 754 when not all fit. */
  showContacts(user: UserAddress, groups: readonly AccountGroup[]): Promise<Result>;
  /** From now on the account is known by this token; what it was linked with is forgotten. */
  keepToken(user: UserAddress, token: string): Promise<void>;
  /** The account is linked no longer. False when there was none. */
  unlink(user: UserAddress): Promise<boolean>;
  /** How it goes, for whoever asks. */
  report(user: UserAddress, state: LinkedAccountState): void;
  /** Tells the user something as the operator's system message, kept for a week. */
  tell(user: UserAddress, text: string): Promise<void>;
}

export interface LinkedAccountsDependencies {
  readonly store: Store;
  /** Keeps passwords unread on disk. `open`: undefined for what was sealed with another key. */
  readonly cipher: { seal(text: string): string; open(sealed: string): string | undefined };
  readonly homes: Homes;
  readonly lists: ContactLists;
  readonly changeList: ListChanger;
  readonly publishing: Pick<Publishing, 'answer' | 'cancel' | 'unsubscribe'>;
  readonly messaging: Messaging;
  readonly clock: Clock;
  readonly log: Log;
  /** Networks that take accounts, each with how many at most. */
  readonly networks: ReadonlyMap<string, number>;
}

export type LinkOutcome = 'done' | 'linked' | 'unknown' | 'full' | 'no-network';

/** Unlinked accounts cleared at a time. */
const BATCH = 200;
const TELL_SECONDS = 7 * 86_400;

export class LinkedAccounts {
  readonly #deps: LinkedAccountsDependencies;
  readonly #contacts: AccountContactsDependencies;
  readonly #listeners = new Map<string, LinkedAccountsListener>();
  /** What listeners were told, by key. */
  readonly #told = new Map<string, LinkedAccountRecord>();
  readonly #states = new Map<string, LinkedAccountState>();
  #round: Promise<void> = Promise.resolve();

  constructor(deps: LinkedAccountsDependencies) {
    this.#deps = deps;
    this.#contacts = { lists: deps.lists, changeList: deps.changeList };
  }

  /** `linked`: there is another account of this network; `full`: the network takes no more. */
  async link(
    user: UserAddress,
    network: string,
    account: string,
    secret: AccountSecret,
  ): Promise<LinkOutcome> {
    const { store, cipher, clock, networks } = this.#deps;
    const limit = networks.get(network);
    if (limit === undefined) return 'no-network';
    const sealed = cipher.seal(secretText(secret));
    const record = { user, network, account, cipher: sealed, linkedAt: clock.now() };
    const outcome = await store.linkAccount(record, limit);
    if (outcome === 'done') await this.refresh();
    return outcome;
  }

  /** False when there was none. Everything of the account is gone when it resolves. */
  async unlink(user: UserAddress, network: string): Promise<boolean> {
    const was = await this.#deps.store.unlinkAccount(user, network);
    if (was) await this.refresh();
    return was;
  }

  async of(user: UserAddress): Promise<readonly LinkedAccountView[]> {
    const records = await this.#deps.store.linkedAccountsOf(user);
    return records.map(({ network, account, linkedAt }) => {
      const state = this.#states.get(keyOf(user, network)) ?? { state: 'connecting' as const };
      return { network, account, linkedAt, ...state };
    });
  }

  /** The user changed his contact lists: those that show an account's contacts change the account. */
  listsChanged(home: Home): void {
    for (const { user, network } of this.#told.values()) {
      if (user === home.address) this.#listeners.get(network)?.listsChanged(user, shownGroups(home, network));
    }
  }

  /** Takes up what changed in the store, perhaps by another process. Rounds never overlap. */
  refresh(): Promise<void> {
    const round = this.#round.then(() => this.#refresh());
    this.#round = round.catch(() => undefined);
    return round;
  }

  portFor(network: string): AccountsOfNetwork {
    return {
      follow: (listener) => this.#follow(network, listener),
      admit: (user, watcher) => this.#admit(user, network, watcher),
      showContacts: (user, groups) => this.#show(user, network, groups),
      keepToken: (user, token) => this.#keepToken(user, network, token),
      unlink: (user) => this.unlink(user, network),
      report: (user, state) => void this.#states.set(keyOf(user, network), state),
      tell: (user, text) => this.#tell(user, text),
    };
  }

  #follow(network: string, listener: LinkedAccountsListener): () => void {
    this.#listeners.set(network, listener);
    this.refresh().catch((error: unknown) => this.#failed(error));
    return () => {
      this.#listeners.delete(network);
      for (const [key, record] of this.#told) if (record.network === network) this.#told.delete(key);
    };
  }

  async #refresh(): Promise<void> {
    const { store } = this.#deps;
    for (;;) {
      const left = await store.unlinkedAccounts(BATCH);
      for (const record of left) await this.#clear(record);
      if (left.length < BATCH) break;
    }
    const linked = new Map(
      (await store.linkedAccounts()).map((each) => [keyOf(each.user, each.network), each]),
    );
    for (const [key, record] of this.#told) if (!linked.has(key)) this.#ended(record);
    for (const [key, record] of linked) {
      const told = this.#told.get(key);
      if (told?.linkedAt === record.linkedAt && told.account === record.account) continue;
      this.#begin(key, record);
    }
  }

  #begin(key: string, record: LinkedAccountRecord): void {
    const listener = this.#listeners.get(record.network);
    if (listener === undefined) return;
    this.#told.set(key, record);
    const { user, account, linkedAt } = record;
    const opened = this.#deps.cipher.open(record.cipher);
    const secret = opened === undefined ? { password: undefined } : readSecret(opened);
    const told = { user, account, linkedAt, password: undefined, ...secret };
    listener.changed({ user, account: told });
  }

  #ended({ user, network }: LinkedAccountRecord): void {
    const key = keyOf(user, network);
    this.#states.delete(key);
    if (this.#told.delete(key)) this.#listeners.get(network)?.changed({ user, account: undefined });
  }

  /** What an unlinked account left: its client, its lists, its sight of the user's presence. */
  async #clear(record: LinkedAccountRecord): Promise<void> {
    const { store, homes, publishing, log } = this.#deps;
    const { user, network, account, watcher } = record;
    if (this.#told.get(keyOf(user, network))?.account === account) this.#ended(record);
    const home = await homes.get(user);
    if (home !== undefined) {
      await showContacts(this.#contacts, home, network, []);
      if (watcher !== undefined) {
        await publishing.cancel(home, watcher);
        const meta = { service: serviceAddress(domainOf(watcher)) };
        await publishing.unsubscribe({
          primitive: 'UnsubscribeRequest',
          meta,
          watcher,
          publishers: [user],
          final: true,
        });
      }
    }
    await store.forgetUnlinkedAccount(record);
    log.info({ user, network, account }, 'account unlinked');
  }

  async #admit(user: UserAddress, network: string, watcher: UserAddress): Promise<void> {
    const { store, homes, publishing } = this.#deps;
    await store.setLinkedWatcher(user, network, watcher);
    const home = await homes.get(user);
    if (home === undefined || home.authorizations.get(watcher)?.state === 'GRANTED') return;
    await publishing.answer(home, watcher, true, undefined);
  }

  /** Of an account that was unlinked or linked anew meanwhile nothing is kept. */
  async #keepToken(user: UserAddress, network: string, token: string): Promise<void> {
    const { store, cipher } = this.#deps;
    const record = this.#told.get(keyOf(user, network));
    if (record !== undefined) await store.setLinkedCipher(record, cipher.seal(secretText({ token })));
  }

  async #show(user: UserAddress, network: string, groups: readonly AccountGroup[]): Promise<Result> {
    // Unlinked meanwhile: what was cleared must not come back.
    if (!this.#told.has(keyOf(user, network))) return OK;
    const home = await this.#deps.homes.get(user);
    return home === undefined ? result(531) : showContacts(this.#contacts, home, network, groups);
  }

  async #tell(user: UserAddress, text: string): Promise<void> {
    const { messaging, clock, log } = this.#deps;
    const draft = { text, validity: TELL_SECONDS };
    const { code } = await sendSystemMessage(messaging, user, draft, clock.now());
    if (code !== 200) log.warn({ user, code }, 'a user could not be told about a linked account');
  }

  #failed(error: unknown): void {
    this.#deps.log.error({ err: error }, 'linked accounts could not be read');
  }
}

const LONGEST_ACCOUNT = 300;

/** `user@domain`, or as in Matrix `@user:server`. */
const ACCOUNT = /^(?:[^\s/@]+@[a-z0-9.-]+|@[^\s:]+:[a-z0-9.:[\]-]+)$/;

/**
 * An account as it is kept; undefined for what cannot be one. The gateway knows more of what its network takes. Old
 * Matrix ids are case-sensitive.
 */
export function accountName(text: string): string | undefined {
  const trimmed = text.trim();
  const name = trimmed.startsWith('@') ? trimmed : trimmed.toLowerCase();
  return name.length <= LONGEST_ACCOUNT && ACCOUNT.test(name) ? name : undefined;
}

function keyOf(user: UserAddress, network: string): string {
  return `${network} ${user}`;
}
