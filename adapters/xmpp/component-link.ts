// The lasting connection to the XMPP server (XEP-0114): reconnects with back-off, pings (XEP-0199), checks who
// speaks and to whom, and confirms what was written.

import type { Clock, Log, Metrics } from '../../src/sap/port.ts';
import { ComponentStream, StreamError } from './component-stream.ts';
import type { ReconnectDelays, XmppSettings } from './config.ts';
import { Confirmation } from './confirmation.ts';
import { errorReply } from './errors.ts';
import type { StanzaError } from './errors.ts';
import { parseJid } from './jid.ts';
import type { JidParts } from './jid.ts';
import { NS } from './namespaces.ts';
import { serialize, stanza, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** A stanza from a foreign entity to one of ours. */
export interface Incoming {
  readonly stanza: XmlElement;
  readonly from: JidParts;
  readonly to: JidParts;
}

export interface LinkHandlers {
  online(): void;
  offline(): void;
  stanza(incoming: Incoming): void;
}

export interface LinkServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** We were about to speak as somebody outside our domain: a bug of ours. */
export class ForeignSender extends Error {
  override readonly name = 'ForeignSender';
}

const OPEN_TIMEOUT_MS = 10_000;
/** How long stop() waits for the last confirmation. */
const FAREWELL_MS = 2_000;
/** A stream that lived this long counts as a success: the next reconnect starts with the shortest delay. */
const STEADY_MS = 10_000;

const TOO_MUCH: StanzaError = {
  condition: 'policy-violation',
  type: 'modify',
  text: 'Larger or deeper than is taken here',
};
/** A server that stays away is not logged more often with the same reason. */
const SAID_AGAIN_MS = 60_000;

/** The delay before attempt `failures` + 1: doubling, capped, with jitter of up to half. */
export function reconnectDelay(delays: ReconnectDelays, failures: number, random: number): number {
  const full = Math.min(delays.maxDelayMs, delays.minDelayMs * 2 ** Math.min(failures, 30));
  return Math.round(full * (0.5 + random / 2));
}

export class ComponentLink {
  readonly #settings: XmppSettings;
  readonly #services: LinkServices;
  readonly #handlers: LinkHandlers;
  readonly #confirmation: Confirmation;
  #stream: ComponentStream | undefined;
  #onlineSince: number | undefined;
  #failures = 0;
  #heard = false;
  #complaint = { text: '', at: Number.NEGATIVE_INFINITY };
  #stopped = false;
  #cancelRetry: () => void = () => undefined;
  #cancelPing: () => void = () => undefined;

  constructor(settings: XmppSettings, services: LinkServices, handlers: LinkHandlers) {
    this.#settings = settings;
    this.#services = services;
    this.#handlers = handlers;
    this.#confirmation = new Confirmation(
      {
        ping: (id) => this.#ping(id),
        dead: () => this.#stream?.destroy(new StreamError('lost', 'the server returned no ping in time')),
      },
      services.clock,
      settings.confirmTimeoutMs,
    );
  }

  get online(): boolean {
    return this.#onlineSince !== undefined;
  }

  /** True when more can be written: online, and the server reads what we write. */
  get writable(): boolean {
    return this.online && (this.#stream?.buffered ?? 0) < this.#settings.maxWriteBuffer;
  }

  /** Resolves after the first attempt; failing is not fatal, attempts go on in the background. */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Waits for what was written, then closes the stream. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    if (this.online) await this.#lastConfirmation();
    await this.#stream?.close();
  }

  /**
   * Writes a stanza; false when there is no stream. True does not mean that it arrived: see `confirmed`.
   * @throws ForeignSender when `from` is not ours
   */
  send(element: XmlElement): boolean {
    const from = parseJid(element.attrs['from'] ?? '');
    if (from?.domain !== this.#settings.componentDomain) throw new ForeignSender('from is not of our domain');
    if (this.#stream === undefined || !this.online) return false;
    this.#stream.write(serialize(element));
    this.#services.metrics.count('xmpp_stanzas_sent_total', { kind: element.name });
    return true;
  }

  /** Resolves true when the server has handled all that was sent until now; false when the stream ended first. */
  async confirmed(): Promise<boolean> {
    if (!this.online) return false;
    const outcome = await this.#confirmation.confirmed();
    if (!outcome) this.#services.metrics.count('xmpp_unconfirmed_total');
    return outcome;
  }

  /** What was written is confirmed, or has had its time. */
  async #lastConfirmation(): Promise<void> {
    const cancel = this.#services.clock.after(FAREWELL_MS, () => this.#confirmation.lost());
    await this.#confirmation.confirmed();
    cancel();
  }

  async #connect(): Promise<void> {
    const { host, port, componentDomain, secret, maxStanzaBytes } = this.#settings;
    const options = {
      host,
      port,
      domain: componentDomain,
      secret,
      maxStanzaBytes,
      timeoutMs: OPEN_TIMEOUT_MS,
    };
    const stream = new ComponentStream(options, {
      stanza: (element) => this.#onStanza(element),
      refused: (envelope, why) => this.#onRefused(envelope, why),
      closed: (reason) => this.#onClosed(reason),
    });
    // A host that swallows packets would otherwise hold us for minutes.
    const late = this.#services.clock.after(3 * OPEN_TIMEOUT_MS, () =>
      stream.destroy(new StreamError('unreachable', 'no answer')),
    );
    this.#stream = stream;
    try {
      await stream.open();
    } catch (error) {
      this.#onFailure(
        error instanceof StreamError ? error : new StreamError('unreachable', 'failed', { cause: error }),
      );
      return;
    } finally {
      late();
    }
    if (this.#stopped) await stream.close();
    else this.#onOnline(stream);
  }

  #onOnline(stream: ComponentStream): void {
    this.#onlineSince = this.#services.clock.now();
    this.#complaint = { text: '', at: Number.NEGATIVE_INFINITY };
    this.#services.log.info({ domain: this.#settings.componentDomain }, 'XMPP component is online');
    this.#services.metrics.gauge('xmpp_online', 1, { domain: this.#settings.componentDomain });
    this.#schedulePing();
    this.#handlers.online();
    stream.flow();
  }

  #onFailure(reason: StreamError): void {
    this.#stream = undefined;
    const { host, port, componentDomain } = this.#settings;
    const fields = { host, port, domain: componentDomain, failure: reason.failure, reason: reason.message };
    const refused = reason.failure === 'secret-refused';
    this.#complain(fields, refused ? 'XMPP component: secret refused' : 'XMPP server cannot be reached');
    this.#scheduleRetry(refused);
  }

  #complain(fields: { readonly reason: string }, text: string): void {
    const now = this.#services.clock.now();
    const isKnown = this.#complaint.text === `${text} ${fields.reason}`;
    if (isKnown && now - this.#complaint.at < SAID_AGAIN_MS) return;
    this.#complaint = { text: `${text} ${fields.reason}`, at: now };
    this.#services.log.warn(fields, text);
  }

  #onClosed(reason: StreamError): void {
    const lived = this.#services.clock.now() - (this.#onlineSince ?? 0);
    this.#onlineSince = undefined;
    this.#stream = undefined;
    this.#cancelPing();
    this.#confirmation.lost();
    this.#services.metrics.gauge('xmpp_online', 0, { domain: this.#settings.componentDomain });
    if (lived >= STEADY_MS) this.#failures = 0;
    if (!this.#stopped) {
      const fields = { failure: reason.failure, reason: reason.message };
      this.#services.log.warn(fields, 'XMPP stream ended');
      this.#scheduleRetry(reason.failure === 'conflict');
    }
    this.#handlers.offline();
  }

  /** With a refused secret, or a second program of our name, only an administrator can help. */
  #scheduleRetry(isRefused: boolean): void {
    if (this.#stopped) return;
    const { reconnect } = this.#settings;
    const slow = reconnect.refusedDelayMs ?? reconnect.maxDelayMs;
    const delays = isRefused ? { minDelayMs: slow, maxDelayMs: slow } : reconnect;
    const delay = reconnectDelay(delays, this.#failures, Math.random());
    this.#failures += 1;
    this.#services.metrics.count('xmpp_reconnects_total');
    this.#cancelRetry = this.#services.clock.after(delay, () => void this.#connect());
  }

  #schedulePing(): void {
    this.#heard = false;
    this.#cancelPing = this.#services.clock.after(this.#settings.pingIntervalMs, () => {
      if (!this.#heard) void this.confirmed();
      this.#schedulePing();
    });
  }

  #ping(id: string): boolean {
    const own = this.#settings.componentDomain;
    return this.send(stanza('iq', { type: 'get', id, from: own, to: own }, xml(NS.ping, 'ping')));
  }

  #onStanza(element: XmlElement): void {
    this.#heard = true;
    this.#services.metrics.count('xmpp_stanzas_received_total', { kind: element.name });
    const from = parseJid(element.attrs['from'] ?? '');
    const to = parseJid(element.attrs['to'] ?? '');
    const own = this.#settings.componentDomain;
    if (from === undefined) return this.#drop('no_sender');
    if (to?.domain !== own) return this.#drop('not_ours');
    if (from.domain !== own) return this.#handlers.stanza({ stanza: element, from, to });
    // What we send comes back only for our pings; anything else would be a loop.
    if (element.name !== 'iq' || !this.#confirmation.returned(element.attrs['id'])) this.#drop('own_echo');
  }

  /** Too much for us: whoever wrote it is told, but for presence, which is not answered. */
  #onRefused(envelope: XmlElement, why: 'too_large' | 'too_deep'): void {
    this.#heard = true;
    this.#drop(why);
    const from = parseJid(envelope.attrs['from'] ?? '');
    const own = this.#settings.componentDomain;
    const isOurs = parseJid(envelope.attrs['to'] ?? '')?.domain === own;
    if (from === undefined || from.domain === own || !isOurs || envelope.name === 'presence') return;
    const reply = errorReply(envelope, TOO_MUCH);
    if (reply !== undefined) this.send(reply);
  }

  #drop(reason: string): void {
    this.#services.metrics.count('xmpp_stanzas_dropped_total', { reason });
    this.#services.log.debug({ reason }, 'XMPP stanza dropped');
  }
}
