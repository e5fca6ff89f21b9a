// The bot as somebody to talk to: in a direct chat each line is a command, in other rooms each line that begins with
// `!wv`. It answers with notices, and never answers those (bridging.md 11).

import { NotKnownNow } from '../../../src/sap/port.ts';
import type { GatewayHealth } from '../../../src/sap/port.ts';
import { helpOf, runLine } from '../../bridging/commands.ts';
import type { Outcome } from '../../bridging/commands.ts';
import type { HomeserverClient } from '../client.ts';
import { HomeserverError } from '../errors.ts';
import { isRecord, text } from '../events.ts';
import type { RoomEvent } from '../events.ts';
import type { RoomId } from '../ids.ts';
import { NotNow, reasonOf } from '../inbox.ts';
import { Lru } from '../lru.ts';
import type { Notices } from '../notices.ts';
import { mayCommand } from './permissions.ts';
import type { BotSettings } from './permissions.ts';
import { offeredCommands } from './table.ts';
import type { Desk } from './table.ts';

export interface BotOptions extends Desk {
  readonly client: HomeserverClient;
  readonly notices: Pick<Notices, 'once'>;
  readonly settings: BotSettings;
  readonly health: () => GatewayHealth;
}

const KEY = 'bot ';
const PREFIX = '!wv';
const MINUTE_MS = 60_000;
/** Users whose commands are counted; rooms remembered beside the table. */
const COUNTED = 10_000;
/** Characters of a line that are looked at. */
const MAX_LINE = 500;
const NOT_ALLOWED = 'You may not use this gateway’s commands. Its operator can allow it.';
const ENCRYPTED = 'I cannot read encrypted rooms. Please start a chat with me that is not encrypted.';
const TOO_OFTEN = 'Too many commands. Please try again in a minute.';
const FAILED = 'Something went wrong here. Please try again later.';

export class Bot {
  readonly #options: BotOptions;
  readonly #counts = new Lru<string, { readonly since: number; commands: number }>(COUNTED);
  /** Who invited the bot, or undefined for rooms that it is not in. */
  readonly #rooms = new Lru<RoomId, { readonly inviter: string | undefined }>(COUNTED);

  constructor(options: BotOptions) {
    this.#options = options;
  }

  /** Handles an event that is the bot's business; false for any other. In the room's queue. */
  async took(event: RoomEvent): Promise<boolean> {
    if (event.type === 'm.room.member' && event.stateKey === this.#options.addresses.bot) {
      await this.#member(event);
      return true;
    }
    const inviter = await this.#inviterTo(event.room);
    if (inviter === undefined) return false;
    if (event.type === 'm.room.message') await this.#message(event, inviter);
    if (event.type === 'm.room.encryption') await this.#leaveWith(event.room, ENCRYPTED);
    return true;
  }

  async #member({ room, sender, content, id }: RoomEvent): Promise<void> {
    const { client, addresses, settings, relay } = this.#options;
    const { bot } = addresses;
    const membership = text(content, 'membership');
    if (membership === 'leave' || membership === 'ban') await this.#forget(room);
    if (membership !== 'invite' || addresses.isOurs(sender)) return;
    if (!mayCommand(settings, sender, room)) {
      relay.metrics.count('matrix_invites_refused_total');
      return await this.#finally(client.leave(bot, room, NOT_ALLOWED));
    }
    await client.join(bot, room);
    await relay.storage.put(KEY + room, sender);
    this.#rooms.set(room, { inviter: sender });
    if (await client.isEncrypted(bot, room)) await this.#leaveWith(room, ENCRYPTED);
    else await this.#say(room, `greeting ${id}`, helpOf(offeredCommands(this.#options)));
  }

  async #message({ room, sender, content, id }: RoomEvent, inviter: string): Promise<void> {
    const { settings, addresses, relay } = this.#options;
    const line = lineIn(content, sender !== inviter);
    // Programs speak in notices; bots of other bridges are not answered either.
    if (line === undefined || addresses.isRefused(sender)) return;
    const outcome = !mayCommand(settings, sender, room)
      ? { done: false, text: NOT_ALLOWED }
      : this.#isWithinRate(sender)
        ? await this.#run(sender, line)
        : undefined;
    relay.metrics.count('matrix_commands_total', { outcome: outcomeOf(outcome) });
    // Told once a minute: an answer to each would be a flood of its own.
    if (outcome === undefined) {
      const minute = Math.floor(relay.clock.now() / MINUTE_MS);
      return await this.#say(room, `too often ${sender} ${minute}`, TOO_OFTEN);
    }
    await this.#say(room, `command ${id}`, outcome.text);
  }

  async #run(sender: RoomEvent['sender'], line: string): Promise<Outcome> {
    try {
      return await runLine(offeredCommands(this.#options), this.#options, sender, line);
    } catch (error) {
      const isLater = error instanceof NotKnownNow || error instanceof NotNow;
      if (isLater || (error instanceof HomeserverError && error.transient)) throw error;
      this.#options.relay.log.error({ user: sender, error: reasonOf(error) }, 'matrix: a command failed');
      return { done: false, text: FAILED };
    }
  }

  async #leaveWith(room: RoomId, words: string): Promise<void> {
    const { client, addresses } = this.#options;
    await this.#finally(this.#say(room, 'leaving', words));
    await this.#finally(client.leave(addresses.bot, room, words));
    await this.#forget(room);
  }

  async #say(room: RoomId, key: string, words: string): Promise<void> {
    const { notices, addresses } = this.#options;
    await notices.once(addresses.bot, room, key, words);
  }

  async #inviterTo(room: RoomId): Promise<string | undefined> {
    const known = this.#rooms.get(room);
    if (known !== undefined) return known.inviter;
    const inviter = await this.#options.relay.storage.get(KEY + room);
    this.#rooms.set(room, { inviter });
    return inviter;
  }

  async #forget(room: RoomId): Promise<void> {
    await this.#options.relay.storage.delete(KEY + room);
    this.#rooms.set(room, { inviter: undefined });
  }

  /** What the homeserver refuses for good (the bot is outside already) is no reason to try again. */
  async #finally(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.transient) throw error;
      this.#options.relay.log.info({ errcode: error.errcode }, 'matrix: the bot was not heard');
    }
  }

  #isWithinRate(user: string): boolean {
    const { relay, settings } = this.#options;
    const now = relay.clock.now();
    const known = this.#counts.get(user);
    const counted =
      known === undefined || now - known.since >= MINUTE_MS ? { since: now, commands: 0 } : known;
    counted.commands += 1;
    this.#counts.set(user, counted);
    return counted.commands <= settings.commandsPerMinute;
  }
}

/** The command in a message; undefined for what is none. Edits are none either. */
function lineIn(content: RoomEvent['content'], needsPrefix: boolean): string | undefined {
  const relation = content['m.relates_to'];
  const isEdit = isRecord(relation) && relation['rel_type'] === 'm.replace';
  const body = (text(content, 'body') ?? '').trim().slice(0, MAX_LINE);
  if (text(content, 'msgtype') !== 'm.text' || isEdit || body === '') return undefined;
  if (!body.startsWith(`${PREFIX} `) && body !== PREFIX) return needsPrefix ? undefined : body;
  return body.slice(PREFIX.length).trim() || 'help';
}

function outcomeOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'rate';
  return outcome.done ? 'done' : 'failed';
}
