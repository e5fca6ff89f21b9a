// Configuration of the gateways.

import { z } from 'zod';
import { domain, host, port } from './values.ts';

export const xmppSchema = z.strictObject({
  host: host.default('127.0.0.1').describe('Where the XMPP server accepts components (XEP-0114).'),
  port: port.default(5347).describe('Component port of the XMPP server.'),
  component: domain.describe('Domain of the component: WV users appear as user@<component>.'),
  secret: z.string().min(1).describe('Shared secret of the component.'),
  domains: z
    .array(domain)
    .default([])
    .describe('XMPP domains reachable in full: bob@xmpp.example is wv:bob@xmpp.example.'),
  reactions: z
    .boolean()
    .default(true)
    .describe('Reactions of XMPP users (XEP-0444) reach the phone as a text: NAME reacted X to "…".'),
  splitText: z
    .int()
    .min(0)
    .default(1_500)
    .describe(
      'Longer texts from XMPP come to the phone in numbered parts of at most this many characters (at least 40). 0 = never.',
    ),
  pseudoDomain: domain
    .optional()
    .describe(
      'WV domain for all other JIDs: wv:bob%40jabber.org@<pseudoDomain>. Leave out to refuse them (516).',
    ),
});

export const matrixSchema = z.strictObject({
  homeserverUrl: z.url().describe('Base URL of the homeserver’s client-server API.'),
  serverName: z.string().min(1).describe('The homeserver’s server_name.'),
  registration: z
    .string()
    .describe('File with the appservice registration (`wvgate registration` writes one).'),
  listen: z
    .strictObject({
      host: host.default('127.0.0.1').describe('Address to take the homeserver’s transactions on.'),
      port: port.describe('Port; the registration’s url must lead here.'),
    })
    .describe('Where the homeserver pushes events to.'),
  pseudoDomain: domain.describe('WV domain of Matrix users: @dave:hs is wv:dave%40hs@<pseudoDomain>.'),
  publishPresence: z
    .boolean()
    .default(true)
    .describe('Show WV users to Matrix, as far as they authorised wv:gateway@<pseudoDomain>.'),
  presencePerSecond: z
    .int()
    .min(1)
    .default(10)
    .describe('Presence updates sent to the homeserver per second.'),
  receiptsFromDelivery: z
    .boolean()
    .default(true)
    .describe('A message a phone acknowledged is marked read in Matrix.'),
});
