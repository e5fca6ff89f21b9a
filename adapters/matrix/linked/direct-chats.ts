// The direct chats of a linked account: which rooms of its m.direct are bridged, with whom, and as what its phone sees
// them. To whoever sends and receives they are portals. Only rooms that the account is in of its own are ever used
// (bridging 10: a puppet joins no room of somebody else's list).

import type { AccountGroup, RelayPort } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { HomeserverClient } from '../client.ts';
import { HomeserverError } from '../errors.ts';
import type { MatrixUserId, RoomId } from '../ids.ts';
import type { PeerNames } from '../peer-names.ts';
import type { Portal } from '../portals.ts';
import { SerialQueues } from '../queues.ts';
import type { AccountCalls, DirectMap } from './account-calls.ts';
import { DirectRooms } from './direct-rooms.ts';

/**
 * `open`: it can be written to. `left`: the other left. `encrypted`: cannot be read. `crowded`: more than two are in it.
 * `outside`: the account is not in it.
 */
export type ChatState = 'open' | 'left' | 'encrypted' | 'crowded' | 'outside';

interface Chat {
  readonly peer: MatrixUserId;
  readonly room: RoomId;
  readonly state: ChatState;
}

export interface DirectChatsOptions {
  /** The account's own. */
  readonly relay: RelayPort;
  readonly user: UserAddress;
  readonly self: MatrixUserId;
  readonly client: HomeserverClient;
  readonly calls: AccountCalls;
  readonly addresses: MatrixAddresses;
  readonly names: PeerNames;
  /** Chats taken; the rest is left out. */
  readonly limit: number;
}

const KEY = 'chat ';
/** What the contact lists are called. */
const READABLE = { group: '', displayName: 'Matrix' } as const;
const ENCRYPTED = { group: 'encrypted', displayName: 'Matrix: encrypted, not readable' } as const;

export class DirectChats {
  readonly #options: DirectChatsOptions;
  readonly #rooms: DirectRooms;
  readonly #pairs = new SerialQueues();
  /** In the order of m.direct: of several chats with one person the last is used. Bounded by `limit`. */
  #chats = new Map<RoomId, Chat>();
  /** Rooms that were made here and that m.direct has not named yet. */
  readonly #made = new Set<RoomId>();
  #leftOut = 0;

  constructor(options: DirectChatsOptions) {
    this.#options = options;
    this.#rooms = new DirectRooms(options);
  }

