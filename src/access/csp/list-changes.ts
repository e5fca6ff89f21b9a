// What follows when a contact list changes: who may see what (attribute lists), and what clients watch (AutoSubscribe).

import type { ListOutcome } from '../../services/contact-lists.ts';
import type { Home } from '../../services/home.ts';
import type { Publishing } from '../../services/presence/publishing.ts';
import type { Watching } from '../../services/presence/watching.ts';
import type { ListAddress, UserAddress } from '../../wv/ids.ts';
import { result } from '../../wv/status.ts';
import type { SessionTable } from './session-table.ts';
import { CspSession } from './session.ts';

export interface ListChangePorts {
  readonly publishing: Pick<Publishing, 'reauthorize'>;
  readonly watching: Pick<Watching, 'subscribe' | 'unsubscribe'>;
  readonly sessions: Pick<SessionTable, 'save'>;
}

/** Makes a change of one list and all that follows from it. */
export async function changeList(
  { publishing, watching, sessions }: ListChangePorts,
  home: Home,
  address: ListAddress,
  change: () => Promise<ListOutcome>,
): Promise<ListOutcome> {
  let outcome: ListOutcome | undefined;
  await publishing.reauthorize(home, async () => {
    outcome = await change();
  });
  const { added, removed } = outcome ?? { added: [], removed: [] };
  const clients = [...home.clients].filter((client): client is CspSession => client instanceof CspSession);
  for (const each of clients) follow(each, address, added, removed);
  if (removed.length > 0) await watching.unsubscribe(home, removed, true);
  const auto = clients.map((each) => each.autoLists.get(address)).find((interest) => interest !== undefined);
  if (auto !== undefined && added.length > 0) {
    await watching.subscribe(home.address, added, auto === 'all' ? undefined : auto);
  }
  await Promise.all(clients.map((each) => sessions.save(each)));
  return outcome ?? { result: result(500), added, removed };
}

/** What a list gains is watched by the clients that asked for it; who is on no list any more is not. */
function follow(
  session: CspSession,
  address: ListAddress,
  added: readonly UserAddress[],
  removed: readonly UserAddress[],
): void {
  for (const user of removed) session.interests.delete(user);
  const auto = session.autoLists.get(address);
  if (auto === undefined) return;
  for (const user of added) session.interests.set(user, auto);
}
