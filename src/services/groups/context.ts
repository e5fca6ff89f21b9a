// What the parts of the group service share.

import type { Clock, Log } from '../../ops/ports.ts';
import type { Store } from '../../store/store.ts';
import type { ServiceAddress } from '../../wv/ids.ts';
import type { Attachments } from '../content/attachments.ts';
import type { Homes } from '../home.ts';
import type { Outgoing } from '../outgoing.ts';
import type { GroupHomes } from './group-home.ts';
import type { GroupNotices } from './notices.ts';

export interface GroupLimits {
  /** Groups of one owner (814), of the server (815). */
  readonly perUser: number;
  readonly perServer: number;
  /** Joined users of one group (817); MaxActiveUsers may be lower. */
  readonly joined: number;
  /** Members and visitors with own properties of one group (817). */
  readonly members: number;
  /** Users on one reject list (507). */
  readonly rejected: number;
  /** Messages kept of a group with History. */
  readonly history: number;
  /** Groups in memory. */
  readonly cached: number;
}

export interface GroupContext {
  readonly store: Store;
  readonly homes: Homes;
  readonly groups: GroupHomes;
  readonly notices: GroupNotices;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly log: Log;
  readonly service: ServiceAddress;
  /** Where large attachments wait; undefined = in the queues, like everything else. */
  readonly attachments: Pick<Attachments, 'keep'> | undefined;
  readonly limits: GroupLimits;
}
