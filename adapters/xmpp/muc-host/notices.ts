// What a group's home tells those who are in it: who came and went, and what changed (bridging 7.3).

import type { GroupChangeNotice, ScreenMapping, Status } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded } from '../bridge.ts';
import { isStableResource } from '../jid.ts';
import type { XmlElement } from '../xml.ts';
import { ask, fullJid, inRoom, occupantOf, presenceFor, tellAll } from './context.ts';
import type { HostContext } from './context.ts';
import { farewellOf } from './leaving.ts';
import { foldNick } from './room-addresses.ts';
import { propertyOf } from './room.ts';
import type { Occupant, Present, Room } from './room.ts';
import { configurationChanged, subjectMessage } from './stanzas.ts';

export class Notices {
  readonly #context: HostContext;

  constructor(context: HostContext) {
    this.#context = context;
  }

  async changed(notice: GroupChangeNotice): Promise<Status> {
    const roomJid = this.#context.codec.roomJid(notice.group);
    if (isUnmappable(roomJid)) return status(result(roomJid.unmappable, roomJid.reason));
    await inRoom(this.#context, roomJid, async () => {
      const room = this.#context.rooms.get(roomJid);
      const recipients = notice.recipients.map(
        (user) => (room === undefined ? undefined : occupantOf(this.#context, room, user)) ?? user,
      );
      for (const user of recipients) if (typeof user === 'string') this.#leaveForGhost(notice, user);
      if (room !== undefined) {
        await this.#tell(
          room,
          notice,
          recipients.filter((each) => typeof each !== 'string'),
        );
      }
    });
    return status(OK);
  }

  /** The home takes somebody for joined who is not in our room: he would stay for ever. */
  #leaveForGhost({ group }: GroupChangeNotice, user: GroupChangeNotice['recipients'][number]): void {
    this.#context.bridge.relay.metrics.count('xmpp_room_ghosts_total');
    const leave = ask(this.#context, user, group, { primitive: 'LeaveGroupRequest' });
    guarded(this.#context.bridge, 'leaving of a ghost', leave);
  }

  async #tell(room: Room, notice: GroupChangeNotice, viewers: readonly Occupant[]): Promise<void> {
    const { joined, left, properties = [] } = notice;
    const seesMore = viewers[0]?.standing.role === 'moderator';
    const away = left.map((mapping) => ({
      about: room.presentAs(mapping.screenName) ?? presentOf(mapping, seesMore),
      standing: room.standingOf(room.presentAs(mapping.screenName) ?? presentOf(mapping, seesMore)),
    }));
    await this.#remember(room, notice, seesMore);
    const topic = propertyOf(properties, 'Topic');
    if (topic !== undefined) {
      if (topic !== room.topic) room.topicBy = undefined;
      room.topic = topic;
    }
    const { newName } = rename(joined, left);
    const context = this.#context;
    const isWritten = await tellAll(context, viewers, function* (viewer, resource): Generator<XmlElement> {
      for (const { about, standing } of away) {
        if (!isStableResource(about.nick)) continue;
        const why = room.removals.get(foldNick(about.nick));
        const extras =
          newName !== undefined
            ? { newNick: newName, statuses: ['303'], standing }
            : why === undefined
              ? { standing }
              : farewellOf(why);
        yield presenceFor(context, room, about, viewer, resource, { ...extras, gone: true });
      }
      for (const { screenName } of joined) {
        const about = room.presentAs(screenName);
        if (about !== undefined && isStableResource(about.nick)) {
          yield presenceFor(context, room, about, viewer, resource);
        }
      }
      const to = fullJid(viewer, resource);
      if (topic !== undefined) {
        const from = room.topicBy === undefined ? room.jid : `${room.jid}/${room.topicBy}`;
        yield subjectMessage(from, to, topic);
      }
      if (properties.some(({ name }) => name !== 'Topic')) yield configurationChanged(room.jid, to);
    });
    const names = [...joined, ...left].map(({ screenName }) => screenName);
    if (isWritten)
      guarded(context.bridge, 'confirmation of a notice', this.#noteUnlessConfirmed(room, names));
    else note(room, names);
  }

  /** Not waited for by those who come next: it is only for when the stream ends. */
  async #noteUnlessConfirmed(room: Room, names: readonly string[]): Promise<void> {
    if (!(await this.#context.bridge.link.confirmed())) note(room, names);
  }

  async #remember(room: Room, { joined, left }: GroupChangeNotice, seesMore: boolean): Promise<void> {
    // One who is ours and in goes by his own leave, which has been told already, or comes back at once.
    const gone = left.filter(({ screenName }) => room.byNick(screenName) === undefined);
    await this.#context.rooms.forgetNames(
      room,
      gone.map(({ screenName }) => screenName),
    );
    for (const mapping of joined) {
      // Not when those with other rights are told of the same arrival, perhaps of one who is being put out by now.
      if (room.presentAs(mapping.screenName) === undefined) {
        room.removals.delete(foldNick(mapping.screenName));
      }
      room.enter(mapping, seesMore);
    }
    await this.#context.rooms.writeNames(
      room,
      joined.map(({ screenName }) => screenName),
    );
  }
}

function note(room: Room, names: readonly string[]): void {
  for (const name of names) room.untold.set(foldNick(name), name);
}

/** One who goes and one who comes in the same change: it is the same user. */
function rename(
  joined: readonly ScreenMapping[],
  left: readonly ScreenMapping[],
): { readonly newName?: string } {
  const [one, another] = [joined[0], left[0]];
  if (joined.length !== 1 || left.length !== 1 || one === undefined || another === undefined) return {};
  return isStableResource(one.screenName) ? { newName: one.screenName } : {};
}

function presentOf({ screenName, user }: ScreenMapping, seesMore: boolean): Present {
  if (user === undefined) return { nick: screenName };
  return seesMore ? { nick: screenName, knownToMods: user } : { nick: screenName, user };
}
