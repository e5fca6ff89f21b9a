// What the parts that bring WV users into rooms of Matrix share.

import type { RelayPort } from '../../../src/sap/port.ts';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { RequestPrimitive, ScreenMapping } from '../../../src/wv/primitives.ts';
import { isSuccess, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { HomeserverClient } from '../client.ts';
import { HomeserverError, isNotNow, resultOf } from '../errors.ts';
import type { Ghosts } from '../ghosts.ts';
import type { GroupAddresses } from '../group-addresses.ts';
import type { MatrixUserId } from '../ids.ts';
import { NotNow, reasonOf } from '../inbox.ts';
import type { SerialQueues } from '../queues.ts';
import type { RoomCalls } from '../room-calls.ts';
import type { OutgoingFiles } from '../outgoing-files.ts';
import type { Whispers } from '../whispers.ts';
import { Roster } from './roster.ts';
import { present } from './guests.ts';
import type { Guest, GuestRoom, Guests } from './guests.ts';

export interface GuestContext {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly calls: RoomCalls;
  readonly addresses: MatrixAddresses;
  readonly rooms: GroupAddresses;
  readonly ghosts: Ghosts;
  /** Shared with the inbox: what happens in a room happens one after another. */
  readonly queues: SerialQueues;
  readonly guests: Guests;
  readonly whispers: Whispers;
  readonly files: OutgoingFiles;
  readonly limits: RoomLimits;
}

export interface RoomLimits {
  /** WV users in rooms of Matrix at once, counted for each room. */
  readonly guests: number;
  /** Members of a room that are known and listed. */
  readonly members: number;
}

/** Tries of a relay that says "not now". */
const RELAY_TRIES = 6;

export function headOf({ group }: Pick<Guest, 'group'>) {
  return { meta: { service: serviceAddress(domainOf(group)) }, group } as const;
}

/** Who is in the room, read by one of our users who is. Rejects with HomeserverError. */
export async function rosterOf(
  context: GuestContext,
  room: GuestRoom,
  reader: Guest | undefined = present(room)[0],
): Promise<Roster> {
  if (room.roster !== undefined) return room.roster;
  const { calls, limits } = context;
  const members = reader === undefined ? [] : await calls.joined(reader.ghost, room.id, limits.members);
  const roster = new Roster(context.limits.members, members);
  for (const { ghost, name } of present(room)) if (name !== '') roster.set(ghost, name);
  room.roster ??= roster;
  return room.roster;
}

/** How a member is shown: Matrix hides nobody, so the address is always told. */
export function mappingOf(
  { addresses }: GuestContext,
  user: MatrixUserId,
  screenName: string,
): ScreenMapping {
  const address = addresses.userOf(user) ?? addresses.addressOf(user);
  return address === undefined ? { screenName } : { screenName, user: address };
}

/**
 * Hands something to the relay, inside the handling of an event. What it refuses is counted.
 * @throws NotNow while it may work a little later
 */
export async function hand(
  context: GuestContext,
  request: RequestPrimitive,
  attempt: number,
): Promise<Result> {
  const { relay } = context;
  const answer = await relay.emit(request);
  if (isNotNow(answer.result) && attempt < RELAY_TRIES) throw new NotNow();
  if (!isSuccess(answer.result) || answer.result.code === 201) {
    const labels = { primitive: request.primitive, code: String(answer.result.code) };
    relay.metrics.count('matrix_refused_by_relay_total', labels);
  }
  return answer.result;
}

/** The result of a call that the homeserver refused; anything else is a bug. */
export function outcomeOf(error: unknown, forbidden: 803 | 810 | 816): Result {
  if (!(error instanceof HomeserverError)) throw error;
  if (error.transient) return resultOf(error);
  if (error.status === 403) return result(forbidden);
  return error.status === 404 ? result(800) : resultOf(error);
}

/** Something that goes on in the background. */
export function guarded({ relay }: Pick<GuestContext, 'relay'>, what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    relay.log.error({ error: reasonOf(error) }, `matrix: ${what} failed`);
  });
}
