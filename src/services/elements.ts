// The service elements of one server (design section 1), as the relay and the access side use them.

import type { ContactLists } from './contact-lists.ts';
import type { Homes } from './home.ts';
import type { Messaging } from './messaging.ts';
import type { Profiles } from './profiles.ts';
import type { Publishing } from './presence/publishing.ts';
import type { Watching } from './presence/watching.ts';
import type { Search } from './search.ts';

export interface ServiceElements {
  readonly homes: Homes;
  readonly lists: ContactLists;
  readonly publishing: Publishing;
  readonly watching: Watching;
  readonly messaging: Messaging;
  readonly profiles: Profiles;
  readonly search: Search;
}
