// What our users in a room of Matrix are told of it: who came and went, a new topic, that they are out.

import type { GroupProperty } from '../../../src/wv/primitives.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { MatrixUserId } from '../ids.ts';
import { hand, headOf, mappingOf } from './context.ts';
import type { GuestContext } from './context.ts';
import { present } from './guests.ts';
import type { Guest, GuestRoom } from './guests.ts';

type Named = readonly [user: MatrixUserId, screenName: string];

export interface RoomNews {
  readonly joined?: readonly Named[];
  readonly left?: readonly Named[];
  readonly properties?: readonly GroupProperty[];
}

export class RoomNotices {
  readonly #context: GuestContext;

  constructor(context: GuestContext) {
    this.#context = context;
  }

  /** Tells those who want to know; nobody is told of himself. */
  async changed(
    room: GuestRoom,
    { joined = [], left = [], properties }: RoomNews,
    attempt: number,
  ): Promise<void> {
    const about = new Set<string>([...joined, ...left].map(([user]) => user));
    const viewers = present(room).filter(
      ({ clients, ghost }) => !about.has(ghost) && [...clients.values()].includes(true),
    );
    const mapped = (named: readonly Named[]) =>
      named.map(([user, name]) => mappingOf(this.#context, user, name));
    for (const together of byGroup(viewers)) {
      const [first] = together;
      if (first === undefined) continue;
      const notice = {
        primitive: 'GroupChangeNotice',
        ...headOf(first),
        recipients: together.map(({ user }) => user),
        joined: mapped(joined),
        left: mapped(left),
        ...(properties === undefined ? {} : { properties }),
      } as const;
      await hand(this.#context, notice, attempt);
    }
  }

  /** 809 put out, 800 the room is no more. */
  async out(guest: Guest, reason: Result, attempt: number): Promise<void> {
    const { user } = guest;
    await hand(
      this.#context,
      { primitive: 'LeaveGroupIndication', ...headOf(guest), users: [user], result: reason },
      attempt,
    );
  }
}

/** A room has several names, and our users are in it by the one that they used. */
export function byGroup(guests: readonly Guest[]): Iterable<readonly Guest[]> {
  return Map.groupBy(guests, ({ group }) => group).values();
}
