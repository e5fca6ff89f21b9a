// Search over users and groups (csp-transactions 2.1): begun, continued page by page, stopped. Local data only.

import type { Clock } from '../ops/ports.ts';
import type { TextMatch } from '../store/profiles.ts';
import type { Store } from '../store/store.ts';
import type { GroupAddress, UserAddress } from '../wv/ids.ts';
import { result, type Result } from '../wv/status.ts';
import { isBlocked } from './access-control.ts';
import { NO_GROUPS, type GroupFinder } from './group-finder.ts';
import { subjectKey, type Home, type Homes } from './home.ts';
import { presenceOf } from './presence/values.ts';
import {
  isRefusal,
  readCriteria,
  type Criteria,
  type SearchPair,
  type UserCriteria,
} from './search-criteria.ts';

export interface SearchLimits {
  /** Most findings of one search (536 beyond). */
  readonly findings: number;
  /** Results of one answer when the client names no limit, and at most. */
  readonly page: number;
  readonly maxPage: number;
  /** Searches that wait to be continued, of one user and of all; the oldest is forgotten. */
  readonly openPerUser: number;
  readonly open: number;
  /** How long a search waits, milliseconds. */
  readonly life: number;
}

export interface SearchDependencies {
  readonly store: Pick<Store, 'searchUsers'>;
  readonly homes: Homes;
  readonly clock: Clock;
  readonly limits: SearchLimits;
  /** Neighbours see each other's Alias unasked: it may be searched. */
  readonly openAlias: boolean;
  readonly groups?: GroupFinder;
}

/** Addresses in order: all users, or all groups. */
export type Findings =
  | { readonly kind: 'users'; readonly all: readonly UserAddress[] }
  | { readonly kind: 'groups'; readonly all: readonly GroupAddress[] };

/** How many results the client wants in one answer, and how many it can take. */
export interface PageSize {
  readonly wanted?: number | undefined;
  readonly room?: number;
}

export interface SearchPage {
  /** Given while more is to come. */
  readonly searchId: string | undefined;
  readonly total: number;
  /** The number of the last result given so far; counted from 1. */
  readonly index: number;
  readonly complete: boolean;
  readonly page: Findings;
}

interface OpenSearch {
  readonly id: string;
  readonly owner: UserAddress;
  readonly findings: Findings;
  readonly expiresAt: number;
}

const NOTHING: Findings = { kind: 'users', all: [] };

export class Search {
  private readonly deps: SearchDependencies;
  private readonly groups: GroupFinder;
  /** By owner and id; oldest first, as all live equally long. */
  private readonly open = new Map<string, OpenSearch>();
  private lastId: number;

  constructor(deps: SearchDependencies) {
    this.deps = deps;
    this.groups = deps.groups ?? NO_GROUPS;
    // Ids are numbers (phones write them as such) that no run of the server uses again: those of before a restart are
    // unknown (424). They grant nothing: a search is its owner's.
    this.lastId = Math.floor(deps.clock.now() / 1000) % 0x4000_0000;
  }

  /** The first page. 402, 536 too many, 537 too broad, 562 no usable criterion. */
  async begin(
    searcher: UserAddress,
    pairs: readonly SearchPair[],
    size: PageSize = {},
  ): Promise<SearchPage | Result> {
    if (size.wanted === 0) return result(402, 'SearchLimit is 0');
    const { homes, openAlias, limits } = this.deps;
    const criteria = readCriteria(pairs, { domain: homes.domain, openAlias });
    if (isRefusal(criteria)) return criteria;
    const findings = await this.find(searcher, criteria);
    if (findings.all.length > limits.findings) {
      return result(536, `More than ${limits.findings} hits: please be more precise`);
    }
    const results = this.pageSize(size);
    if (findings.all.length <= results) return pageOf(findings, 1, results);
    return pageOf(findings, 1, results, this.keep(searcher, findings));
  }

  /** A page from `index` on, counted from 1. 424 for a search that is not (any more) this user's, 425. */
  continue(
    searcher: UserAddress,
    id: string,
    index: number | undefined,
    size: PageSize = {},
  ): SearchPage | Result {
    const search = this.findOpen(searcher, id);
    if (search === undefined) return result(424);
    if (index === undefined || index < 1 || index > search.findings.all.length) return result(425);
    if (size.wanted === 0) return result(402, 'SearchLimit is 0');
    return pageOf(search.findings, index, this.pageSize(size), search.id);
  }

  /** False = 424. */
  stop(searcher: UserAddress, id: string): boolean {
    const search = this.findOpen(searcher, id);
    return search !== undefined && this.open.delete(key(searcher, search.id));
  }

