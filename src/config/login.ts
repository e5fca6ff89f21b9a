// Configuration of logging in: how often one may fail, and whom the network may log in.

import { z } from 'zod';
import { seconds } from './values.ts';
import { isAddressPrefix } from '../access/address-list.ts';

export const addressPrefix = z
  .string()
  .refine(isAddressPrefix, 'neither an IP address nor a prefix like 10.0.0.0/8');

export const loginSchema = z.strictObject({
  userBurst: z
    .int()
    .min(1)
    .default(5)
    .describe('Wrong passwords for one user from one address before waiting is asked for (503).'),
  userSeconds: seconds.default(30).describe('Then one try per so many seconds.'),
  userTotalBurst: z
    .int()
    .min(1)
    .default(100)
    .describe('The same from all addresses together; never less than `userBurst`.'),
  userTotalSeconds: seconds.default(5).describe('Then one try per so many seconds.'),
  sourceBurst: z
    .int()
    .min(1)
    .default(30)
    .describe('Wrong passwords from one address before waiting is asked for.'),
  sourceSeconds: seconds.default(5).describe('Then one try per so many seconds.'),
  lockout: z
    .strictObject({
      failures: z.int().min(3).default(20).describe('Wrong passwords in a row, from anywhere.'),
      seconds: seconds.default(900).describe('How long the account is locked then.'),
    })
    .optional()
    .describe(
      'Lock an account (403) after too many wrong passwords; `wvgate user unlock` opens it before its time. Leave out for none: with it, a stranger can lock a user out.',
    ),
  msisdn: z
    .strictObject({
      headers: z
        .array(z.string().regex(/^[\w-]+$/, 'not a header name'))
        .min(1)
        .default(['X-MSISDN', 'X-Network-MSISDN', 'x-up-calling-line-id', 'MSISDN'])
        .describe(
          'HTTP headers with the number of the subscriber; where several are there, they must agree.',
        ),
      sources: z
        .array(addressPrefix)
        .min(1)
        .describe(
          'Addresses or prefixes of the gateways whose headers are believed. They must take such headers out of what phones send.',
        ),
    })
    .optional()
    .describe('Log users in by the number that a gateway of the mobile network names. Leave out for none.'),
});
