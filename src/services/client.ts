// The port through which services reach a user's live clients. access/csp implements it, one object a session.

import type { ClientId, GroupAddress, MessageId, UserAddress } from '../wv/ids.ts';
import type { AttributeFilter, PresenceAttributes } from '../wv/presence.ts';
import type { GroupChangeNotice, LeaveGroupIndication } from '../wv/primitives.ts';
import type { Result } from '../wv/status.ts';
import type { NewQueueEntry, QueueItem } from '../store/store.ts';

/** The attributes of one publisher that a client watches; 'all' = whatever it is allowed to see. */
export type Interest = AttributeFilter | 'all';

/** One live client session. The methods only note what to tell the client; they never wait for it. */
export interface Client {
  readonly clientId: ClientId;
  /** Wants to be asked about watchers (PresenceAuth-Request; csp-transactions 1.6 REACT). */
  readonly reactive: boolean;
  /** When the client logged in, milliseconds since the epoch: the newest client's own attributes win. */
  readonly since: number;
  /** Attributes that belong to this client (ClientInfo, location, …) as it published them. */
  readonly ownPresence: PresenceAttributes;
  interestIn(publisher: UserAddress): Interest | undefined;
  presenceChanged(publisher: UserAddress, attributes: PresenceAttributes): void;
  queued(entry: NewQueueEntry): void;
  /**
   * The entry is gone: acknowledged by another client, rejected, withdrawn or expired. True = this client may have
   * seen it.
   */
  dequeued(messageId: MessageId, kind: QueueItem['kind']): boolean;
  authorizationAsked(watcher: UserAddress, attributes: AttributeFilter | undefined): void;
  /** True when this client is in the group, or is joining it this moment. */
  hasJoined(group: GroupAddress): boolean;
  /** News of a group that this client may have joined; not stored. */
  groupNews(news: GroupChangeNotice | LeaveGroupIndication): void;
  disconnect(reason: Result): void;
}
