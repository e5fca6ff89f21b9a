// The users' own profile over HTTP: GET and PATCH /api/profile. CSP has primitives for the public profile only.

import express, { Router } from 'express';
import type { Authentication } from '../sap/authentication.ts';
import type { Profiles } from '../services/profiles.ts';
import type { Domain, UserAddress } from '../wv/ids.ts';
import { requireUser, signedIn } from './authenticate.ts';
import { checked, WebError } from './errors.ts';
import { changeSchema, partsOf, profileJson, type ProfilePatch } from './profile-schema.ts';

export interface ProfileApiOptions {
  readonly profiles: Profiles;
  readonly authentication: Authentication;
  readonly domain: Domain;
  /** Fields that users may change beside those that are always theirs. */
  readonly selfService: readonly ('services' | 'mobileNumber')[];
}

/** Largest body of a change, bytes. */
export const MAX_BODY = 32_768;
const RESERVED = ['services', 'mobileNumber'] as const;

/** To be mounted at /api/profile. */
export function profileApi(options: ProfileApiOptions): Router {
  const { profiles, authentication, domain, selfService } = options;
  const router = Router();
  router.use(requireUser(authentication, domain));
  router.get('/', async (_request, response) => {
    response.json(await shownProfile(profiles, signedIn(response)));
  });
  router.patch('/', express.json({ limit: MAX_BODY }), async (request, response) => {
    const patch = checked(changeSchema, request.body);
    refuseReserved(patch, selfService);
    await applyPatch(profiles, signedIn(response), patch);
    response.json(await shownProfile(profiles, signedIn(response)));
  });
  return router;
}

function refuseReserved(patch: ProfilePatch, selfService: ProfileApiOptions['selfService']): void {
  for (const field of RESERVED) {
    if (patch[field] === undefined || selfService.includes(field)) continue;
    throw new WebError(403, 'only the operator changes this', { field });
  }
}

/** @throws WebError 404 when there is no such user. */
export async function shownProfile(profiles: Profiles, user: UserAddress): Promise<object> {
  const whole = await profiles.whole(user);
  if (whole === undefined) throw new WebError(404, 'no such user');
  return profileJson(whole);
}

/** @throws WebError 404; 400 when the preferences would grow too large. */
export async function applyPatch(
  profiles: Profiles,
  user: UserAddress,
  patch: Parameters<typeof partsOf>[0],
): Promise<void> {
  const { profile, account } = partsOf(patch);
  if (profile !== undefined) {
    const outcome = await profiles.change(user, profile);
    if (outcome === 'unknown') throw new WebError(404, 'no such user');
    if (outcome === 'full')
      throw new WebError(400, 'too many preferences, or too long ones', { field: 'preferences' });
  }
  if (account !== undefined && !(await profiles.changeAccount(user, account)))
    throw new WebError(404, 'no such user');
}
