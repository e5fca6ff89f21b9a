// What a group tells those in it: who joined and left, changed properties, that they are out. Told in the background
// and in order per domain, so that no transaction waits for a slow gateway. Not durable: clients can ask.

import { setImmediate as breathe } from 'node:timers/promises';
import { domainOf } from '../../wv/address.ts';
import type { Domain, GroupAddress, ServiceAddress, UserAddress } from '../../wv/ids.ts';
import type {
  GroupChangeNotice,
  GroupProperty,
  LeaveGroupIndication,
  ScreenMapping,
} from '../../wv/primitives.ts';
import { isSuccess, type Result } from '../../wv/status.ts';
import type { Log } from '../../ops/ports.ts';
import type { Outgoing } from '../outgoing.ts';
import type { GroupHome } from './group-home.ts';

/** A screen name that appeared or went, and whether ordinary users may see who it is. */
export interface PresentName {
  readonly user: UserAddress;
  readonly screenName: string;
  readonly shown: boolean;
}

export interface GroupNews {
  readonly joined: readonly PresentName[];
  readonly left: readonly PresentName[];
  readonly properties?: readonly GroupProperty[];
}

/** Users in one request. */
export const CHUNK = 200;
/** Recipients that may wait for one domain; news beyond are dropped. */
const MAX_WAITING = 200_000;

interface Lane {
  readonly requests: (GroupChangeNotice | LeaveGroupIndication)[];
  recipients: number;
  overflowing: boolean;
  working: Promise<void> | undefined;
}

export class GroupNotices {
  private readonly outgoing: Outgoing;
  private readonly log: Log;
  private readonly service: ServiceAddress;
  private readonly lanes = new Map<Domain, Lane>();

  constructor(deps: { outgoing: Outgoing; log: Log; service: ServiceAddress }) {
    this.outgoing = deps.outgoing;
    this.log = deps.log;
    this.service = deps.service;
  }

  /** Tells the subscribed users, each as much of the names as he may see. */
  changed(home: GroupHome, news: GroupNews, except?: UserAddress): void {
    if (news.joined.length + news.left.length === 0 && news.properties === undefined) return;
    const alike = [...news.joined, ...news.left].every(({ shown }) => shown);
    const subscribers = [...home.joinedUsers()].filter((user) => user !== except && home.isSubscribed(user));
    const privileged = alike ? [] : subscribers.filter((user) => home.seesIds(user));
    const ordinary = alike ? subscribers : subscribers.filter((user) => !home.seesIds(user));
    this.tell(home.address, privileged, news, true);
    this.tell(home.address, ordinary, news, false);
  }

  private tell(
    group: GroupAddress,
    users: readonly UserAddress[],
    news: GroupNews,
    privileged: boolean,
  ): void {
    const visible = ({ user, screenName, shown }: PresentName): ScreenMapping =>
      shown || privileged ? { screenName, user } : { screenName };
    const joined = news.joined.map(visible);
    const left = news.left.map(visible);
    for (const [domain, recipients] of chunksByDomain(users)) {
      this.add(domain, recipients.length, {
        primitive: 'GroupChangeNotice',
        meta: { service: this.service },
        group,
        recipients,
        joined,
        left,
        ...(news.properties === undefined ? {} : { properties: news.properties }),
      });
    }
  }

  /** Tells users that they are out: 809 expelled, 800 deleted. */
  out(group: GroupAddress, users: Iterable<UserAddress>, reason: Result): void {
    for (const [domain, chunk] of chunksByDomain(users)) {
      this.add(domain, chunk.length, {
        primitive: 'LeaveGroupIndication',
        meta: { service: this.service },
        group,
        users: chunk,
        result: reason,
      });
    }
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    for (const lane of this.lanes.values()) await lane.working;
  }

  private add(domain: Domain, recipients: number, request: GroupChangeNotice | LeaveGroupIndication): void {
    const lane = this.lane(domain);
    if (lane.recipients + recipients > MAX_WAITING) {
      if (!lane.overflowing) this.log.warn({ domain }, 'news of groups dropped: too many are waiting');
      lane.overflowing = true;
      return;
    }
    lane.overflowing = false;
    lane.recipients += recipients;
    lane.requests.push(request);
    lane.working ??= this.work(domain, lane).finally(() => (lane.working = undefined));
  }

  private lane(domain: Domain): Lane {
    const known = this.lanes.get(domain);
    if (known !== undefined) return known;
    const lane: Lane = { requests: [], recipients: 0, overflowing: false, working: undefined };
    this.lanes.set(domain, lane);
    return lane;
  }

  private async work(domain: Domain, lane: Lane): Promise<void> {
    // Begins after the transaction that has the news, whose answer should come first.
    await breathe();
    for (let request = lane.requests.shift(); request !== undefined; request = lane.requests.shift()) {
      lane.recipients -= (
        request.primitive === 'GroupChangeNotice' ? request.recipients : request.users
      ).length;
      try {
        const { result } = await this.outgoing.request(request);
        if (!isSuccess(result)) {
          this.log.debug({ domain, group: request.group, code: result.code }, 'news of a group not taken');
        }
      } catch (error) {
        this.log.error({ err: error, domain, group: request.group }, 'news of a group could not be told');
      }
      await breathe();
    }
    this.lanes.delete(domain);
  }
}

/** Users by domain, at most CHUNK at once. */
export function* chunksByDomain(users: Iterable<UserAddress>): Generator<[Domain, readonly UserAddress[]]> {
  const byDomain = Map.groupBy(users, domainOf);
  for (const [domain, all] of byDomain) {
    for (let start = 0; start < all.length; start += CHUNK) yield [domain, all.slice(start, start + CHUNK)];
  }
}
