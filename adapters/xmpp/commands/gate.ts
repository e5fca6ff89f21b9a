// Who may pass: users of XMPP that registered, where they must, and pairs that the user of XMPP did not block. A block
// looks like absence to both sides (bridging section 6).

import type { RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import { status } from '../../../src/wv/primitives.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { OK, result } from '../../../src/wv/status.ts';
import { isUnmappable } from '../addresses.ts';
import type { Bridge } from '../bridge.ts';
import type { Incoming } from '../component-link.ts';
import type { StanzaError } from '../errors.ts';
import { bareJid } from '../jid.ts';
import { childOf } from '../xml.ts';
import type { People } from './people.ts';

/** 'drop': the stanza asks for no answer. */
export type Verdict = 'pass' | 'drop' | { readonly error: StanzaError };

const UNREACHABLE: Verdict = { error: { condition: 'service-unavailable', type: 'cancel' } };
const UNREGISTERED: Verdict = { error: { condition: 'registration-required', type: 'auth' } };
/** Presence that ends something, always allowed. */
const ENDING: ReadonlySet<string> = new Set(['unavailable', 'unsubscribe', 'unsubscribed', 'error']);

export class Gate {
  readonly #bridge: Bridge;
  readonly #people: People;

  constructor(bridge: Bridge, people: People) {
    this.#bridge = bridge;
    this.#people = people;
  }

  /** A stanza to one of our users. */
  incoming({ stanza, from, to }: Incoming): Verdict {
    const { type = '' } = stanza.attrs;
    if (type === 'error' || type === 'result' || (stanza.name === 'presence' && ENDING.has(type)))
      return 'pass';
    const jid = bareJid(from);
    const asks = asksForAnswer(stanza.name, type, childOf(stanza, 'body') !== undefined);
    if (stanza.name !== 'iq' && asks && this.#mustRegister(jid)) return UNREGISTERED;
    const user = this.#bridge.codec.localUser(to);
    if (isUnmappable(user) || this.#people.admits(jid, user)) return 'pass';
    return asks ? UNREACHABLE : 'drop';
  }

  /** What is answered in place of the network; undefined = nothing stands in the way of the request returned. */
  outgoing(
    request: RequestPrimitive,
  ): { readonly answer: ResponsePrimitive } | { readonly request: RequestPrimitive } {
    switch (request.primitive) {
      case 'SendMessageRequest': {
        const { sender, recipients, id } = request.message;
        const [recipient] = recipients;
        if (sender.kind !== 'user' || recipients.length !== 1 || recipient?.kind !== 'user')
          return { request };
        if (this.#admits(recipient.user, sender.user)) return { request };
        return { answer: { primitive: 'SendMessageResponse', messageId: id, result: result(410) } };
      }
      case 'SubscribeRequest': {
        // Like a contact who never answers.
        const publishers = request.publishers.filter((each) => this.#admits(each, request.watcher));
        if (publishers.length === request.publishers.length) return { request };
        return publishers.length === 0 ? { answer: status(OK) } : { request: { ...request, publishers } };
      }
      case 'InviteRequest': {
        const { inviting, invited } = request;
        if (inviting.kind !== 'user' || invited.kind !== 'user') return { request };
        return this.#admits(invited.user, inviting.user) ? { request } : { answer: status(result(410)) };
      }
      default:
        return { request };
    }
  }

  #mustRegister(jid: ReturnType<typeof bareJid>): boolean {
    return this.#bridge.settings.registration === 'required' && !this.#people.get(jid).registered;
  }

  #admits(contact: UserAddress, user: UserAddress): boolean {
    const jid = this.#bridge.codec.foreignJid(contact);
    return isUnmappable(jid) || this.#people.admits(jid, user);
  }
}

function asksForAnswer(name: string, type: string, hasBody: boolean): boolean {
  if (name === 'iq') return true;
  return name === 'presence' ? type === 'subscribe' : hasBody;
}
