// What a user answers to the operator (1.3; csp-transactions section 11).

import { answerSystemMessage } from '../../../services/system-messages.ts';
import { trusted, type MessageId } from '../../../wv/ids.ts';
import { combine, type DetailedResult, type Result } from '../../../wv/status.ts';
import type { Home } from '../../../services/home.ts';
import { statusElement, statusOf } from '../answers.ts';
import type { Body } from '../codec/binding.ts';
import { inSession, type CspServices, type Handlers } from '../transaction.ts';

/** Takes each answer by itself; also those that a client brings with its log-in. */
export async function takeAnswers(
  services: CspServices,
  home: Home,
  list: Body<'SystemMessageResponseList'>,
): Promise<Result> {
  const failures: DetailedResult[] = [];
  const answers = list.SystemMessageResponse ?? [];
  for (const { SystemMessageID, ChosenOptionID, VerificationKey } of answers) {
    const id = trusted<MessageId>(SystemMessageID);
    const { code } = await answerSystemMessage(services, home, id, {
      option: ChosenOptionID,
      key: VerificationKey,
    });
    if (code !== 200) failures.push({ code, messages: [id] });
  }
  return answers.length === 0 ? { code: 402 } : combine(answers.length - failures.length, failures);
}

/** As request and in answer to ours alike. */
const answered = inSession(
  'SystemMessage-User',
  async ({ services, session, version, transaction }, body) => {
    if (version !== '1.3') return statusOf(405, version, 'System messages are of CSP 1.3');
    session.outbound.confirmed(transaction.id);
    const outcome = await takeAnswers(services, session.home, body.SystemMessageResponseList);
    return statusElement(outcome, version);
  },
);

export const systemMessageTransactions: Handlers = { 'SystemMessage-User': answered };
