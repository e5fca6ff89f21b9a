// A group's home in memory (design section 4) and the bounded cache of them. The store is the truth: memory changes
// at once, so that requests that follow see it, and is dropped when the store refuses.

import { groupOwner } from '../../wv/address.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../wv/ids.ts';
import type { ScreenMapping } from '../../wv/primitives.ts';
import type {
  GroupChange,
  GroupPerson,
  GroupProfile,
  GroupState,
  JoinedKey,
  JoinedRecord,
  OwnSettings,
  Privilege,
  Store,
} from '../../store/store.ts';
import { INITIAL_SETTINGS, type GroupFacts, type OwnFacts } from './properties.ts';

/** Screen names compare without regard to case. */
export function foldScreenName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Where a user's home named no client. */
export const NO_CLIENT = '' as ClientId;

export interface Bearer {
  readonly user: UserAddress;
  readonly screenName: string;
}

export class GroupHome {
  readonly address: GroupAddress;
  readonly owner: UserAddress | undefined;
  profile: GroupProfile;
  readonly people = new Map<UserAddress, GroupPerson>();
  readonly rejected: Set<UserAddress>;
  /** Joined clients by user, each with at least one; users in the order of joining. */
  private readonly present = new Map<UserAddress, JoinedRecord[]>();
  /** Who bears a screen name, by its folded form: one user, perhaps with several clients. */
  private readonly names = new Map<string, Bearer & { clients: number }>();
  /** Requests and writes under way: such a home stays in memory. */
  pending = 0;
  /** Deleted: whoever still holds it finds no group. */
  gone = false;
  /** The last of the messages that are being given out, one after another. */
  lastMessage: Promise<unknown> = Promise.resolve();
  messagesWaiting = 0;

  constructor(state: GroupState) {
    this.address = state.address;
    this.owner = state.owner;
    this.profile = state.profile;
    this.rejected = new Set(state.rejected);
    for (const person of state.people) this.people.set(person.user, person);
    for (const joined of state.joined) this.addJoined(joined);
  }

  /** A provider's group: no user owns it. */
  get isPublic(): boolean {
    return groupOwner(this.address) === undefined;
  }

  /** Joined users; a user with two clients counts once. */
  get activeUsers(): number {
    return this.present.size;
  }

  get facts(): GroupFacts {
    return { isPublic: this.isPublic, activeUsers: this.activeUsers };
  }

  person(user: UserAddress): GroupPerson | undefined {
    return this.people.get(user);
  }

  isMember(user: UserAddress): boolean {
    return this.people.get(user)?.privilege !== undefined;
  }

  /** Joined or a member; a member who was rejected is outside until he is pardoned. */
  isInside(user: UserAddress): boolean {
    return this.present.has(user) || (this.isMember(user) && !this.rejected.has(user));
  }

  settingsOf(user: UserAddress): OwnSettings {
    return this.people.get(user)?.settings ?? INITIAL_SETTINGS;
  }

  ownFacts(user: UserAddress): OwnFacts {
    return { isMember: this.isMember(user), privilege: this.people.get(user)?.privilege ?? 'User' };
  }

  /** Whether a user sees who is behind the screen names. */
  seesIds(user: UserAddress): boolean {
    const privilege = this.people.get(user)?.privilege;
    return privilege === 'Admin' || privilege === 'Mod';
  }

  membersWith(privilege: Privilege): readonly UserAddress[] {
    return [...this.people.values()].flatMap((person) =>
      person.privilege === privilege ? [person.user] : [],
    );
  }

  joinedUsers(): Iterable<UserAddress> {
    return this.present.keys();
  }

  isJoined(user: UserAddress): boolean {
    return this.present.has(user);
  }

  /** A user's joined clients: this one, or all of them where no client is named. A copy: changes are made of it. */
  joinedAs(user: UserAddress, clientId?: ClientId): readonly JoinedRecord[] {
    const clients = this.present.get(user) ?? [];
    return clients.filter((joined) => clientId === undefined || joined.clientId === clientId);
  }

  isSubscribed(user: UserAddress): boolean {
    return this.present.get(user)?.some(({ subscribed }) => subscribed) === true;
  }

  /** Who bears a screen name, and how he writes it. */
  bearerOf(screenName: string): Bearer | undefined {
    return this.names.get(foldScreenName(screenName));
  }

  /** The screen names of those present, with the users as far as `viewer` may see them. */
  mappings(viewer: UserAddress): readonly ScreenMapping[] {
    const seesAll = this.seesIds(viewer);
    return [...this.present].flatMap(([user, clients]) => {
      const shown = seesAll || user === viewer || this.settingsOf(user).showId;
      return distinctNames(clients).map((screenName) => (shown ? { screenName, user } : { screenName }));
    });
  }

