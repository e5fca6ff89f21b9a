// VerifyID (csp-transactions 2.4): whether addresses lead anywhere.

import { domainOf } from '../wv/address.ts';
import type { Domain, GroupAddress, ListAddress, UserAddress } from '../wv/ids.ts';
import type { ScreenName } from '../wv/message.ts';
import { combine, isSuccess, type DetailedResult, type Result } from '../wv/status.ts';
import type { Asker, GroupQueries } from './group-queries.ts';
import type { Home, Homes } from './home.ts';
import type { Destinations } from './outgoing.ts';

/** What a client wants to know of; addresses are canonical. */
export interface NamedIds {
  readonly users: readonly UserAddress[];
  readonly lists: readonly ListAddress[];
  readonly groups: readonly GroupAddress[];
  readonly screenNames: readonly ScreenName[];
  readonly domains: readonly Domain[];
  /** What is no address. */
  readonly unresolved: readonly DetailedResult[];
}

export class Verification {
  private readonly homes: Homes;
  private readonly groups: GroupQueries;
  private readonly outgoing: Destinations;

  constructor(deps: { homes: Homes; groups: GroupQueries; outgoing: Destinations }) {
    this.homes = deps.homes;
    this.groups = deps.groups;
    this.outgoing = deps.outgoing;
  }

  /**
   * 200 when all exist, else 201, 900 or the one code, with details: 531 user, 516 domain, 700 list, 800 group,
   * 901 screen name. Users of other networks count as existing when their domain can be reached.
   */
  async verify(home: Home, asker: Asker, ids: NamedIds): Promise<Result> {
    const { users, lists, groups, screenNames, domains, unresolved } = ids;
    const looked = await Promise.all([
      ...users.map((user) => this.user(user)),
      ...groups.map((group) => this.group(asker, group)),
      ...screenNames.map((screenName) => this.screenName(asker, screenName)),
    ]);
    const missing = looked.flatMap((failure) => failure ?? []);
    for (const list of lists) if (!home.lists.has(list)) missing.push({ code: 700, lists: [list] });
    for (const domain of domains) {
      if (!this.outgoing.reaches(domain)) missing.push({ code: 516, domains: [domain] });
    }
    const asked = looked.length + lists.length + domains.length;
    return combine(asked - missing.length, [...unresolved, ...missing]);
  }

  private async user(user: UserAddress): Promise<DetailedResult | undefined> {
    const domain = domainOf(user);
    if (domain !== this.homes.domain) {
      return this.outgoing.reaches(domain) ? undefined : { code: 516, users: [user] };
    }
    return (await this.homes.get(user)) === undefined ? { code: 531, users: [user] } : undefined;
  }

  /** A gateway without groups has none. */
  private async group(asker: Asker, group: GroupAddress): Promise<DetailedResult | undefined> {
    const outcome = await this.groups.exists(asker, group);
    if (isSuccess(outcome)) return undefined;
    return { code: outcome.code === 506 ? 800 : outcome.code, groups: [group] };
  }

  private async screenName(asker: Asker, screenName: ScreenName): Promise<DetailedResult | undefined> {
    const outcome = await this.groups.isKnownName(asker, screenName);
    return isSuccess(outcome) ? undefined : { code: outcome.code, screenNames: [screenName] };
  }
}
