// The gateway itself as somebody to talk to: commands in chat and by forms, registration, search, presence, and the small
// questions that every entity is asked (XEP-0012, XEP-0202).

import { NotKnownNow } from '../../../src/sap/port.ts';
import { result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import { errorReply, stanzaErrorOf } from '../errors.ts';
import type { StanzaError } from '../errors.ts';
import { bareJid } from '../jid.ts';
import type { JidParts } from '../jid.ts';
import { JoinRate } from '../muc-host/join-rate.ts';
import { NS } from '../namespaces.ts';
import { stanza, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { AdHocCommands, commandInfo, commandItems } from './ad-hoc.ts';
import type { Answer } from './ad-hoc.ts';
import { lineOf, runLine } from './chat.ts';
import type { Asker, Desk } from './command.ts';
import { People } from './people.ts';
import { changeRegistration, registrationOf } from './registration.ts';
import { say } from './say.ts';
import { queryOf, searchForm, searchResult } from './search.ts';

/** A request to the gateway itself. */
export interface CounterQuery {
  readonly payload: XmlElement;
  readonly asker: JidParts;
}

export type CounterHandler = (query: CounterQuery) => Promise<Answer> | Answer;

const TOO_OFTEN: StanzaError = { condition: 'resource-constraint', type: 'wait' };
const NO_SUCH_NODE: Answer = { error: { condition: 'item-not-found', type: 'cancel' } };
const FAILED = 'Something went wrong here. Please try again later.';

export class Counter {
  readonly people: People;
  readonly #bridge: Bridge;
  readonly #desk: Desk;
  readonly #adHoc: AdHocCommands;
  readonly #rate: JoinRate;

  constructor(bridge: Bridge, endSubscriptions: Desk['endSubscriptions']) {
    const { relay, settings } = bridge;
    this.#bridge = bridge;
    this.people = new People(bridge);
    this.#desk = { bridge, people: this.people, endSubscriptions, startedAt: relay.clock.now() };
    this.#adHoc = new AdHocCommands(this.#desk);
    this.#rate = new JoinRate(relay.clock, settings.commandsPerMinute);
  }

  /** What is offered beside the plain questions. */
  get features(): readonly string[] {
    const register = this.#bridge.settings.registration === 'off' ? [] : [NS.register];
    return [NS.commands, NS.dataForm, NS.last, NS.search, NS.time, ...register];
  }

  /** By type, namespace and name of the payload. */
  handlers(): Readonly<Record<string, CounterHandler>> {
    const registering = {
      [`get ${NS.register} query`]: this.#asked((asker) => ({ payload: registrationOf(this.#desk, asker) })),
      [`set ${NS.register} query`]: this.#asked((asker, { payload }) =>
        changeRegistration(this.#desk, asker, payload),
      ),
    };
    return {
      [`set ${NS.commands} command`]: this.#asked((asker, { payload, asker: client }) =>
        this.#adHoc.execute(asker, client, payload),
      ),
      [`get ${NS.search} query`]: () => ({ payload: searchForm() }),
      [`set ${NS.search} query`]: this.#asked(async (_asker, { payload }) => {
        const query = queryOf(payload);
        if (query === undefined) return { error: { condition: 'bad-request', type: 'modify' } };
        return { payload: await searchResult(this.#bridge, payload, query) };
      }),
      [`get ${NS.last} query`]: () => ({ payload: this.#uptime() }),
      [`get ${NS.time} time`]: () => ({ payload: timeOf(this.#bridge.relay.clock.now()) }),
      ...(this.#bridge.settings.registration === 'off' ? {} : registering),
    };
  }

  /** Information on, or items of, a node of the gateway. */
  node(kind: 'info' | 'items', node: string): Answer {
    if (kind === 'info') {
      const payload = commandInfo(this.#desk, node);
      return payload === undefined ? NO_SUCH_NODE : { payload };
    }
    if (node !== NS.commands) return NO_SUCH_NODE;
    return { payload: xml(NS.discoItems, 'query', { node }, ...commandItems(this.#desk)) };
  }

  message(incoming: Incoming): void {
    const line = lineOf(incoming);
    if (line === undefined) return this.#drop('unanswered');
    const asker = this.#asker(incoming.from);
    if ('condition' in asker) return this.#refuse(incoming, asker);
    // Silence, for an answer to each of too many is too many as well.
    if (!this.#rate.allows(asker.jid)) return this.#drop('too_many_commands');
    const answer = runLine(this.#desk, asker, line).catch((error: unknown) => {
      if (!(error instanceof NotKnownNow))
        this.#bridge.relay.log.error({ err: error }, 'XMPP gateway: a command failed');
      return { text: FAILED };
    });
    guarded(
      this.#bridge,
      'command',
      answer.then(({ text }) => say(this.#bridge, asker.jid, text)),
    );
  }

  /** Whoever has the gateway in his roster sees it (XEP-0100 section 4.1). */
  presence({ stanza: presence, from }: Incoming): void {
    const [own, to] = [this.#bridge.settings.componentDomain, bareJid(from)];
    const send = (type: string | undefined): void =>
      void this.#bridge.link.send(stanza('presence', { type, from: own, to }));
    switch (presence.attrs['type']) {
      case 'subscribe':
        send('subscribed');
        return send(undefined);
      case 'probe':
        return send(undefined);
      case 'unsubscribe':
        send('unsubscribed');
        return send('unavailable');
      default:
        return this.#drop('presence_to_gateway');
    }
  }

  #asked(task: (asker: Asker, query: CounterQuery) => Promise<Answer> | Answer): CounterHandler {
    return async (query) => {
      const asker = this.#asker(query.asker);
      if ('condition' in asker) return { error: asker };
      return this.#rate.allows(asker.jid) ? await task(asker, query) : { error: TOO_OFTEN };
    };
  }

  #asker(from: JidParts): Asker | StanzaError {
    const user = this.#bridge.codec.foreignUser(from);
    if (isUnmappable(user)) return stanzaErrorOf(result(user.unmappable, user.reason));
    return { jid: bareJid(from), user };
  }

  #uptime(): XmlElement {
    const seconds = Math.floor((this.#bridge.relay.clock.now() - this.#desk.startedAt) / 1_000);
    return xml(NS.last, 'query', { seconds: String(seconds) });
  }

  #refuse(incoming: Incoming, error: StanzaError): void {
    const reply = errorReply(incoming.stanza, error);
    if (reply !== undefined) this.#bridge.link.send(reply);
  }

  #drop(reason: string): void {
    this.#bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}

/** The gateway lives in UTC. */
function timeOf(now: number): XmlElement {
  return xml(
    NS.time,
    'time',
    {},
    xml(NS.time, 'tzo', {}, '+00:00'),
    xml(NS.time, 'utc', {}, new Date(now).toISOString()),
  );
}
