// Configuration of the search and of profiles.

import { z } from 'zod';
import { seconds } from './values.ts';

export const searchSchema = z.strictObject({
  maxFindings: z
    .int()
    .min(1)
    .max(10_000)
    .default(500)
    .describe('Findings of one search (536 beyond: the client is asked to be more precise).'),
  page: z.int().min(1).default(20).describe('Results in one answer when the client names no limit.'),
  maxPage: z.int().min(1).default(100).describe('Results in one answer at most.'),
  openPerUser: z
    .int()
    .min(1)
    .default(5)
    .describe('Searches of one user that wait to be continued; the oldest is forgotten (424).'),
  maxOpen: z
    .int()
    .min(1)
    .default(2_000)
    .describe('Searches of all users that wait to be continued; the oldest is forgotten (424).'),
  openSeconds: seconds.default(600).describe('How long a search can be continued.'),
});

export const profilesSchema = z.strictObject({
  selfService: z
    .array(z.enum(['services', 'mobileNumber']))
    .default(['services'])
    .describe(
      'What users may change of their profile over HTTP beside names, public profile, preferences and privacy. With mobileNumber a user could claim the number of another.',
    ),
  maxTerminals: z
    .int()
    .min(1)
    .default(10)
    .describe('Terminals remembered of one user; the one unseen longest is forgotten.'),
});
