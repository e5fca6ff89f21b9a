// A fuzz run between servers: a server in a process of its own, a peer that is logged in and says everything that SSP
// knows, right and wrong, in its session and out of it, and a user who is served meanwhile.
import { parseXml, writeXml } from '../../src/access/strict-xml.ts';
import { leaf, node, type Element } from '../../src/wv/element.ts';
import { STATUS } from '../../src/wv/status.ts';
import { Chance } from '../support/abuse.ts';
import { freePort } from '../support/ssp/two-houses.ts';
import { Hostile, loginStep, sessionStep, setup, tokenStep, transaction } from '../support/ssp/hostile.ts';
import { SSP_REQUESTS, type Who } from '../support/ssp/ssp-requests.ts';
import { android } from '../support/phone-messages.ts';
import { texts } from '../support/phone-scene.ts';
import { HABITS, Phone } from '../support/phone.ts';
import { ProgramFolder, type Serving } from '../support/program.ts';
import { damaged, spoiled } from './documents.ts';
import { errorsIn, residentOf, type FuzzOptions, type Summary } from './fuzz.ts';

const DOMAIN = 'mallory.test';
const LOGIN_FROM = '127.0.0.5';
/** Several at once, each with its own chance. */
const VOICES = 4;
const HTTP_CODES: ReadonlySet<number> = new Set([200, 400, 403, 413, 415, 503]);
const MAX_ASKED = 1_200_000;
/** Documents between two looks whether its session is still there. */
const CHECKED_EVERY = 50;

const RESPONSES = [
  '<Status code="200"/>',
  '<Status code="604"/>',
  '<Status code="201"><DetailedResult code="531"><UserID userID="wv:x@wv.test"/></DetailedResult></Status>',
  '<SendMessageResponse messageID="m"><Status code="200"/></SendMessageResponse>',
  '<GetPresenceResponse><Status code="200"/><PresenceValue userID="wv:eve@mallory.test"><PresenceSubList/></PresenceValue></GetPresenceResponse>',
  '<JoinGroupResponse><Status code="200"/><JoinedList><Name>x</Name></JoinedList></JoinGroupResponse>',
  '<GetJoinedUsersResponse><Status code="200"/><JoinedUsers><UserMapList><UserMapping><Mapping><SName>x</SName></Mapping></UserMapping></UserMapList></JoinedUsers></GetJoinedUsersResponse>',
  '<KeepAliveResponse timeToLive="60"><Status code="200"/></KeepAliveResponse>',
  '<ServiceResponse><Status code="200"/><Functions><IMSendFunc/></Functions></ServiceResponse>',
];
const CONTROLS = [
  '<KeepAliveRequest timeToLive="60"/>',
  '<ServiceRequest><Functions><IMSendFunc/></Functions></ServiceRequest>',
];
/** They end the session: once in a while only. */
const ENDS = ['<LogoutRequest/>', '<Disconnect><Status code="601"/></Disconnect>'];

/** Runs for so many seconds, then ends the server and tells. The same seed says the same. */
export async function fuzzSsp(options: FuzzOptions): Promise<Summary> {
  const folder = await ProgramFolder.make();
  const peer = await Hostile.open(DOMAIN);
  try {
    const port = await freePort();
    const config = await folder.config({
      users: [{ name: 'ann', password: 'sesame' }],
      listen: { csp: { port: 0 }, ops: { port: 0 }, ssp: { port } },
      ssp: {
        discovery: { enabled: false },
        peers: [
          {
            domain: DOMAIN,
            url: peer.url,
            allowPlain: true,
            limits: { requestsPerSecond: 100_000, burst: 100_000, open: 1_000 },
          },
        ],
      },
    });
    const serving = await folder.serve(config);
    peer.target = port;
    return await new Run(serving, peer, options).all();
  } finally {
    await peer.close();
    await folder.remove();
  }
}

class Run {
  readonly #serving: Serving;
  readonly #peer: Hostile;
  readonly #options: FuzzOptions;
  readonly #end: number;
  readonly #wrong = new Map<string, string>();
  readonly #memory: number[] = [];
  #requests = 0;
  #answers = 0;
  #lastAsked = '';
  #login: Promise<unknown> | undefined;

