// Results in the words of CSP (csp-status-codes.md, "Structure").

import type { Element } from '../../wv/element.ts';
import type { DetailedResult, Result, StatusCode } from '../../wv/status.ts';
import { STATUS } from '../../wv/status.ts';
import type { CspVersion } from '../../wv/version.ts';
import { buildElement, type Body } from './codec/binding.ts';

function detailBody(detail: DetailedResult): Body<'DetailedResult'> {
  return {
    Code: detail.code,
    Description: detail.description ?? STATUS[detail.code],
    UserID: detail.users,
    GroupID: detail.groups,
    ScreenName: detail.screenNames?.map(({ name, group }) => ({ SName: name, GroupID: group })),
    MessageID: detail.messages,
    ContactList: detail.lists,
    Domain: detail.domains,
  };
}

/** `Result(Code, Description, DetailedResult*)`. COMPAT(Movistar): one of those clients shows the description. */
export function resultBody(outcome: Result): Body<'Result'> {
  return {
    Code: outcome.code,
    Description: outcome.description ?? STATUS[outcome.code],
    DetailedResult: outcome.details?.map(detailBody),
    // An element of 1.3 only; the writer leaves it out elsewhere.
    TryAgainTimeout: outcome.tryAgainAfter,
  };
}

/** The generic answer: Status(Result). */
export function statusElement(outcome: Result, version: CspVersion): Element {
  return buildElement('Status', { Result: resultBody(outcome) }, version);
}

export function statusOf(code: StatusCode, version: CspVersion, description?: string): Element {
  return statusElement(description === undefined ? { code } : { code, description }, version);
}
