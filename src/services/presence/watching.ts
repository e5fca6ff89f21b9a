// The watcher's side of the presence service: what a user's clients watch, and what reaches them.

import { domainOf } from '../../wv/address.ts';
import type { Domain, ServiceAddress, UserAddress } from '../../wv/ids.ts';
import { isEmptyPresence, select, type AttributeFilter } from '../../wv/presence.ts';
import {
  status,
  type PresenceNotification,
  type PresenceValue,
  type ResponsePrimitive,
  type Status,
} from '../../wv/primitives.ts';
import { combine, isSuccess, OK, type DetailedResult, type Result } from '../../wv/status.ts';
import type { Home, Homes } from '../home.ts';
import type { Outgoing } from '../outgoing.ts';

/** Answers for a network that cannot be reached now. */
const AWAY: ReadonlySet<number> = new Set([408, 503, 504]);

export class Watching {
  private readonly homes: Homes;
  private readonly outgoing: Outgoing;
  private readonly service: ServiceAddress;

  constructor(deps: { homes: Homes; outgoing: Outgoing; service: ServiceAddress }) {
    this.homes = deps.homes;
    this.outgoing = deps.outgoing;
    this.service = deps.service;
  }

  /** Asks the publishers' homes for notifications. The caller has noted the interest in the client before. */
  async subscribe(
    watcher: UserAddress,
    publishers: readonly UserAddress[],
    attributes: AttributeFilter | undefined,
  ): Promise<Result> {
    const meta = { service: this.service, user: watcher };
    const answers = await this.perDomain(publishers, (group) =>
      this.outgoing.request({
        primitive: 'SubscribeRequest',
        meta,
        watcher,
        publishers: group,
        ...(attributes === undefined ? {} : { attributes }),
      }),
    );
    // A network that is away is asked again when it returns (sap/gateway-links): that is no failure.
    return merged(
      answers.map((each) => (AWAY.has(each.answer.result.code) ? { ...each, answer: status(OK) } : each)),
    );
  }

  /**
   * Ends watching where no other client of the user still watches. `final`: the user gave these contacts up
   * (bridging 3.4); else the session ended.
   */
  async unsubscribe(home: Home, publishers: Iterable<UserAddress>, final: boolean): Promise<void> {
    const gone: UserAddress[] = [];
    for (const publisher of publishers) {
      const stillWatched = [...home.clients].some((client) => client.interestIn(publisher) !== undefined);
      if (final || !stillWatched) gone.push(publisher);
    }
    await this.perDomain(gone, (group) =>
      this.outgoing.request({
        primitive: 'UnsubscribeRequest',
        meta: { service: this.service, ...(final ? { user: home.address } : {}) },
        watcher: home.address,
        publishers: group,
        final,
      }),
    );
  }

  /** Presence of some users as the watcher may see it now. */
  async getPresence(
    watcher: UserAddress,
    publishers: readonly UserAddress[],
    attributes: AttributeFilter | undefined,
  ): Promise<{ readonly result: Result; readonly values: readonly PresenceValue[] }> {
    const answers = await this.perDomain(publishers, (group) =>
      this.outgoing.request({
        primitive: 'GetPresenceRequest',
        meta: { service: this.service, user: watcher },
        watcher,
        publishers: group,
        ...(attributes === undefined ? {} : { attributes }),
      }),
    );
    const values = answers.flatMap(({ answer }) =>
      answer.primitive === 'GetPresenceResponse' ? answer.values : [],
    );
    return { result: merged(answers), values };
  }

  /** A notification for local watchers: each live client that is interested notes the newest values. */
  notified(request: PresenceNotification): Status {
    for (const watcher of request.watchers) {
      const home = this.homes.peek(watcher);
      if (home === undefined) continue;
      for (const client of home.clients) {
        const interest = client.interestIn(request.publisher);
        if (interest === undefined) continue;
        const wanted = interest === 'all' ? request.attributes : select(request.attributes, interest);
        if (!isEmptyPresence(wanted)) client.presenceChanged(request.publisher, wanted);
      }
    }
    return status({ code: 200 });
  }

  private async perDomain(
    users: readonly UserAddress[],
    ask: (group: readonly UserAddress[]) => Promise<ResponsePrimitive>,
  ): Promise<readonly DomainAnswer[]> {
    const groups = new Map<Domain, UserAddress[]>();
    for (const user of users) {
      const group = groups.get(domainOf(user));
      if (group === undefined) groups.set(domainOf(user), [user]);
      else group.push(user);
    }
    return Promise.all([...groups.values()].map(async (group) => ({ group, answer: await ask(group) })));
  }
}

interface DomainAnswer {
  readonly group: readonly UserAddress[];
  readonly answer: ResponsePrimitive;
}

/** One result out of the answers of several domains, with details that name who failed and why. */
function merged(answers: readonly DomainAnswer[]): Result {
  const failures: DetailedResult[] = [];
  let succeeded = 0;
  for (const { group, answer } of answers) {
    const { result } = answer;
    const failed = result.details?.flatMap((detail) => detail.users ?? []) ?? [];
    if (isSuccess(result) || failed.length > 0) {
      failures.push(...(result.details ?? []));
      succeeded += group.length - new Set(failed).size;
    } else {
      failures.push({ code: result.code, users: group });
    }
  }
  return combine(succeeded, failures);
}
