// Profiles as the HTTP interfaces and the command line write them: the schema of changes, and the whole as JSON.

import { z } from 'zod';
import type { ProfileChange, WholeProfile } from '../services/profiles.ts';
import type { AccountChange } from '../store/store.ts';
import {
  FINDABLE_FIELDS,
  isMobileNumber,
  isProfileText,
  isPublicValue,
  PUBLIC_PROPERTIES,
  SERVICE_NAMES,
  type PublicProperty,
} from '../wv/profile.ts';

const text = (longest: number) =>
  z.string().refine((value) => isProfileText(value, longest), `not a text of ${longest} characters at most`);

function publicValue(name: PublicProperty) {
  return z
    .string()
    .refine((value) => isPublicValue(name, value), `not a value of ${name}`)
    .nullable()
    .optional();
}

const publicProfile = z.strictObject(
  Object.fromEntries(
    Object.keys(PUBLIC_PROPERTIES).map((name) => [name, publicValue(name as PublicProperty)]),
  ),
);

const findable = z.strictObject(
  Object.fromEntries(FINDABLE_FIELDS.map((name) => [name, z.enum(['everybody', 'nobody']).optional()])),
);

const preferences = z.record(
  z.string().regex(/^[\w.-]{1,50}$/, 'a name of 50 letters, digits and . _ - at most'),
  z.union([text(500), z.number(), z.boolean(), z.null()]),
);

/** A change of a profile: what is absent stays, null is removed. */
export const changeSchema = z.strictObject({
  displayName: text(100).min(1).optional(),
  firstName: text(100).nullable().optional(),
  lastName: text(100).nullable().optional(),
  email: text(254)
    .regex(/^[^\s@]+@[^\s@]+$/, 'not an e-mail address')
    .nullable()
    .optional(),
  /** E.164, digits only; + and blanks may be written. */
  mobileNumber: z
    .string()
    .transform((value) => value.replace(/[\s+()-]/g, ''))
    .refine(isMobileNumber, 'not a number with its country code')
    .nullable()
    .optional(),
  publicProfile: publicProfile.optional(),
  preferences: preferences.optional(),
  findable: findable.optional(),
  networkPresence: z.boolean().optional(),
  services: z.array(z.enum(SERVICE_NAMES)).max(SERVICE_NAMES.length).nullable().optional(),
});

export const password = text(200)
  .min(1)
  .refine((value) => value.trim() === value, 'must not begin or end with a blank: phones drop it');

/** What the operator may change beside. */
export const operatorChangeSchema = changeSchema.extend({
  active: z.boolean().optional(),
  password: password.optional(),
});

export type ProfilePatch = z.output<typeof changeSchema>;

/** The parts of a change that are the profile's, and those that are the account's. */
export function partsOf(patch: z.output<typeof operatorChangeSchema>): {
  readonly profile: ProfileChange | undefined;
  readonly account: AccountChange | undefined;
} {
  const { displayName, services, active, password: _password, ...rest } = patch;
  const account = {
    ...(displayName === undefined ? {} : { displayName }),
    ...(active === undefined ? {} : { active }),
    ...(services === undefined ? {} : { services: services === null ? null : [...new Set(services)] }),
  };
  // The records are checked key by key above, which their inferred types do not tell.
  const profile = rest as ProfileChange;
  return {
    profile: Object.keys(rest).length === 0 ? undefined : profile,
    account: Object.keys(account).length === 0 ? undefined : account,
  };
}

/** Without credentials. Times are ISO 8601. */
export function profileJson({ user, profile, terminals }: WholeProfile): object {
  const { address, displayName, active, services, createdAt } = user;
  return {
    id: address,
    ...(displayName === undefined ? {} : { displayName }),
    active,
    services: services ?? SERVICE_NAMES,
    createdAt: new Date(createdAt).toISOString(),
    ...profile,
    terminals: terminals.map(({ clientId, type, capabilities, seenAt }) => ({
      clientId,
      ...(type === undefined ? {} : { type }),
      ...(capabilities === undefined ? {} : { capabilities: JSON.parse(capabilities) as unknown }),
      seenAt: new Date(seenAt).toISOString(),
    })),
  };
}
