// What our users in a room of another server are told of it: who came and went, a new topic, that they are out. Bursts
// are told as one; who comes and goes meanwhile is not told at all.

import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { GroupProperty, RequestPrimitive } from '../../../src/wv/primitives.ts';
import { isSuccess } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import { mappingFor, seesWho } from './people.ts';
import type { Guest, Occupant, Room } from './room.ts';

interface News {
  readonly joined: Map<string, Occupant>;
  readonly left: Map<string, Occupant>;
  readonly cancel: () => void;
}

export class RoomNotices {
  readonly #bridge: Bridge;
  readonly #pending = new Map<Room, News>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  came(room: Room, occupant: Occupant): void {
    if (room.present.length === 0) return;
    const { joined, left } = this.#newsOf(room);
    if (!left.delete(occupant.nick)) joined.set(occupant.nick, occupant);
  }

  went(room: Room, occupant: Occupant): void {
    if (room.present.length === 0) return;
    const { joined, left } = this.#newsOf(room);
    if (!joined.delete(occupant.nick)) left.set(occupant.nick, occupant);
  }

  topic(room: Room, subject: string): void {
    this.flush(room);
    this.#changed(room, [], [], [{ name: 'Topic', value: subject }]);
  }

  /** Tells now what there is to tell: whoever enters next need not hear it. */
  flush(room: Room): void {
    const news = this.#pending.get(room);
    if (news === undefined) return;
    news.cancel();
    this.#pending.delete(room);
    const [joined, left] = [[...news.joined.values()], [...news.left.values()]];
    if (joined.length + left.length > 0) this.#changed(room, joined, left);
  }

  /** 809 put out, 800 the room is no more. */
  out({ room, user }: Guest, reason: Result): void {
    this.#tell(room, {
      primitive: 'LeaveGroupIndication',
      ...this.#head(room),
      users: [user],
      result: reason,
    });
  }

  /** The user has another name than before. WV has no notice of that for himself: the room says it. */
  renamed({ room, user, nick }: Guest, before: string): void {
    const { clock, ids } = this.#bridge.relay;
    const { group } = room;
    const now = clock.now();
    const data = `You are called ${nick} here now, no longer ${before}.`;
    this.#tell(room, {
      primitive: 'SendMessageRequest',
      meta: this.#head(room).meta,
      deliveryReport: false,
      message: {
        id: trusted<MessageId>(`r${ids.random(20)}`),
        sender: { kind: 'group', group },
        recipients: [{ kind: 'user', user }],
        addressedTo: { kind: 'group', group },
        sentAt: now,
        expiresAt: now + this.#bridge.settings.messageValidityMs,
        content: { contentType: 'text/plain', encoding: 'none', data },
      },
    });
  }

  stop(): void {
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  #newsOf(room: Room): News {
    const known = this.#pending.get(room);
    if (known !== undefined) return known;
    const { clock } = this.#bridge.relay;
    const cancel = clock.after(this.#bridge.settings.presenceCoalesceMs, () => this.flush(room));
    const news = { joined: new Map<string, Occupant>(), left: new Map<string, Occupant>(), cancel };
    this.#pending.set(room, news);
    return news;
  }

  /** Users who see alike share a notice; nobody is told of himself. */
  #changed(
    room: Room,
    joined: readonly Occupant[],
    left: readonly Occupant[],
    properties?: readonly GroupProperty[],
  ): void {
    const named = new Set([...joined, ...left].map(({ nick }) => nick));
    const subscribed = room.present.filter(({ clients }) => [...clients.values()].includes(true));
    const [apart, together] = partition(subscribed, ({ nick }) => named.has(nick));
    const groups = [...partition(together, seesWho), ...apart.map((guest) => [guest])];
    for (const viewers of groups) {
      const [viewer] = viewers;
      if (viewer === undefined) continue;
      const mapped = (occupants: readonly Occupant[]) =>
        occupants
          .filter(({ nick }) => nick !== viewer.nick)
          .map((occupant) => mappingFor(this.#bridge, viewer, occupant));
      this.#notice(room, viewers, { joined: mapped(joined), left: mapped(left), properties });
    }
  }

  #notice(room: Room, viewers: readonly Guest[], { joined, left, properties }: Told): void {
    if (joined.length + left.length === 0 && properties === undefined) return;
    this.#tell(room, {
      primitive: 'GroupChangeNotice',
      ...this.#head(room),
      recipients: viewers.map(({ user }): UserAddress => user),
      joined,
      left,
      ...(properties === undefined ? {} : { properties }),
    });
  }

  #head(room: Room) {
    return { meta: { service: serviceAddress(domainOf(room.group)) }, group: room.group } as const;
  }

  #tell(room: Room, request: RequestPrimitive): void {
    const { queues, relay } = this.#bridge;
    const telling = queues.run(`tell ${room.jid}`, async () => {
      const { result } = await relay.emit(request);
      if (isSuccess(result)) return;
      relay.metrics.count('xmpp_refused_by_relay_total', {
        primitive: request.primitive,
        code: String(result.code),
      });
    });
    guarded(this.#bridge, 'news of a room', telling);
  }
}

interface Told {
  readonly joined: readonly ReturnType<typeof mappingFor>[];
  readonly left: readonly ReturnType<typeof mappingFor>[];
  readonly properties: readonly GroupProperty[] | undefined;
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [readonly T[], readonly T[]] {
  return [all.filter((one) => test(one)), all.filter((one) => !test(one))];
}
