// Coming into a room (XEP-0045 section 7.2): the group's home decides; then presence of the others, of oneself, the
// subject, and the group's WelcomeNote, in this order. There is no history: the relay has no primitive that reads it.

import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { GetGroupPropsResponse, JoinGroupResponse } from '../../../src/wv/primitives.ts';
import { isStableResource } from '../jid.ts';
import type { XmlElement } from '../xml.ts';
import { ask, fullJid, presenceFor, propertiesOf, refuse, tellAll } from './context.ts';
import type { HostContext, Visit } from './context.ts';
import { fanOut } from './fan-out.ts';
import { JoinRate } from './join-rate.ts';
import { foldNick } from './room-addresses.ts';
import { ownStanding, propertyOf } from './room.ts';
import type { Occupant, Room } from './room.ts';
import { roomMessage, subjectMessage } from './stanzas.ts';

export class Joining {
  readonly #context: HostContext;
  readonly #rate: JoinRate;
  readonly #cameIn: (visit: Visit) => Promise<void>;

  /** @param cameIn runs when a user is in: an invitation may be answered with it */
  constructor(context: HostContext, cameIn: (visit: Visit) => Promise<void>) {
    this.#context = context;
    const { relay, settings } = context.bridge;
    this.#rate = new JoinRate(relay.clock, settings.joinsPerMinute);
    this.#cameIn = cameIn;
  }

