// What a client's answer to a server transaction means (csp-transactions section 0, rule 7; 7.2; 7.3).

import { trusted, type MessageId } from '../../wv/ids.ts';
import type { Result } from '../../wv/status.ts';
import type { Notice } from '../../store/store.ts';
import { isBindError, readBody } from './codec/binding.ts';
import { statusElement, statusOf } from './answers.ts';
import type { Outbound } from './outbound.ts';
import type { Answer, CspServices, SessionExchange } from './transaction.ts';
import type { CspSession } from './session.ts';

/** Success or not is all that matters of the client's Result; a missing or odd code counts as success. */
function refused(exchange: SessionExchange): boolean {
  const body = readBody(exchange.transaction.content, 'Status');
  return !isBindError(body) && body.Result.Code >= 400;
}

/** Status in answer to something of ours. One that matches nothing is harmless (client-quirks section 4). */
export async function statusReceived(exchange: SessionExchange): Promise<Answer> {
  const outbound = exchange.session.outbound.confirmed(exchange.transaction.id);
  if (outbound !== undefined)
    await confirmed(exchange.services, exchange.session, outbound, refused(exchange));
  // COMPAT(Movistar C#): sends Status in Request mode and wants a Status back.
  return exchange.transaction.mode === 'Request' ? statusOf(200, exchange.version) : undefined;
}

/** MessageDelivered: as the answer to NewMessage, or by itself after GetMessage (then answered with Status). */
export async function messageDelivered(exchange: SessionExchange): Promise<Answer> {
  const { session, services, transaction, version } = exchange;
  const outbound = session.outbound.confirmed(transaction.id);
  const body = readBody(transaction.content, 'MessageDelivered');
  // Our own random TransactionID says which message is meant, also where a client garbles the MessageID.
  const meant = outbound?.kind === 'entry' && outbound.announced !== true ? outbound.entry : undefined;
  const messageId = meant?.messageId ?? (isBindError(body) ? undefined : trusted<MessageId>(body.MessageID));
  if (messageId === undefined) return statusOf(402, version, 'MessageID');
  const known = await services.messaging.acknowledge(session.home, messageId, meant);
  if (outbound !== undefined && transaction.mode === 'Response') return undefined;
  const outcome: Result = { code: known ? 200 : 426 };
  return statusElement(outcome, version);
}

/** A system message with a question was shown, no more: it comes again at the next log-in until it is answered. */
function awaitsAnswer({ version }: CspSession, notice: Notice): boolean {
  return version === '1.3' && notice.primitive === 'SystemMessage' && notice.requiresResponse;
}

/** A server transaction was answered. */
export async function confirmed(
  services: CspServices,
  session: CspSession,
  outbound: Outbound,
  negative = false,
): Promise<void> {
  if (outbound.kind === 'news' && outbound.news.primitive === 'LeaveGroupIndication') {
    session.putOut.delete(outbound.news.group);
  }
  if (outbound.kind !== 'entry' || outbound.announced === true) return;
  const { entry } = outbound;
  if (entry.item.kind === 'report') await services.messaging.reportTaken(session.home, entry.item.report);
  else if (entry.item.kind === 'notice') {
    if (!awaitsAnswer(session, entry.item.notice)) await services.messaging.noticeTaken(session.home, entry);
  } else if (negative) await services.messaging.reject(session.home, entry.messageId);
  else await services.messaging.acknowledge(session.home, entry.messageId, entry);
}
