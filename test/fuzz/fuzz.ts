// A structure-aware fuzz run over the HTTP endpoint: a server in a process of its own, some people who are logged in,
// and everything that the schema can say, right and wrong, in every version and encoding.
import { encodeWbxml } from '../../src/access/csp/codec/wbxml.ts';
import { encodeXml } from '../../src/access/csp/codec/xml.ts';
import type { Encoding } from '../../src/access/csp/codec/codec.ts';
import type { CspVersion } from '../../src/wv/version.ts';
import { Chance } from '../support/abuse.ts';
import { android } from '../support/phone-messages.ts';
import { texts } from '../support/phone-scene.ts';
import { HABITS, Phone } from '../support/phone.ts';
import { ProgramFolder, type Serving } from '../support/program.ts';
import { Oracle, wrongWith } from './answers.ts';
import { damaged, message } from './documents.ts';

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Told about once in ten seconds. */
  readonly progress?: (line: string) => void;
}

export interface Summary {
  readonly requests: number;
  /** Answers that wbxml2xml judged; undefined when it is not installed. */
  readonly judged: number | undefined;
  /** What was wrong with answers, once each, with the request that brought the first one. */
  readonly wrong: ReadonlyMap<string, string>;
  /** Lines of the server's log of level error and above. */
  readonly errors: readonly string[];
  /** Resident memory of the server, MB, in the order of the run. */
  readonly memory: readonly number[];
  /** How the server ended when it was told to. */
  readonly exitCode: number | null;
}

const PEOPLE = ['ann', 'bea', 'cy'] as const;
const VARIANTS: readonly (readonly [CspVersion, Encoding])[] = [
  ['1.1', 'xml'],
  ['1.2', 'xml'],
  ['1.3', 'xml'],
  ['1.1', 'wbxml'],
  ['1.2', 'wbxml'],
  ['1.3', 'wbxml'],
];
/** Every how many WBXML answers one goes to the oracle, which is a process each time. */
const JUDGED_EVERY = 100;
/** Octets of a request: over the server's limit, and below what it still takes of a request that is too large. */
const MAX_ASKED = 2_000_000;
const ERROR_LEVEL = 50;

/** Runs for so many seconds, then ends the server and tells. The same seed asks the same questions. */
export async function fuzz(options: FuzzOptions): Promise<Summary> {
  const folder = await ProgramFolder.make();
  const oracle = await Oracle.open();
  try {
    const config = await folder.config({
      users: PEOPLE.map((name) => ({ name, password: 'sesame' })),
      login: { userBurst: 100_000, sourceBurst: 100_000 },
    });
    const serving = await folder.serve(config);
    return await new Run(serving, options, oracle).all();
  } finally {
    await oracle?.close();
    await folder.remove();
  }
}

class Run {
  readonly #serving: Serving;
  readonly #options: FuzzOptions;
  readonly #oracle: Oracle | undefined;
  readonly #end: number;
  readonly #wrong = new Map<string, string>();
  readonly #memory: number[] = [];
  #requests = 0;

  constructor(serving: Serving, options: FuzzOptions, oracle: Oracle | undefined) {
    this.#serving = serving;
    this.#options = options;
    this.#oracle = oracle;
    this.#end = performance.now() + options.seconds * 1000;
  }

