// Answers on their way to one peer (ssp.md section 3): POSTs of their own, tried again for a while. What is lost in
// the end is asked for again by the peer, which gets the same answer.

import type { Clock, Log } from '../../ops/ports.ts';
import type { ResponseTransaction } from './document.ts';
import type { PeerSession } from './sessions.ts';
import type { PostOutcome } from './transport.ts';

/** Answers in one POST, POSTs at once, and answers that may wait. */
const BATCH = 64;
const PARALLEL = 2;
const MAX_WAITING = 2_000;
/** Pauses between the tries of one POST, ms. */
const PAUSES = [250, 1_000, 4_000, 15_000, 40_000];

interface Owed {
  readonly session: PeerSession;
  readonly answer: ResponseTransaction;
}

export class Answers {
  private readonly post: (
    session: PeerSession,
    answers: readonly ResponseTransaction[],
  ) => Promise<PostOutcome>;
  private readonly clock: Clock;
  private readonly log: Log;
  private waiting: Owed[] = [];
  private posting = 0;
  private stopped = false;

  constructor(deps: { post: Answers['post']; clock: Clock; log: Log }) {
    this.post = deps.post;
    this.clock = deps.clock;
    this.log = deps.log;
  }

  add(session: PeerSession, answers: readonly ResponseTransaction[]): void {
    if (answers.length === 0 || this.stopped) return;
    const room = MAX_WAITING - this.waiting.length;
    if (room < answers.length) this.log.warn({}, 'SSP answers dropped: the peer does not take them');
    for (const answer of answers.slice(0, Math.max(0, room))) this.waiting.push({ session, answer });
    // After the HTTP answer to the request.
    setImmediate(() => this.pump());
  }

  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  private pump(): void {
    while (!this.stopped && this.posting < PARALLEL) {
      const [first] = this.waiting;
      if (first === undefined) return;
      const batch = this.waiting.filter(({ session }) => session === first.session).slice(0, BATCH);
      const taken = new Set(batch);
      this.waiting = this.waiting.filter((owed) => !taken.has(owed));
      this.posting++;
      this.deliver(
        first.session,
        batch.map(({ answer }) => answer),
      )
        .catch((error: unknown) => this.log.error({ err: error }, 'SSP answers could not be posted'))
        .finally(() => {
          this.posting--;
          this.pump();
        });
    }
  }

  private async deliver(session: PeerSession, answers: readonly ResponseTransaction[]): Promise<void> {
    for (const pause of [...PAUSES, undefined]) {
      if (this.stopped) return;
      const outcome = await this.post(session, answers);
      if (outcome.kind === 'answered' && outcome.status < 300) return;
      // It does not know the session, or does not like the document: it will ask again.
      if (outcome.kind === 'answered' && outcome.status < 500 && outcome.status !== 429) return;
      if (pause === undefined) return;
      await new Promise<void>((resolve) => {
        this.clock.after(pause, resolve);
      });
    }
  }
}
