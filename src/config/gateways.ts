// Configuration of the gateways.

import { z } from 'zod';
import { domain, host, port } from './values.ts';

export const xmppSchema = z.strictObject({
  host: host.default('127.0.0.1').describe('Where the XMPP server accepts components (XEP-0114).'),
  port: port.default(5347).describe('Component port of the XMPP server.'),
  component: domain.describe('Domain of the component: WV users appear as user@<component>.'),
  secret: z.string().min(1).describe('Shared secret of the component.'),
  groupsComponent: domain
    .optional()
    .describe('Domain of a second component: WV groups are its rooms. Leave out to have no rooms.'),
  groupsSecret: z
    .string()
    .min(1)
    .optional()
    .describe('Shared secret of the second component; default: that of the first.'),
  domains: z
    .array(domain)
    .default([])
    .describe('XMPP domains reachable in full: bob@xmpp.example is wv:bob@xmpp.example.'),
  pseudoDomain: domain
    .optional()
    .describe(
      'WV domain for all other JIDs: wv:bob%40jabber.org@<pseudoDomain>. Leave out to refuse them (516).',
    ),
  groupDomains: z
    .array(domain)
    .default([])
    .describe('Chat services (MUC) reachable in full: the room tea@muc.example is wv:/tea@muc.example.'),
  resyncRate: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Presence of WV users told a second after the stream to the XMPP server came back.'),
  createRooms: z
    .boolean()
    .default(false)
    .describe('Joining a room that does not exist creates it, where its service lets WV users do that.'),
  roomHistory: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Messages of before that a WV user gets when he joins a room of another server.'),
  maxListedOccupants: z
    .int()
    .min(1)
    .default(2_000)
    .describe('Occupants kept, and listed, of one room of another server; more are in it unseen.'),
  maxRoomGuests: z
    .int()
    .min(1)
    .default(10_000)
    .describe('WV users in rooms of other servers, counted once for each room; more get 817.'),
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
