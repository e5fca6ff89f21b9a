// One disaster in the middle of a conversation, and what came of it.

import { eventually } from '../eventually.ts';
import type { Disaster } from './disasters.ts';
import type { Town } from './town.ts';

export interface Aftermath {
  /** From the end of the disaster to a stream that works again, and to the last message; ms. */
  readonly linkMs: number;
  readonly drainedMs: number;
  /** From the stream, and the XMPP users, being back to the last one seen rightly; ms. */
  readonly presenceMs: number;
  /** What XMPP users sent again: after silence, and after a refusal. */
  readonly unanswered: number;
  readonly refused: number;
  /** Of the unanswered those that wvgate had never read: the loss of XEP-0114. The others were only slow. */
  readonly lost: number;
  /** Stanzas written again under the same id by the gateway: their client drops them. */
  readonly repeats: number;
  /** Presence stanzas, probes included, that the gateway wrote since the disaster. */
  readonly presences: number;
}

const SECOND_MS = 1_000;
const REPEATED = 'wvgate_xmpp_messages_repeated_total';

/** @throws when something is not as it should be in time: presence 5 s after the stream is back, all else later */
export async function survive(town: Town, disaster: Disaster, messages: number): Promise<Aftermath> {
  await town.settles();
  const before = {
    ...totals(town),
    presences: await presencesOf(town),
    known: await countOf(town, REPEATED),
  };
  // Half of what one side has to say.
  const half = messages / 4;
  const talk = town.converse(messages);
  // It is waited for below; until then a failure must not be called unhandled.
  talk.catch(() => undefined);
  await eventually('half of it is said', () => town.said >= half, 60 * SECOND_MS);
  await disaster.strikes(town);
  if (disaster.phonesWork) await town.phonesMove();
  await town.friendsMove();
  const attempts = town.proxy.connections;
  await disaster.isOver(town);
  const over = performance.now();
  await eventually('a new stream', () => town.proxy.connections > attempts, 60 * SECOND_MS);
  await town.gateway.ready();
  const linked = performance.now();
  await town.friendsAreBack();
  const back = performance.now();
  await town.seenRightly(5 * SECOND_MS);
  const seen = performance.now();
  await talk;
  await town.drained(60 * SECOND_MS);
  // Nothing comes after all is said: whoever is seen rightly now stays so.
  await town.seenRightly(0);
  const after = totals(town);
  const wrote = (await presencesOf(town)) - (disaster.phonesWork ? before.presences : 0);
  const unanswered = after.unanswered - before.unanswered;
  const known = (await countOf(town, REPEATED)) - (disaster.phonesWork ? before.known : 0);
  return {
    linkMs: linked - over,
    drainedMs: performance.now() - over,
    presenceMs: seen - back,
    unanswered,
    lost: Math.max(0, unanswered - known),
    refused: after.refused - before.refused,
    repeats: after.repeats - before.repeats,
    presences: wrote,
  };
}

function totals(town: Town): Pick<Aftermath, 'unanswered' | 'refused' | 'repeats'> {
  const friends = [...town.friends.values()];
  return {
    unanswered: friends.reduce((sum, { again }) => sum + again.unanswered, 0),
    refused: friends.reduce((sum, { again }) => sum + again.refused, 0),
    repeats: town.ledger.repeats,
  };
}

function presencesOf(town: Town): Promise<number> {
  return countOf(town, 'wvgate_xmpp_stanzas_sent_total', 'kind="presence"');
}

async function countOf({ gateway }: Town, counter: string, label = ''): Promise<number> {
  return (await gateway.counted(counter, label)) ?? 0;
}
