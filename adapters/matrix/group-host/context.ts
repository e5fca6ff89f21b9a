// What the parts that show groups of this server as rooms of Matrix share.

import type { RelayPort } from '../../../src/sap/port.ts';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { GetGroupPropsResponse, GroupPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import type { Result } from '../../../src/wv/status.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { HomeserverClient } from '../client.ts';
import { HomeserverError, isNotNow } from '../errors.ts';
import type { Ghosts } from '../ghosts.ts';
import type { GroupAddresses } from '../group-addresses.ts';
import type { MatrixUserId } from '../ids.ts';
import { NotNow } from '../inbox.ts';
import type { Notices } from '../notices.ts';
import type { SerialQueues } from '../queues.ts';
import type { RoomCalls } from '../room-calls.ts';
import type { OutgoingFiles } from '../outgoing-files.ts';
import type { Whispers } from '../whispers.ts';
import type { HostRoom, HostRooms } from './rooms.ts';

export interface HostContext {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly calls: RoomCalls;
  readonly addresses: MatrixAddresses;
  readonly names: GroupAddresses;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly queues: SerialQueues;
  readonly whispers: Whispers;
  readonly files: OutgoingFiles;
  readonly rooms: HostRooms;
  /** In whose name the gateway itself asks. */
  readonly self: UserAddress;
  /** Screen names of one group that are shown as members before they say something. */
  readonly shownMembers: number;
}

/** Tries of a relay that says "not now". */
const RELAY_TRIES = 6;

type Bare<Request> = Request extends GroupPrimitive ? Omit<Request, 'meta' | 'group'> : never;

/** Asks the group's home in the name of a user of Matrix. */
export async function ask(
  { relay }: Pick<HostContext, 'relay'>,
  user: UserAddress,
  group: GroupAddress,
  request: Bare<GroupPrimitive>,
): Promise<ResponsePrimitive> {
  const meta = { service: serviceAddress(domainOf(user)), user };
  const answer = await relay.emit({ ...request, meta, group } as GroupPrimitive);
  const labels = { primitive: request.primitive, code: String(answer.result.code) };
  relay.metrics.count('matrix_group_requests_total', labels);
  return answer;
}

/** As `ask`, inside the handling of an event. @throws NotNow while it may work a little later */
export async function askInTurn(
  context: Pick<HostContext, 'relay'>,
  user: UserAddress,
  group: GroupAddress,
  request: Bare<GroupPrimitive>,
  attempt: number,
): Promise<ResponsePrimitive> {
  const answer = await ask(context, user, group, request);
  if (isNotNow(answer.result) && attempt < RELAY_TRIES) throw new NotNow();
  return answer;
}

/** The properties of a group as this user sees them; a Result when there are none for him. */
export async function propertiesOf(
  context: Pick<HostContext, 'relay'>,
  user: UserAddress,
  group: GroupAddress,
): Promise<GetGroupPropsResponse | Result> {
  const answer = await ask(context, user, group, { primitive: 'GetGroupPropsRequest' });
  return answer.primitive === 'GetGroupPropsResponse' ? answer : answer.result;
}

/** A property by name; '' when it is not there. */
export function valueOf(
  properties: readonly { readonly name: string; readonly value: string }[],
  name: string,
): string {
  return properties.find((property) => property.name === name)?.value ?? '';
}

/** Does something that may have been done already, or may not be possible any more: that is only logged. */
export async function tried(
  { relay }: Pick<HostContext, 'relay'>,
  what: string,
  work: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof HomeserverError) || error.transient) throw error;
    relay.log.info({ errcode: error.errcode, status: error.status }, `matrix: ${what} was refused`);
    return false;
  }
}

/** Something the bot says in a room, once. */
export async function announce(
  { notices, addresses }: Pick<HostContext, 'notices' | 'addresses'>,
  room: HostRoom,
  key: string,
  words: string,
): Promise<void> {
  await notices.once(addresses.bot, room.id, key, words);
}

/** Puts somebody out of a room, with the reason. */
export async function putOut(
  context: Pick<HostContext, 'relay' | 'calls' | 'addresses'>,
  room: HostRoom,
  user: MatrixUserId,
  reason: string,
): Promise<void> {
  const { calls, addresses } = context;
  await tried(context, 'a removal', () => calls.act(addresses.bot, room.id, 'kick', user, reason));
}
