// Copies of what the account's other clients send and receive (XEP-0280). Only the account's own server can make them.

import { parseJid } from '../jid.ts';
import type { Incoming } from '../component-link.ts';
import { NS } from '../namespaces.ts';
import { childOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

/** `received`: for another client of the account; `sent`: by another client. */
export interface Carbon {
  readonly kind: 'received' | 'sent';
  readonly message: XmlElement;
}

export function enableCarbons(): XmlElement {
  return xml(NS.carbons, 'enable');
}

/** The copy in a message of the account's bare JID. */
export function carbonIn(wrapper: XmlElement): Carbon | undefined {
  for (const kind of ['received', 'sent'] as const) {
    const copy = childOf(wrapper, kind, NS.carbons);
    const forwarded = copy === undefined ? undefined : childOf(copy, 'forwarded', NS.forward);
    const message = forwarded === undefined ? undefined : childOf(forwarded, 'message', NS.component);
    if (message !== undefined) return { kind, message };
  }
  return undefined;
}

/** A message to another client, as if it had come to ours. Whoever it was for answers for it. */
export function unwrapped(incoming: Incoming, { message }: Carbon): Incoming | undefined {
  const from = parseJid(message.attrs['from'] ?? '');
  if (from === undefined) return undefined;
  const attrs = { ...message.attrs, to: incoming.stanza.attrs['to'] ?? '' };
  const children = message.children.filter(
    (child) => typeof child === 'string' || child.name !== 'request' || child.ns !== NS.receipts,
  );
  return { stanza: { ...message, attrs, children }, from, to: incoming.to };
}

/** What the person wrote to somebody at another client, as a note in that conversation. Undefined: no words. */
export function noteOfSent(incoming: Incoming, { message }: Carbon): Incoming | undefined {
  const partner = parseJid(message.attrs['to'] ?? '');
  const text = textOf(childOf(message, 'body'));
  if (partner === undefined || text === '' || message.attrs['type'] === 'groupchat') return undefined;
  const { id = '' } = message.attrs;
  const attrs = {
    type: 'chat',
    from: message.attrs['to'] ?? '',
    to: incoming.stanza.attrs['to'],
    id: `own-${id}`,
  };
  const note = stanza('message', attrs, xml(NS.component, 'body', {}, `you wrote: ${text}`));
  return { stanza: note, from: partner, to: incoming.to };
}
