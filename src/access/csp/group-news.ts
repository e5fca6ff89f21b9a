// News of groups that wait for one client, at most one piece a group: what happened in between, not how.

import type { GroupAddress } from '../../wv/ids.ts';
import type {
  GroupChangeNotice,
  GroupProperty,
  LeaveGroupIndication,
  ScreenMapping,
} from '../../wv/primitives.ts';

export type GroupNews = GroupChangeNotice | LeaveGroupIndication;

/** Groups with news for one client; the oldest is forgotten first, for the client can ask how things stand. */
const MAX_GROUPS = 128;
/** Comings and goings kept of one group; the oldest are forgotten first. */
const MAX_CHANGES = 500;

type Changes = Map<string, ScreenMapping>;

interface Pending {
  /** The client is out. What happened before is of no interest any more. */
  out: LeaveGroupIndication | undefined;
  /** The latest notice: what it says of its origin holds for all. */
  notice: GroupChangeNotice | undefined;
  readonly joined: Changes;
  readonly left: Changes;
  readonly properties: Map<string, GroupProperty>;
}

/** Screen names are the same in whatever case (csp-transactions section 8, code 811). */
const keyOf = ({ screenName }: ScreenMapping): string => screenName.toLowerCase();

export class WaitingNews {
  private readonly groups = new Map<GroupAddress, Pending>();

  get size(): number {
    return this.groups.size;
  }

  /** Something new happened: who came and went again meanwhile is not told of. */
  add(news: GroupNews): void {
    if (news.primitive === 'LeaveGroupIndication') {
      this.groups.set(news.group, { ...empty(), out: news });
    } else {
      const pending = this.pendingOf(news.group);
      pending.notice = news;
      for (const mapping of news.joined) follow(mapping, pending.joined, pending.left);
      for (const mapping of news.left) follow(mapping, pending.left, pending.joined);
      for (const property of news.properties ?? []) pending.properties.set(property.name, property);
      shorten(pending.joined);
      shorten(pending.left);
      if (pending.out === undefined && changesIn(pending) === 0) this.groups.delete(news.group);
    }
    if (this.groups.size > MAX_GROUPS) this.groups.delete(this.groups.keys().next().value as GroupAddress);
  }

  /** It was told, perhaps in vain: what has happened since goes before it. */
  putBack(news: GroupNews): void {
    const pending = this.pendingOf(news.group);
    if (news.primitive === 'LeaveGroupIndication') {
      pending.out ??= news;
      return;
    }
    if (pending.out !== undefined) return;
    pending.notice ??= news;
    for (const mapping of news.joined) precede(mapping, pending.joined, pending.left);
    for (const mapping of news.left) precede(mapping, pending.left, pending.joined);
    for (const property of news.properties ?? []) {
      if (!pending.properties.has(property.name)) pending.properties.set(property.name, property);
    }
  }

  /** The next piece of news, taken out. */
  next(): GroupNews | undefined {
    for (const [group, pending] of this.groups) {
      const { out } = pending;
      if (out !== undefined) {
        pending.out = undefined;
        if (pending.notice === undefined) this.groups.delete(group);
        return out;
      }
      this.groups.delete(group);
      const notice = noticeOf(pending);
      if (notice !== undefined) return notice;
    }
    return undefined;
  }

  /** Takes out all news of one group. */
  take(group: GroupAddress): readonly GroupNews[] {
    const pending = this.groups.get(group);
    if (pending === undefined) return [];
    this.groups.delete(group);
    return [pending.out ?? [], noticeOf(pending) ?? []].flat();
  }

  private pendingOf(group: GroupAddress): Pending {
    const known = this.groups.get(group);
    if (known !== undefined) return known;
    const pending = empty();
    this.groups.set(group, pending);
    return pending;
  }
}

function empty(): Pending {
  return { out: undefined, notice: undefined, joined: new Map(), left: new Map(), properties: new Map() };
}

function changesIn({ joined, left, properties }: Pending): number {
  return joined.size + left.size + properties.size;
}

/** A change after those that wait: it undoes the opposite one. */
function follow(mapping: ScreenMapping, here: Changes, opposite: Changes): void {
  if (!opposite.delete(keyOf(mapping))) here.set(keyOf(mapping), mapping);
}

/** A change before those that wait, which the client may know of already: the later one holds. */
function precede(mapping: ScreenMapping, here: Changes, opposite: Changes): void {
  const key = keyOf(mapping);
  if (!here.has(key) && !opposite.has(key)) here.set(key, mapping);
}

function shorten(changes: Changes): void {
  for (const key of changes.keys()) {
    if (changes.size <= MAX_CHANGES) return;
    changes.delete(key);
  }
}

/** undefined = all of it cancelled out. */
function noticeOf(pending: Pending): GroupChangeNotice | undefined {
  const { notice, joined, left, properties } = pending;
  if (notice === undefined || changesIn(pending) === 0) return undefined;
  const { properties: _latest, ...origin } = notice;
  return {
    ...origin,
    joined: [...joined.values()],
    left: [...left.values()],
    ...(properties.size === 0 ? {} : { properties: [...properties.values()] }),
  };
}
