// Groups both ways: which of the two kinds an event or a request is about (bridging.md 7.4, one home per group).

import type { RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type {
  RequestPrimitive,
  ResponsePrimitive,
  SendMessageRequest,
  SendMessageResponse,
} from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { MatrixAddresses } from './addresses.ts';
import type { HomeserverClient } from './client.ts';
import type { MatrixSettings } from './config.ts';
import type { RoomEvent } from './events.ts';
import type { Ghosts } from './ghosts.ts';
import { GroupAddresses } from './group-addresses.ts';
import { GroupHost } from './group-host/group-host.ts';
import { HostRooms } from './group-host/rooms.ts';
import type { Notices } from './notices.ts';
import type { SerialQueues } from './queues.ts';
import type { OutgoingFiles } from './outgoing-files.ts';
import { RoomCalls } from './room-calls.ts';
import { Guests } from './room-guest/guests.ts';
import { isRoom, RoomGuests } from './room-guest/room-guests.ts';

import { Whispers } from './whispers.ts';

export { GROUP_REQUESTS } from './room-guest/room-guests.ts';

export interface GroupsOptions {
  readonly relay: RelayPort;
  readonly settings: MatrixSettings;
  /** In whose name the gateway itself asks about groups. */
  readonly self: UserAddress;
  readonly client: HomeserverClient;
  readonly addresses: MatrixAddresses;
  readonly ghosts: Ghosts;
  readonly notices: Notices;
  readonly queues: SerialQueues;
  readonly files: OutgoingFiles;
}

export class Groups {
  readonly #guests: RoomGuests;
  readonly #host: GroupHost;
  readonly #whispers: Whispers;
  readonly #rooms: GroupAddresses;

  constructor(options: GroupsOptions) {
    const { relay, settings, self, client, addresses, ghosts, notices, queues, files } = options;
    const calls = new RoomCalls(client);
    const { homeDomain } = relay;
    const { pseudoDomain, serverName, prefix } = settings;
    this.#rooms = new GroupAddresses({ homeDomain, pseudoDomain, serverName, prefix });
    this.#whispers = new Whispers({ relay, client, calls, addresses, notices, files });
    const shared = {
      relay,
      client,
      calls,
      addresses,
      rooms: this.#rooms,
      ghosts,
      queues,
      whispers: this.#whispers,
      files,
    };
    const limits = { guests: settings.maxRoomGuests, members: settings.maxRoomMembers };
    this.#guests = new RoomGuests({ ...shared, limits, guests: new Guests(relay.storage, relay.metrics) });
    const rooms = new HostRooms(relay.storage);
    const { shownMembers, maxGroupRooms } = settings;
    const host = { ...shared, notices, rooms, names: this.#rooms, self, shownMembers };
    this.#host = new GroupHost(host, maxGroupRooms);
  }

  /** Before the first request and the first event. */
  async load(): Promise<void> {
    await this.#guests.load();
    await this.#host.load();
  }

  online(): void {
    this.#guests.online();
    this.#host.online();
  }

  stop(): void {
    this.#host.stop();
  }

  /** True when one of our aliases names a group. Rejects with HomeserverError. */
  aliasExists(alias: string): Promise<boolean> {
    return this.#host.aliasExists(alias);
  }

  /** True for an event of ours that has to be handled nevertheless. */
  hears(event: RoomEvent): boolean {
    return this.#guests.hears(event);
  }

  /** True when the event was about a group, so that it is nobody else's business. */
  async handle(event: RoomEvent, attempt: number): Promise<boolean> {
    if (await this.#guests.handle(event, attempt)) return true;
    if (await this.#host.handle(event, attempt)) return true;
    return await this.#whispers.handle(event, attempt);
  }

  /** Serves a request about a group; undefined: it is about none. */
  async serve(request: RequestPrimitive): Promise<ResponsePrimitive | undefined> {
    if (request.primitive === 'SendMessageRequest') return await this.#send(request);
    return (await this.#host.serve(request)) ?? (await this.#guests.serve(request));
  }

  /** The relay hands over one recipient at a time. */
  async #send(request: SendMessageRequest): Promise<SendMessageResponse | undefined> {
    const [recipient] = request.message.recipients;
    if (recipient === undefined) return undefined;
    const isOfGroup = request.message.sender.kind === 'group';
    if (recipient.kind !== 'group' && !isOfGroup) return undefined;
    const outcome = isOfGroup
      ? await this.#host.deliver(request, recipient)
      : isRoom({ rooms: this.#rooms }, recipient)
        ? await this.#guests.send(request, recipient)
        : result(405, 'not a room of Matrix');
    return { primitive: 'SendMessageResponse', messageId: request.message.id, result: outcome };
  }
}
