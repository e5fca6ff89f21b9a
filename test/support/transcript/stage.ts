// Plays transcripts before a whole server, over real sockets, in every binding.

import type { Handler } from '../../../src/access/csp/transaction.ts';
import { TRANSACTIONS } from '../../../src/access/csp/transactions/index.ts';
import { agreedFunctions, AVAILABLE } from '../../../src/sap/discovery.ts';
import { child, childText, type Element } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { HABITS, type Habits, type Heard, type Phone, type Wrapping as PhoneWrapping } from '../phone.ts';
import { codeOf, pollOnly, type Scene } from '../phone-scene.ts';
import type { Coverage } from './coverage.ts';
import { operate } from './operator.ts';
import { oddities, withoutRequired, type Distortion } from './distortions.ts';
import type { Play, Step, Tree, Wrapping } from './play.ts';
import { childrenOf, differences, filled, toXml, type Names } from './tree.ts';

export interface Binding {
  readonly name: string;
  readonly version: CspVersion;
  readonly habits: Habits;
}

/** Phones without quirks, which differ in nothing but version and encoding. */
const binding = (encoding: 'xml' | 'wbxml', version: CspVersion): Binding => ({
  name: `${encoding === 'xml' ? 'XML' : 'WBXML'} ${version}`,
  version,
  habits: {
    ...(encoding === 'xml' ? HABITS.android : HABITS.androidWbxml),
    version,
    headers: [['User-Agent', 'transcript']],
    clientId: '<ClientID><URL>wv:transcript</URL></ClientID>',
  },
});

export const BINDINGS: readonly Binding[] = [
  binding('xml', '1.1'),
  binding('wbxml', '1.1'),
  binding('xml', '1.2'),
  binding('wbxml', '1.2'),
  binding('xml', '1.3'),
  binding('wbxml', '1.3'),
];

/** Whether a client may have left it out of its service negotiation: some versions have no word for some functions. */
export function isNegotiable(handler: Handler, version: CspVersion): boolean {
  if (handler.outband === true || handler.needs === undefined) return false;
  return !agreedFunctions(new Set(), AVAILABLE, version).has(handler.needs);
}

/** Polls after which what is waited for will not come. */
const PATIENCE = 250;

/** One performance of a play. */
export class Performance {
  readonly #scene: Scene;
  readonly #play: Play;
  readonly #binding: Binding;
  readonly #coverage: Coverage;
  readonly #names: Names = new Map();
  readonly #phones = new Map<string, Phone>();
  /** What each actor said last, and the answer. */
  readonly #last = new Map<string, { readonly said: string; readonly heard: Heard }>();
  /** The server's transaction that each actor was told last. */
  readonly #told = new Map<string, { readonly id: string; readonly content: Element }>();
  readonly #inboxes = new Map<string, Heard[]>();
  readonly #said = new Map<string, { readonly actor: string; readonly tree: Tree }>();

  constructor(
    scene: Scene,
    play: Play,
    { binding: how, coverage }: { binding: Binding; coverage: Coverage },
  ) {
    this.#scene = scene;
    this.#play = play;
    this.#binding = how;
    this.#coverage = coverage;
  }

