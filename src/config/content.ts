// Configuration of shared content and of pictures in messages.

import { z } from 'zod';
import { seconds } from './values.ts';

const MIB = 1_048_576;
const bytes = z.int().min(1);

export const contentSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      'Keep content. false: no areas, no links, and pictures too large for a phone are announced only.',
    ),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where `listen.web` is reached from outside, such as https://im.example.org: links begin with it. Leave out to make none.',
    ),
  quota: bytes.default(100 * MIB).describe('Bytes of one user’s or group’s area (HTTP 507 beyond).'),
  maxItems: z.int().min(1).default(1_000).describe('Items of one area (HTTP 507 beyond).'),
  maxItem: bytes.default(10 * MIB).describe('Largest item, bytes (HTTP 413 beyond).'),
  types: z
    .array(z.string().min(1))
    .default(['image/*', 'audio/*', 'video/*', 'text/plain', 'text/x-vcard', 'text/vcard', 'application/pdf'])
    .describe('Types that may be uploaded, `image/*` for a family (HTTP 415 for others).'),
  linkDays: z
    .int()
    .min(1)
    .max(365)
    .default(14)
    .describe('Longest life of a link, days; also when none is named.'),
  maxLinks: z.int().min(1).default(500).describe('Links to one item at once (HTTP 507 beyond).'),
  maxMessage: bytes
    .default(10 * MIB)
    .describe('Largest picture or other attachment in a message, bytes (415 beyond).'),
  messageQuota: bytes
    .default(4_096 * MIB)
    .describe('Bytes of all attachments that are kept for messages under way (507 beyond).'),
  cache: z
    .int()
    .min(0)
    .default(256 * MIB)
    .describe('Bytes of pictures made to fit that are kept for reuse.'),
  scanner: z
    .strictObject({
      command: z
        .array(z.string().min(1))
        .min(1)
        .describe(
          'Program and arguments; the file follows as the last one. Exit code 0: clean, 1: infected.',
        ),
      timeoutSeconds: seconds.default(60).describe('Seconds it may take; a file it cannot judge is refused.'),
    })
    .optional()
    .describe('Asked about every file before it is kept.'),
});
