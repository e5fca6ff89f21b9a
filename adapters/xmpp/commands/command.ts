// What a command is. One table (table.ts) has two faces: ad-hoc commands with forms (XEP-0050) and chat with the gateway.

import type { FoundUser } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import type { People } from './people.ts';

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

export interface Argument {
  readonly name: string;
  readonly label: string;
  readonly type: 'text-single' | 'list-single';
  /** Of a list. */
  readonly options?: readonly string[];
  readonly optional?: true;
  /** What a form shows before it is filled in. */
  readonly current?: (desk: Desk, asker: Asker) => string;
}

export interface Outcome {
  readonly done: boolean;
  /** For a human being. */
  readonly text: string;
  /** Of a search. */
  readonly found?: readonly FoundUser[];
}

export interface Command {
  readonly name: string;
  /** One line. */
  readonly help: string;
  /** The last one takes the rest of a chat line. */
  readonly args: readonly Argument[];
  /** False: not offered with these settings. */
  readonly offered?: (desk: Desk) => boolean;
  /** `given` holds a trimmed text for each argument, not '' unless the argument is optional. */
  run(desk: Desk, asker: Asker, given: (name: string) => string): Promise<Outcome>;
}

export function done(text: string): Outcome {
  return { done: true, text };
}

export function failed(text: string): Outcome {
  return { done: false, text };
}
