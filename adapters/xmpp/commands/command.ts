// What commands of this gateway work with. One table (table.ts) has two faces: ad-hoc commands with forms (XEP-0050) and chat with the gateway.

import type { UserAddress } from '../../../src/wv/ids.ts';
import type { Command as AnyCommand } from '../../bridging/commands.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import type { People } from './people.ts';

export { done, failed } from '../../bridging/commands.ts';
export type { Outcome } from '../../bridging/commands.ts';

/** Who gives a command, in both address forms. */
export interface Asker {
  readonly jid: BareJid;
  readonly user: UserAddress;
}

/** What commands work with. */
export interface Desk {
  readonly bridge: Bridge;
  readonly people: People;
  /** Ends all that a user of XMPP and one of ours (undefined: all of ours) see of each other. */
  endSubscriptions(asker: Asker, user: UserAddress | undefined): Promise<void>;
  /** When the gateway started, milliseconds since the epoch. */
  readonly startedAt: number;
}

export type Command = AnyCommand<Desk, Asker>;
