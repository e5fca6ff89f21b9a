// Answers on their way to one peer (ssp.md section 3): POSTs of their own, tried again for a while. What is lost in
// the end is asked for again by the peer, which gets the same answer.

import type { Clock, Log, Metrics } from '../../ops/ports.ts';
import type { Domain } from '../../wv/ids.ts';
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
  private readonly metrics: Metrics;
  private readonly peer: Domain;
  private waiting: Owed[] = [];
  private posting = 0;
  private stopped = false;
  private hasWarned = false;

  constructor(deps: { peer: Domain; post: Answers['post']; clock: Clock; log: Log; metrics: Metrics }) {
    this.peer = deps.peer;
    this.metrics = deps.metrics;
    this.post = deps.post;
    this.clock = deps.clock;
    this.log = deps.log;
  }

  add(session: PeerSession, answers: readonly ResponseTransaction[]): void {
    if (answers.length === 0 || this.stopped) return;
    const room = MAX_WAITING - this.waiting.length;
    if (room < answers.length) this.dropped(answers.length - room);
    for (const answer of answers.slice(0, Math.max(0, room))) this.waiting.push({ session, answer });
    // After the HTTP answer to the request.
    setImmediate(() => this.pump());
  }

  /** Said once until all that waits has gone: whoever floods us shall not flood the log. */
  private dropped(count: number): void {
    this.metrics.count('ssp_answers_dropped_total', {}, count);
    if (this.hasWarned) return;
    this.hasWarned = true;
    this.log.warn({ peer: this.peer, count }, 'SSP answers dropped: the peer does not take them');
  }

  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  private pump(): void {
    while (!this.stopped && this.posting < PARALLEL) {
      const [first] = this.waiting;
      if (first === undefined) {
        this.hasWarned = false;
        return;
      }
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
