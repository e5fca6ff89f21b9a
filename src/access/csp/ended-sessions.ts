// Sessions that ended not long ago: why, and what their clients are still to be told.

import type { SessionId } from '../../wv/ids.ts';
import type { Result } from '../../wv/status.ts';

/** Ended sessions that are remembered; of the oldest is only known that there is no such session. */
const REMEMBERED = 10_000;

export class EndedSessions {
  private readonly codes = new Map<string, 600 | 601>();
  private readonly parting = new Map<string, Result>();

  ended(id: SessionId, code: 600 | 601): void {
    remember(this.codes, id, code);
  }

  /** 600 expired, 601 ended by the server, 604 never heard of (or long ago). */
  why(id: string): 600 | 601 | 604 {
    return this.codes.get(id) ?? 604;
  }

  /** The client is to be told by Disconnect when it polls. */
  leaveWord(id: SessionId, reason: Result): void {
    remember(this.parting, id, reason);
  }

  /** What the client is to be told with Disconnect; once. */
  takeWord(id: string): Result | undefined {
    const reason = this.parting.get(id);
    this.parting.delete(id);
    return reason;
  }
}

function remember<T>(memory: Map<string, T>, id: string, value: T): void {
  memory.set(id, value);
  const [oldest] = memory.keys();
  if (memory.size > REMEMBERED && oldest !== undefined) memory.delete(oldest);
}
