// Whispers: direct chats titled "NAME in GROUP" between a ghost and a Matrix user, who knows the other by a screen name
// (bridging.md 1, 7.3: Matrix has no whispers in rooms). What the Matrix user writes there goes back as a whisper.

import type { RelayPort } from '../../src/sap/port.ts';
import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { GroupAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { Message, Party } from '../../src/wv/message.ts';
import { isSuccess, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import { HomeserverError, isNotNow, notDelivered } from './errors.ts';
import { isRecord, text } from './events.ts';
import type { RoomEvent } from './events.ts';
import { groupText } from './group-text.ts';
import { messageIdOf, transactionId } from './ids.ts';
import type { MatrixUserId, RoomId } from './ids.ts';
import { NotNow } from './inbox.ts';
import { Lru } from './lru.ts';
import { MARK } from './messages-out.ts';
import type { Notices } from './notices.ts';
import type { OutgoingFiles } from './outgoing-files.ts';
import { SerialQueues } from './queues.ts';
import type { RoomCalls } from './room-calls.ts';

/** Who whispers with whom, in which group. */
export interface Whisperers {
  readonly ghost: MatrixUserId;
  readonly peer: MatrixUserId;
  readonly group: GroupAddress;
  /** The screen names of both. */
  readonly ghostName: string;
  readonly peerName: string;
  /** Whose ghost it is; undefined: a screen name of a group of this server, whose home knows. */
  readonly user?: UserAddress;
}

/** `away`: the Matrix user left. `closed`: he put the ghost out, and does not want to hear from it. */
interface WhisperRoom extends Whisperers {
  readonly room: RoomId;
  readonly state: 'open' | 'away' | 'closed';
}

export interface WhispersOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly calls: RoomCalls;
  readonly addresses: MatrixAddresses;
  readonly notices: Notices;
  readonly files: OutgoingFiles;
}

/** In the content of m.room.create, so that no room of ours is orphaned by a crash. */
const CREATED = 'org.wvgate.whisper';
const REMEMBERED = 5_000;
const LIFETIME_MS = 7 * 24 * 60 * 60_000;
const RELAY_TRIES = 6;

export class Whispers {
  readonly #options: WhispersOptions;
  readonly #byRoom = new Lru<RoomId, string>(REMEMBERED);
  readonly #pairs = new SerialQueues();

  constructor(options: WhispersOptions) {
    this.#options = options;
  }

  /**
   * Says something in the chat of the two, once for each message id; the chat is made at first need.
   * @throws HomeserverError; 403 when the Matrix user does not want to hear of it
   */
  async say(message: Message, who: Whisperers): Promise<void> {
    await this.#pairs.run(keyOf(who), () => this.#say(message, who));
  }

  /** True when the event was in such a chat, so that it is nobody else's business. */
  async handle(event: RoomEvent, attempt: number): Promise<boolean> {
    if (event.type === 'm.room.create') return await this.#adopt(event);
    const chat = await this.#inRoom(event.room);
    if (chat === undefined) return false;
    if (event.type === 'm.room.member') await this.#member(chat, event);
    else if (event.type === 'm.room.encryption') await this.#close(chat);
    else if (event.sender === chat.peer) await this.#answer(chat, event, attempt);
    return true;
  }

  /** A Matrix user opened a chat with the ghost of a screen name. */
  async opened(who: Whisperers, room: RoomId): Promise<void> {
    await this.#write({ ...who, room, state: 'open' });
  }

  async #say(message: Message, who: Whisperers): Promise<void> {
    const { client, relay, files } = this.#options;
    const chat = await this.#ready(who);
    const known = await relay.storage.remoteOf(message.id);
    if (known?.conversation === chat.room) return;
    const body = { ...(await files.contentOf(message, who.ghost)), [MARK]: message.id };
    const transaction = transactionId(chat.room, who.ghost, message.id, 'whisper');
    const event = await client.sendMessage(who.ghost, chat.room, body, transaction);
    await relay.storage.link(chat.room, event, message.id);
  }

  async #ready(who: Whisperers): Promise<WhisperRoom> {
    const { calls } = this.#options;
    const chat = await this.#find(keyOf(who));
    if (chat?.state === 'open') return chat;
    if (chat?.state === 'closed') throw new HomeserverError({ status: 403, errcode: 'M_FORBIDDEN' });
    if (chat === undefined) return await this.#create(who);
    await calls.act(who.ghost, chat.room, 'invite', who.peer);
    return await this.#write({ ...chat, state: 'open' });
  }

  async #create(who: Whisperers): Promise<WhisperRoom> {
    const room = await this.#options.calls.create(who.ghost, {
      name: `${who.ghostName} in ${groupTitle(who.group)}`,
      invite: [who.peer],
      isDirect: true,
      listed: false,
      state: [],
      powerLevels: {},
      creationContent: { [CREATED]: who },
    });
    return await this.#write({ ...who, room, state: 'open' });
  }

  /** A chat that we made and forgot (killed between the homeserver's answer and our note). */
  async #adopt({ sender, room, content }: RoomEvent): Promise<boolean> {
    const who = content[CREATED];
    // What others write there means nothing; the gateway's own ghosts wrote it whole.
    if (!isRecord(who) || who['ghost'] !== sender || !this.#options.addresses.isOurs(sender)) return false;
    const wanted = who as unknown as Whisperers;
    await this.#pairs.run(keyOf(wanted), async () => {
      if ((await this.#find(keyOf(wanted))) === undefined)
        await this.#write({ ...wanted, room, state: 'open' });
    });
    return true;
  }

  async #member(chat: WhisperRoom, { stateKey, sender, content }: RoomEvent): Promise<void> {
    const membership = text(content, 'membership');
    const isOut = membership === 'leave' || membership === 'ban';
    if (stateKey === chat.ghost && sender !== chat.ghost && isOut)
      await this.#write({ ...chat, state: 'closed' });
    if (stateKey !== chat.peer || chat.state === 'closed') return;
    if (isOut) await this.#write({ ...chat, state: 'away' });
    else if (membership === 'join') await this.#write({ ...chat, state: 'open' });
  }

  async #close(chat: WhisperRoom): Promise<void> {
    const { client, notices } = this.#options;
    await notices.once(chat.ghost, chat.room, 'encrypted', 'Encrypted messages cannot be bridged.');
    await client.leave(chat.ghost, chat.room);
    await this.#options.relay.storage.delete(keyOf(chat));
  }

  async #answer(chat: WhisperRoom, event: RoomEvent, attempt: number): Promise<void> {
    const { relay, notices } = this.#options;
    const body = groupText(event, chat.peerName);
    if (body === undefined || event.content['msgtype'] === 'm.notice') return;
    const id = messageIdOf(event.room, event.id);
    await relay.storage.link(event.room, event.id, id);
    const outcome = await this.#emit(chat, this.#message(chat, id, event.sentAt, body));
    if (isNotNow(outcome) && attempt < RELAY_TRIES) throw new NotNow();
    if (isSuccess(outcome) && outcome.code !== 201) return;
    await notices.once(chat.ghost, chat.room, `failed ${event.id}`, notDelivered(outcome));
  }

  #message(chat: WhisperRoom, id: MessageId, sentAt: number, body: string): Message {
    const { addresses, relay } = this.#options;
    const { group, user, peer, ghostName, peerName } = chat;
    const now = relay.clock.now();
    const named = (screenName: string) => ({ kind: 'group', group, screenName }) as const;
    const ends: Pick<Message, 'sender' | 'recipients' | 'addressedTo'> =
      user === undefined
        ? {
            sender: { kind: 'user', user: addresses.addressOf(peer) as UserAddress },
            recipients: [named(ghostName)],
          }
        : {
            sender: named(peerName),
            recipients: [{ kind: 'user', user } satisfies Party],
            addressedTo: named(ghostName),
          };
    return {
      ...ends,
      id: trusted<MessageId>(id),
      sentAt: sentAt > 0 ? Math.min(sentAt, now) : now,
      expiresAt: now + LIFETIME_MS,
      content: { contentType: 'text/plain', encoding: 'none', data: body },
    };
  }

  async #emit({ group, user }: WhisperRoom, message: Message): Promise<Result> {
    const { relay } = this.#options;
    const { sender } = message;
    const answer = await relay.emit({
      primitive: 'SendMessageRequest',
      meta:
        user === undefined && sender.kind === 'user'
          ? { service: serviceAddress(domainOf(sender.user)), user: sender.user }
          : { service: serviceAddress(domainOf(group)) },
      deliveryReport: false,
      repeatable: true,
      message,
    });
    return 'result' in answer ? answer.result : result(500);
  }

  async #inRoom(room: RoomId): Promise<WhisperRoom | undefined> {
    const key = this.#byRoom.get(room) ?? (await this.#options.relay.storage.get(`whisper-room ${room}`));
    if (key === undefined) return undefined;
    this.#byRoom.set(room, key);
    const chat = await this.#find(key);
    return chat?.room === room ? chat : undefined;
  }

  async #find(key: string): Promise<WhisperRoom | undefined> {
    const stored = await this.#options.relay.storage.get(key);
    return stored === undefined ? undefined : (JSON.parse(stored) as WhisperRoom);
  }

  async #write(chat: WhisperRoom): Promise<WhisperRoom> {
    const { storage } = this.#options.relay;
    await storage.put(`whisper-room ${chat.room}`, keyOf(chat));
    await storage.put(keyOf(chat), JSON.stringify(chat));
    return chat;
  }
}

/** User ids and addresses hold no blanks. */
function keyOf({ ghost, peer, group }: Whisperers): string {
  return `whisper ${ghost} ${peer} ${group}`;
}

/** What people call a group: its address without scheme. */
function groupTitle(group: GroupAddress): string {
  return decodeURIComponent(group.slice(group.indexOf('/') + 1, group.lastIndexOf('@')));
}
