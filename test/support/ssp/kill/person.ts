// Somebody of one server who writes to, watches, and joins the groups of somebody of the other, with the project's own
// client: repeats what got no answer, and keeps books about what came.

import { WvClient, WvError, WvTransportError } from '../../../../src/client/client.ts';
import { stcp } from '../../../../src/client/stcp.ts';
import { simple } from '../../../../src/wv/presence.ts';
import { childText } from '../../../../src/wv/element.ts';
import { eventually } from '../../eventually.ts';
import type { Ledger } from '../../kill/ledger.ts';
import type { Random } from '../../kill/random.ts';
import { watchedFetch } from '../../kill/wv-person.ts';

export const PASSWORD = 'kill-secret';
/** Longer than a set-up that nobody finishes, ms. */
const ANSWERED_MS = 60_000;
/** What a server says while the other one, or itself, is not there. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 500, 503, 504, 507]);
/** Who is not in a group: it cannot be left, for it was left. */
const NOT_IN = 808;

/** Who can be written to. */
export interface Addressee {
  readonly name: string;
  readonly user: string;
}

export interface PersonOptions {
  readonly name: string;
  readonly domain: string;
  readonly url: string;
  readonly encoding: 'xml' | 'wbxml';
  readonly ledger: Ledger;
  readonly random: Random;
  /** Changes whenever this one's server begins to die, or is dead. */
  readonly kills: () => number;
  /** Carries what the client posts; default: `fetch`. */
  readonly carry?: typeof fetch;
}

export class FederatedPerson {
  readonly name: string;
  readonly user: string;
  /** One's own, hosted at home. */
  readonly group: string;
  /** Newest status text of whom one watches. */
  seen: string | undefined;
  /** In the group of the other, as the last answer said. */
  isIn = false;
  readonly #client: WvClient;
  readonly #options: PersonOptions;
  readonly #reports = new Map<string, number>();
  readonly #sent: string[] = [];
  #count = 0;

