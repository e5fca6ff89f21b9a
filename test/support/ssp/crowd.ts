// People of two servers who write to each other, all at the same time, and two who watch each other; with books.

import type { WvClient } from '../../../src/client/client.ts';
import { simple } from '../../../src/wv/presence.ts';
import { eventually } from '../eventually.ts';
import { Ledger } from '../kill/ledger.ts';
import type { Side, TwoHouses } from './two-houses.ts';

interface Member {
  readonly user: string;
  readonly client: WvClient;
  /** Whom he writes to, in turns: people of the other side. */
  readonly friends: Member[];
  sent: number;
}

/** One message in so many asks for a report. */
const REPORTED = 10;
const FRIENDS = 2;

export class Crowd {
  readonly ledger = new Ledger('crowd');
  readonly #houses: TwoHouses;
  readonly #people: Member[] = [];
  readonly #watchers: { readonly publisher: Member; seen: string | undefined }[] = [];
  /** MessageIDs with reports: how often each came. */
  readonly #reports = new Map<string, number>();

  private constructor(houses: TwoHouses) {
    this.#houses = houses;
  }

  /** So many people on each side, logged in; the first of each side watches the first of the other. */
  static async gather(houses: TwoHouses, perSide: number): Promise<Crowd> {
    const crowd = new Crowd(houses);
    const gathered = async (side: Side, name: string): Promise<Member[]> => {
      const members: Member[] = [];
      for (let count = 0; count < perSide; count += 1) members.push(await crowd.#admit(side, name));
      return members;
    };
    const [ours, theirs] = [await gathered(houses.a, 'ann'), await gathered(houses.b, 'bea')];
    for (const [members, others] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      for (const [at, member] of members.entries()) {
        for (let next = 0; next < FRIENDS; next += 1) {
          const friend = others[(at + next) % others.length];
          if (friend !== undefined) member.friends.push(friend);
        }
      }
      await crowd.#watch(members[0], others[0]);
    }
    return crowd;
  }

  async #admit(side: Side, name: string): Promise<Member> {
    const { user, client } = await side.somebody(name);
    client.on('message', ({ text }) => this.ledger.noteArrived(user, text));
    client.on('report', ({ message: { id }, outcome }) => {
      if (outcome.code !== 200) this.ledger.violation(`${user} was told ${outcome.code} of ${id}`);
      this.#reports.set(id, (this.#reports.get(id) ?? 0) + 1);
    });
    client.on('error', ({ error }) => this.ledger.violation(`${user}: ${error.message}`));
    const member = { user, client, friends: [], sent: 0 };
    this.#people.push(member);
    return member;
  }

  async #watch(watcher?: Member, publisher?: Member): Promise<void> {
    if (watcher === undefined || publisher === undefined) return;
    const sight = { publisher, seen: undefined as string | undefined };
    this.#watchers.push(sight);
    watcher.client.on('presence', ({ user, attributes }) => {
      if (user === publisher.user && attributes.StatusText !== undefined)
        sight.seen = String(attributes.StatusText.value ?? '');
    });
    const asked = publisher.client.next('authorization', ({ user }) => user === watcher.user);
    await watcher.client.subscribe({ users: [publisher.user], attributes: ['StatusText'] });
    await asked;
    await publisher.client.answerAuthorization(watcher.user, true);
    await this.publish('here');
    await eventually('the first presence', () => sight.seen === 'here');
  }

  /** Everybody writes so many messages, as fast as he is answered. */
  async write(each: number): Promise<void> {
    await Promise.all(
      this.#people.map(async (member) => {
        for (let count = 0; count < each; count += 1) await this.#writeOne(member);
      }),
    );
  }

  /** Messages from `from` to `to` are numbered; friends take turns, so each flow counts for itself. */
  async #writeOne(member: Member): Promise<void> {
    const friend = member.friends[member.sent % FRIENDS];
    if (friend === undefined) return;
    const number = Math.floor(member.sent / FRIENDS) + 1;
    member.sent += 1;
    const flow = { from: member.user, to: friend.user };
    const deliveryReport = member.sent % REPORTED === 0;
    const content = this.ledger.text(flow, number);
    const { id = '' } = await member.client.sendMessage({
      to: { user: friend.user },
      content,
      deliveryReport,
    });
    this.ledger.noteAccepted(flow);
    if (deliveryReport && !this.#reports.has(id)) this.#reports.set(id, 0);
  }

  /** The watched say how they are. */
  async publish(status: string): Promise<void> {
    for (const { publisher } of this.#watchers) {
      await publisher.client.updatePresence({ StatusText: simple(status) });
    }
  }

  /** Everything has come, reports too, presence is `status` everywhere, and nothing waits to be sent. */
  async settled(status: string, withinMs: number): Promise<void> {
    const missing: string[] = [];
    await eventually(
      () => `all is well (${missing.join('; ')})`,
      async () => {
        missing.length = 0;
        const { accepted, arrived } = this.ledger;
        if (arrived < accepted) missing.push(`${arrived} of ${accepted} arrived`);
        const unreported = [...this.#reports.values()].filter((count) => count === 0).length;
        if (unreported > 0) missing.push(`${unreported} reports`);
        for (const { publisher, seen } of this.#watchers) {
          if (seen !== status) missing.push(`${publisher.user} is seen as ${seen ?? 'nothing'}`);
        }
        if (missing.length === 0) missing.push(...(await this.#waiting()));
        return missing.length === 0;
      },
      withinMs,
    );
  }

  async #waiting(): Promise<string[]> {
    const waiting: string[] = [];
    for (const { domain, house } of [this.#houses.a, this.#houses.b]) {
      const other = domain === 'a.test' ? 'b.test' : 'a.test';
      const entries = await house.store.outboxOf(`ssp:${other}`, 0, 10);
      if (entries.length > 0) waiting.push(`${entries.length} wait at ${domain}`);
    }
    return waiting;
  }

  violations(): readonly string[] {
    const doubled = [...this.#reports].filter(([, count]) => count > 1);
    return [
      ...this.ledger.violations(),
      ...doubled.map(([id, count]) => `the report of ${id} came ${count} times`),
    ];
  }
}
