// Users of the scripted homeserver, one after the other, all called Dave: each follows invitations, keeps books about what
// ghosts write, reads it, and writes into the chat.

import { eventually } from '../eventually.ts';
import type { Ledger } from '../kill/ledger.ts';
import type { Pusher } from './pusher.ts';
import type { Rooms, TimelineEvent } from './rooms.ts';

/** Until an invitation has been followed, through deaths and restarts, ms. */
const CHAT_MS = 30_000;

interface Place {
  readonly rooms: Rooms;
  readonly pusher: Pusher;
}

export class Dave {
  readonly name = 'dave';
  /** What the gateway told him in place of a message. */
  readonly notices: string[] = [];
  readonly #place: Place;
  readonly #ledger: Ledger;
  readonly #serverName: string;
  readonly #ghosts: string;
  #generation = 0;
  #room = '';
  #count = 0;

  /** `ghosts`: how the ids of ghosts begin. */
  constructor(place: Place, ledger: Ledger, { serverName, ghosts }: { serverName: string; ghosts: string }) {
    this.#serverName = serverName;
    this.#place = place;
    this.#ledger = ledger;
    this.#ghosts = ghosts;
    place.rooms.listeners.push((event) => this.#heard(event));
  }

  get id(): string {
    return `@dave${this.#generation}:${this.#serverName}`;
  }

  /** As WV users call him. */
  get user(): string {
    return `wv:dave${this.#generation}%40${this.#serverName}@matrix.wv.test`;
  }

  /** The next one, who knows nobody. */
  renew(): void {
    this.#generation += 1;
    this.#room = '';
  }

  /** Waits until he and a ghost are in a chat. */
  async together(ghost: string): Promise<void> {
    await eventually(
      'dave and the ghost are in a chat',
      () => {
        const members = this.#place.rooms.members(this.#room);
        return members.get(this.id) === 'join' && members.get(ghost) === 'join';
      },
      CHAT_MS,
    );
  }

  /** Opens a chat with a ghost. */
  invite(ghost: string): void {
    this.#room = this.#place.rooms.create(this.id, {}, [ghost]);
  }

  /** The next message into the chat. */
  write(to: string): void {
    this.#count += 1;
    const flow = { from: this.name, to };
    const content = { msgtype: 'm.text', body: this.#ledger.text(flow, this.#count) };
    this.#place.rooms.send(this.#room, this.id, { type: 'm.room.message', content });
    this.#ledger.noteAccepted(flow);
  }

  #heard(event: TimelineEvent): void {
    const { type, sender, room_id: room, content } = event;
    if (!sender.startsWith(this.#ghosts)) return;
    if (type === 'm.room.member' && event.state_key === this.id && content['membership'] === 'invite') {
      this.#room ||= room;
      // After the event that it answers.
      setImmediate(() => this.#place.rooms.move(room, this.id, 'join'));
    }
    if (type !== 'm.room.message') return;
    const body = String(content['body']);
    if (content['msgtype'] === 'm.notice') this.notices.push(body);
    else this.#ledger.noteArrived(this.name, body);
    const receipt = { [event.event_id]: { 'm.read': { [this.id]: { ts: event.origin_server_ts } } } };
    this.#place.pusher.pushEphemeral({ type: 'm.receipt', room_id: room, content: receipt });
  }
}