  /** A user who is in with no client yet. */
  async join(visit: Visit): Promise<void> {
    const refused = this.#refusal(visit);
    if (refused !== undefined) return refuse(this.#context, visit.incoming.stanza, refused);
    const { rooms } = this.#context;
    const room = rooms.open(visit.roomJid, visit.group);
    if (room === undefined)
      return refuse(this.#context, visit.incoming.stanza, result(507, 'too many rooms'));
    if (room.occupants.size >= this.#context.bridge.settings.maxRoomOccupants) {
      return refuse(this.#context, visit.incoming.stanza, result(817));
    }
    const { user, nick, resource, jid } = visit;
    // First on disk: were we to end now, the home would be told that he left.
    await rooms.write(room, jid, 'joining', { user, nick, resources: [resource] });
    const answer = await ask(this.#context, user, room.group, {
      primitive: 'JoinGroupRequest',
      screenName: nick,
      wantsJoinedList: true,
      subscribe: true,
    });
    if (answer.primitive === 'JoinGroupResponse' && isSuccess(answer.result)) {
      return await this.#admitted(room, visit, answer);
    }
    await rooms.remove(room, jid);
    if (answer.result.code === 800) this.#remember(visit);
    refuse(this.#context, visit.incoming.stanza, answer.result);
  }

  /** One more client of a user who is in. */
  async add(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const { settings } = this.#context.bridge;
    if (!this.#rate.allows(visit.jid)) {
      return refuse(this.#context, visit.incoming.stanza, result(507, 'too many joins'));
    }
    if (occupant.resources.size >= settings.maxOccupantResources) {
      return refuse(this.#context, visit.incoming.stanza, result(507, 'too many clients'));
    }
    occupant.resources.add(visit.resource);
    await this.#context.rooms.write(room, occupant.jid, 'in', occupant);
    await this.resync(room, occupant, visit);
  }

  /** Everything again, for one client. */
  async resync(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    const { user } = occupant;
    const properties = await propertiesOf(this.#context, user, room.group);
    if ('code' in properties) return refuse(this.#context, visit.incoming.stanza, properties);
    const given = visit.nick === occupant.nick ? [] : ['210'];
    await this.#show(room, occupant, visit.resource, { properties, given });
  }

  /** The nick changes at the home, in one step; others see 303 in the notice that follows. */
  async rename(room: Room, occupant: Occupant, visit: Visit): Promise<void> {
    if (!isStableResource(visit.nick)) return refuse(this.#context, visit.incoming.stanza, result(402));
    const { user } = occupant;
    const answer = await ask(this.#context, user, room.group, {
      primitive: 'JoinGroupRequest',
      screenName: visit.nick,
      wantsJoinedList: false,
      subscribe: true,
    });
    if (!isSuccess(answer.result)) return refuse(this.#context, visit.incoming.stanza, answer.result);
    const name = answer.primitive === 'JoinGroupResponse' ? (answer.screenName ?? visit.nick) : visit.nick;
    await this.#renamed(room, occupant, name, name === visit.nick ? [] : ['210']);
  }

  async #renamed(room: Room, occupant: Occupant, nick: string, given: readonly string[]): Promise<void> {
    const { rooms } = this.#context;
    const before = room.presentAs(occupant.nick) ?? { nick: occupant.nick };
    const away = { gone: true, newNick: nick, statuses: ['303', '110'], standing: occupant.standing };
    const stanzas = [...occupant.resources].map((resource) =>
      presenceFor(this.#context, room, before, occupant, resource, away),
    );
    await rooms.forgetNames(room, [before.nick]);
    room.rename(occupant, nick);
    room.enter({ screenName: nick, ...(occupant.showsId ? { user: occupant.user } : {}) }, false);
    await rooms.write(room, occupant.jid, 'in', occupant);
    await rooms.writeNames(room, [nick]);
    await fanOut(this.#context.bridge, stanzas);
    const self = room.presentAs(nick) ?? { nick };
    await tellAll(this.#context, [occupant], (viewer, resource) => [
      presenceFor(this.#context, room, self, viewer, resource, { statuses: ['110', ...given] }),
    ]);
  }

  #refusal({ nick, jid, roomJid }: Visit): Result | undefined {
    const { bridge, missing } = this.#context;
    if (!isStableResource(nick)) return result(402, 'this nick cannot be used');
    if (!this.#rate.allows(jid)) return result(507, 'too many joins');
    const until = missing.get(roomJid);
    return until !== undefined && until > bridge.relay.clock.now() ? result(800) : undefined;
  }

  /** Strangers who try names shall not cost a look into the store each time. */
  #remember({ roomJid }: Visit): void {
    const { bridge, missing } = this.#context;
    missing.set(roomJid, bridge.relay.clock.now() + bridge.settings.missingRoomMs);
  }

  async #admitted(room: Room, visit: Visit, answer: JoinGroupResponse): Promise<void> {
    const { user, jid, resource, incoming } = visit;
    const nick = answer.screenName ?? visit.nick;
    const properties = await propertiesOf(this.#context, user, room.group);
    if ('code' in properties) {
      // Gone again at once.
      await this.#context.rooms.remove(room, jid);
      return refuse(this.#context, incoming.stanza, properties);
    }
    const { standing, showsId } = ownStanding(room, user, properties.ownProperties);
    const occupant: Occupant = { user, jid, nick, standing, showsId, resources: new Set([resource]) };
    room.add(occupant);
    room.removals.delete(foldNick(nick));
    const isMod = standing.role === 'moderator';
    for (const mapping of answer.joined ?? []) {
      // To himself everybody is known.
      if (mapping.user === user) room.enter({ screenName: mapping.screenName }, false);
      else room.enter(mapping, isMod);
    }
    room.enter({ screenName: nick, ...(showsId ? { user } : {}) }, false);
    if (isMod) await learnPrivileges(this.#context, room, occupant);
    await this.#context.rooms.write(room, jid, 'in', occupant);
    await this.#context.rooms.writeNames(
      room,
      [...room.present.values()].map((present) => present.nick),
    );
    const given = nick === visit.nick ? [] : ['210'];
    await this.#show(room, occupant, resource, { properties, given });
    await this.#cameIn(visit);
  }

  async #show(
    room: Room,
    occupant: Occupant,
    resource: string,
    { properties, given }: { readonly properties: GetGroupPropsResponse; readonly given: readonly string[] },
  ): Promise<void> {
    room.topic = propertyOf(properties.properties, 'Topic') ?? '';
    await fanOut(this.#context.bridge, this.#sequence(room, occupant, resource, given, properties));
  }

  *#sequence(
    room: Room,
    occupant: Occupant,
    resource: string,
    given: readonly string[],
    { welcomeNote }: GetGroupPropsResponse,
  ): Generator<XmlElement> {
    const to = fullJid(occupant, resource);
    const own = foldNick(occupant.nick);
    for (const [folded, present] of room.present) {
      if (folded !== own && isStableResource(present.nick)) {
        yield presenceFor(this.#context, room, present, occupant, resource);
      }
    }
    const statuses = [...(occupant.showsId ? ['100'] : []), '110', ...given];
    const self = room.present.get(own) ?? { nick: occupant.nick };
    yield presenceFor(this.#context, room, self, occupant, resource, { statuses });
    yield subjectMessage(room.jid, to, room.topic);
    if (welcomeNote !== undefined && welcomeNote !== '') yield roomMessage(room.jid, to, welcomeNote);
  }
}

/** What a Mod may know of the members: from it follows how everybody stands. */
export async function learnPrivileges(context: HostContext, room: Room, mod: Occupant): Promise<void> {
  const answer = await ask(context, mod.user, room.group, { primitive: 'GetGroupMemberRequest' });
  if (answer.primitive !== 'GetGroupMemberResponse') return;
  room.privileges.clear();
  for (const user of answer.users) room.privileges.set(user, 'User');
  for (const user of answer.moderators) room.privileges.set(user, 'Mod');
  for (const user of answer.admins) room.privileges.set(user, 'Admin');
}
