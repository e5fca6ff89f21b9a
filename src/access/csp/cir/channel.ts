// CIR, "come and poll": the seam between the sessions and the channels that reach a silent client
// (csp-transport section 2; client-quirks section 7).

import type { CspVersion } from '../../../wv/version.ts';

/** A way to call one client. Neither method throws or waits. */
export interface CirChannel {
  /** Sends one `WVCI <version> <cookie>` line or datagram. Calls that the channel cannot send at once merge. */
  call(version: CspVersion, cookie: string): void;
  /** Ends the channel from the session's side; `detached` is not called for it. */
  close(): void;
}

/** What the channel tells the session. */
export interface CirAttachment {
  /** Traffic on the channel: keeps the session alive. */
  touched(): void;
  /** The connection is gone. */
  detached(): void;
}

/** Finds the session of a HELO. A session has one channel: the directory closes the old one when a new one comes. */
export interface CirDirectory {
  /** undefined = unknown session (the connection is closed). */
  attach(sessionId: string, channel: CirChannel): CirAttachment | undefined;
}

/** A SessionCookie that fits a call: phones split the line at blanks, and a line break would begin another one. */
const CALLABLE_COOKIE = /^[\x21-\x7e]{1,200}$/;

export function isCallableCookie(cookie: string): boolean {
  return CALLABLE_COOKIE.test(cookie);
}

/** The text of a call, the same on every bearer. */
export function callText(version: CspVersion, cookie: string): string {
  return `WVCI ${version} ${cookie}`;
}
