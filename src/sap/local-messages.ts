// A message for our own domain: users get it from the messaging service, groups give it out themselves.

import type { ServiceElements } from '../services/elements.ts';
import type { Party } from '../wv/message.ts';
import type { SendMessageRequest, SendMessageResponse } from '../wv/primitives.ts';
import { combine, isSuccess, type DetailedResult, type Result } from '../wv/status.ts';

export async function receiveMessage(
  { messaging, groups }: Pick<ServiceElements, 'messaging' | 'groups'>,
  request: SendMessageRequest,
): Promise<SendMessageResponse> {
  // Most messages are for users alone.
  if (request.message.recipients.every(({ kind }) => kind === 'user')) return messaging.receive(request);
  const { user = [], group = [] } = Object.groupBy(request.message.recipients, ({ kind }) => kind);
  if (user.length === 0) return groups.receive(request);
  const part = (recipients: readonly Party[]) => ({
    ...request,
    message: { ...request.message, recipients },
  });
  const answers = [
    [user.length, (await messaging.receive(part(user))).result],
    [group.length, (await groups.receive(part(group))).result],
  ] as const;
  const reached = answers.reduce((sum, [asked, { code }]) => sum + (code < 300 ? asked : 0), 0);
  return {
    primitive: 'SendMessageResponse',
    messageId: request.message.id,
    result: combine(
      reached,
      answers.flatMap(([, outcome]) => failuresOf(outcome)),
    ),
  };
}

function failuresOf(outcome: Result): readonly DetailedResult[] {
  if (outcome.details !== undefined) return outcome.details;
  return isSuccess(outcome) ? [] : [{ code: outcome.code }];
}
