// Configuration of accounts that users of this server link with theirs.

import { z } from 'zod';
import { domain, host, port } from './values.ts';

const serverSchema = z.strictObject({
  domain: domain.describe('Domain of the accounts: what stands behind the @.'),
  host: host.optional().describe('Where that server takes clients; default: the domain itself.'),
  port: port
    .default(5222)
    .describe('Its port for clients. Beyond loopback with STARTTLS, and a certificate for the domain.'),
});

export const linkedSchema = z.strictObject({
  servers: z
    .array(serverSchema)
    .min(1)
    .describe('The servers whose accounts may be linked; wvgate connects to no others.'),
  maxClients: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Linked accounts, each with a connection of its own; more cannot be linked.'),
  maxRoster: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Contacts taken from the roster of one account; the rest is left out.'),
  startsPerSecond: z
    .int()
    .min(1)
    .default(10)
    .describe('Accounts that log in in one second when wvgate starts.'),
  showOwn: z
    .boolean()
    .default(false)
    .describe(
      'What a person writes from another client of the account reaches the phone too, as `you wrote: …`.',
    ),
});

const homeserverSchema = z.strictObject({
  serverName: z.string().min(1).describe('What stands behind the colon of its user ids.'),
  url: z.url().describe('Base URL of its client-server API.'),
});

export const matrixLinkedSchema = z.strictObject({
  homeservers: z
    .array(homeserverSchema)
    .default([])
    .describe(
      'Homeservers whose accounts may be linked, beside `matrix.homeserverUrl`; wvgate connects to no others.',
    ),
  maxClients: z
    .int()
    .min(1)
    .default(1_000)
    .describe(
      'Linked accounts, each with a request to its homeserver open all the time; more cannot be linked.',
    ),
  maxChats: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Direct chats taken from one account; the rest is left out.'),
  startsPerSecond: z
    .int()
    .min(1)
    .default(5)
    .describe('Accounts that connect in one second when wvgate starts.'),
});

export type LinkedSection = z.output<typeof linkedSchema>;
