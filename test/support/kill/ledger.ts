// The books of a run: what was accepted, what arrived, and whether the two agree.

/** Messages of one sender to one recipient, numbered from 1. */
export interface Flow {
  readonly from: string;
  readonly to: string;
}

interface Account {
  accepted: number;
  /** Numbers in the order of their first arrival. */
  readonly arrived: number[];
  /** Under which id each came first. */
  readonly ids: Map<number, string>;
  /** Where each stands in the order that is expected; undefined: they come by their numbers. */
  places: ReadonlyMap<number, number> | undefined;
  /** Sent again by their author after later ones: no order is expected of them. */
  readonly again: Set<number>;
}

export class Ledger {
  readonly #run: string;
  readonly #accounts = new Map<string, Account>();
  readonly #violations: string[] = [];
  #accepted = 0;
  #arrived = 0;
  #repeats = 0;

  /** `run` marks the texts of this run: servers may still deliver those of another. */
  constructor(run: string) {
    this.#run = run;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get arrived(): number {
    return this.#arrived;
  }

  /** Repeats under the same id, which their client drops. */
  get repeats(): number {
    return this.#repeats;
  }

  text({ from, to }: Flow, number: number): string {
    return `${this.#run} ${from}>${to} ${number}`;
  }

  /** The sender was told that his message is taken. */
  noteAccepted(flow: Flow): void {
    this.#account(`${flow.from}>${flow.to}`).accepted += 1;
    this.#accepted += 1;
  }

  /**
   * A client was shown a text. `id` is what it recognises repeats by; undefined where it recognises none, so that
   * every repeat is a violation.
   */
  noteArrived(at: string, text: string, id?: string): void {
    const [run, flow = '', number = ''] = text.split(' ');
    if (run !== this.#run) return;
    if (!flow.endsWith(`>${at}`)) return this.violation(`${at} was shown “${text}”`);
    const account = this.#account(flow);
    const first = account.ids.get(Number(number));
    if (first === undefined) {
      account.ids.set(Number(number), id ?? '');
      account.arrived.push(Number(number));
      this.#arrived += 1;
    } else if (id === undefined || id !== first) this.violation(`${at} was shown “${text}” twice`);
    else this.#repeats += 1;
  }

  /** These came to the gateway in this order, whatever their numbers: it has to keep it. */
  expectOrder(flow: Flow, numbers: readonly number[]): void {
    const places = new Map(numbers.map((number, place) => [number, place]));
    this.#account(`${flow.from}>${flow.to}`).places = places;
  }

  /** The author himself has sent this one once more, perhaps after later ones. */
  noteSentAgain(flow: Flow, number: number): void {
    this.#account(`${flow.from}>${flow.to}`).again.add(number);
  }

  /** Flows with messages that were accepted and have not arrived. */
  missing(): readonly string[] {
    const accounts = [...this.#accounts];
    return accounts.filter(([, { accepted, arrived }]) => arrived.length < accepted).map(([flow]) => flow);
  }

  violation(what: string): void {
    this.#violations.push(what);
  }

  /** Everything that is wrong: broken promises noted on the way, losses, and disorder. */
  violations(): readonly string[] {
    const found = [...this.#violations];
    for (const [flow, { accepted, arrived: all, ids, places, again }] of this.#accounts) {
      const arrived = all.filter((number) => !again.has(number));
      const place = (number: number): number => places?.get(number) ?? number;
      const lost = numbersUpTo(accepted).filter((number) => !ids.has(number));
      if (lost.length > 0) found.push(`${flow}: lost ${lost.join(', ')}`);
      const late = arrived.filter((number, at) => at > 0 && place(number) < place(arrived[at - 1] ?? 0));
      if (late.length > 0) found.push(`${flow}: ${late.join(', ')} came late: ${around(arrived, late[0])}`);
    }
    return found;
  }

  #account(flow: string): Account {
    const known = this.#accounts.get(flow);
    if (known !== undefined) return known;
    const account: Account = {
      accepted: 0,
      arrived: [],
      ids: new Map(),
      places: undefined,
      again: new Set(),
    };
    this.#accounts.set(flow, account);
    return account;
  }
}

/** Arrivals before and after one of them. */
function around(arrived: readonly number[], number = 0): string {
  const at = arrived.indexOf(number);
  return arrived.slice(Math.max(0, at - 4), at + 3).join(' ');
}

function numbersUpTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}
