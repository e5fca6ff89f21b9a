// Linked accounts as both gateways see them: whose a request is, what is told of one that was refused, how many there are.

import type { LinkedAccountState, Metrics, RelayPort } from '../../src/sap/port.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { RequestPrimitive } from '../../src/wv/primitives.ts';

const STATES = ['connecting', 'online', 'refused'] as const satisfies readonly LinkedAccountState['state'][];

/** The user of ours who writes, asks, watches or invites; undefined: the request is of another kind, or of a group. */
export function actingUserOf(request: RequestPrimitive): UserAddress | undefined {
  switch (request.primitive) {
    case 'SendMessageRequest':
      return request.message.sender.kind === 'user' ? request.message.sender.user : undefined;
    case 'DeliveryStatusReport':
      return request.recipient.kind === 'user' ? request.recipient.user : undefined;
    case 'SubscribeRequest':
    case 'UnsubscribeRequest':
    case 'GetPresenceRequest':
      return request.watcher;
    case 'InviteRequest':
      return request.inviting.kind === 'user' ? request.inviting.user : undefined;
    default:
      return undefined;
  }
}

export interface Refusal {
  readonly user: UserAddress;
  /** What the user calls the network. */
  readonly network: string;
  /** When the account was linked, ms since the epoch. */
  readonly linkedAt: number;
  readonly reason: string | undefined;
}

/** Under `key` is noted that the user was told: once for each time that an account was linked, also over restarts. */
export async function tellRefusal(
  { storage, linkedAccounts }: Pick<RelayPort, 'storage' | 'linkedAccounts'>,
  key: string,
  { user, network, linkedAt, reason = 'it was refused' }: Refusal,
): Promise<void> {
  const note = `${linkedAt} ${reason}`;
  if ((await storage.get(key)) === note) return;
  const text = `Your ${network} account cannot be used: ${reason}. Link it again, or unlink it.`;
  await linkedAccounts.tell(user, text);
  await storage.put(key, note);
}

/** Sets the gauge of that name, by state. */
export function countAccounts(
  metrics: Metrics,
  gauge: string,
  linked: Iterable<{ readonly state: LinkedAccountState }>,
): void {
  const states = [...linked].map(({ state }) => state.state);
  for (const state of STATES) metrics.gauge(gauge, states.filter((each) => each === state).length, { state });
}
