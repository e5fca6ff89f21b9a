// Answers within the client's ParserSize (csp-transactions section 0, rule 10). Server transactions are made to fit
// where they are composed; an answer either fits or is refused, for segmentation (SGMNT) is not served.

import { child, node, type Element } from '../../wv/element.ts';
import type { CspVersion } from '../../wv/version.ts';
import { statusOf } from './answers.ts';

/** Answers to requests that changed something: their Result must arrive, the rest may be asked for. */
const REDUCIBLE: ReadonlySet<string> = new Set(['ListManage-Response']);

/** The answer if `octets` of the message that carries it are within `limit`; else its Result alone, or Status 432. */
export function fitting(
  answer: Element,
  version: CspVersion,
  limit: number,
  octets: (answer: Element) => number,
): Element {
  if (octets(answer) <= limit) return answer;
  const outcome = child(answer, 'Result');
  if (outcome !== undefined && REDUCIBLE.has(answer.name)) {
    const reduced = node(answer.name, [outcome]);
    // Without details where they are too many; the code alone fits the smallest parser there is.
    return octets(reduced) <= limit ? reduced : node(answer.name, [bare(outcome)]);
  }
  return statusOf(432, version, 'Ask for less at a time');
}

function bare(outcome: Element): Element {
  return node(
    'Result',
    outcome.children.filter(({ name }) => name === 'Code'),
  );
}
