// What the people of the run have in common, whatever their network.

import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';

/** A person's names in the three networks; a WV user has all, others only what they are called by in WV. */
export interface Names {
  readonly name: string;
  readonly wv: string;
  readonly jid: string;
  readonly matrix: string;
}

export interface Person {
  readonly names: Names;
  /** Resolves when the message was accepted; until then it is sent again and again, as a real client does. */
  send(to: Names, text: string): Promise<void>;
  close(): Promise<void>;
}

export interface Surroundings {
  readonly ledger: Ledger;
  readonly random: Random;
  /** What the WV users of the run are called in Matrix. */
  readonly ghosts: ReadonlySet<string>;
  /** Aborted when the run is over: nobody goes on trying then. */
  readonly over: AbortSignal;
}

/** The run ended while somebody still tried. */
export class RunOver extends Error {
  override readonly name = 'RunOver';
}
