// What the network behind an adapter has for the server, until the server has answered. A gateway in the server's own
// process is answered always; here the server may be away for a moment, and what is asked again is the same request.

import { orderKey } from '../access/ssp/order.ts';
import type { Clock } from '../ops/ports.ts';
import { status, type RequestName, type RequestPrimitive, type ResponsePrimitive } from '../wv/primitives.ts';
import { OK, result } from '../wv/status.ts';

/** The server as it is reached from here. */
export interface Core {
  /** What it agreed to. */
  readonly capabilities: ReadonlySet<RequestName>;
  request(request: RequestPrimitive): Promise<ResponsePrimitive>;
}

/** "Not now", of the server or of the way there. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 503, 504]);
/** Somebody waits for the answer, and it is worth no wait. */
const IMPATIENT: ReadonlySet<RequestName> = new Set<RequestName>(['GetPresenceRequest']);
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** Requests that may wait at once. */
const MAX_WAITING = 10_000;

export class CoreRequests {
  private readonly core: Core;
  private readonly clock: Clock;
  private readonly patienceMs: number;
  /** The last request of each order key: none overtakes one that is asked again. */
  private readonly lanes = new Map<string, Promise<ResponsePrimitive>>();
  private waiting = 0;
  private readonly wakers = new Set<() => void>();
  private stopped = false;

  constructor(deps: { core: Core; clock: Clock; patienceMs: number }) {
    this.core = deps.core;
    this.clock = deps.clock;
    this.patienceMs = deps.patienceMs;
  }

  /** Never rejects. A 2xx answer to a message means that it is on the server's disk. */
  async emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    if (this.waiting >= MAX_WAITING) return status(result(503, 'Too much waits for the server'));
    const key = orderKey(request);
    const before = this.lanes.get(key);
    const task = async (): Promise<ResponsePrimitive> => {
      await before;
      return this.persist(request);
    };
    this.waiting++;
    const work = task();
    this.lanes.set(key, work);
    try {
      return await work;
    } finally {
      this.waiting--;
      if (this.lanes.get(key) === work) this.lanes.delete(key);
    }
  }

  /** Nothing waits any longer. */
  stop(): void {
    this.stopped = true;
    for (const wake of this.wakers) wake();
  }

  private async persist(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const deadline = this.clock.now() + (IMPATIENT.has(request.primitive) ? 0 : this.patienceMs);
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const answer = await this.ask(request);
      if (this.stopped || !NOT_NOW.has(answer.result.code)) return answer;
      const left = deadline - this.clock.now();
      if (left <= 0) return answer;
      const asked = Math.min((answer.result.tryAgainAfter ?? 0) * 1000, LONGEST_PAUSE_MS);
      await this.pause(Math.min(Math.max(pause, asked), left));
    }
  }

  private async ask(request: RequestPrimitive): Promise<ResponsePrimitive> {
    if (this.core.capabilities.has(request.primitive)) return this.core.request(request);
    // As between the server and its own gateways: a notice that has no word there is no failure.
    return status(request.primitive === 'PresenceAuthResponse' ? OK : result(506));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.wakers.delete(wake);
        resolve();
      };
      const cancel = this.clock.after(ms, wake);
      this.wakers.add(wake);
      if (this.stopped) wake();
    });
  }
}
