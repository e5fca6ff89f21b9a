// The guests' side of groups: what groups, here or elsewhere, tell users of this server.

import type { GroupChangeNotice, LeaveGroupIndication, Status } from '../wv/primitives.ts';
import { status } from '../wv/primitives.ts';
import { OK } from '../wv/status.ts';
import type { Homes } from './home.ts';

export class GroupGuests {
  private readonly homes: Homes;

  constructor(deps: { homes: Homes }) {
    this.homes = deps.homes;
  }

  /** Hands news to the live clients of the users; each knows which groups it joined. News are not kept for others. */
  told(news: GroupChangeNotice | LeaveGroupIndication): Status {
    const users = news.primitive === 'GroupChangeNotice' ? news.recipients : news.users;
    for (const user of users) {
      const home = this.homes.peek(user);
      if (home === undefined) continue;
      for (const client of home.clients) client.groupNews(news);
    }
    return status(OK);
  }
}