  private constructor(options: PersonOptions) {
    const { name, domain, url, encoding, ledger, random, carry } = options;
    this.name = name;
    this.user = `wv:${name}@${domain}`;
    this.group = `wv:${name}/oak@${domain}`;
    this.#options = options;
    this.#client = new WvClient({
      url,
      user: this.user,
      password: PASSWORD,
      version: '1.2',
      encoding,
      cir: stcp({ reconnectMs: 50 }),
      pollSeconds: 1,
      cirPollSeconds: 1,
      retries: 1_000,
      timeoutMs: 10_000,
      fetch: watchedFetch(
        random,
        (id) => ledger.violation(`${name} got ${id} again after acknowledging it`),
        carry,
      ),
    });
    this.#listen();
  }

  static async login(options: PersonOptions): Promise<FederatedPerson> {
    const person = new FederatedPerson(options);
    await person.#client.connect();
    return person;
  }

  #listen(): void {
    const { ledger } = this.#options;
    this.#client.on('message', ({ text }) => ledger.noteArrived(this.name, text));
    this.#client.on('report', ({ message: { id }, outcome }) => this.#reported(id, outcome.code));
    this.#client.on('presence', ({ attributes }) => {
      if (attributes.StatusText !== undefined) this.seen = String(attributes.StatusText.value ?? '');
    });
    this.#client.on('disconnect', ({ code }) => ledger.violation(`${this.name} lost the session: ${code}`));
    this.#client.on('error', ({ error }) => {
      const isAway =
        error.message.startsWith('CIR') ||
        'syscall' in error ||
        (error instanceof WvTransportError && error.failure === 'unreachable');
      // Handed out once more by the restarted server before the first acknowledgement reached it: the second is void.
      const isRepeat = error instanceof WvError && error.code === 426;
      if (!isAway && !isRepeat) ledger.violation(`${this.name}: ${error.message}`);
    });
  }

  #reported(id: string, code: number): void {
    const { ledger, kills } = this.#options;
    if (code !== 200) ledger.violation(`${this.name} was told ${code} of ${id}`);
    const before = this.#reports.get(id);
    // Handed out again by one's own server, which died before it heard that it had arrived: that is CSP.
    if (before !== undefined && before === kills())
      ledger.violation(`${this.name} got the report of ${id} twice`);
    this.#reports.set(id, kills());
  }

  /** Messages that were taken and not reported. */
  get unreported(): readonly string[] {
    return this.#sent.filter((id) => !this.#reports.has(id));
  }

  /** The other side has forgotten what it had to report. */
  expectNoReports(): void {
    this.#sent.length = 0;
  }

  /** The same TransactionID and DateTime with every try: that is how the server knows the message again. */
  async write(to: Addressee): Promise<void> {
    const { ledger } = this.#options;
    this.#count += 1;
    const flow = { from: this.name, to: to.name };
    const text = ledger.text(flow, this.#count);
    const DateTime = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const id = `s${this.#count}`;
    const body = {
      DeliveryReport: true,
      MessageInfo: {
        ContentType: 'text/plain',
        ContentSize: text.length,
        DateTime,
        Recipient: { User: [{ UserID: to.user }] },
        Sender: { User: { UserID: this.user } },
      },
      ContentData: text,
    };
    await this.#persist(async () => {
      const answer = await this.#client.request('SendMessage-Request', body, { id, repeatable: true });
      this.#sent.push(childText(answer.content, 'MessageID') ?? '');
      ledger.noteAccepted(flow);
    });
  }

  async tell(status: string): Promise<void> {
    await this.#persist(() => this.#client.updatePresence({ StatusText: simple(status) }));
  }

  /** Watches the other, who lets him. */
  async watch(other: FederatedPerson): Promise<void> {
    const asked = other.#client.next('authorization', ({ user }) => user === this.user);
    await this.#persist(() =>
      this.#client.subscribe({ users: [other.user], attributes: ['OnlineStatus', 'StatusText'] }),
    );
    await asked;
    await other.#client.answerAuthorization(this.user, true);
  }

  async found(): Promise<void> {
    await this.#client.groups.create(this.group, { screenName: this.name });
  }

  /** Joins the group of the other, or leaves it. A join that failed leaves one outside. */
  async comeOrGo(other: FederatedPerson): Promise<void> {
    if (this.isIn) return this.#leave(other);
    const kills = this.#options.kills();
    try {
      await this.#client.groups.join(other.group, { screenName: this.name });
      this.isIn = true;
    } catch (error) {
      if (!(error instanceof WvError) || !NOT_NOW.has(error.code)) throw error;
      // One's own server died over the first try, and has it on record as done: the second changed nothing.
      if (this.#options.kills() !== kills) await this.#leave(other);
    }
  }

  async #leave(other: FederatedPerson): Promise<void> {
    await this.#persist(() => this.#client.groups.leave(other.group), [NOT_IN]);
    this.isIn = false;
  }

  /** Who is in one's own group. */
  async guests(): Promise<readonly string[]> {
    const inside = await this.#client.groups.participants(this.group);
    return inside.map(({ screenName }) => screenName);
  }

  /** Tries until the server can. */
  async #persist(work: () => Promise<unknown>, alsoGood: readonly number[] = []): Promise<void> {
    let last = '';
    await eventually(
      () => `${this.name} is answered (${last})`,
      async () => {
        try {
          await work();
          return true;
        } catch (error) {
          if (error instanceof WvTransportError) return false;
          if (!(error instanceof WvError)) throw error;
          if (alsoGood.includes(error.code)) return true;
          if (!NOT_NOW.has(error.code)) throw error;
          last = String(error.code);
          await new Promise((resolve) => setTimeout(resolve, 100));
          return false;
        }
      },
      ANSWERED_MS,
    );
  }

  async close(): Promise<void> {
    await this.#client.logout();
  }
}
