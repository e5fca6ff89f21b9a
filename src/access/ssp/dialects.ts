// How implementations of SSP differ, as data (ssp.md section 13, observed-peer.md sections 10 to 14): rows, no ifs.

import type { RequestName } from '../../wv/primitives.ts';

export interface Dialect {
  readonly name: DialectName;
  /** Writes `procotolVersion` beside the right name. */
  readonly misspeltVersion: boolean;
  /** Milliseconds to let pass before each step of the set-up: it stores its half only after it has called us. */
  readonly stepDelayMs: number;
  /** Pauses before a step that was closed without an answer is posted again, ms: it had not stored its half yet. */
  readonly stepRetriesMs: readonly number[];
  /** How long it may be silent in the middle of a set-up, ms: it never begins again by itself. */
  readonly setupPatienceMs: number;
  /** Requests that it takes without an answer: HTTP 200 is all there is. */
  readonly unanswered: ReadonlySet<RequestName>;
  /** Drops repeats of a transaction or of a message. If not, what it took (HTTP 200) is never sent again. */
  readonly dropsRepeats: boolean;
  /** Serves KeepAlive, Logout, Disconnect and ServiceRequest. */
  readonly control: boolean;
  /** Understands what sections 5 and 6 do not name: user ids beside names, `final`, answers to watchers. */
  readonly extensions: boolean;
  /** Writes the joined users under both names, JoinedUser and JoinedUsers. */
  readonly bothJoinedNames: boolean;
  /** The dates of its messages are when they were written. If not, they have the date of their arrival. */
  readonly datesMessages: boolean;
  /** Status codes it sends, and what they mean here. */
  readonly codes: ReadonlyMap<number, number>;
}

export type DialectName = 'standard' | 'baraza';

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  standard: {
    name: 'standard',
    misspeltVersion: false,
    stepDelayMs: 0,
    stepRetriesMs: [],
    setupPatienceMs: 30_000,
    unanswered: new Set(),
    dropsRepeats: true,
    control: true,
    extensions: true,
    bothJoinedNames: false,
    datesMessages: true,
    codes: new Map(),
  },
  // COMPAT(Baraza)
  baraza: {
    name: 'baraza',
    misspeltVersion: true,
    stepDelayMs: 75,
    stepRetriesMs: [250, 1_000, 4_000],
    setupPatienceMs: 300_000,
    unanswered: new Set([
      'PresenceNotification',
      'DeliveryStatusReport',
      'GroupChangeNotice',
      'LeaveGroupIndication',
    ]),
    dropsRepeats: false,
    control: false,
    extensions: false,
    bothJoinedNames: true,
    datesMessages: false,
    codes: new Map([[427, 531]]),
  },
};