  /** Makes a change in memory; the caller has it committed (GroupHomes.change). */
  apply(change: GroupChange): void {
    if (change.profile !== undefined) this.profile = change.profile;
    for (const person of change.people ?? []) this.people.set(person.user, person);
    for (const user of change.removedPeople ?? []) this.people.delete(user);
    for (const joined of change.joined ?? []) this.addJoined(joined);
    for (const key of change.left ?? []) this.removeJoined(key);
    for (const user of change.rejected ?? []) this.rejected.add(user);
    for (const user of change.pardoned ?? []) this.rejected.delete(user);
  }

  private addJoined(joined: JoinedRecord): void {
    this.removeJoined(joined, true);
    const clients = this.present.get(joined.user);
    if (clients === undefined) this.present.set(joined.user, [joined]);
    else clients.push(joined);
    const folded = foldScreenName(joined.screenName);
    const bearer = this.names.get(folded);
    const { user, screenName } = joined;
    if (bearer === undefined) this.names.set(folded, { user, screenName, clients: 1 });
    else bearer.clients++;
  }

  /** `replaced`: the user keeps his place in the order. */
  private removeJoined({ user, clientId }: JoinedKey, replaced = false): void {
    const clients = this.present.get(user);
    const index = clients?.findIndex((joined) => joined.clientId === clientId) ?? -1;
    const [removed] = index < 0 ? [] : (clients?.splice(index, 1) ?? []);
    if (removed === undefined) return;
    if (clients?.length === 0 && !replaced) this.present.delete(user);
    const folded = foldScreenName(removed.screenName);
    const bearer = this.names.get(folded);
    if (bearer !== undefined && --bearer.clients === 0) this.names.delete(folded);
  }
}

/** The screen names of one user's clients, each once. */
export function distinctNames(clients: readonly JoinedRecord[]): readonly string[] {
  return [...new Map(clients.map(({ screenName }) => [foldScreenName(screenName), screenName])).values()];
}

/** Group homes by address; the most recently used stay, up to `capacity`. */
export class GroupHomes {
  private readonly store: Store;
  private readonly capacity: number;
  private readonly loaded = new Map<GroupAddress, GroupHome>();
  private readonly loading = new Map<GroupAddress, Promise<GroupHome | undefined>>();

  constructor(store: Store, capacity: number) {
    this.store = store;
    this.capacity = capacity;
  }

  get size(): number {
    return this.loaded.size;
  }

  /** The home of a group of this server; undefined = no such group. */
  async get(group: GroupAddress): Promise<GroupHome | undefined> {
    const known = this.loaded.get(group);
    if (known === undefined) return this.load(group);
    this.loaded.delete(group);
    this.loaded.set(group, known);
    return known.gone ? undefined : known;
  }

  /** A group that was created or read just now; one that somebody found before stays the one there is. */
  enter(home: GroupHome): void {
    if (this.loaded.get(home.address)?.gone === false) return;
    this.loaded.set(home.address, home);
    this.shrink();
  }

  /**
   * Changes memory at once and resolves when the change is on disk. False = the group is gone.
   * @throws what the store threw; the home is then loaded afresh when next needed.
   */
  async change(home: GroupHome, change: GroupChange): Promise<boolean> {
    if (home.gone) return false;
    home.apply(change);
    const done = await this.pinned(home, () => this.store.changeGroup(home.address, change));
    if (!done) this.forget(home);
    return done;
  }

  /** Deletes a group; from now on nobody finds it. False = it was gone already. */
  async remove(home: GroupHome): Promise<boolean> {
    if (home.gone) return false;
    home.gone = true;
    const done = await this.pinned(home, () => this.store.deleteGroup(home.address));
    this.forget(home);
    return done;
  }

  /** Keeps a home in memory while it is worked on: else another one of the same group might be loaded meanwhile. */
  async held<T>(home: GroupHome, work: () => Promise<T> | T): Promise<T> {
    home.pending++;
    try {
      return await work();
    } finally {
      home.pending--;
    }
  }

  private async pinned<T>(home: GroupHome, write: () => Promise<T>): Promise<T> {
    try {
      return await this.held(home, write);
    } catch (error) {
      this.forget(home);
      throw error;
    }
  }

  private forget(home: GroupHome): void {
    if (this.loaded.get(home.address) === home) this.loaded.delete(home.address);
  }

  private load(group: GroupAddress): Promise<GroupHome | undefined> {
    const known = this.loading.get(group);
    if (known !== undefined) return known;
    const promise = this.store
      .loadGroup(group)
      .then((state) => {
        // Created, changed or deleted while it was being read: memory knows better.
        const entered = this.loaded.get(group);
        if (entered !== undefined) return entered.gone ? undefined : entered;
        if (state === undefined) return undefined;
        const home = new GroupHome(state);
        this.enter(home);
        return home;
      })
      .finally(() => this.loading.delete(group));
    this.loading.set(group, promise);
    return promise;
  }

  private shrink(): void {
    if (this.loaded.size <= this.capacity) return;
    for (const [address, home] of this.loaded) {
      if (this.loaded.size <= this.capacity) return;
      if (home.pending === 0 && home.messagesWaiting === 0) this.loaded.delete(address);
    }
  }
}
