// What the gateway itself says to a user of XMPP.

import type { Bridge } from '../bridge.ts';
import type { BareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { stanza, xml } from '../xml.ts';

/** The hint keeps other bots from answering (bridging section 11). */
export function say({ link, settings }: Bridge, to: BareJid, text: string): void {
  link.send(
    stanza(
      'message',
      { type: 'chat', from: settings.componentDomain, to },
      xml(NS.component, 'body', {}, text),
      xml(NS.hints, 'no-store'),
    ),
  );
}