  /** Rooms in m.direct beyond the limit. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** All of m.direct, within the limit: in any of them something may change. */
  get rooms(): readonly RoomId[] {
    return [...this.#chats.keys()];
  }

  get peers(): readonly MatrixUserId[] {
    return [...new Set([...this.#chats.values()].map(({ peer }) => peer))];
  }

  /** What was known at the last stop. */
  async load(): Promise<void> {
    for (const [key, value] of await this.#options.relay.storage.list(KEY)) {
      const chat = JSON.parse(value) as Omit<Chat, 'room'>;
      const room = key.slice(KEY.length) as RoomId;
      this.#chats.set(room, { ...chat, room });
    }
  }

  /** m.direct as it is now. Rooms that are new in it are looked at. */
  async follow(direct: DirectMap): Promise<void> {
    const { addresses, self, limit, relay } = this.#options;
    const wanted = [...direct].flatMap(([peer, rooms]) =>
      peer === self || addresses.addressOf(peer) === undefined ? [] : rooms.map((room) => ({ peer, room })),
    );
    this.#leftOut = Math.max(0, wanted.length - limit);
    const before = this.#chats;
    const chats = new Map<RoomId, Chat>();
    for (const { peer, room } of wanted.slice(0, limit)) {
      const known = before.get(room);
      chats.set(room, known?.peer === peer ? known : await this.#look(peer, room));
    }
    for (const room of this.#made) {
      const made = this.#chats.get(room);
      if (chats.has(room)) this.#made.delete(room);
      else if (made !== undefined) chats.set(room, made);
    }
    this.#chats = chats;
    for (const room of before.keys()) if (!chats.has(room)) await relay.storage.delete(KEY + room);
  }

  /** Looks at a room again: somebody came or went, or encryption was switched on. */
  async lookAt(room: RoomId): Promise<void> {
    const known = this.#chats.get(room);
    if (known !== undefined) this.#chats.set(room, await this.#look(known.peer, room));
  }

  /** The contacts, as contact lists. Who has a chat that can be read is not among the others. */
  async contacts(): Promise<readonly AccountGroup[]> {
    const { names, user, addresses } = this.#options;
    const readable: { user: UserAddress; name: string }[] = [];
    const encrypted: { user: UserAddress; name: string }[] = [];
    for (const peer of this.peers) {
      const chat = this.#chatWith(peer);
      const address = addresses.addressOf(peer);
      if (chat === undefined || address === undefined) continue;
      const contact = { user: address, name: await names.nameOf(peer, user) };
      (chat.state === 'encrypted' ? encrypted : readable).push(contact);
    }
    return [
      { ...READABLE, contacts: readable },
      { ...ENCRYPTED, contacts: encrypted },
    ];
  }

  // ---- as portals

  inRoom(room: RoomId): Promise<Portal | undefined> {
    const chat = this.#chats.get(room);
    return Promise.resolve(isUsable(chat) ? this.#portalOf(chat) : undefined);
  }

  find(_user: UserAddress, peer: MatrixUserId): Promise<Portal | undefined> {
    const chat = this.#chatWith(peer);
    return Promise.resolve(isUsable(chat) ? this.#portalOf(chat) : undefined);
  }

  /**
   * The chat with somebody, made or repaired so that a message can be sent.
   * @throws HomeserverError: 404 when there is nobody of that name, 405 when the chat of the two is encrypted
   */
  ensure(_user: UserAddress, peer: MatrixUserId): Promise<Portal> {
    return this.#pairs.run(peer, () => this.#ensure(peer));
  }

  async #ensure(peer: MatrixUserId): Promise<Portal> {
    const { client, self } = this.#options;
    const chat = this.#chatWith(peer);
    if (chat === undefined) return await this.#create(peer);
    // What two keep from their homeservers is not continued in the open.
    if (chat.state === 'encrypted')
      throw new HomeserverError({ status: 405, errcode: 'M_FORBIDDEN', reason: 'the chat is encrypted' });
    if (chat.state === 'left') {
      await client.invite(self, chat.room, peer);
      await this.#note({ ...chat, state: 'open' });
    }
    return this.#portalOf({ ...chat, state: 'open' });
  }

  async #create(peer: MatrixUserId): Promise<Portal> {
    const room = await this.#rooms.create(peer);
    const chat = { peer, room, state: 'open' } as const;
    this.#made.add(room);
    await this.#note(chat);
    return this.#portalOf(chat);
  }

  /** The one to use: the latest that can be written to; else one that can be repaired; else an encrypted one. */
  #chatWith(peer: MatrixUserId): Chat | undefined {
    const theirs = [...this.#chats.values()].filter((chat) => chat.peer === peer);
    const last = (state: ChatState) => theirs.findLast((chat) => chat.state === state);
    return last('open') ?? last('left') ?? last('encrypted');
  }

  #portalOf({ peer, room, state }: Chat): Portal {
    return { user: this.#options.user, peer, room, state: state === 'open' ? 'joined' : 'left' };
  }

  async #look(peer: MatrixUserId, room: RoomId): Promise<Chat> {
    const chat = { peer, room, state: await this.#rooms.stateOf(peer, room) };
    await this.#write(chat);
    return chat;
  }

  async #note(chat: Chat): Promise<void> {
    await this.#write(chat);
    this.#chats.set(chat.room, chat);
  }

  async #write({ room, ...chat }: Chat): Promise<void> {
    await this.#options.relay.storage.put(KEY + room, JSON.stringify(chat));
  }
}

function isUsable(chat: Chat | undefined): chat is Chat {
  return chat?.state === 'open' || chat?.state === 'left';
}
