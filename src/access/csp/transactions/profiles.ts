// Public profiles of 1.3 (csp-transactions section 11).

import { isAddressError, parseUser } from '../../../wv/address.ts';
import type { UserAddress } from '../../../wv/ids.ts';
import { combine } from '../../../wv/status.ts';
import { addresseesOf } from '../addressing.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, type Body } from '../codec/binding.ts';
import { inSession, type Handlers } from '../transaction.ts';

function profileBody(user: UserAddress, profile: object): Body<'PublicProfile'> {
  return {
    UserID: user,
    Property: Object.entries(profile).map(([Name, Value]) => ({ Name, Value: String(Value) })),
  };
}

const get = inSession('GetPublicProfile-Request', async ({ services, version }, body) => {
  const { users, failures } = addresseesOf(body, services.homes.domain);
  const named = users.length + failures.length;
  if (named === 0) return statusOf(402, version, 'UserID is missing');
  if (named > services.settings.maxEntities) return statusOf(402, version, 'Too many users');
  const profiles = await services.profiles.publicProfiles(users);
  return buildElement(
    'GetPublicProfile-Response',
    {
      Result: resultBody(combine(profiles.found.length, [...failures, ...profiles.failures])),
      PublicProfile: profiles.found.map(([user, profile]) => profileBody(user, profile)),
    },
    version,
  );
});

/** Of oneself only: 403 for another's. A Property without a Value is removed. */
const update = inSession('UpdatePublicProfile-Request', async ({ services, session, version }, body) => {
  const { ClearPublicProfile: clear, PublicProfile: profile } = body;
  if (clear !== true && profile === undefined) return statusOf(402, version, 'PublicProfile is missing');
  if (profile?.UserID !== undefined) {
    const owner = parseUser(profile.UserID, services.homes.domain);
    if (isAddressError(owner)) return statusOf(901, version, owner.reason);
    if (owner !== session.home.address) return statusOf(403, version, 'The profile of another user');
  }
  const values = (profile?.Property ?? []).map(({ Name, Value }) => [Name ?? '', Value ?? ''] as const);
  const outcome = await services.profiles.updatePublic(session.home.address, clear === true, values);
  return statusElement(outcome, version);
});

export const profileTransactions: Handlers = {
  'GetPublicProfile-Request': get,
  'UpdatePublicProfile-Request': update,
};
