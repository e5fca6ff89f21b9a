// The guests' side of groups: what groups, here or elsewhere, tell users of this server.

import { domainOf } from '../wv/address.ts';
import type {
  DeliveryStatusReport,
  GroupChangeNotice,
  LeaveGroupIndication,
  Status,
} from '../wv/primitives.ts';
import { status } from '../wv/primitives.ts';
import { OK } from '../wv/status.ts';
import type { Homes } from './home.ts';

/** Why a group did not take a message of somebody who is not in it (any more): gone, unknown to it, expelled. */
const OUT: ReadonlySet<number> = new Set([800, 808, 809]);

export class GroupGuests {
  private readonly homes: Homes;

  constructor(deps: { homes: Homes }) {
    this.homes = deps.homes;
  }

  /** Hands news to the live clients of the users; each knows which groups it joined. News are not kept for others. */
  told(news: GroupChangeNotice | LeaveGroupIndication): Status {
    const users = news.primitive === 'GroupChangeNotice' ? news.recipients : news.users;
    if (news.primitive === 'LeaveGroupIndication' && users.length === 0) this.allOut(news);
    for (const user of users) {
      const home = this.homes.peek(user);
      if (home === undefined) continue;
      for (const client of home.clients) client.groupNews(news);
    }
    return status(OK);
  }

  /** Baraza names nobody when a group ends (observed-peer section 12): everybody of this server who is in it. */
  private allOut(news: LeaveGroupIndication): void {
    for (const { address, clients } of this.homes.online()) {
      for (const client of clients) {
        if (client.hasJoined(news.group)) client.groupNews({ ...news, users: [address] });
      }
    }
  }

  /**
   * The home of another domain's group forgot the sender (it lost its data, or put him out while this server could not
   * be told): his clients are out, learn it, and can join again.
   */
  reported({ meta, sender, recipient, outcome }: DeliveryStatusReport): void {
    if (recipient.kind !== 'group' || domainOf(recipient.group) === this.homes.domain) return;
    if (!OUT.has(outcome.code)) return;
    const { group } = recipient;
    const [primitive, result] = ['LeaveGroupIndication', { code: outcome.code }] as const;
    for (const client of this.homes.peek(sender)?.clients ?? []) {
      if (client.hasJoined(group)) client.groupNews({ primitive, meta, group, users: [sender], result });
    }
  }
}
