// What an invitation must have, by its type (csp-transactions 2.2), and its bounds.

import type { GroupAddress } from '../../wv/ids.ts';
import { partyKey, type Party, type ScreenName } from '../../wv/message.ts';
import type { PresenceAttributeName } from '../../wv/presence.ts';
import type { InviteRequest, InviteType } from '../../wv/primitives.ts';
import { result, type DetailedResult, type Result, type StatusCode } from '../../wv/status.ts';

export interface InvitationLimits {
  /** Most parties of one invitation. */
  readonly recipients: number;
  /** Most open invitations from one user, and for one user. */
  readonly open: number;
  /** Validity when a client names none, and the longest it may name; seconds. */
  readonly defaultValidity: number;
  readonly maxValidity: number;
}

/** What a client asks for; addresses are canonical, lists are expanded. */
export interface InviteDraft {
  readonly inviteId: string;
  readonly type: InviteType;
  readonly recipients: readonly Party[];
  /** Recipients that could not be understood, or lists that do not exist. */
  readonly unresolved: readonly DetailedResult[];
  /** How the inviter wants to be seen. */
  readonly screenName?: ScreenName;
  readonly group?: GroupAddress;
  readonly applicationId?: string;
  readonly attributes?: readonly PresenceAttributeName[];
  readonly urls?: readonly string[];
  readonly note?: string;
  /** Seconds. */
  readonly validity?: number;
}

/** Nokia's clients reserve so many characters for an InviteID and a note (csp-datatypes section 2). */
export const MAX_INVITE_ID = 100;
export const MAX_NOTE = 400;
/** So that an invitation surely fits the parser of the invited user's client. */
const MAX_URLS = 10;
const MAX_URL = 500;

interface TypeRule {
  /** Parts that it makes no sense without, and the code when they are missing. */
  readonly needs: Partial<Record<'group' | 'urls' | 'applicationId', StatusCode>>;
  /** An acceptance makes the invited user a member of the group. */
  readonly admits?: true;
}

export const INVITE_TYPES: Readonly<Record<InviteType, TypeRule>> = {
  /** Join a group. */
  GR: { needs: { group: 429 } },
  /** A conversation. */
  IM: { needs: {} },
  /** See the inviter's presence. */
  PR: { needs: {} },
  /** Look at content. */
  SC: { needs: { urls: 400 } },
  /** Become a member of a group. */
  GM: { needs: { group: 429 }, admits: true },
  /** Use an application together. */
  AP: { needs: { applicationId: 450 } },
  /** A conversation of two that became a group; more users for such a group. */
  EC: { needs: { group: 429 } },
  EG: { needs: { group: 429 } },
};

export function isInviteType(text: string): text is InviteType {
  return Object.hasOwn(INVITE_TYPES, text);
}

/** Why an invitation cannot be; undefined = it can. */
export function checkDraft(draft: InviteDraft, limits: InvitationLimits): Result | undefined {
  const { recipients, unresolved, urls = [] } = draft;
  if (recipients.length === 0 && unresolved.length === 0) return result(402, 'No recipient');
  if (recipients.length > limits.recipients) return result(402, `More than ${limits.recipients} recipients`);
  if (urls.length > MAX_URLS || urls.some((url) => url.length > MAX_URL)) return result(402, 'URLList');
  return checkWords(draft) ?? checkNeeds(draft);
}

/** Ids and notes, of clients and of other networks. */
export function checkWords({ inviteId, note = '' }: { inviteId: string; note?: string }): Result | undefined {
  if (inviteId === '' || inviteId.length > MAX_INVITE_ID) {
    return result(402, `InviteID: 1 to ${MAX_INVITE_ID} characters`);
  }
  return note.length > MAX_NOTE ? result(402, `Note longer than ${MAX_NOTE} characters`) : undefined;
}

function checkNeeds(draft: InviteDraft): Result | undefined {
  const { needs } = INVITE_TYPES[draft.type];
  if (needs.group !== undefined && draft.group === undefined) return result(needs.group);
  if (needs.applicationId !== undefined && (draft.applicationId ?? '') === '') {
    return result(needs.applicationId);
  }
  if (needs.urls !== undefined && (draft.urls ?? []).length === 0) return result(needs.urls, 'No URL');
  return undefined;
}

/** Milliseconds; 0 and nothing are the default, more than the longest is the longest. */
export function lifetime(validity: number | undefined, limits: InvitationLimits): number {
  const wanted = validity === undefined || validity === 0 ? limits.defaultValidity : validity;
  return Math.min(wanted, limits.maxValidity) * 1000;
}

/** Equal when the invited user would see the same. */
export function sameInvitation(a: InviteRequest, b: InviteRequest): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint(request: InviteRequest): string {
  const { inviteType, screenName, group, applicationId, attributes, urls, note } = request;
  return JSON.stringify([inviteType, screenName, group, applicationId, attributes, urls, note]);
}

/** A code with the party it is about. */
export function about(code: StatusCode, party: Party, description?: string): DetailedResult {
  const told = description === undefined ? { code } : { code, description };
  if (party.kind === 'user') return { ...told, users: [party.user] };
  const { group, screenName } = party;
  return screenName === undefined
    ? { ...told, groups: [group] }
    : { ...told, screenNames: [{ name: screenName, group }] };
}

export function uniqueParties(parties: readonly Party[]): readonly Party[] {
  return [...new Map(parties.map((party) => [partyKey(party), party] as const)).values()];
}
