// IQ requests of ours to others, and their answers (RFC 6120 section 8.2.3).

import type { Clock } from '../../src/sap/port.ts';
import type { StanzaPort } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { readStanzaError } from './errors.ts';
import type { ReceivedError } from './errors.ts';
import { bareJid, parseJid } from './jid.ts';
import type { JidParts } from './jid.ts';
import { elementsOf, stanza } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** `payload`: the element inside the result, if there is one. */
export type IqAnswer = { readonly payload: XmlElement | undefined } | { readonly error: ReceivedError };

/** No answer came, or none could come: like the error a server gives for a silent one. */
export const NO_ANSWER: ReceivedError = { condition: 'remote-server-timeout', type: 'wait' };

interface Waiting {
  readonly to: string;
  readonly answer: (answer: IqAnswer) => void;
}

/** Requests under way at once; more fail like those that nobody answers. */
const MAX_WAITING = 2_000;

export class IqRequests {
  readonly #link: StanzaPort;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, Waiting>();
  #serial = 0;

  constructor(link: StanzaPort, clock: Clock, timeoutMs: number) {
    this.#link = link;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects. A stream that is down, and silence, give NO_ANSWER. */
  ask(from: string, to: string, type: 'get' | 'set', payload: XmlElement): Promise<IqAnswer> {
    this.#serial += 1;
    const id = `ask-${this.#serial}`;
    return new Promise((resolve) => {
      if (this.#waiting.size >= MAX_WAITING || !this.#link.writable) return resolve({ error: NO_ANSWER });
      const cancel = this.#clock.after(this.#timeoutMs, () =>
        this.#waiting.get(id)?.answer({ error: NO_ANSWER }),
      );
      const answer = (value: IqAnswer): void => {
        cancel();
        this.#waiting.delete(id);
        resolve(value);
      };
      this.#waiting.set(id, { to: canonical(parseJid(to)), answer });
      if (!this.#link.send(stanza('iq', { type, id, from, to }, payload))) answer({ error: NO_ANSWER });
      return undefined;
    });
  }

  /** True when the stanza answers one of our requests. An answer from anybody but who was asked is none. */
  received({ stanza: iq, from }: Incoming): boolean {
    const { id = '', type } = iq.attrs;
    if (type !== 'result' && type !== 'error') return false;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.to !== canonical(from)) return false;
    waiting.answer(type === 'error' ? { error: readStanzaError(iq) } : { payload: elementsOf(iq)[0] });
    return true;
  }

  /** The stream is gone, and with it the answers. */
  lost(): void {
    for (const { answer } of this.#waiting.values()) answer({ error: NO_ANSWER });
  }
}

function canonical(jid: JidParts | undefined): string {
  return jid === undefined ? '' : `${bareJid(jid)}/${jid.resource}`;
}
