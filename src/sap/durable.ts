// Which requests wait on disk for their destination (design section 5), and how: as data, one row a primitive. Presence
// is state and is resynchronised; what somebody waits for is answered or refused at once.

import type { ServiceAddress } from '../wv/ids.ts';
import type { Party } from '../wv/message.ts';
import type {
  CancelInviteRequest,
  DeliveryStatusReport,
  InviteResponse,
  LeaveGroupRequest,
  RequestPrimitive,
  SendMessageRequest,
} from '../wv/primitives.ts';
import type { Result } from '../wv/status.ts';

/** Requests to one party; messages are split by recipient in the outbox and live as long as their validity. */
export type DurableNote = DeliveryStatusReport | InviteResponse | CancelInviteRequest;
export type DurableRequest = SendMessageRequest | DurableNote;

interface Waiting {
  /** Whose requests keep their order among each other. */
  readonly conversation: string;
  /** Repeats of the same key are dropped. */
  readonly key: string;
}

type Rows = {
  readonly [Name in DurableNote['primitive']]: (
    request: Extract<DurableNote, { primitive: Name }>,
    now: number,
  ) => Waiting;
};

/**
 * Invitations may come again under the same InviteID, and so may their answers and cancellations: `now` keeps those
 * apart. A repeat after a crash reaches the other home twice, where the second one is harmless (the same answer again,
 * or 423).
 */
const ROWS: Rows = {
  DeliveryStatusReport: ({ messageId, recipient, sender }) => ({
    conversation: `${laneKey(recipient)} ${sender}`,
    key: `report ${messageId} ${laneKey(recipient)}`,
  }),
  InviteResponse: ({ inviteId, responding, inviting, accepted }, now) => ({
    conversation: `${laneKey(responding)} ${laneKey(inviting)}`,
    key: `answer ${inviteId} ${laneKey(responding)} ${laneKey(inviting)} ${accepted ? 'yes' : 'no'} ${now}`,
  }),
  CancelInviteRequest: ({ inviteId, canceling, canceled }, now) => ({
    conversation: `${laneKey(canceling)} ${laneKey(canceled)}`,
    key: `cancel ${inviteId} ${laneKey(canceling)} ${laneKey(canceled)} ${now}`,
  }),
};

/** True for requests that must not be lost. */
export function isDurable(request: RequestPrimitive): request is DurableRequest {
  return request.primitive === 'SendMessageRequest' || Object.hasOwn(ROWS, request.primitive);
}

/** How a request to one party waits. `now`: milliseconds since the epoch. */
export function waitingAs(request: DurableNote, now: number): Waiting {
  // Each row takes the request of its name; TypeScript does not follow the mapping for a union.
  const row = ROWS[request.primitive] as (request: DurableNote, now: number) => Waiting;
  return row(request, now);
}

/** Codes of a recipient who does not exist; Baraza says 427 (observed-peer section 13). */
const NOBODY: ReadonlySet<number> = new Set([427, 531]);

/**
 * What follows from a request to one party that failed for good: the sender of a message learns it, and from a group
 * of this server the recipient is taken out who is no more. undefined = nobody need know but the operator.
 */
export function failureNote(
  request: DurableRequest,
  outcome: Result,
  { service, now }: { readonly service: ServiceAddress; readonly now: number },
): DeliveryStatusReport | LeaveGroupRequest | undefined {
  if (request.primitive !== 'SendMessageRequest') return undefined;
  const { id, sender, recipients } = request.message;
  const [recipient] = recipients;
  if (recipient === undefined) return undefined;
  if (sender.kind === 'user') {
    return {
      primitive: 'DeliveryStatusReport',
      meta: { service },
      messageId: id,
      sender: sender.user,
      recipient,
      outcome,
      deliveredAt: now,
    };
  }
  if (recipient.kind !== 'user' || !NOBODY.has(outcome.code)) return undefined;
  const meta = { service, user: recipient.user };
  return { primitive: 'LeaveGroupRequest', meta, group: sender.group };
}

/** A party in the keys of the outbox. */
export function laneKey(party: Party): string {
  return party.kind === 'user' ? party.user : `${party.group}#${party.screenName ?? ''}`;
}
