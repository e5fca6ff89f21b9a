// The rooms of the scripted homeserver: who is in them, and what happened there.

export interface TimelineEvent {
  readonly type: string;
  readonly event_id: string;
  readonly room_id: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  readonly content: Readonly<Record<string, unknown>>;
  readonly state_key?: string;
}

type Membership = 'invite' | 'join' | 'leave';

interface Room {
  readonly members: Map<string, Membership>;
  readonly timeline: TimelineEvent[];
}

interface Sending {
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** Of an application service: a second send with it is the same event. */
  readonly transaction?: string;
}

export class Rooms {
  /** Told of every new event, in this order. */
  readonly listeners: ((event: TimelineEvent) => void)[] = [];
  readonly #serverName: string;
  readonly #rooms = new Map<string, Room>();
  /** As Synapse does it: by room, type and transaction, whichever ghost sends. */
  readonly #transactions = new Map<string, string>();
  #events = 0;

  constructor(serverName: string) {
    this.#serverName = serverName;
  }

  /** Every room there is. */
  get ids(): string[] {
    return [...this.#rooms.keys()];
  }

  create(creator: string, content: object, invited: readonly string[]): string {
    const room = `!r${this.#rooms.size + 1}:${this.#serverName}`;
    this.#rooms.set(room, { members: new Map(), timeline: [] });
    this.#add(room, creator, { type: 'm.room.create', content: { ...content } }, '');
    this.move(room, creator, 'join');
    for (const user of invited) this.move(room, user, 'invite', creator);
    return room;
  }

  /** True unless somebody enters a room that he was not invited to, or leaves one that he is not in. */
  mayMove(room: string, user: string, membership: Membership): boolean {
    const now = this.#rooms.get(room)?.members.get(user);
    if (!this.#rooms.has(room)) return false;
    if (membership === 'invite') return now !== 'join';
    return now === 'invite' || now === 'join';
  }

  move(room: string, user: string, membership: Membership, sender: string = user): void {
    const known = this.#room(room);
    if (known.members.get(user) === membership) return;
    known.members.set(user, membership);
    this.#add(room, sender, { type: 'm.room.member', content: { membership } }, user);
  }

  /** Returns the id of the event. */
  send(room: string, sender: string, { type, content, transaction }: Sending): string {
    const key = `${room} ${type} ${transaction ?? ''}`;
    const known = transaction === undefined ? undefined : this.#transactions.get(key);
    if (known !== undefined) return known;
    const id = this.#add(room, sender, { type, content });
    if (transaction !== undefined) this.#transactions.set(key, id);
    return id;
  }

  members(room: string): ReadonlyMap<string, Membership> {
    return this.#rooms.get(room)?.members ?? new Map<string, Membership>();
  }

  timeline(room: string): readonly TimelineEvent[] {
    return this.#rooms.get(room)?.timeline ?? [];
  }

  #add(room: string, sender: string, { type, content }: Sending, stateKey?: string): string {
    this.#events += 1;
    const event: TimelineEvent = {
      type,
      event_id: `$e${this.#events}`,
      room_id: room,
      sender,
      origin_server_ts: Date.now(),
      content,
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
    };
    this.#room(room).timeline.push(event);
    for (const listener of this.listeners) listener(event);
    return event.event_id;
  }

  #room(room: string): Room {
    const known = this.#rooms.get(room);
    if (known === undefined) throw new Error(`no room ${room}`);
    return known;
  }
}
