// Telling the members of its groups who came and who went.

import { send } from './sender.ts';
import type { Peer } from './state.ts';
import { findUser, type Group, type Member } from './world.ts';
import { groupChangeNotice } from './write-groups.ts';

/** Tells those of `members` who want it. */
export function tellMembers(
  peer: Peer,
  group: Group,
  members: readonly Member[],
  change: 'Joined' | 'Left',
  screenName: string,
): void {
  const { domain } = peer.settings;
  for (const member of members.filter((one) => one.notices)) {
    if (member.local) {
      const [joined, left] = change === 'Joined' ? [[screenName], []] : [[], [screenName]];
      findUser(peer.state.world, member.address)?.groupChanges.push({ groupId: group.id, joined, left });
      continue;
    }
    const told = { userId: member.address, clientId: member.clientId };
    send(peer, {
      queue: 'groups',
      primitive: 'GroupChangeNotice',
      content: groupChangeNotice(domain, group.id, told, change, screenName),
      notice: true,
    });
  }
}
