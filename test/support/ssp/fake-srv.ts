// Test support: a resolver without DNS. Answers wait until the test gives them, or come from a zone.

import type { SrvAnswer, SrvRecord, SrvResolver } from '../../../src/access/ssp/srv.ts';

export class FakeSrv implements SrvResolver {
  /** Names asked for, in order. */
  readonly asked: string[] = [];
  /** By name; what is not here does not exist. */
  readonly zone = new Map<string, SrvAnswer>();
  /** While true, questions wait for `answerAll`. */
  held = false;
  readonly #waiting: (() => void)[] = [];

  /** `_imps-server._tcp` of a domain. */
  set(domain: string, answer: SrvAnswer | readonly SrvRecord[]): void {
    const records = 'kind' in answer ? answer : { kind: 'records' as const, records: answer };
    this.zone.set(`_imps-server._tcp.${domain}`, records);
  }

  async resolve(name: string): Promise<SrvAnswer> {
    this.asked.push(name);
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.zone.get(name) ?? { kind: 'none' };
  }

  answerAll(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  close(): void {
    this.answerAll();
  }
}

export function srv(target: string, port = 8443, priority = 0, weight = 0): SrvRecord {
  return { target, port, priority, weight };
}