  async run(): Promise<void> {
    const { actors, clients } = this.#play;
    for (const actor of actors)
      if (clients[actor] === undefined) this.#names.set(actor, await this.#scene.person(actor));
    for (const [client, user] of Object.entries(clients)) this.#names.set(client, this.#address(user));
    this.#names.set('domain', this.#scene.house.domain);
    for (const actor of actors) if (!this.#play.offline.includes(actor)) await this.#logIn(actor);
    for (const [at, { step, versions }] of this.#play.steps.entries()) {
      if (versions !== undefined && !versions.includes(this.#binding.version)) continue;
      await this.#act(step).catch((error: unknown) => {
        const words = error instanceof Error ? error.message : String(error);
        throw new Error(`step ${at + 1}, ${describe(step)}: ${words}`, { cause: error });
      });
    }
    if (this.#distorts) await this.#playOddities();
    this.#scene.closePhones();
  }

  async #act(step: Step): Promise<void> {
    switch (step.kind) {
      case 'logs in':
        return this.#logIn(step.actor, step.client);
      case 'says':
        return this.#say(step.actor, step.tree, step.wrapping);
      case 'says at once':
        return this.#sayAtOnce(step.actor, step.trees);
      case 'hears':
        return this.#check(this.#lastOf(step.actor).heard, step.tree);
      case 'hears at once':
        return this.#checkEach(this.#lastOf(step.actor).heard, step.trees);
      case 'gets':
        return this.#get(step.actor, step.tree, true);
      case 'polls':
        return this.#get(step.actor, step.tree, false);
      case 'answers':
        return this.#answer(step.actor, step.tree);
      case 'passes':
        this.#scene.clock.advance(step.seconds * 1000);
        return;
      case 'restarts':
        return this.#restart();
      case 'operator':
        return operate(this.#scene, step, this.#names);
    }
  }

  /** Houses of their own have limits that distorted requests would run into. */
  get #distorts(): boolean {
    return this.#play.house === undefined;
  }

  async #logIn(actor: string, named?: string): Promise<void> {
    const { habits } = this.#binding;
    const client = named ?? (this.#play.clients[actor] === undefined ? undefined : `wv:${actor}`);
    const own = client === undefined ? {} : { clientId: `<ClientID><URL>${client}</URL></ClientID>` };
    const phone = await this.#scene.online(this.#address(actor), habits, own);
    this.#phones.set(actor, phone);
  }

  async #restart(): Promise<void> {
    await this.#scene.restart();
    for (const [actor, phone] of this.#phones) this.#phones.set(actor, this.#scene.again(phone));
  }

  async #say(actor: string, tree: Tree, wrapping: Wrapping): Promise<void> {
    const [name, body] = primitiveOf(tree);
    const phone = this.#phoneOf(actor);
    if (this.#distorts && wrapping.session === undefined && wrapping.mode === undefined) {
      await this.#playRefusals(phone, name, body);
      this.#said.set(name, { actor, tree: body });
    }
    const heard = await this.#post(phone, name, body, this.#wrapped(wrapping));
    this.#last.set(actor, { said: name, heard });
  }

  async #sayAtOnce(actor: string, trees: readonly Tree[]): Promise<void> {
    const phone = this.#phoneOf(actor);
    const primitives = trees.map(primitiveOf);
    const texts = primitives.map(([name, body]) => toXml(name, body, this.#names, this.#binding.version));
    const heard = await phone.post(phone.documentOf(texts));
    const answers = heard.transactions.filter(({ mode }) => mode === 'Response');
    for (const [at, [name]] of primitives.entries()) {
      const answer = answers[at]?.content;
      if (answer !== undefined) this.#coverage.note(name, this.#binding.name, codeIn(answer) ?? '200');
    }
    this.#last.set(actor, { said: 'several', heard });
  }

  #checkEach(heard: Heard, wanted: readonly Tree[]): void {
    const answers = heard.transactions.filter(({ mode }) => mode === 'Response');
    if (answers.length !== wanted.length)
      throw new Error(`${answers.length} answers instead of ${wanted.length}`);
    for (const [at, answer] of answers.entries())
      this.#check({ ...heard, transactions: [answer], content: answer.content }, wanted[at] ?? null);
  }

