// A user's home in memory (design section 4), and the bounded cache of homes. The store is the truth: a home is
// loaded when first needed, changed together with the store, and dropped when nobody needs it.

import { domainOf, parseDomain } from '../wv/address.ts';
import type { Domain, ListAddress, UserAddress } from '../wv/ids.ts';
import type { PresenceAttributes } from '../wv/presence.ts';
import type {
  AccessLists,
  AttributeListRecord,
  AttributeListSubject,
  AuthorizationRecord,
  Contact,
  HomeRecord,
  Store,
  UserRecord,
  WatcherRecord,
} from '../store/store.ts';
import type { Client } from './client.ts';
import { DeliveredIds } from './delivered.ts';
import { WatcherHistory } from './presence/watcher-history.ts';

export interface ContactList {
  readonly address: ListAddress;
  displayName: string;
  isDefault: boolean;
  /** In the order the owner added them. */
  readonly contacts: Map<UserAddress, Contact>;
}

/** The key under which an attribute list is kept: one per subject. */
export function subjectKey(subject: AttributeListSubject): string {
  if (subject.kind === 'user') return `user ${subject.user}`;
  return subject.kind === 'list' ? `list ${subject.list}` : 'default';
}

export class Home {
  readonly address: UserAddress;
  user: UserRecord;
  readonly lists = new Map<ListAddress, ContactList>();
  readonly attributeLists = new Map<string, AttributeListRecord>();
  readonly authorizations = new Map<UserAddress, AuthorizationRecord>();
  access: AccessLists;
  /** The user's own (not client-bound) attributes as last published. */
  presence: PresenceAttributes;
  readonly watchers = new Map<UserAddress, WatcherRecord>();
  /** Live clients, oldest first. */
  readonly clients = new Set<Client>();
  readonly delivered = new DeliveredIds();
  readonly watcherHistory = new WatcherHistory();

  constructor(record: HomeRecord) {
    this.address = record.user.address;
    this.user = record.user;
    this.access = record.access;
    this.presence = record.presence;
    this.fill(record);
  }

  /**
   * Becomes as the store has it. Live clients stay, and so do watchers whose subscriptions live only here
   * (`isLocal`; services/presence).
   */
  restore(record: HomeRecord, isLocal: (watcher: UserAddress) => boolean): void {
    this.user = record.user;
    this.access = record.access;
    this.presence = record.presence;
    this.lists.clear();
    this.attributeLists.clear();
    this.authorizations.clear();
    for (const watcher of this.watchers.keys()) if (!isLocal(watcher)) this.watchers.delete(watcher);
    this.fill(record);
  }

  private fill(record: HomeRecord): void {
    for (const list of record.lists) {
      this.lists.set(list.address, {
        address: list.address,
        displayName: list.displayName,
        isDefault: list.isDefault,
        contacts: new Map(list.contacts.map((contact) => [contact.user, contact])),
      });
    }
    for (const list of record.attributeLists) this.attributeLists.set(subjectKey(list.subject), list);
    for (const answer of record.authorizations) this.authorizations.set(answer.watcher, answer);
    for (const watcher of record.watchers) this.watchers.set(watcher.watcher, watcher);
  }

  get defaultList(): ContactList | undefined {
    for (const list of this.lists.values()) if (list.isDefault) return list;
    return undefined;
  }

  hasContact(user: UserAddress): boolean {
    for (const list of this.lists.values()) if (list.contacts.has(user)) return true;
    return false;
  }
}

/** Homes by address: those with live clients stay, of the others the most recently used up to `capacity`. */
export class Homes {
  readonly domain: Domain;
  private readonly store: Store;
  private readonly capacity: number;
  private readonly loaded = new Map<UserAddress, Home>();
  private readonly loading = new Map<UserAddress, Promise<Home | undefined>>();
  /** Ahead of the store since a write failed. */
  private readonly spoilt = new WeakSet<Home>();

  constructor(store: Store, domain: string, capacity: number) {
    const parsed = parseDomain(domain);
    if (parsed === undefined) throw new Error(`not a domain name: ${domain}`);
    this.domain = parsed;
    this.store = store;
    this.capacity = capacity;
  }

  /** The home of a local user; undefined = no such user. */
  get(user: UserAddress): Promise<Home | undefined> | Home {
    const home = this.loaded.get(user);
    if (home !== undefined) {
      this.loaded.delete(user);
      this.loaded.set(user, home);
      return this.spoilt.has(home) ? this.sound(home) : home;
    }
    return this.load(user);
  }

  /** False = a write failed, and the home could not be read anew since; see `sound`. */
  isSound(home: Home): boolean {
    return !this.spoilt.has(home);
  }

  /** The home once it is as the store has it: at once, unless a write failed and it could not be read since. */
  async sound(home: Home): Promise<Home> {
    if (!this.spoilt.has(home)) return home;
    const record = await this.store.loadHome(home.address);
    if (record !== undefined) home.restore(record, (watcher) => domainOf(watcher) === this.domain);
    this.spoilt.delete(home);
    return home;
  }

  /** A write failed: the home is read anew. Rejects when that fails too; then its next use tries again. */
  async renew(user: UserAddress): Promise<void> {
    const home = this.loaded.get(user);
    if (home === undefined) return;
    this.spoilt.add(home);
    await this.sound(home);
  }

  /** The home if it is in memory: enough where only live clients matter. */
  peek(user: UserAddress): Home | undefined {
    return this.loaded.get(user);
  }

  /** Forgets a home after its account changed; the next use loads it again. */
  forget(user: UserAddress): void {
    this.loaded.delete(user);
  }

  *online(): Iterable<Home> {
    for (const home of this.loaded.values()) if (home.clients.size > 0) yield home;
  }

  get size(): number {
    return this.loaded.size;
  }

  private load(user: UserAddress): Promise<Home | undefined> {
    const known = this.loading.get(user);
    if (known !== undefined) return known;
    const promise = this.store
      .loadHome(user)
      .then((record) => {
        if (record === undefined) return undefined;
        const home = new Home(record);
        this.loaded.set(user, home);
        this.shrink();
        return home;
      })
      .finally(() => this.loading.delete(user));
    this.loading.set(user, promise);
    return promise;
  }

  /** Subscriptions of local users live only here (services/presence): such a home must stay. */
  private hasLocalWatchers(home: Home): boolean {
    for (const watcher of home.watchers.keys()) if (domainOf(watcher) === this.domain) return true;
    return false;
  }

  private shrink(): void {
    if (this.loaded.size <= this.capacity) return;
    for (const [address, home] of this.loaded) {
      if (this.loaded.size <= this.capacity) return;
      if (home.clients.size === 0 && !this.hasLocalWatchers(home)) this.loaded.delete(address);
    }
  }
}
