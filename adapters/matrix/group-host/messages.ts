// Messages of groups of this server, both ways (bridging.md 4, 7, 11): the group's copies become one event in its room,
// however many users of Matrix are in it.

import { createHash } from 'node:crypto';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, MessageId } from '../../../src/wv/ids.ts';
import type { Message, Party } from '../../../src/wv/message.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { HomeserverError, isNotNow, notDelivered, resultOf } from '../errors.ts';
import type { RoomEvent } from '../events.ts';
import { groupText } from '../group-text.ts';
import { messageIdOf, transactionId } from '../ids.ts';
import { NotNow } from '../inbox.ts';
import { MARK } from '../messages-out.ts';
import { announce, tried } from './context.ts';
import type { HostContext } from './context.ts';
import type { Masks } from './masks.ts';
import { memberNamed, memberOf } from './rooms.ts';
import type { HostRoom } from './rooms.ts';

const LIFETIME_MS = 7 * 24 * 60 * 60_000;
const TIMESTAMP_AFTER_MS = 60_000;
const RELAY_TRIES = 6;

/** The id under which a group hands on copies of a message (src/services/groups). */
function copyIdOf(id: MessageId, group: GroupAddress): MessageId {
  return trusted<MessageId>(
    createHash('sha256').update(`${id}\n${group}\n`).digest('base64url').slice(0, 24),
  );
}

export class HostMessages {
  readonly #context: HostContext;
  readonly #masks: Masks;

  constructor(context: HostContext, masks: Masks) {
    this.#context = context;
    this.#masks = masks;
  }

  /** A copy for one user of Matrix. 531 for one who is not in the room: the home then has him leave. */
  async deliver(message: Message, recipient: Party): Promise<Result> {
    const { rooms, relay, queues } = this.#context;
    const { sender, addressedTo, expiresAt } = message;
    if (sender.kind !== 'group' || recipient.kind !== 'user') return result(405);
    const room = rooms.byGroup(sender.group);
    const member = room === undefined ? undefined : memberOf(room, recipient.user);
    if (room === undefined || member === undefined) return result(531);
    if (member.state !== 'in') return result(503, 'He is on his way in');
    if (expiresAt <= relay.clock.now()) return result(542);
    try {
      if (addressedTo?.screenName !== undefined)
        return await this.#whisper(room, message, member.name, member.id);
      return await queues.run(room.id, () => this.#toRoom(room, message, sender.screenName));
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      return resultOf(error);
    }
  }

  /** What a user of Matrix says in the room. */
  async heard(room: HostRoom, event: RoomEvent, attempt: number): Promise<void> {
    const { relay } = this.#context;
    const member = room.members.get(event.sender);
    const body = groupText(event, member?.name ?? '');
    if (body === undefined) return;
    const id = messageIdOf(room.id, event.id);
    const copy = copyIdOf(id, room.group);
    // Before the home is asked: the copies for others of Matrix are this very event.
    await relay.storage.link(room.id, event.id, copy);
    const outcome =
      member?.state === 'in' ? await this.#emit(room, member.user, id, event.sentAt, body) : result(808);
    if (isNotNow(outcome) && attempt < RELAY_TRIES) throw new NotNow();
    relay.metrics.count('matrix_messages_total', { to: 'wv', code: String(outcome.code) });
    if (!isSuccess(outcome) || outcome.code === 201) await this.#undo(room, event, outcome);
  }

  /** A message that the group did not take is seen by nobody: it is withdrawn, and its author told. */
  async #undo(room: HostRoom, event: RoomEvent, outcome: Result): Promise<void> {
    const { calls, addresses } = this.#context;
    const words =
      outcome.code === 816 ? 'Not delivered: you may not speak in this group.' : notDelivered(outcome);
    await tried(this.#context, 'a redaction', () =>
      calls.redact(addresses.bot, room.id, event.id, transactionId(room.id, event.id, 'undo'), words),
    );
    await announce(this.#context, room, `failed ${event.id}`, words);
  }

  async #emit(
    { group }: HostRoom,
    user: NonNullable<ReturnType<typeof memberNamed>>['user'],
    id: MessageId,
    sentAt: number,
    body: string,
  ): Promise<Result> {
    const { relay } = this.#context;
    const now = relay.clock.now();
    const answer = await relay.emit({
      primitive: 'SendMessageRequest',
      meta: { service: serviceAddress(domainOf(user)), user },
      deliveryReport: false,
      repeatable: true,
      message: {
        id,
        sender: { kind: 'user', user },
        recipients: [{ kind: 'group', group }],
        sentAt: sentAt > 0 ? Math.min(sentAt, now) : now,
        expiresAt: now + LIFETIME_MS,
        content: { contentType: 'text/plain', encoding: 'none', data: body },
      },
    });
    return 'result' in answer ? answer.result : result(500);
  }

  async #toRoom(room: HostRoom, message: Message, screenName: string | undefined): Promise<Result> {
    const { relay, client, addresses, files } = this.#context;
    const known = await relay.storage.remoteOf(message.id);
    if (known?.conversation === room.id) return OK;
    // Without a name it is the group that speaks.
    const from = screenName === undefined ? addresses.bot : await this.#masks.ensure(room, { screenName });
    const body = { ...(await files.contentOf(message, from)), [MARK]: message.id };
    const isOld = relay.clock.now() - message.sentAt > TIMESTAMP_AFTER_MS;
    const transaction = transactionId(room.id, message.id, 'group');
    const event = await client.sendMessage(
      from,
      room.id,
      body,
      transaction,
      isOld ? message.sentAt : undefined,
    );
    await relay.storage.link(room.id, event, message.id);
    relay.metrics.count('matrix_messages_total', { to: 'matrix', code: '200' });
    return OK;
  }

  async #whisper(
    room: HostRoom,
    message: Message,
    peerName: string,
    peer: Parameters<HostRoom['members']['get']>[0],
  ): Promise<Result> {
    const { sender } = message;
    const name = sender.kind === 'group' ? (sender.screenName ?? '') : '';
    const ghost = await this.#context.queues.run(room.id, () =>
      this.#masks.ensure(room, { screenName: name }),
    );
    await this.#context.whispers.say(message, { ghost, peer, group: room.group, ghostName: name, peerName });
    return OK;
  }
}
