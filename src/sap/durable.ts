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
import { isSuccess, result, type DetailedResult, type Result } from '../wv/status.ts';

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
 * What follows from a request that failed for good, for all or for some of its recipients: the sender of a message
 * learns it, and from a group of this server those are taken out who are no more. Empty = nobody need know but the
 * operator.
 */
export function failureNotes(
  request: DurableRequest,
  outcome: Result,
  { service, now }: { readonly service: ServiceAddress; readonly now: number },
): readonly (DeliveryStatusReport | LeaveGroupRequest)[] {
  if (request.primitive !== 'SendMessageRequest') return [];
  const { id, sender, recipients } = request.message;
  return refusals(recipients, outcome).flatMap(
    ([recipient, reason]): (DeliveryStatusReport | LeaveGroupRequest)[] => {
      if (sender.kind === 'user') {
        const report = { messageId: id, sender: sender.user, recipient, outcome: reason, deliveredAt: now };
        return [{ primitive: 'DeliveryStatusReport', meta: { service }, ...report }];
      }
      if (recipient.kind !== 'user' || !NOBODY.has(reason.code)) return [];
      return [
        { primitive: 'LeaveGroupRequest', meta: { service, user: recipient.user }, group: sender.group },
      ];
    },
  );
}

/** Who did not get the message, and why: those whom a detail names, and all when it succeeded for nobody. */
function refusals(recipients: readonly Party[], outcome: Result): readonly (readonly [Party, Result])[] {
  const { details = [], code, description } = outcome;
  const reasons = recipients.map((recipient) => [recipient, detailFor(recipient, details)] as const);
  // Without a name there is nobody to tell apart: each may be meant.
  const anybody =
    details.find((detail) => isNameless(detail)) ?? (isSuccess(outcome) ? undefined : { code, description });
  return reasons.flatMap(([recipient, detail = anybody]) =>
    detail === undefined ? [] : [[recipient, result(detail.code, detail.description)] as const],
  );
}

function detailFor(party: Party, details: readonly DetailedResult[]): DetailedResult | undefined {
  if (party.kind === 'user') return details.find(({ users = [] }) => users.includes(party.user));
  const { group, screenName } = party;
  return details.find(
    ({ groups = [], screenNames = [] }) =>
      groups.includes(group) || screenNames.some((each) => each.group === group && each.name === screenName),
  );
}

function isNameless({ users = [], groups = [], screenNames = [] }: DetailedResult): boolean {
  return users.length + groups.length + screenNames.length === 0;
}

/** A party in the keys of the outbox. */
export function laneKey(party: Party): string {
  return party.kind === 'user' ? party.user : `${party.group}#${party.screenName ?? ''}`;
}
