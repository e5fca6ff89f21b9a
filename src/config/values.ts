// Values that several parts of the configuration have.

import { z } from 'zod';
import { parseDomain } from '../wv/address.ts';

export const domain = z.string().refine((text) => parseDomain(text) !== undefined, 'not a domain name');
export const port = z.int().min(0).max(65_535);
export const seconds = z.int().min(1);
export const host = z.string().min(1);

export const logSchema = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least level logged.'),
});
