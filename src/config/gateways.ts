// Configuration of the gateways.

import { z } from 'zod';
import { linkedSchema, matrixLinkedSchema } from './linked.ts';
import { domain, host, port } from './values.ts';

const filesSchema = z.strictObject({
  maxFile: z
    .int()
    .min(1)
    .default(5_242_880)
    .describe('Largest file fetched from XMPP users’ links, and uploaded for them, bytes.'),
  fetchFrom: z
    .enum(['contacts', 'everybody', 'nobody'])
    .default('contacts')
    .describe(
      'Whose files are fetched for the phone: those of contacts (a subscription, or the user wrote to him before), of everybody, of nobody. The others arrive as links.',
    ),
  perMinute: z.int().min(1).default(20).describe('Files of one XMPP user fetched in a minute.'),
  insecure: z.boolean().default(false).describe('Follow http: links and upload slots too, not only https:.'),
  allow: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Addresses, networks (10.1.0.0/16) and host names that links and upload slots may lead to although they are not public, such as the XMPP server’s own.',
    ),
  uploadService: domain
    .optional()
    .describe('Upload service (XEP-0363) of the XMPP server; default: looked for among its items.'),
});

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
  reactions: z
    .boolean()
    .default(true)
    .describe('Reactions of XMPP users (XEP-0444) reach the phone as a text: NAME reacted X to "…".'),
  suggestContacts: z
    .boolean()
    .default(false)
    .describe(
      'XMPP users who agree to be seen by a WV user are sent him as an item for their rosters (XEP-0144), once, where the XMPP server does not let the component write rosters (XEP-0356). Many clients ask their user about it.',
    ),
  roomReactions: z
    .boolean()
    .default(false)
    .describe('Reactions in rooms reach phones as such a text, too. Needs no `reactions`.'),
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
  maxQuotableMessages: z
    .int()
    .min(1)
    .default(20_000)
    .describe('Messages whose beginning is kept in memory, for quotes, corrections and reactions.'),
  maxRememberedChats: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Chats whose thread, and users whose language, is kept in memory.'),
  maxQueued: z
    .int()
    .min(1)
    .default(50_000)
    .describe('Stanzas that may wait in memory to be handled; more are refused with resource-constraint.'),
  joinsPerMinute: z
    .int()
    .min(1)
    .default(60)
    .describe('Joins of one XMPP user in a minute, over all groups and clients.'),
  linked: linkedSchema
    .optional()
    .describe('Accounts of their own that WV users speak as (docs/xmpp.md). Leave out to have none.'),
  files: filesSchema.prefault({}).describe('Pictures and other files, both ways.'),
  registration: z
    .enum(['open', 'required', 'off'])
    .default('open')
    .describe(
      'Registering of XMPP users with the gateway (XEP-0077): `open`: they may; `required`: without it they can neither write to nor watch WV users; `off`: they cannot.',
    ),
  maxPeople: z
    .int()
    .min(1)
    .default(10_000)
    .describe('XMPP users of whom a registration or a privacy list is kept; more cannot have one.'),
  commandsPerMinute: z
    .int()
    .min(1)
    .default(30)
    .describe('Commands and searches that the gateway answers one XMPP user in a minute.'),
});

export type XmppSection = z.output<typeof xmppSchema>;

/** One server, or a list of several. */
export const xmppSections = z.union([xmppSchema, z.array(xmppSchema).min(1)]);

/** The sections, each with the key that errors name. */
export function sectionsOf(
  xmpp: z.output<typeof xmppSections> | undefined,
): readonly (readonly [key: string, section: XmppSection])[] {
  if (xmpp === undefined) return [];
  if (!Array.isArray(xmpp)) return [['xmpp', xmpp]];
  return xmpp.map((section, index) => [`xmpp.${index}`, section] as const);
}

