// What the content service needs of groups and invitations, made of those services.

import type { IdSource } from '../ops/ports.ts';
import type { Privilege } from '../store/store.ts';
import type { ClientId } from '../wv/ids.ts';
import { trusted } from '../wv/ids.ts';
import { result } from '../wv/status.ts';
import type { GroupRole, GroupRoles } from './content/areas.ts';
import type { Inviter } from './content/sharing.ts';
import type { Groups } from './groups/groups.ts';
import type { Homes } from './home.ts';
import type { Inviting } from './invitations/inviting.ts';

const ROLES: Readonly<Record<Privilege, GroupRole>> = { Admin: 'admin', Mod: 'moderator', User: 'member' };

/** Roles by privileges. Who only visits a group has no part in its area. */
export function contentRoles(groups: Pick<Groups, 'privilegeOf'>): GroupRoles {
  return {
    async roleOf(group, user) {
      const privilege = await groups.privilegeOf(group, user);
      return privilege === undefined ? undefined : ROLES[privilege];
    },
  };
}

/** Somebody at a web page is no client of CSP: all clients of the inviter learn the answers. */
const NO_CLIENT = trusted<ClientId>('');

/** Invitations of type SC, each under an InviteID of its own. 531 when the inviter is no more. */
export function contentInviter(services: {
  readonly homes: Homes;
  readonly inviting: Pick<Inviting, 'invite'>;
  readonly ids: IdSource;
}): Inviter {
  const { homes, inviting, ids } = services;
  return {
    async share({ from, to, url, note, validity }) {
      const home = await homes.get(from);
      if (home === undefined) return result(531);
      return inviting.invite(home, NO_CLIENT, {
        inviteId: ids.random(12),
        type: 'SC',
        recipients: [to],
        unresolved: [],
        urls: [url],
        note,
        validity,
      });
    },
  };
}
