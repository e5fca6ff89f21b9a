// The service elements of one server (design section 1), as the relay and the access side use them.

import type { ContactLists } from './contact-lists.ts';
import type { ContentService } from './content/content.ts';
import type { GroupDepartures } from './group-departures.ts';
import type { GroupGuests } from './group-guests.ts';
import type { GroupMembership } from './group-membership.ts';
import type { Groups } from './groups/groups.ts';
import type { Homes } from './home.ts';
import type { Invited } from './invitations/invited.ts';
import type { Inviting } from './invitations/inviting.ts';
import type { Messaging } from './messaging.ts';
import type { Profiles } from './profiles.ts';
import type { Publishing } from './presence/publishing.ts';
import type { Watching } from './presence/watching.ts';
import type { Search } from './search.ts';
import type { Verification } from './verification.ts';

export interface ServiceElements {
  readonly homes: Homes;
  readonly lists: ContactLists;
  readonly membership: GroupMembership;
  readonly publishing: Publishing;
  readonly watching: Watching;
  readonly messaging: Messaging;
  readonly groups: Groups;
  readonly groupGuests: GroupGuests;
  readonly departures: GroupDepartures;
  readonly inviting: Inviting;
  readonly invited: Invited;
  readonly verification: Verification;
  readonly profiles: Profiles;
  readonly search: Search;
  /** Absent when the operator switched it off. */
  readonly content?: ContentService;
}