/** Each domain of a gateway, with its key. */
export function xmppDomains(
  xmpp: z.output<typeof xmppSections> | undefined,
): readonly (readonly [string, string])[] {
  return sectionsOf(xmpp).flatMap(([key, section]) =>
    [
      [section.component, `${key}.component`] as const,
      [section.groupsComponent, `${key}.groupsComponent`] as const,
      ...section.domains.map((name, index) => [name, `${key}.domains.${index}`] as const),
      [section.pseudoDomain, `${key}.pseudoDomain`] as const,
      ...section.groupDomains.map((name, index) => [name, `${key}.groupDomains.${index}`] as const),
    ].flatMap(([name, where]) => (name === undefined ? [] : [[name, where] as const])),
  );
}

/** What is wrong where several servers would have the same domain. */
export function domainClashes(domains: readonly (readonly [name: string, key: string])[]): readonly string[] {
  const first = new Map<string, string>();
  return domains.flatMap(([name, key]) => {
    const other = first.get(name);
    first.set(name, other ?? key);
    return other === undefined ? [] : [`${key}: ${name} is also in ${other}`];
  });
}

const matrixFilesSchema = z.strictObject({
  maxFile: z
    .int()
    .min(1)
    .default(5_242_880)
    .describe('Largest file fetched from the media repository, and uploaded to it, bytes.'),
  fetchFrom: z
    .enum(['contacts', 'everybody', 'nobody'])
    .default('contacts')
    .describe(
      'Whose files are fetched for the phone: those of contacts (the WV user wrote to or watched him before), of everybody, of nobody. The others are named.',
    ),
  perMinute: z.int().min(1).default(20).describe('Files of one Matrix user fetched in a minute.'),
});

const matrixBotSchema = z.strictObject({
  allow: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Who may give commands: users (@dave:hs.example), rooms (!room:hs.example), servers (hs.example), or * for everybody. Default: the users of `matrix.serverName`.',
    ),
  commandsPerMinute: z
    .int()
    .min(1)
    .default(20)
    .describe('Commands of one Matrix user that are answered in a minute.'),
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
  presenceRefreshSeconds: z
    .int()
    .min(0)
    .default(25)
    .describe(
      'Seconds after which the presence of a user who is online is repeated, below the homeserver’s presence.sync_online_timeout. 0 = never.',
    ),
  invitesPerMinute: z
    .int()
    .min(1)
    .default(30)
    .describe('Invitations of ghosts by one Matrix user that are followed in a minute; more are refused.'),
  receiptsFromDelivery: z
    .boolean()
    .default(true)
    .describe('A message a phone acknowledged is marked read in Matrix.'),
  reactions: z
    .boolean()
    .default(true)
    .describe('Reactions of Matrix users reach the phone as a text: NAME reacted X to "…".'),
  splitText: z
    .int()
    .min(0)
    .default(1_500)
    .describe(
      'Longer texts from Matrix come to the phone in numbered parts of at most this many characters (at least 40). 0 = never.',
    ),
  files: matrixFilesSchema.prefault({}).describe('Pictures and other files, both ways.'),
  groups: z
    .strictObject({
      maxGuests: z
        .int()
        .min(1)
        .default(10_000)
        .describe('WV users in rooms of Matrix at once, counted for each room; above, 817.'),
      maxMembers: z
        .int()
        .min(1)
        .default(5000)
        .describe('Members of a room that phones are shown; more are in it, but not listed.'),
      maxRooms: z.int().min(1).default(10_000).describe('Groups of this server that have a room on Matrix.'),
      shownMembers: z
        .int()
        .min(0)
        .default(100)
        .describe(
          'WV members of a group who are in its room before they say something; the others come then.',
        ),
    })
    .prefault({})
    .describe('Groups as rooms, and rooms as groups.'),
  bot: matrixBotSchema.prefault({}).describe('Commands to @…bot, in a direct chat with it.'),
  linked: matrixLinkedSchema
    .optional()
    .describe(
      'Matrix accounts of their own that WV users speak as (docs/matrix.md). Leave out to have none.',
    ),
});
