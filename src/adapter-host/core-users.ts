// Who exists at the server that an adapter serves, and what he is called: asked over SSP, remembered for a short while.

import type { Reply } from '../access/ssp/exchange.ts';
import type { Clock, Log } from '../ops/ports.ts';
import { NotKnownNow } from '../sap/port.ts';
import type { UserAddress } from '../wv/ids.ts';

/** How long an answer holds, ms. That there is nobody shorter: an account may be made at any moment. */
const FOUND_MS = 60_000;
const NOBODY_MS = 5_000;
/** Answers remembered; the oldest goes. */
const REMEMBERED = 10_000;
/** Somebody waits for the answer; ms. */
const DEADLINE_MS = 5_000;

interface Known {
  /** undefined = no such user. */
  readonly name: string | undefined;
  readonly until: number;
}

export class CoreUsers {
  private readonly ask: (user: UserAddress) => Promise<Reply>;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly known = new Map<UserAddress, Known>();
  private readonly asking = new Map<UserAddress, Promise<string | undefined>>();

  constructor(deps: { ask: CoreUsers['ask']; clock: Clock; log: Log }) {
    this.ask = deps.ask;
    this.clock = deps.clock;
    this.log = deps.log;
  }

  /** The name he wants to be shown by; undefined = no such user. Rejects with NotKnownNow. */
  name(user: UserAddress): Promise<string | undefined> {
    const known = this.known.get(user);
    if (known !== undefined && known.until > this.clock.now()) return Promise.resolve(known.name);
    const asking = this.asking.get(user) ?? this.find(user).finally(() => this.asking.delete(user));
    this.asking.set(user, asking);
    return asking;
  }

  private async find(user: UserAddress): Promise<string | undefined> {
    const reply = await this.inTime(user);
    const name = this.nameIn(reply);
    this.known.delete(user);
    const lifetime = name === undefined ? NOBODY_MS : FOUND_MS;
    this.known.set(user, { name, until: this.clock.now() + lifetime });
    const [oldest] = this.known.keys();
    if (this.known.size > REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    return name;
  }

  private nameIn(reply: Reply): string | undefined {
    if (reply.kind === 'control' && reply.control.name === 'UserQueryResponse') {
      const { result, displayName } = reply.control;
      if (result.code === 200 && displayName !== undefined) return displayName;
      if (result.code === 531) return undefined;
      throw new NotKnownNow(`the server answered ${result.code}`);
    }
    if (reply.kind === 'relay' && reply.response.result.code === 405) {
      this.log.warn({}, 'the server does not take us for its gateway: ssp.peers[].gateway is false there');
    }
    throw new NotKnownNow('the server did not say who exists');
  }

  private inTime(user: UserAddress): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(DEADLINE_MS, () =>
        reject(new NotKnownNow('the server did not answer')),
      );
      this.ask(user).then(resolve, reject).finally(cancel);
    });
  }
}