  async all(): Promise<Summary> {
    const people = PEOPLE.map((_, index) => this.#person(index));
    await Promise.all([...people, this.#watch()]);
    await this.#stillServes();
    this.#serving.signal('SIGTERM');
    const { code, stdout, stderr } = await this.#serving.ended;
    return {
      requests: this.#requests,
      judged: this.#oracle?.judged,
      wrong: this.#wrong,
      errors: [...errorsIn(stdout), ...(stderr === '' ? [] : [stderr])],
      memory: this.#memory,
      exitCode: code,
    };
  }

  /** One of the people, with a phone of each variant in turn. */
  async #person(index: number): Promise<void> {
    const chance = new Chance(this.#options.seed * 1000 + index);
    const name = PEOPLE[index] ?? PEOPLE[0];
    for (let turn = index; performance.now() < this.#end; turn += 1) {
      const [version, encoding] = VARIANTS[turn % VARIANTS.length] ?? ['1.2', 'xml'];
      const phone = await this.#login(name, version, encoding);
      await this.#converse(phone, chance);
      phone.close();
    }
  }

  async #login(name: string, version: CspVersion, encoding: Encoding): Promise<Phone> {
    const phone = new Phone(this.#serving.ready.csp.port, { ...HABITS.android, version, encoding });
    const clientId = `<ClientID><URL>${name}-${encoding}-${version}</URL></ClientID>`;
    await phone.say(android.login(name, 'sesame', clientId));
    return phone;
  }

  /** Until the session is gone, or for a while. */
  async #converse(phone: Phone, chance: Chance): Promise<void> {
    const { version, encoding } = phone.habits;
    const users = PEOPLE.map((name) => `wv:${name}@wv.test`).concat(
      'wv:nobody@wv.test',
      'wv:zoe@elsewhere.test',
    );
    for (let count = 0; count < 400 && performance.now() < this.#end; count += 1) {
      const root = message(chance, { users, version, sessionId: phone.sessionId });
      const octets = encoding === 'xml' ? encodeXml(root, { declaration: true }) : encodeWbxml(root, version);
      const asked = damaged(octets, chance).subarray(0, MAX_ASKED);
      const gone = await this.#ask(phone, asked);
      if (gone) return;
    }
  }

  /** Whether the session is gone. */
  async #ask(phone: Phone, asked: Uint8Array): Promise<boolean> {
    const { encoding } = phone.habits;
    const heard = await phone.post(asked).catch((error: unknown) => String(error));
    this.#requests += 1;
    if (typeof heard === 'string') {
      this.#wrong.set(heard, `${asked.length} octets: ${shown(asked, encoding)}`);
      return true;
    }
    const found = wrongWith({ status: heard.status, encoding, body: heard.body });
    if (encoding === 'wbxml' && heard.body.length > 0 && this.#requests % JUDGED_EVERY === 0)
      found.push(...((await this.#oracle?.judge(heard.body)) ?? []));
    for (const what of found) if (!this.#wrong.has(what)) this.#wrong.set(what, shown(asked, encoding));
    const doubtful = texts(heard.root, 'Code').some((code) => ['600', '601', '604'].includes(code));
    return doubtful && !(await isServed(phone));
  }

  async #watch(): Promise<void> {
    const step = Math.max(500, Math.min(10_000, this.#options.seconds * 50));
    while (performance.now() < this.#end) {
      await new Promise((done) => setTimeout(done, step));
      const memory = await residentOf(this.#serving);
      this.#memory.push(memory);
      this.#options.progress?.(
        `${this.#requests} requests, ${memory} MB, ${this.#wrong.size} kinds of wrong answers`,
      );
    }
  }

  async #stillServes(): Promise<void> {
    const phone = await this.#login('ann', '1.2', 'xml');
    if (!(await isServed(phone))) this.#wrong.set('no session after the run', '');
    phone.close();
  }
}

/** Memory of the server's process, MB. */
export async function residentOf({ ready }: Serving): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ready.ops.port}/metrics`);
  const octets = /process_resident_memory_bytes (\d\S*)/.exec(await answer.text())?.[1];
  return Math.round(Number(octets ?? 0) / 1_048_576);
}

/** Whether the phone's session is there. */
async function isServed(phone: Phone): Promise<boolean> {
  return texts((await phone.say(android.keepAlive())).root, 'Code').includes('200');
}

function shown(asked: Uint8Array, encoding: Encoding): string {
  return encoding === 'wbxml' ? Buffer.from(asked).toString('hex') : new TextDecoder().decode(asked);
}

export function errorsIn(log: string): string[] {
  return log.split('\n').filter((line) => {
    if (!line.startsWith('{')) return line.trim() !== '';
    return ((JSON.parse(line) as { level?: number }).level ?? 0) >= ERROR_LEVEL;
  });
}

/** Whether memory stopped growing: the last quarter of the run against the second. */
export function isFlat(memory: readonly number[]): boolean {
  const quarter = Math.floor(memory.length / 4);
  if (quarter === 0) return true;
  const middle = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const before = middle(memory.slice(quarter, quarter * 2));
  return middle(memory.slice(-quarter)) <= before * 1.25 + 32;
}
