// A linked account without a network: streams that tests open, feed and cut.

import { Account } from '../../adapters/xmpp/linked/account.ts';
import type { AccountOwner } from '../../adapters/xmpp/linked/account.ts';
import { ChatMemory } from '../../adapters/xmpp/chat-memory.ts';
import { ClientStreamError } from '../../adapters/xmpp/linked/client-stream.ts';
import type {
  AccountStream,
  ClientFailure,
  ClientStreamHandlers,
  ClientStreamOptions,
} from '../../adapters/xmpp/linked/client-stream.ts';
import { linkedSettingsOf } from '../../adapters/xmpp/linked/settings.ts';
import type { LinkedConfig } from '../../adapters/xmpp/linked/settings.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { parseJid } from '../../adapters/xmpp/jid.ts';
import type { BareJid } from '../../adapters/xmpp/jid.ts';
import { stanza, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import type { AccountGroup, LinkedAccountsPort, LinkedAccountState } from '../../src/sap/port.ts';
import { NO_LINKED_ACCOUNTS } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import { COMPONENT, testBridge } from './xmpp-bridge.ts';
import type { TestBridge } from './xmpp-bridge.ts';
import { MemoryStorage } from './xmpp-relay.ts';

export const ROMEO = 'romeo@xmpp.example';
export const USER_JID = `alice@${COMPONENT}` as BareJid;

/** Streams that were opened, with what was written to them. */
export class FakeStreams {
  readonly opened: FakeStream[] = [];
  /** How opening the next ones fails. */
  fails: ClientFailure | undefined;

  readonly open = (options: ClientStreamOptions, handlers: ClientStreamHandlers): AccountStream => {
    const stream = new FakeStream(options, handlers, this.fails);
    this.opened.push(stream);
    return stream;
  };

  get last(): FakeStream {
    const stream = this.opened.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }
}

export class FakeStream implements AccountStream {
  readonly options: ClientStreamOptions;
  readonly handlers: ClientStreamHandlers;
  readonly written: string[] = [];
  readonly #failure: ClientFailure | undefined;
  buffered = 0;
  closed = false;

  constructor(
    options: ClientStreamOptions,
    handlers: ClientStreamHandlers,
    failure: ClientFailure | undefined,
  ) {
    this.options = options;
    this.handlers = handlers;
    this.#failure = failure;
  }

  open(): Promise<string> {
    return this.#failure === undefined
      ? Promise.resolve(`${ROMEO}/${this.options.resource}`)
      : Promise.reject(new ClientStreamError(this.#failure, `it is ${this.#failure}`));
  }

  write(text: string): void {
    this.written.push(text);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  destroy(reason: ClientStreamError): void {
    this.cut(reason.failure);
  }

  /** The stream ends. */
  cut(failure: ClientFailure = 'lost'): void {
    // Before it is open, and a second time, nobody is told.
    if (this.closed || this.#failure !== undefined) return;
    this.closed = true;
    this.handlers.closed(new ClientStreamError(failure, `it is ${failure}`));
  }

  /** The id of the last IQ written that holds this text. */
  idOf(text: string): string {
    const iq = this.written.findLast((each) => each.startsWith('<iq') && each.includes(text));
    return /id="([^"]*)"/.exec(iq ?? '')?.[1] ?? '';
  }

  /** A result for the IQ that holds this text. */
  answer(text: string, payload?: XmlElement): void {
    this.handlers.stanza(stanza('iq', { type: 'result', id: this.idOf(text) }, payload));
  }
}

export interface AccountScene {
  readonly bridge: TestBridge;
  readonly user: UserAddress;
  readonly streams: FakeStreams;
  readonly account: Account;
  readonly states: LinkedAccountState[];
  readonly shown: (readonly AccountGroup[])[];
  /** Logs in, with this roster. */
  login(...items: readonly XmlElement[]): Promise<void>;
}

/** alice, who is romeo@xmpp.example. */
export function accountScene(
  changes: Partial<LinkedConfig> = {},
  storage = new MemoryStorage(),
): AccountScene {
  const bridge = testBridge({}, storage);
  const user = bridge.relay.account('alice');
  const streams = new FakeStreams();
  const states: LinkedAccountState[] = [];
  const shown: (readonly AccountGroup[])[] = [];
  const port: LinkedAccountsPort = {
    ...NO_LINKED_ACCOUNTS,
    showContacts: (_user, groups) => {
      shown.push(groups);
      return Promise.resolve({ code: 200 });
    },
  };
  bridge.relay.linkedAccounts = port;
  const settings = linkedSettingsOf({ servers: [{ domain: 'xmpp.example' }], ...changes });
  const jid = parseJid(ROMEO);
  const [server] = settings?.servers ?? [];
  if (settings === undefined || jid === undefined || server === undefined) throw new Error('no settings');
  const owner: AccountOwner = {
    user,
    userJid: USER_JID,
    account: jid,
    password: 'secret',
    server,
    address: trusted<UserAddress>(`wv:${ROMEO}`),
  };
  const handlers = {
    state: (state: LinkedAccountState) => void states.push(state),
    inRoom: () => false,
    offline: () => undefined,
  };
  const memory = new ChatMemory(bridge.settings);
  const account = new Account(owner, bridge, settings, memory, handlers, streams.open);
  return {
    bridge,
    user,
    streams,
    account,
    states,
    shown,
    async login(...items) {
      await account.start();
      streams.last.answer('jabber:iq:roster', xml(NS.roster, 'query', {}, ...items));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
