// Login: a session for whoever proves who he is; in 1.3 also the session of before, and both negotiations in one go
// (csp-transactions 1.1).

import { child, node, type Element } from '../../../wv/element.ts';
import { domainOf, isAddressError, parseUser } from '../../../wv/address.ts';
import { trusted, type ClientId } from '../../../wv/ids.ts';
import { OK, result, type Result } from '../../../wv/status.ts';
import type { LoginOutcome } from '../../../sap/authentication.ts';
import type { Home } from '../../../services/home.ts';
import { resultBody, statusOf } from '../answers.ts';
import { buildElement, isBindError, readBody, type Body } from '../codec/binding.ts';
import type { CspSession } from '../session.ts';
import type { Answer, Exchange } from '../transaction.ts';
import { agreeCapabilities } from './capability.ts';
import { grantedKeepAlive } from './keep-alive.ts';
import { agreeServices } from './service.ts';
import { takeAnswers } from './system-messages.ts';

type Request = Body<'Login-Request'>;
type Response = Partial<Body<'Login-Response'>>;

export async function login(exchange: Exchange): Promise<Answer> {
  const { services, version, transaction } = exchange;
  const body = readBody(transaction.content, 'Login-Request');
  if (isBindError(body)) return statusOf(body.code, version, `${body.element}: ${body.message}`);
  const respond = (outcome: Result, more: Response = {}) => responseTo(body, outcome, more, exchange);
  const user = parseUser(body.UserID, services.homes.domain);
  if (isAddressError(user)) return respond(result(531, user.reason));
  if (domainOf(user) !== services.homes.domain) return respond(result(531, 'User of another domain'));
  const outcome = await services.authentication.login({ user, ...proofOf(exchange, body) });
  if (outcome.kind !== 'accepted') return respond(...notYet(outcome));
  const home = await services.homes.get(user);
  if (home === undefined) return respond(result(531));
  // The account may have been changed by the command line since the home was loaded.
  home.user = outcome.user;
  const session = await sessionFor(exchange, body, home);
  if ('code' in session) return respond(session, { CapabilityRequest: false });
  await services.profiles.sawTerminal(user, session.clientId);
  if (body.SystemMessageResponseList !== undefined) {
    // Answers to what the last session showed. A wrong one is no reason against the log-in: the question comes again.
    await takeAnswers(services, home, body.SystemMessageResponseList);
  }
  return negotiated(exchange, body, session, respond);
}

function responseTo(body: Request, outcome: Result, more: Response, { version }: Exchange): Element {
  const echo = body.ClientID === undefined ? {} : { ClientID: body.ClientID };
  return buildElement('Login-Response', { ...echo, Result: resultBody(outcome), ...more }, version);
}

function clientIdOf({ ClientID: id }: Request): ClientId {
  return trusted<ClientId>(id?.URL ?? id?.MSISDN ?? '');
}

/** What the client and the network offer as proof of who the user is. */
function proofOf({ remote }: Exchange, body: Request) {
  const cookie = body.SessionCookie ?? '';
  return {
    attempt: `${clientIdOf(body)} ${cookie}`,
    source: remote.address,
    // COMPAT(aosp): an empty Password element stands beside the schemas.
    password: body.Password === '' && body.DigestSchema !== undefined ? undefined : body.Password,
    digestBytes: body.DigestBytes,
    schemas: body.DigestSchema ?? [],
    number: remote.number,
    clientNumber: body.ClientID?.MSISDN,
  };
}

/** The challenge has code 401: Nokia and Android take it, and 200 without a session would confuse others. */
function notYet(outcome: Exclude<LoginOutcome, { kind: 'accepted' }>): [Result, Response] {
  if (outcome.kind === 'refused') return [outcome.result, { CapabilityRequest: false }];
  return [
    result(401, 'Please complete the authentication challenge'),
    { Nonce: outcome.nonce, DigestSchema: outcome.schema, CapabilityRequest: false },
  ];
}

/** A new session, or in 1.3 the one the client names; or why there is none. */
async function sessionFor(exchange: Exchange, body: Request, home: Home): Promise<CspSession | Result> {
  const { services, version, remote } = exchange;
  const clientId = clientIdOf(body);
  const terms = {
    cookie: body.SessionCookie ?? '',
    keepAlive: grantedKeepAlive(services.settings, body.TimeToLive),
    remoteAddress: remote.address,
  };
  if (version === '1.3' && body.SessionID !== undefined && body.SessionID !== '') {
    const session = recoverable(exchange, body.SessionID, home, clientId);
    if (!('code' in session)) await services.sessions.resume(session, terms);
    return session;
  }
  // No turn of the event loop between the two: of log-ins at the same time, one is refused.
  const refusal = services.sessions.refusal(home, clientId);
  if (refusal !== undefined) return refusal;
  return services.sessions.open({ home, clientId, ...terms, version, userAgent: remote.userAgent });
}

/** 422 for a session of somebody else or of another client; 502 for one that is gone: the client logs in afresh. */
function recoverable(
  { services, version }: Exchange,
  id: string,
  home: Home,
  clientId: ClientId,
): CspSession | Result {
  const session = services.sessions.find(id);
  if (session === undefined) return result(502);
  if (session.home !== home || session.clientId !== clientId) return result(422);
  return session.version === version ? session : result(502, 'A session of another version');
}

/** A 1.3 login may carry both negotiations; who has negotiated capabilities needs not be asked to. */
async function negotiated(
  exchange: Exchange,
  body: Request,
  session: CspSession,
  respond: (outcome: Result, more: Response) => Element,
): Promise<Element> {
  const { services, version, transaction } = exchange;
  const inline = version === '1.3';
  const terms = { SessionID: session.id, KeepAliveTime: session.keepAlive };
  if (!inline) return respond(OK, { ...terms, CapabilityRequest: true });
  const answer: Element[] = [];
  const functions = child(transaction.content, 'Functions');
  const denied = functions === undefined ? undefined : await agreeServices(services, session, functions);
  if (denied !== undefined) answer.push(denied);
  if (body.CapabilityList !== undefined) {
    const agreed = await agreeCapabilities(services, session, body.CapabilityList);
    answer.push(buildElement('AgreedCapabilityList', agreed, version));
  }
  const response = respond(OK, { ...terms, CapabilityRequest: !session.hasNegotiated });
  return node(response.name, [...response.children, ...answer]);
}
