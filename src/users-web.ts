// What users reach over HTTP: their profiles, and content where it is kept.

import type { Config } from './config.ts';
import type { IdSource } from './ops/ports.ts';
import type { Authentication } from './sap/authentication.ts';
import { contentInviter, contentRoles } from './services/content-partners.ts';
import type { LinkedAccounts } from './services/linked-accounts.ts';
import type { ServiceElements } from './services/elements.ts';
import { linkedAccountsApi } from './web/linked-accounts-api.ts';
import { requireUser } from './web/authenticate.ts';
import { contentMounts } from './web/content-routes.ts';
import { profileApi } from './web/profile-api.ts';
import type { Mount } from './web/server.ts';
import type { Domain } from './wv/ids.ts';

export interface UsersWebPorts extends Pick<
  ServiceElements,
  'profiles' | 'content' | 'groups' | 'inviting' | 'homes'
> {
  readonly linkedAccounts: LinkedAccounts;
  readonly authentication: Authentication;
  readonly domain: Domain;
  readonly ids: IdSource;
}

export function usersMounts({ profiles: { selfService } }: Config, ports: UsersWebPorts): readonly Mount[] {
  const { profiles, content, groups, linkedAccounts, authentication, domain } = ports;
  const profile = profileApi({ profiles, authentication, domain, selfService });
  const accounts = linkedAccountsApi({ linkedAccounts, authentication, domain });
  const mounts: Mount[] = [
    { path: '/api/profile/accounts', router: accounts },
    { path: '/api/profile', router: profile },
  ];
  if (content !== undefined) {
    const authenticate = requireUser(authentication, domain, 'content');
    const partners = { groups: contentRoles(groups), inviter: contentInviter(ports) };
    mounts.push(...contentMounts(content, { domain, authenticate, ...partners }));
  }
  return mounts;
}
