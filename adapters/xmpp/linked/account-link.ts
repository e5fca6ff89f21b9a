// The lasting client connection of one linked account, as the port through which features send (bridge.ts): inside, the
// user is known by his address below the component; on the stream, by the account's JID. Reconnects with back-off.

import { randomBytes } from 'node:crypto';
import type { Clock, Log, Metrics } from '../../../src/sap/port.ts';
import type { StanzaPort } from '../bridge.ts';
import { reconnectDelay } from '../component-link.ts';
import type { Incoming } from '../component-link.ts';
import type { XmppSettings } from '../config.ts';
import { Confirmation } from '../confirmation.ts';
import { errorReply, TOO_MUCH } from '../errors.ts';
import { bareJid, parseJid } from '../jid.ts';
import type { BareJid, JidParts } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { RESOURCE } from '../own-presence.ts';
import { serialize, stanza, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ClientStream, ClientStreamError } from './client-stream.ts';
import type {
  AccountStream,
  ClientFailure,
  ClientStreamHandlers,
  ClientStreamOptions,
} from './client-stream.ts';
import type { AccountServer } from './settings.ts';

export interface AccountIdentity {
  /** The user's address below the component. */
  readonly userJid: BareJid;
  readonly account: JidParts;
  readonly password: string;
  readonly server: AccountServer;
}

export interface AccountLinkHandlers {
  online(): void;
  offline(): void;
  /** The server will not have us: no further attempt is made. */
  refused(reason: ClientStreamError): void;
  stanza(incoming: Incoming): void;
}

export interface AccountLinkServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type OpenAccountStream = (
  options: ClientStreamOptions,
  handlers: ClientStreamHandlers,
) => AccountStream;

const STEP_TIMEOUT_MS = 10_000;
const OPEN_TIMEOUT_MS = 30_000;
/** A stream that lived this long counts as a success: the next reconnect starts with the shortest delay. */
const STEADY_MS = 10_000;
/** Failures after which only the user can help. */
const FINAL: ReadonlySet<ClientFailure> = new Set(['refused', 'insecure']);

export const openClientStream: OpenAccountStream = (options, handlers) => new ClientStream(options, handlers);

export class AccountLink implements StanzaPort {
  readonly #identity: AccountIdentity;
  readonly #settings: XmppSettings;
  readonly #services: AccountLinkServices;
  readonly #handlers: AccountLinkHandlers;
  readonly #open: OpenAccountStream;
  readonly #confirmation: Confirmation;
  readonly #bare: BareJid;
  #stream: AccountStream | undefined;
  #onlineSince: number | undefined;
  #failures = 0;
  #heard = false;
  #stopped = false;
  #cancelRetry: () => void = () => undefined;
  #cancelPing: () => void = () => undefined;