  async #post(phone: Phone, name: string, body: Tree, wrapping: PhoneWrapping): Promise<Heard> {
    const { version, name: where } = this.#binding;
    const heard = await phone.say(toXml(name, body, this.#names, version), wrapping);
    if (heard.status !== 200) throw new Error(`HTTP ${heard.status} for ${name}`);
    if (name !== 'Polling-Request' && wrapping.mode !== 'Response') {
      const answer = heard.transactions.find(({ mode }) => mode === 'Response');
      if (answer !== undefined) this.#coverage.note(name, where, String(codeOf(heard) || 200));
    }
    return heard;
  }

  #wrapped({ session, id, mode, headers }: Wrapping): PhoneWrapping {
    return {
      ...(headers === undefined ? {} : { headers }),
      ...(id === undefined ? {} : { id }),
      ...(mode === undefined ? {} : { mode }),
      ...(session === undefined ? {} : { sessionId: this.#sessionOf(session) }),
    };
  }

  #sessionOf(session: string): string {
    if (session === 'none') return '';
    return this.#phones.get(session)?.sessionId ?? filled(session, this.#names);
  }

  /** Before a request is played for the first time in a binding: nobody but its session may say it, and not in part. */
  async #playRefusals(phone: Phone, name: string, body: Tree): Promise<void> {
    const handler = TRANSACTIONS[name];
    if (handler === undefined || !this.#coverage.distorts(name, this.#binding.name, 'refusals')) return;
    if (handler.outband !== true) {
      await this.#expect(phone, name, { what: 'outside a session', tree: body }, [604], '');
      await this.#expect(phone, name, { what: 'in a session that never was', tree: body }, [604], 'nobody');
      if (isNegotiable(handler, this.#binding.version)) await this.#playDisagreement(name, body);
    }
    for (const part of withoutRequired(name, body)) await this.#expect(phone, name, part, [400, 402]);
  }

  /** A client that agreed to nothing but to read about the provider may say nothing else. */
  async #playDisagreement(name: string, body: Tree): Promise<void> {
    const stranger = await this.#scene.person('stranger');
    const phone = await this.#scene.online(stranger, this.#binding.habits);
    const Functions = { WVCSPFeat: { FundamentalFeat: { ServiceFunc: { GETSPI: null } } } };
    const modest = toXml('Service-Request', { Functions }, this.#names, this.#binding.version);
    await phone.say(modest);
    await this.#expect(phone, name, { what: 'without agreement', tree: body }, [506]);
    phone.close();
  }

  /** After the play, when nothing can be spoilt any more: doubled and empty elements. */
  async #playOddities(): Promise<void> {
    for (const [name, { actor, tree }] of this.#said) {
      if (TRANSACTIONS[name]?.outband === true || name === 'Logout-Request') continue;
      if (!this.#coverage.distorts(name, this.#binding.name, 'oddities')) continue;
      const phone = this.#phones.get(actor);
      if (phone === undefined) continue;
      for (const oddity of oddities(tree)) {
        const heard = await this.#post(phone, name, oddity.tree, {});
        const code = codeOf(heard);
        if (heard.body.length === 0) throw new Error(`${name} ${oddity.what}: no answer`);
        if (code === 500) throw new Error(`${name} ${oddity.what}: 500`);
      }
    }
  }

  async #expect(phone: Phone, name: string, { what, tree }: Distortion, codes: number[], sessionId?: string) {
    const heard = await this.#post(phone, name, tree, sessionId === undefined ? {} : { sessionId });
    if (!codes.includes(codeOf(heard))) {
      throw new Error(`${name} ${what}: ${codeOf(heard) || 'no code'} instead of ${codes.join(' or ')}`);
    }
  }

  /** Polls until a server transaction of the wanted name comes; others are acknowledged and passed over. */
  async #get(actor: string, wanted: Tree, acknowledges: boolean): Promise<void> {
    const phone = this.#phoneOf(actor);
    const [name, body] = wanted === 'nothing' ? ['nothing', null] : primitiveOf(wanted);
    for (let tries = 0; tries < PATIENCE; tries += 1) {
      const heard = this.#came(actor).shift() ?? (await pollOnly(phone));
      const [first] = heard.transactions.filter(({ mode }) => mode === 'Request');
      if (first === undefined) {
        if (name === 'nothing') return;
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      if (name === 'nothing') throw new Error(`there is ${first.content?.name ?? '?'}`);
      const isWanted = first.content?.name === name;
      if (first.content !== undefined && isWanted) {
        this.#told.set(actor, { id: first.id, content: first.content });
        this.#coverage.note(name, this.#binding.name, codeIn(first.content) ?? 'sent');
        this.#checkContent(first.content, body);
      }
      if (!isWanted || acknowledges) this.#keep(actor, await phone.acknowledge(heard));
      if (isWanted) return;
    }
    throw new Error(`no ${name}`);
  }

  /** What came with the answers to other things, and was not looked at yet. */
  #came(actor: string): Heard[] {
    const known = this.#inboxes.get(actor) ?? [];
    this.#inboxes.set(actor, known);
    return known;
  }

  #keep(actor: string, heard: readonly Heard[]): void {
    const told = heard.filter(({ transactions }) => transactions.some(({ mode }) => mode === 'Request'));
    this.#came(actor).push(...told);
  }

