// What the peer answered, as the answer to what was asked: an answer of another kind is a failure, and a peer tells
// only what it was asked (ssp.md section 9).

import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../wv/primitives.ts';
import { status } from '../../wv/primitives.ts';
import {
  isStatusCode,
  isSuccess,
  result,
  type DetailedResult,
  type Result,
  type StatusCode,
} from '../../wv/status.ts';
import type { Dialect } from './dialects.ts';
import type { Reply } from './exchange.ts';

type ResponseName = ResponsePrimitive['primitive'];

/** Requests with an answer of their own; the others are answered by a bare Status. */
const ANSWER_OF: { readonly [Name in RequestName]?: ResponseName } = {
  SendMessageRequest: 'SendMessageResponse',
  GetPresenceRequest: 'GetPresenceResponse',
  JoinGroupRequest: 'JoinGroupResponse',
  GetGroupMemberRequest: 'GetGroupMemberResponse',
  GetJoinedUsersRequest: 'GetJoinedUsersResponse',
  GetGroupPropsRequest: 'GetGroupPropsResponse',
  RejectListRequest: 'RejectListResponse',
  GetGroupSubStatusRequest: 'GetGroupSubStatusResponse',
};

export function responseTo(request: RequestPrimitive, reply: Reply, dialect: Dialect): ResponsePrimitive {
  if (reply.kind === 'failed') return status(reply.result);
  if (reply.kind === 'control') return status(result(500, `The peer answered ${reply.control.name}`));
  if (reply.kind === 'unreadable')
    return status(result(500, `The peer's answer cannot be read: ${reply.reason}`));
  const { response } = reply;
  const outcome = translated(response.result, dialect);
  const expected = ANSWER_OF[request.primitive];
  if (response.primitive === 'Status' || response.primitive !== expected) {
    // A refusal may be bare, and so may a success that has nothing to tell.
    const tellsAll = expected === undefined || expected === 'SendMessageResponse' || !isSuccess(outcome);
    return status(tellsAll ? outcome : result(500, `The peer answered ${response.primitive}`));
  }
  if (request.primitive === 'GetPresenceRequest' && response.primitive === 'GetPresenceResponse') {
    const asked = new Set(request.publishers);
    return { ...response, result: outcome, values: response.values.filter(({ user }) => asked.has(user)) };
  }
  return { ...response, result: outcome };
}

/** Codes that an implementation uses for something else than the standard. */
function translated(outcome: Result, { codes }: Dialect): Result {
  if (codes.size === 0) return outcome;
  const meant = (code: StatusCode): StatusCode => {
    const other = codes.get(code) ?? code;
    return isStatusCode(other) ? other : code;
  };
  const details = outcome.details?.map((detail): DetailedResult => ({ ...detail, code: meant(detail.code) }));
  return { ...outcome, code: meant(outcome.code), ...(details === undefined ? {} : { details }) };
}