  constructor(serving: Serving, peer: Hostile, options: FuzzOptions) {
    this.#serving = serving;
    this.#peer = peer;
    this.#options = options;
    this.#end = performance.now() + options.seconds * 1000;
  }

  async all(): Promise<Summary> {
    this.#peer.react = (document, response) => {
      response.end();
      this.#hear(document);
    };
    await this.#relogin();
    const voices = Array.from({ length: VOICES }, (_, index) =>
      this.#speak(new Chance(this.#options.seed * 1000 + index)),
    );
    await Promise.all([...voices, this.#watch(), this.#use()]);
    this.#serving.signal('SIGTERM');
    const { code, stdout, stderr } = await this.#serving.ended;
    return {
      requests: this.#requests,
      judged: undefined,
      wrong: this.#wrong,
      errors: [...errorsIn(stdout), ...(stderr === '' ? [] : [stderr])],
      memory: this.#memory,
      exitCode: code,
    };
  }

  /** What the server posts must be XML, and its codes those of the protocol, none of them our own fault. */
  #hear(document: string): void {
    this.#answers += 1;
    // A log-in under way looks at it by position.
    if (this.#login === undefined && this.#peer.received.length > 2_000) this.#peer.received.splice(0, 1_000);
    try {
      parseXml(document, 8_000_000);
    } catch (error) {
      this.#note(`answer that is no XML: ${String(error)}`, document);
    }
    for (const [, code = ''] of document.matchAll(/ code="([^"]*)"/g))
      if (!(code in STATUS) || code === '500')
        this.#note(`status code ${code}`, `${this.#lastAsked}\n${document}`);
  }

  #note(what: string, asked: string): void {
    if (!this.#wrong.has(what)) this.#wrong.set(what, asked);
  }

  async #speak(chance: Chance): Promise<void> {
    for (let count = 0; performance.now() < this.#end; count += 1) {
      if (count % CHECKED_EVERY === 0) await this.#keepSession();
      const text = this.#document(chance);
      const asked = damaged(Buffer.from(text), chance).subarray(0, MAX_ASKED);
      this.#lastAsked = text.slice(0, 3000);
      const status = await this.#peer.post(asked);
      this.#requests += 1;
      if (!HTTP_CODES.has(status)) this.#note(`HTTP ${status}`, text);
    }
  }

  async #keepSession(): Promise<void> {
    if ((await this.#peer.say('')) === 200) return;
    this.#login ??= this.#relogin().finally(() => (this.#login = undefined));
    await this.#login;
  }

  /** From another address: set-ups that are nonsense push out others of their own network. It may have to wait. */
  async #relogin(): Promise<void> {
    while ((await this.#peer.begin({ id: `try-${Math.random()}`, from: LOGIN_FROM })) === 503)
      await new Promise((done) => setTimeout(done, 500));
    await this.#peer.login({ from: LOGIN_FROM }).catch((error: unknown) => {
      if (performance.now() < this.#end) this.#note(`no log-in: ${String(error).slice(0, 60)}`, '');
    });
  }

  #document(chance: Chance): string {
    const text = chance.below(12) === 0 ? aSetup(chance) : this.#session(chance);
    let root: Element = parseXml(text, 8_000_000);
    for (let times = chance.below(4); times > 0; times -= 1) root = spoiled(attributed(root, chance), chance);
    return writeXml(root);
  }