  /** Users for somebody of another network: by any of their names, or by a number with `+`. In address order. */
  async findUsers(query: string, limit: number): Promise<readonly UserAddress[]> {
    const texts = textsOf(query, this.deps.openAlias);
    if (texts.length === 0) return [];
    const users = await this.deps.store.searchUsers({ texts }, limit);
    return users.toSorted();
  }

  /** Searches that wait to be continued. */
  get size(): number {
    return this.open.size;
  }

  private async find(searcher: UserAddress, criteria: Criteria): Promise<Findings> {
    if (criteria === 'nobody') return NOTHING;
    const limit = this.deps.limits.findings + 1;
    if (criteria.kind === 'groups') {
      const groups = await this.groups.findGroups(searcher, criteria.all, limit);
      return { kind: 'groups', all: groups.toSorted() };
    }
    const users = await this.deps.store.searchUsers(this.userSearch(searcher, criteria), limit);
    return { kind: 'users', all: users.toSorted() };
  }

  private userSearch(searcher: UserAddress, { texts, age, online }: UserCriteria) {
    return {
      texts,
      ...(age === undefined ? {} : { age }),
      ...(online === undefined ? {} : { online: { is: online, among: this.showingOnline(searcher) } }),
    };
  }

  /** Who is online and shows it to everybody, and does not block who asks. */
  private showingOnline(searcher: UserAddress): UserAddress[] {
    const shown: UserAddress[] = [];
    for (const home of this.deps.homes.online()) {
      if (showsOnlineToAll(home) && !isBlocked(home, searcher)) shown.push(home.address);
    }
    return shown;
  }

  private pageSize({ wanted, room = Infinity }: PageSize): number {
    const { page, maxPage } = this.deps.limits;
    return Math.min(wanted ?? page, maxPage, room);
  }

  private keep(owner: UserAddress, findings: Findings): string {
    const { clock, limits } = this.deps;
    this.forgetExpired();
    const own = [...this.open.values()].filter((search) => search.owner === owner);
    for (const old of own.slice(0, Math.max(0, own.length + 1 - limits.openPerUser))) {
      this.open.delete(key(owner, old.id));
    }
    this.lastId += 1;
    const id = String(this.lastId);
    this.open.set(key(owner, id), { id, owner, findings, expiresAt: clock.now() + limits.life });
    if (this.open.size > limits.open) this.open.delete(this.open.keys().next().value as string);
    return id;
  }

  /** COMPAT(libwbxml, baraza): the id may come back as hexadecimal. */
  private findOpen(owner: UserAddress, id: string): OpenSearch | undefined {
    this.forgetExpired();
    const plain = /^0x[\da-f]{1,8}$/i.test(id) ? String(Number(id)) : id;
    return this.open.get(key(owner, plain));
  }

  private forgetExpired(): void {
    const now = this.deps.clock.now();
    for (const [each, { expiresAt }] of this.open) {
      if (expiresAt > now) return;
      this.open.delete(each);
    }
  }
}

/** Words of one search of another network; more do not count. */
const MAX_WORDS = 5;

function textsOf(query: string, openAlias: boolean): TextMatch[] {
  const text = query
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim()
    .replace(/^wv:/i, '');
  const digits = text.replace(/[^\d]/g, '');
  if (/^\+[\d ()/.-]+$/.test(text))
    return digits.length < 6 ? [] : [{ fields: ['mobile'], text: digits, at: 'whole' }];
  const alias = openAlias ? (['published_alias'] as const) : [];
  const fields = ['name', 'first_name', 'last_name', 'alias', 'friendly_name', ...alias] as const;
  const words = text.split(' ').filter((word) => word !== '');
  if (!words.some((word) => [...word].length > 1)) return [];
  return words.slice(0, MAX_WORDS).map((word) => ({ fields, text: word }));
}

function key(owner: UserAddress, id: string): string {
  return `${owner} ${id}`;
}

function showsOnlineToAll(home: Home): boolean {
  const everybody = home.attributeLists.get(subjectKey({ kind: 'default' }));
  return (
    everybody?.attributes.includes('OnlineStatus') === true && presenceOf(home).OnlineStatus?.value === 'T'
  );
}

function pageOf(findings: Findings, from: number, size: number, searchId?: string): SearchPage {
  const total = findings.all.length;
  const index = Math.min(from - 1 + size, total);
  const complete = index === total;
  const page = { kind: findings.kind, all: findings.all.slice(from - 1, index) } as Findings;
  return { searchId, total, index, complete, page };
}
