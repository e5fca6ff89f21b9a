// Result elements as values (csp-transactions section 0, rules 4 and 5).

import { readBody, type Body, type CspTransaction } from '../access/csp/codec/binding.ts';
import { isBindError } from '../access/csp/codec/errors.ts';
import { child } from '../wv/element.ts';
import type { Detail, Outcome } from './errors.ts';

/** The Result of an answer; undefined when it has none, which means success. */
export function resultOf(answer: CspTransaction): Outcome | undefined {
  const element = child(answer.content, 'Result');
  if (element === undefined) return undefined;
  const result = readBody(element, 'Result');
  return isBindError(result)
    ? { code: 400, description: 'unreadable Result', details: [] }
    : outcomeOf(result);
}

export function outcomeOf(result: Body<'Result'>): Outcome {
  const details = (result.DetailedResult ?? []).map(detailOf);
  return { code: result.Code, ...described(result.Description), details };
}

function detailOf(detail: Body<'DetailedResult'>): Detail {
  return {
    code: detail.Code,
    ...described(detail.Description),
    users: detail.UserID ?? [],
    groups: detail.GroupID ?? [],
    lists: detail.ContactList ?? [],
    messages: detail.MessageID ?? [],
    domains: detail.Domain ?? [],
  };
}

function described(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description: description.trim() };
}
