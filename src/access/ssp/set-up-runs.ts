// Runs of the set-up that others began in the name of one peer (ssp.md section 4). Anybody may begin one, and under an
// id that is somebody else's: what comes from one network displaces nothing that came from another.

import { networkOf } from '../address-list.ts';
import type { LoginRequest, SetupDocument } from './document.ts';
import type { Attempt } from './login.ts';
import type { Caller, PeerAddress } from './transport.ts';

/** A run of the exchange with what it takes to post its documents. */
export interface Running {
  readonly attempt: Attempt;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly addresses: readonly PeerAddress[];
  /** The one that took a document; the others are tried in their order before. */
  address: PeerAddress | undefined;
  /** Where step 1 came from; undefined: it was ours. */
  readonly from: string | undefined;
  /** Where the proof came from: what names nobody must come from there, too. */
  prover: string | undefined;
  /** Where steps came from that only the peer can have sent. */
  readonly callers: Set<string>;
  cancelTimer: () => void;
}

/** Runs that one network may have begun, and all together. */
const MAX_PER_NETWORK = 4;
const MAX_RUNS = 64;

export class AcceptedRuns {
  private readonly runs = new Set<Running>();

  /** Oldest first. */
  get all(): readonly Running[] {
    return [...this.runs];
  }

  /** True when one that began after a time (ms since the epoch) has shown that it is the peer's. */
  areProvenSince(time: number): boolean {
    return this.all.some(({ prover, startedAt }) => prover !== undefined && startedAt > time);
  }

  add(running: Running): void {
    this.runs.add(running);
  }

  delete(running: Running): boolean {
    return this.runs.delete(running);
  }

  /** What goes when somebody begins another one: the one it repeats, else the oldest when there are too many. */
  displacedBy(transactionId: string, address: string): Running | undefined {
    const own = this.all.filter(({ from = '' }) => networkOf(from) === networkOf(address));
    const same = own.find(({ attempt, from }) => attempt.transactionId === transactionId && from === address);
    if (same !== undefined) return same;
    if (own.length >= MAX_PER_NETWORK) return own.find(isUnproven) ?? own[0];
    return this.runs.size >= MAX_RUNS ? this.oldestOfMost() : undefined;
  }

  private oldestOfMost(): Running | undefined {
    const groups = [...Map.groupBy(this.all, ({ from = '' }) => networkOf(from)).values()];
    const [most = []] = groups.toSorted((a, b) => b.length - a.length);
    return most.find(isUnproven) ?? most[0];
  }

  /**
   * The run that a step belongs to. Ids of some peers can be guessed: of several with the same id the proof belongs to
   * the one that it proves, and step 5, which brings the id of the session, must come from where the proof came from.
   */
  find({ transactionId, step }: SetupDocument, caller: Caller): Running | undefined {
    const named = this.all.filter(({ attempt }) => attempt.transactionId === transactionId);
    if (step.name === 'LoginResponse')
      return named.find(({ prover, from }) => (prover ?? from) === caller.address);
    return named.find((running) => isProvenBy(running, step)) ?? named[0];
  }
}

function isUnproven({ prover }: Running): boolean {
  return prover === undefined;
}

function isProvenBy({ attempt }: Running, step: SetupDocument['step']): boolean {
  return step.name === 'LoginRequest' && attempt.isProven(step satisfies LoginRequest);
}
