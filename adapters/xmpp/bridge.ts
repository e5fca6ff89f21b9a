// What the features of the gateway share.

import { domainOf, serviceAddress } from '../../src/wv/address.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MetaInfo, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { isSuccess } from '../../src/wv/status.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import type { AddressCodec } from './addresses.ts';
import type { XmppSettings } from './config.ts';
import { QueueFull } from './conversation-queue.ts';
import type { ConversationQueues } from './conversation-queue.ts';
import type { Inbox } from './inbox.ts';
import type { BareJid } from './jid.ts';
import type { XmlElement } from './xml.ts';

/** The part of ComponentLink that features use. */
export interface StanzaPort {
  readonly online: boolean;
  readonly writable: boolean;
  send(element: XmlElement): boolean;
  confirmed(): Promise<boolean>;
}

export interface Bridge {
  readonly relay: RelayPort;
  readonly settings: XmppSettings;
  readonly codec: AddressCodec;
  readonly link: StanzaPort;
  readonly queues: ConversationQueues;
  readonly inbox: Inbox;
}

/** A user of ours and a foreign one, in both address forms. */
export interface Pair {
  readonly user: UserAddress;
  readonly userJid: BareJid;
  readonly contact: UserAddress;
  readonly contactJid: BareJid;
}

/** The key of everything kept per (our user, foreign user). A JID holds no blank. */
export function pairKey(pair: Pair): string {
  return `${pair.userJid} ${pair.contactJid}`;
}

/** Who asks, when a foreign user acts. */
export function metaOf(contact: UserAddress): MetaInfo {
  return { service: serviceAddress(domainOf(contact)), user: contact };
}

/**
 * The outcome of a promise that must not reject: failures are logged and counted under `what`. Too much at once is no
 * failure, and a line for each would be one: it is only counted.
 */
export function guarded(bridge: Bridge, what: string, task: Promise<unknown>): void {
  task.catch((error: unknown) => {
    if (error instanceof QueueFull)
      return bridge.relay.metrics.count('xmpp_stanzas_dropped_total', { reason: 'queue_full' });
    bridge.relay.metrics.count('xmpp_failures_total', { what });
    return bridge.relay.log.error({ err: error }, `XMPP gateway: ${what} failed`);
  });
}

/**
 * Hands a request about a pair to the relay, after those before it. Never awaited inside the queue of the pair's
 * state changes: the relay may send another request about the pair before it answers this one.
 */
export async function tell(
  bridge: Bridge,
  pair: Pair,
  request: RequestPrimitive,
): Promise<ResponsePrimitive> {
  const answer = await bridge.queues.run(`tell ${pairKey(pair)}`, () => bridge.relay.emit(request));
  if (!isSuccess(answer.result)) {
    const { primitive } = request;
    bridge.relay.metrics.count('xmpp_refused_by_relay_total', {
      primitive,
      code: String(answer.result.code),
    });
    bridge.relay.log.debug({ primitive, code: answer.result.code }, 'XMPP gateway: refused by the relay');
  }
  return answer;
}