  constructor(
    identity: AccountIdentity,
    settings: XmppSettings,
    services: AccountLinkServices,
    handlers: AccountLinkHandlers,
    open: OpenAccountStream = openClientStream,
  ) {
    this.#identity = identity;
    this.#settings = settings;
    this.#services = services;
    this.#handlers = handlers;
    this.#open = open;
    this.#bare = bareJid(identity.account);
    this.#confirmation = new Confirmation(
      {
        ping: (id) => this.#write(stanza('iq', { type: 'get', id, to: this.#bare }, xml(NS.ping, 'ping'))),
        dead: () =>
          this.#stream?.destroy(new ClientStreamError('lost', 'the server returned no ping in time')),
      },
      services.clock,
      settings.confirmTimeoutMs,
    );
  }

  get online(): boolean {
    return this.#onlineSince !== undefined;
  }

  get writable(): boolean {
    return this.online && (this.#stream?.buffered ?? 0) < this.#settings.maxWriteBuffer;
  }

  /** Resolves after the first attempt; others follow in the background. */
  async start(): Promise<void> {
    await this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    this.#cancelPing();
    await this.#stream?.close();
  }

  /** Writes a stanza as the account. False when there is no stream, and for probes: the account's server does those. */
  send(element: XmlElement): boolean {
    if (element.name === 'presence' && element.attrs['type'] === 'probe') return false;
    const { from: _ours, ...attrs } = element.attrs;
    return this.#write({ ...element, attrs });
  }

  async confirmed(): Promise<boolean> {
    return this.online && (await this.#confirmation.confirmed());
  }

  #write(element: XmlElement): boolean {
    if (this.#stream === undefined || !this.online) return false;
    this.#stream.write(serialize(element));
    this.#services.metrics.count('xmpp_linked_stanzas_total', { direction: 'out', kind: element.name });
    return true;
  }

  async #connect(): Promise<void> {
    const { account, password, server } = this.#identity;
    const options = {
      host: server.host,
      port: server.port,
      domain: account.domain,
      username: account.local,
      password,
      // Of its own each time: a stream that the server still believes in is not fought with.
      resource: `wvgate-${randomBytes(6).toString('hex')}`,
      maxStanzaBytes: this.#settings.maxStanzaBytes,
      timeoutMs: STEP_TIMEOUT_MS,
    };
    const stream = this.#open(options, {
      stanza: (element) => this.#onStanza(element),
      refused: (envelope, why) => this.#onRefused(envelope, why),
      closed: (reason) => this.#onClosed(reason),
    });
    const late = this.#services.clock.after(OPEN_TIMEOUT_MS, () =>
      stream.destroy(new ClientStreamError('unreachable', 'no answer')),
    );
    this.#stream = stream;
    try {
      await stream.open();
    } catch (error) {
      const known = error instanceof ClientStreamError;
      this.#onFailure(known ? error : new ClientStreamError('unreachable', 'failed', { cause: error }));
      return;
    } finally {
      late();
    }
    if (this.#stopped) await stream.close();
    else this.#onOnline();
  }

  #onOnline(): void {
    this.#onlineSince = this.#services.clock.now();
    this.#services.log.info({ account: this.#bare }, 'linked account is online');
    this.#schedulePing();
    this.#handlers.online();
  }

  #onFailure(reason: ClientStreamError): void {
    this.#stream = undefined;
    if (this.#stopped) return;
    const fields = { account: this.#bare, failure: reason.failure, reason: reason.message };
    this.#services.log.warn(fields, 'linked account cannot log in');
    this.#services.metrics.count('xmpp_linked_failures_total', { failure: reason.failure });
    if (FINAL.has(reason.failure)) this.#handlers.refused(reason);
    else this.#scheduleRetry();
  }

  #onClosed(reason: ClientStreamError): void {
    const lived = this.#services.clock.now() - (this.#onlineSince ?? 0);
    this.#onlineSince = undefined;
    this.#stream = undefined;
    this.#cancelPing();
    this.#confirmation.lost();
    if (lived >= STEADY_MS) this.#failures = 0;
    if (!this.#stopped) {
      const fields = { account: this.#bare, failure: reason.failure, reason: reason.message };
      this.#services.log.warn(fields, 'stream of a linked account ended');
      this.#services.metrics.count('xmpp_linked_failures_total', { failure: reason.failure });
      this.#scheduleRetry();
    }
    this.#handlers.offline();
  }

  #scheduleRetry(): void {
    const delay = reconnectDelay(this.#settings.reconnect, this.#failures, Math.random());
    this.#failures += 1;
    this.#cancelRetry = this.#services.clock.after(delay, () => void this.#connect());
  }

  #schedulePing(): void {
    this.#heard = false;
    this.#cancelPing = this.#services.clock.after(this.#settings.pingIntervalMs, () => {
      if (!this.#heard) void this.confirmed();
      this.#schedulePing();
    });
  }

  /** What has no sender comes from the account itself (RFC 6120 section 8.1.2.1). */
  #onStanza(element: XmlElement): void {
    this.#heard = true;
    this.#services.metrics.count('xmpp_linked_stanzas_total', { direction: 'in', kind: element.name });
    const from = parseJid(element.attrs['from'] ?? this.#bare);
    const to = parseJid(element.attrs['to'] ?? this.#bare);
    if (from === undefined || to === undefined || bareJid(to) !== this.#bare) return this.#drop('not_ours');
    if (bareJid(from) === this.#bare && this.#confirmation.returned(element.attrs['id'])) return undefined;
    return this.#handlers.stanza(this.#asOurs(element, from, to.resource !== ''));
  }

  /** Too much for us: whoever wrote it is told, but for presence, which is not answered. */
  #onRefused(envelope: XmlElement, why: 'too_large' | 'too_deep'): void {
    this.#heard = true;
    this.#drop(why);
    const isAnother = envelope.attrs['from'] !== undefined && envelope.attrs['from'] !== this.#bare;
    const reply = envelope.name === 'presence' || !isAnother ? undefined : errorReply(envelope, TOO_MUCH);
    if (reply !== undefined) this.send(reply);
  }

  /** The same stanza, for the user's address below the component. */
  #asOurs(element: XmlElement, from: JidParts, full: boolean): Incoming {
    const { userJid } = this.#identity;
    const text = full ? `${userJid}/${RESOURCE}` : userJid;
    const to = parseJid(text);
    if (to === undefined) throw new TypeError('the address of a user is a JID');
    const sender = from.resource === '' ? bareJid(from) : `${bareJid(from)}/${from.resource}`;
    return { stanza: { ...element, attrs: { ...element.attrs, from: sender, to: text } }, from, to };
  }

  #drop(reason: string): void {
    this.#services.metrics.count('xmpp_stanzas_dropped_total', { reason });
  }
}
