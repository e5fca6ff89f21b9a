// Which of our users are in which rooms, on disk: after a crash nobody stays behind in a room as a ghost, and nobody
// who is in one falls out of it.

import { trusted } from '../../../src/wv/ids.ts';
import type { ClientId, GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { GatewayStorage } from '../../../src/sap/port.ts';
import type { BareJid } from '../jid.ts';
import type { Guest } from './room.ts';

/** One user in one room. */
export interface GuestRecord {
  readonly user: UserAddress;
  readonly userJid: BareJid;
  readonly group: GroupAddress;
  readonly roomJid: BareJid;
  readonly nick: string;
  readonly joinedAt: number;
  /** The room is still to be told that he leaves. */
  readonly leaving: boolean;
  readonly clients: readonly (readonly [ClientId, boolean])[];
}

const PREFIX = 'room-guest ';

/** JIDs hold no blanks. */
const keyOf = (userJid: BareJid, roomJid: BareJid): string => `${PREFIX}${roomJid} ${userJid}`;

export class GuestRecords {
  readonly #storage: GatewayStorage;

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  async save(guest: Guest): Promise<void> {
    const { user, userJid, room, nick, joinedAt, state, clients } = guest;
    const record: GuestRecord = {
      user,
      userJid,
      group: room.group,
      roomJid: room.jid,
      nick,
      joinedAt,
      leaving: state === 'leaving',
      clients: [...clients],
    };
    await this.#storage.put(keyOf(userJid, room.jid), JSON.stringify(record));
  }

  async forget({ userJid, room }: Guest): Promise<void> {
    await this.#storage.delete(keyOf(userJid, room.jid));
  }

  async all(): Promise<readonly GuestRecord[]> {
    const entries = await this.#storage.list(PREFIX);
    return entries.map(([, text]) => JSON.parse(text) as GuestRecord);
  }
}

/** Which messages of ours the rooms have shown, so that none is said twice. The storage forgets them after 30 days. */
export class Echoes {
  readonly #storage: GatewayStorage;

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  async has(stanzaId: string): Promise<boolean> {
    return (await this.#storage.messageOf('room-echo', stanzaId)) !== undefined;
  }

  async note(stanzaId: string): Promise<void> {
    // Under an id of its own: remoteOf(messageId) must go on naming the stanza.
    await this.#storage.link('room-echo', stanzaId, trusted(`echo-${stanzaId}`));
  }
}
