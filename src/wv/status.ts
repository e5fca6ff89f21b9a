// Status codes of CSP and SSP (csp-status-codes.md, ssp.md section 8) and the Result structure.

import type { Domain, GroupAddress, ListAddress, MessageId, UserAddress } from './ids.ts';
import type { ScreenName } from './message.ts';

export const STATUS = {
  200: 'Successful',
  201: 'Partially successful',
  202: 'Accepted',
  400: 'Bad request',
  401: 'Unauthorized',
  402: 'Bad parameter',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Service not supported',
  408: 'Request timeout',
  409: 'Invalid password',
  410: 'Unable to deliver',
  415: 'Unsupported media type',
  420: 'Invalid transaction',
  422: 'User and client do not match',
  423: 'Invalid invitation',
  424: 'Invalid search',
  425: 'Invalid search index',
  426: 'Invalid message',
  427: 'Sender is not the user of the session',
  428: 'Sender is not the client of the session',
  429: 'Group missing',
  431: 'Unauthorized group membership',
  432: 'Response too large',
  450: 'Application missing or not matching',
  500: 'Internal server error',
  501: 'Not implemented',
  502: 'Session could not be recovered',
  503: 'Service unavailable',
  504: 'Timeout',
  505: 'Version not supported',
  506: 'Service not agreed',
  507: 'Message queue is full',
  516: 'Domain not supported',
  521: 'Presence request not answered',
  522: 'Group request not answered',
  531: 'Unknown user',
  532: 'Recipient blocked the sender',
  533: 'Recipient not logged in',
  534: 'Recipient unauthorized',
  535: 'Search timed out',
  536: 'Too many hits',
  537: 'Search too broad',
  538: 'Message rejected',
  540: 'Header encoding not supported',
  541: 'Message forwarded',
  542: 'Message expired',
  543: 'No matching digest scheme',
  562: 'No usable search criterion',
  600: 'Session expired',
  601: 'Forced logout',
  603: 'Already logged in',
  604: 'Invalid session',
  605: 'New value not accepted',
  700: 'Contact list does not exist',
  701: 'Contact list already exists',
  702: 'Invalid user properties',
  750: 'Invalid presence attribute',
  751: 'Invalid presence value',
  752: 'Invalid contact list property',
  753: 'Too many contact lists',
  754: 'Too many contacts',
  755: 'Too many attribute lists',
  760: 'Automatic subscription not supported',
  800: 'Group does not exist',
  801: 'Group already exists',
  802: 'Group is open',
  803: 'Group is restricted',
  804: 'Group is public',
  805: 'Group is private',
  806: 'Invalid group properties',
  807: 'Group is already joined',
  808: 'Group is not joined',
  809: 'Rejected',
  810: 'Not a group member',
  811: 'Screen name already in use',
  812: 'Private messaging disabled for the group',
  813: 'Private messaging disabled for the user',
  814: 'Too many groups for the user',
  815: 'Too many groups on the server',
  816: 'Insufficient group privileges',
  817: 'Too many joined users',
  821: 'History not supported',
  822: 'Searchable group must have name or topic',
  824: 'Own request',
  900: 'Multiple errors',
  901: 'Address error',
  902: 'Not enough credit',
  903: 'Higher class of service required',
  920: 'MSISDN error',
} as const;

export type StatusCode = keyof typeof STATUS;

/** What one part of a request came to. One entry per distinct code (csp-transactions section 0). */
export interface DetailedResult {
  readonly code: StatusCode;
  readonly description?: string;
  readonly users?: readonly UserAddress[];
  readonly groups?: readonly GroupAddress[];
  readonly screenNames?: readonly ScreenName[];
  readonly lists?: readonly ListAddress[];
  readonly messages?: readonly MessageId[];
  readonly domains?: readonly Domain[];
}

/** The outcome of a request. */
export interface Result {
  readonly code: StatusCode;
  readonly description?: string;
  readonly details?: readonly DetailedResult[];
  /** Seconds after which another try makes sense (503). */
  readonly tryAgainAfter?: number;
}

export const OK: Result = { code: 200 };

/** A result of one code; the description defaults to the code's name where it is shown. */
export function result(code: StatusCode, description?: string): Result {
  return description === undefined ? { code } : { code, description };
}

export function isSuccess(value: Result): boolean {
  return value.code >= 200 && value.code < 300;
}

/** True when `code` is one we know; foreign peers send others. */
export function isStatusCode(code: number): code is StatusCode {
  return Object.hasOwn(STATUS, code);
}

/**
 * Result of a request that touched several entities: 200 when nothing failed, 201 when some failed,
 * the one code when all failed alike, 900 when all failed differently (csp-transactions section 0, rule 5).
 */
export function combine(succeeded: number, failures: readonly DetailedResult[]): Result {
  if (failures.length === 0) return OK;
  const merged = mergeDetails(failures);
  if (succeeded > 0) return { code: 201, details: merged };
  const [only] = merged;
  return merged.length === 1 && only !== undefined
    ? {
        code: only.code,
        details: merged,
        ...(only.description === undefined ? {} : { description: only.description }),
      }
    : { code: 900, details: merged };
}

/** Joins details of the same code into one. */
export function mergeDetails(details: readonly DetailedResult[]): readonly DetailedResult[] {
  const byCode = new Map<StatusCode, DetailedResult>();
  for (const detail of details) {
    const known = byCode.get(detail.code);
    byCode.set(detail.code, known === undefined ? detail : joinDetails(known, detail));
  }
  return [...byCode.values()];
}

function joinDetails(a: DetailedResult, b: DetailedResult): DetailedResult {
  const joined = <T>(x: readonly T[] | undefined, y: readonly T[] | undefined) => [
    ...(x ?? []),
    ...(y ?? []),
  ];
  return {
    ...a,
    users: joined(a.users, b.users),
    groups: joined(a.groups, b.groups),
    screenNames: joined(a.screenNames, b.screenNames),
    lists: joined(a.lists, b.lists),
    messages: joined(a.messages, b.messages),
    domains: joined(a.domains, b.domains),
  };
}
