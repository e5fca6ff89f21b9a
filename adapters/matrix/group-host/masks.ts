// Ghosts of screen names: how members of a group who are not of Matrix are seen in its room. They come in when the first
// user of Matrix does, up to a number; the others when they say something (bridging.md 14, row 18).

import type { GroupAddress } from '../../../src/wv/ids.ts';
import type { ScreenMapping } from '../../../src/wv/primitives.ts';
import { HomeserverError } from '../errors.ts';
import { cleanName } from '../ghosts.ts';
import type { MatrixUserId } from '../ids.ts';
import { tried } from './context.ts';
import type { HostContext } from './context.ts';
import { memberNamed } from './rooms.ts';
import type { HostRoom, Shown } from './rooms.ts';

export class Masks {
  readonly #context: HostContext;

  constructor(context: HostContext) {
    this.#context = context;
  }

  /** The ghost of a screen name, in the room. Rejects with HomeserverError. */
  async ensure(room: HostRoom, { screenName, user }: ScreenMapping): Promise<MatrixUserId> {
    const { names, rooms, relay, client, addresses } = this.#context;
    const known = room.shown.get(screenName.toLowerCase());
    if (known !== undefined) return known.ghost;
    const ghost = names.maskOf(room.group, screenName);
    const key = `mask ${ghost}`;
    const title = user === undefined ? screenName : `${screenName} (${user})`;
    const stored = JSON.stringify({ group: room.group, name: screenName, title });
    if ((await relay.storage.get(key)) !== stored) {
      await client.register(addresses.bot, ghost);
      await client.setDisplayName(ghost, cleanName(title) || 'somebody');
      await relay.storage.put(key, stored);
    }
    await this.#enter(room, ghost);
    await rooms.show(room, { ghost, name: screenName });
    return ghost;
  }

  /** Whose ghost it is; undefined: nobody's whom we know. */
  async behind(
    ghost: MatrixUserId,
  ): Promise<{ readonly group: GroupAddress; readonly name: string } | undefined> {
    const stored = await this.#context.relay.storage.get(`mask ${ghost}`);
    return stored === undefined ? undefined : (JSON.parse(stored) as { group: GroupAddress; name: string });
  }

  /** Those who are in now, and nobody else. */
  async match(room: HostRoom, joined: readonly ScreenMapping[]): Promise<void> {
    const now = new Set(joined.map(({ screenName }) => screenName.toLowerCase()));
    await this.hide(
      room,
      [...room.shown.values()].filter(({ name }) => !now.has(name.toLowerCase())),
    );
    await this.show(room, joined);
  }

  async show(room: HostRoom, joined: readonly ScreenMapping[]): Promise<void> {
    for (const mapping of joined) {
      if (room.shown.size >= this.#context.shownMembers) return;
      if (memberNamed(room, mapping.screenName) === undefined && !this.#isOfMatrix(mapping)) {
        await this.ensure(room, mapping);
      }
    }
  }

  async hide(room: HostRoom, gone: readonly Shown[]): Promise<void> {
    for (const shown of gone) {
      await tried(this.#context, 'a leave', () => this.#context.client.leave(shown.ghost, room.id));
      await this.#context.rooms.hide(room, shown);
    }
  }

  /** Back into the room, whatever was done to it there. */
  async back(room: HostRoom, ghost: MatrixUserId): Promise<void> {
    const { calls, addresses } = this.#context;
    await tried(this.#context, 'a pardon', () => calls.act(addresses.bot, room.id, 'unban', ghost));
    await this.#enter(room, ghost);
  }

  /** Users of Matrix are in the room as themselves. */
  #isOfMatrix({ user }: ScreenMapping): boolean {
    return user !== undefined && this.#context.addresses.peerOf(user) !== undefined;
  }

  async #enter(room: HostRoom, ghost: MatrixUserId): Promise<void> {
    const { client, calls, addresses } = this.#context;
    try {
      await client.join(ghost, room.id);
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.status !== 403) throw error;
      await calls.act(addresses.bot, room.id, 'invite', ghost);
      await client.join(ghost, room.id);
    }
  }
}
