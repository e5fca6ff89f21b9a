// What the relay, and through it our user, is told of a contact's wish to see him.

import { NotKnownNow } from '../../src/sap/port.ts';
import { isSuccess } from '../../src/wv/status.ts';
import type { Result, StatusCode } from '../../src/wv/status.ts';
import { metaOf, tell } from './bridge.ts';
import type { Bridge, Pair } from './bridge.ts';
import { nickIn } from './nick.ts';
import type { XmlElement } from './xml.ts';

/** Answers of the relay after which a contact's request is over; others mean "not now". */
const REFUSALS: ReadonlySet<StatusCode> = new Set([403, 404, 405, 506, 531, 532, 534, 901]);

/**
 * The relay asks the user, or knows his answer. Only a refusal comes back here, or why he cannot be asked now; a grant
 * is a request of its own.
 */
export async function askUser(
  bridge: Bridge,
  pair: Pair,
  cause: XmlElement | undefined,
): Promise<'refused' | Result | undefined> {
  const { contact, user } = pair;
  const primitive = 'SubscribeRequest';
  const friendlyName = cause === undefined ? undefined : nickIn(cause);
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

/** The name that a request shows; a request without one is better than none. */
export async function nameToShow({ relay }: Bridge, { user }: Pair): Promise<string | undefined> {
  try {
    return await relay.displayName(user);
  } catch (error) {
    if (error instanceof NotKnownNow) return undefined;
    throw error;
  }
}
