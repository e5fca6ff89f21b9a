// What the relay, and through it our user, is told of a contact's wish to see him.

import { isSuccess } from '../../src/wv/status.ts';
import type { Result, StatusCode } from '../../src/wv/status.ts';
import { metaOf, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';

/** Answers of the relay after which a contact's request is over; others mean "not now". */
const REFUSALS: ReadonlySet<StatusCode> = new Set([403, 404, 405, 506, 531, 532, 534, 901]);

/**
 * The relay asks the user, or knows his answer. Only a refusal comes back here, or why he cannot be asked now; a grant
 * is a request of its own. `friendlyName`: what the contact calls himself.
 */
export async function askUser(
  bridge: Bridge,
  pair: Pair,
  friendlyName: string | undefined,
): Promise<'refused' | Result | undefined> {
  const { contact, user } = pair;
  const primitive = 'SubscribeRequest';
  const meta = { ...metaOf(contact), ...(friendlyName === undefined ? {} : { friendlyName }) };
  const { result } = await tell(bridge, pair, { primitive, meta, watcher: contact, publishers: [user] });
  if (isSuccess(result)) return undefined;
  return REFUSALS.has(result.code) ? 'refused' : result;
}

/** The contact does not look any more. */
export async function tellUnsubscribed(bridge: Bridge, pair: Pair): Promise<void> {
  const { contact, user } = pair;
  const primitive = 'UnsubscribeRequest';
  const meta = metaOf(contact);
  await tell(bridge, pair, { primitive, meta, watcher: contact, publishers: [user], final: true });
}
