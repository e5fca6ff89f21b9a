// Service negotiation (csp-transactions 1.6), by itself and inside a 1.3 login.

import {
  agreedFunctions,
  AVAILABLE,
  featureTree,
  requestedFunctions,
  unavailable,
  type ServiceFunction,
} from '../../../sap/discovery.ts';
import { subscribedFunctions } from '../../../sap/subscriptions.ts';
import { child, node, type Element } from '../../../wv/element.ts';
import type { CspSession } from '../session.ts';
import { inSession, type CspServices } from '../transaction.ts';

/** What the server has and the user subscribed to. */
function availableTo({ home }: CspSession): ReadonlySet<ServiceFunction> {
  return subscribedFunctions(home.user, AVAILABLE);
}

/** Agrees on the functions asked for; gives the `Functions` element of the answer: those that are not to be had. */
export async function agreeServices(
  services: Pick<CspServices, 'sessions'>,
  session: CspSession,
  functions: Element | undefined,
): Promise<Element> {
  const { version } = session;
  const requested = requestedFunctions(child(functions, 'WVCSPFeat'), version);
  const available = availableTo(session);
  session.services = agreedFunctions(requested, available, version);
  // csp-transactions 1.6: REACT in the request, or no filter at all, switches questions about watchers on.
  session.reactive = requested.has('REACT') || version === '1.3';
  await services.sessions.save(session);
  return node('Functions', [featureTree(unavailable(requested, available), version)]);
}

export const serviceRequest = inSession('Service-Request', async (exchange, body) => {
  const { services, session, version, transaction } = exchange;
  const answer: Element[] = [];
  const clientId = child(transaction.content, 'ClientID');
  if (version === '1.1' && clientId !== undefined) answer.push(clientId);
  answer.push(await agreeServices(services, session, child(transaction.content, 'Functions')));
  if (body.AllFunctionsRequest === true) {
    answer.push(node('AllFunctions', [featureTree(availableTo(session), version)]));
  }
  return node('Service-Response', answer);
});
