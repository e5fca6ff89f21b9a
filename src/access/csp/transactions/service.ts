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
import { buildElement } from '../codec/binding.ts';
import type { CspSession } from '../session.ts';
import { inSession, type CspServices } from '../transaction.ts';

/** What the server has and the user subscribed to. */
function availableTo({ home }: CspSession): ReadonlySet<ServiceFunction> {
  return subscribedFunctions(home.user, AVAILABLE);
}

/**
 * Agrees on the functions asked for; gives the `Functions` element of the answer: those that are not to be had.
 * undefined = all are: an empty tree would say to Nokia's clients that none is.
 */
export async function agreeServices(
  services: Pick<CspServices, 'sessions'>,
  session: CspSession,
  functions: Element | undefined,
): Promise<Element | undefined> {
  const { version } = session;
  const requested = requestedFunctions(child(functions, 'WVCSPFeat'), version);
  const available = availableTo(session);
  session.services = agreedFunctions(requested, available, version);
  // csp-transactions 1.6: REACT in the request, or no filter at all, switches questions about watchers on.
  session.reactive = requested.has('REACT') || version === '1.3';
  await services.sessions.save(session);
  const denied = unavailable(requested, available);
  return denied.size === 0 ? undefined : node('Functions', [featureTree(denied, version)]);
}

export const serviceRequest = inSession('Service-Request', async (exchange, body) => {
  const { services, session, version, transaction } = exchange;
  const answer: Element[] = [];
  // What was understood of it, not what the client wrote: that may hold anything.
  if (version === '1.1' && body.ClientID !== undefined) {
    answer.push(buildElement('ClientID', body.ClientID, version));
  }
  const denied = await agreeServices(services, session, child(transaction.content, 'Functions'));
  if (denied !== undefined) answer.push(denied);
  if (body.AllFunctionsRequest === true) {
    answer.push(node('AllFunctions', [featureTree(availableTo(session), version)]));
  }
  return node('Service-Response', answer);
});
