// Clients that are gone leave their groups (ssp section 16, "Session loss"). The home of a group of another domain may
// be away then: the leave is kept on disk and told when the domain can be reached again, so that nobody stays behind in
// a group as a ghost.

import { domainOf } from '../wv/address.ts';
import type { Domain, GroupAddress } from '../wv/ids.ts';
import { isSuccess } from '../wv/status.ts';
import type { Clock, Log } from '../ops/ports.ts';
import type { OwedLeave, OwedLeaveStore } from '../store/store.ts';
import type { GroupMembership, Participant } from './group-membership.ts';
import type { Homes } from './home.ts';

/** How long a leave is worth telling: a home that was away longer has its own idea of who is in. */
const WORTH_MS = 86_400_000;
/** Leaves kept for one domain; the oldest go first. */
const PER_DOMAIN = 10_000;
/** Leaves read from disk at once. */
const BATCH = 50;

/** Codes of a client that is not in the group, whoever took it out. */
const OUTSIDE: ReadonlySet<number> = new Set([800, 808]);
/** Codes of a home that could not be asked. */
const AWAY: ReadonlySet<number> = new Set([408, 503, 504]);

/** 'failed': an error of either side, which may be gone the next time. */
type Answered = 'left' | 'refused' | 'failed' | 'away';

export class GroupDepartures {
  private readonly store: OwedLeaveStore;
  private readonly homes: Homes;
  private readonly membership: GroupMembership;
  private readonly clock: Clock;
  private readonly log: Log;
  /** Domains that are being told. */
  private readonly telling = new Map<Domain, Promise<void>>();

  constructor(deps: {
    store: OwedLeaveStore;
    homes: Homes;
    membership: GroupMembership;
    clock: Clock;
    log: Log;
  }) {
    this.store = deps.store;
    this.homes = deps.homes;
    this.membership = deps.membership;
    this.clock = deps.clock;
    this.log = deps.log;
  }

  /** Resolves when every home was told, or it is on disk that it has to be. */
  async leave(participant: Participant, groups: readonly GroupAddress[]): Promise<void> {
    const owedAt = this.clock.now();
    const owed = await Promise.all(
      groups.map(async (group): Promise<readonly OwedLeave[]> => {
        const answered = await this.tell(participant, group);
        // Groups of this server look by themselves who is still there (Groups.reconcile).
        const open = answered === 'away' || answered === 'failed';
        return open && domainOf(group) !== this.homes.domain ? [{ ...participant, group, owedAt }] : [];
      }),
    );
    await this.owe(owed.flat());
  }

  /**
   * A join was not answered in time, so the client was told that it failed; the home of the group may have let it in,
   * or may do so yet. It leaves again. Resolves when that is on disk.
   */
  async withdraw(participant: Participant, group: GroupAddress): Promise<void> {
    const domain = domainOf(group);
    // Groups of this server answer, or do not let in.
    if (domain === this.homes.domain) return;
    await this.owe([{ ...participant, group, owedAt: this.clock.now() }]);
    this.repeatIn(domain).catch((error: unknown) => {
      this.log.error({ err: error, group }, 'a failed join could not be taken back');
    });
  }

  private async owe(owed: readonly OwedLeave[]): Promise<void> {
    if (owed.length === 0) return;
    const dropped = await this.store.putOwedLeaves(owed, PER_DOMAIN);
    if (dropped > 0) this.log.warn({ dropped }, 'groups of other domains will not be left: too many');
  }

  /** Tells the groups of these domains what is owed to them; of all domains, when none are named. */
  async repeat(domains?: readonly Domain[]): Promise<void> {
    const concerned = domains ?? (await this.store.domainsOwedLeaves());
    await Promise.all(concerned.map((domain) => this.repeatIn(domain)));
  }

  /** Forgets what is not worth telling any more. Returns how many. */
  expire(limit: number): Promise<number> {
    return this.store.dropOwedLeaves(this.clock.now() - WORTH_MS, limit);
  }

  private repeatIn(domain: Domain): Promise<void> {
    const work = () => this.work(domain);
    // After one that is under way, which may have found the domain away a moment ago.
    const telling = (this.telling.get(domain) ?? Promise.resolve()).then(work, work).finally(() => {
      if (this.telling.get(domain) === telling) this.telling.delete(domain);
    });
    this.telling.set(domain, telling);
    return telling;
  }

  private async work(domain: Domain): Promise<void> {
    for (;;) {
      const owed = await this.store.owedLeaves(domain, BATCH);
      for (const leave of owed) {
        if (!this.isBack(leave) && (await this.tell(leave, leave.group)) === 'away') return;
        await this.store.deleteOwedLeave(leave);
      }
      if (owed.length < BATCH) return;
    }
  }

  /** The same client has joined again meanwhile. */
  private isBack({ user, clientId, group }: OwedLeave): boolean {
    const { clients = [] } = this.homes.peek(user) ?? {};
    return [...clients].some((client) => client.clientId === clientId && client.hasJoined(group));
  }

  private async tell({ user, clientId }: Participant, group: GroupAddress): Promise<Answered> {
    const request = { primitive: 'LeaveGroupRequest', group } as const;
    const { result } = await this.membership.ask({ user, clientId }, request);
    if (isSuccess(result) || OUTSIDE.has(result.code)) return 'left';
    this.log.warn({ user, group, code: result.code }, 'group not left');
    if (AWAY.has(result.code)) return 'away';
    return result.code === 500 ? 'failed' : 'refused';
  }
}