  async #answer(actor: string, tree: Tree): Promise<void> {
    const told = this.#told.get(actor);
    if (told === undefined) throw new Error('nothing to answer');
    const [name, body] =
      typeof tree === 'number' ? (['Status', { Result: { Code: tree } }] as const) : primitiveOf(tree);
    const heard = await this.#post(this.#phoneOf(actor), name, body, { mode: 'Response', id: told.id });
    this.#coverage.note(name, this.#binding.name, 'taken');
    this.#keep(actor, [heard]);
    this.#last.set(actor, { said: name, heard });
  }

  #check(heard: Heard, wanted: Tree): void {
    const answer = heard.transactions.find(({ mode }) => mode === 'Response')?.content;
    if (wanted === 'nothing') {
      if (answer !== undefined) throw new Error(`there is an answer: ${answer.name}`);
      return;
    }
    if (answer === undefined) throw new Error('there is no answer');
    if (typeof wanted === 'number') {
      if ((codeOf(heard) || 200) !== wanted)
        throw new Error(`${codeOf(heard)} instead of ${wanted}: ${heard.xml}`);
      return;
    }
    const expression = typeof wanted === 'string' ? /^\/(.*)\/$/.exec(wanted)?.[1] : undefined;
    if (expression !== undefined) {
      const said = `${answer.name} ${codeOf(heard) || 200}`;
      if (!new RegExp(expression).test(said))
        throw new Error(`${said} instead of ${expression}: ${heard.xml}`);
      return;
    }
    const [name, body] = primitiveOf(wanted);
    if (answer.name !== name) throw new Error(`${answer.name} instead of ${name}: ${heard.xml}`);
    this.#checkContent(answer, body);
  }

  #checkContent(content: Element, body: Tree): void {
    const found = body === null ? [] : differences(content, body, this.#names);
    if (found.length > 0) throw new Error(found.join('; '));
  }

  #address(actor: string): string {
    const address = this.#names.get(actor);
    if (address === undefined) throw new Error(`nobody is called ${actor}`);
    return address;
  }

  /** Who is offline speaks too: without a session. */
  #phoneOf(actor: string): Phone {
    const known = this.#phones.get(actor);
    if (known !== undefined) return known;
    const phone = this.#scene.phone(this.#binding.habits);
    this.#phones.set(actor, phone);
    return phone;
  }

  #lastOf(actor: string): { readonly said: string; readonly heard: Heard } {
    const last = this.#last.get(actor);
    if (last === undefined) throw new Error(`${actor} said nothing yet`);
    return last;
  }
}

function codeIn(content: Element): string | undefined {
  return childText(child(content, 'Result'), 'Code');
}

/** `Name`, `Name 404` or `{Name: content}`. */
function primitiveOf(tree: Tree): readonly [string, Tree] {
  if (typeof tree === 'string') {
    const [name = '', code] = tree.split(' ');
    return [name, code === undefined ? null : { Result: { Code: code } }];
  }
  const [[name, content] = ['', null], ...more] = childrenOf(tree);
  if (name === '' || more.length > 0) throw new Error('one primitive a step');
  return [name, content];
}

function describe(step: Step): string {
  if (!('actor' in step)) return step.kind;
  const what = 'tree' in step ? JSON.stringify(step.tree).slice(0, 80) : '';
  return `${step.actor} ${step.kind} ${what}`;
}