  #session(chance: Chance): string {
    const many = chance.below(10) === 0 ? chance.pick([2, 5, 40]) : 1;
    const inside = Array.from({ length: many }, () => aTransaction(chance)).join('');
    const wrong = chance.below(15) === 0;
    const id = wrong ? chance.pick(['nobody', '__proto__', `x@${DOMAIN}`, '']) : this.#peer.sessionId;
    return `<WV-SSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-SSP1.3"><Session sessionID="${id}">${inside}</Session></WV-SSP-Message>`;
  }

  /** Ann is there all the time, and writes to the peer's users. */
  async #use(): Promise<void> {
    const phone = new Phone(this.#serving.ready.csp.port, HABITS.android);
    await phone.say(android.login('ann', 'sesame', '<ClientID><URL>fuzz</URL></ClientID>'));
    while (performance.now() < this.#end) {
      await new Promise((done) => setTimeout(done, 250));
      const heard = await phone.say(android.sendMessage('wv:ann@wv.test', `wv:eve@${DOMAIN}`, 'hello'));
      // 506: the peer has just agreed to less.
      const codes = texts(heard.root, 'Code');
      if (!codes.some((code) => code === '200' || code === '506'))
        this.#note(`the user got ${codes.join()}`, '');
      await phone.poll();
    }
    phone.close();
  }

  async #watch(): Promise<void> {
    const step = Math.max(500, Math.min(10_000, this.#options.seconds * 50));
    while (performance.now() < this.#end) {
      await new Promise((done) => setTimeout(done, step));
      const memory = await residentOf(this.#serving);
      this.#memory.push(memory);
      this.#options.progress?.(
        `${this.#requests} documents, ${this.#answers} heard, ${memory} MB, ${this.#wrong.size} wrong`,
      );
    }
  }
}

function who(chance: Chance): Who {
  const domain = chance.below(10) === 0 ? chance.pick(['wv.test', 'elsewhere.test']) : DOMAIN;
  return {
    service: `wv:@${domain}`,
    user: `wv:${chance.pick(['eve', 'max', '+4912345'])}@${domain}`,
    other: chance.pick(['wv:ann@wv.test', 'wv:nobody@wv.test', 'ann', 'wv:x@elsewhere.test']),
    theirGroup: `wv:eve/club@${domain}`,
    ourGroup: chance.pick(['wv:ann/club@wv.test', 'wv:/lobby@wv.test']),
  };
}

function aTransaction(chance: Chance): string {
  const id =
    chance.below(8) === 0
      ? chance.pick(['', '1', '__proto__', 'x'.repeat(300)])
      : `t${chance.below(100_000)}`;
  const kind = chance.below(20);
  if (kind === 0) return transaction('Request', id, chance.pick(CONTROLS));
  if (kind <= 3) return transaction('Response', id, chance.pick(RESPONSES));
  if (kind === 4 && chance.below(40) === 0) return transaction('Request', id, chance.pick(ENDS));
  return transaction('Request', id, chance.pick(Object.values(SSP_REQUESTS))(who(chance)));
}

function aSetup(chance: Chance): string {
  const domain = chance.pick([DOMAIN, DOMAIN, 'wv.test', 'nobody.test']);
  const step = chance.pick([
    tokenStep(domain, 'AAAA'),
    tokenStep(domain, 'AAAA', 'procotolVersion="1.3"'),
    loginStep(domain, 'AAAAAAAAAAAAAAAAAAAAAA=='),
    sessionStep('evil@mallory.test'),
  ]);
  return setup(chance.pick(['Request', 'Response']), chance.pick(['1', 'm-1', '']), step);
}

const ODD = [
  '',
  ' ',
  '-1',
  '9'.repeat(40),
  'x'.repeat(3000),
  '__proto__',
  'wv:',
  '@',
  'wv:%E0%A4%A@x',
  'Yes',
  '\u202e',
  '200',
];

/** One attribute, somewhere, missing or otherwise. */
function attributed(element: Element, chance: Chance): Element {
  const { children, attributes = {} } = element;
  if (children.length > 0 && chance.below(3) > 0) {
    const index = chance.below(children.length);
    return { ...element, children: children.with(index, attributed(children[index] ?? node('x'), chance)) };
  }
  const names = Object.keys(attributes);
  if (names.length === 0) return chance.below(2) === 0 ? element : leaf(element.name, chance.pick(ODD));
  const name = chance.pick(names);
  const { [name]: _, ...others } = attributes;
  return { ...element, attributes: chance.below(3) === 0 ? others : { ...others, [name]: chance.pick(ODD) } };
}
