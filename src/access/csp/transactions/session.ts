// Session and service access: login to logout, negotiation, polling (csp-transactions section 1).

import { child, node, type Element } from '../../../wv/element.ts';
import { domainOf, isAddressError, parseUser } from '../../../wv/address.ts';
import { trusted, type ClientId } from '../../../wv/ids.ts';

import { OK, result, type Result } from '../../../wv/status.ts';
import { CSP_VERSIONS, NAMESPACES } from '../../../wv/version.ts';
import {
  agreedFunctions,
  AVAILABLE,
  featureTree,
  requestedFunctions,
  unavailable,
} from '../../../sap/discovery.ts';
import { subscribedFunctions } from '../../../sap/subscriptions.ts';
import type { LoginOutcome } from '../../../sap/authentication.ts';
import { resultBody, statusElement, statusOf } from '../answers.ts';
import { buildElement, isBindError, readBody, type Body } from '../codec/binding.ts';
import { messageDelivered, statusReceived } from '../confirm.ts';
import { inSession, type Answer, type Exchange, type Handlers } from '../transaction.ts';
import { negotiateCapabilities } from './capability.ts';

function clientIdText(id: Body<'ClientID'> | undefined): ClientId {
  return trusted<ClientId>(id?.URL ?? id?.MSISDN ?? '');
}

async function login(exchange: Exchange): Promise<Answer> {
  const { services, version, transaction, remote } = exchange;
  const body = readBody(transaction.content, 'Login-Request');
  if (isBindError(body)) return statusOf(body.code, version, `${body.element}: ${body.message}`);
  const respond = (outcome: Result, more: Partial<Body<'Login-Response'>> = {}) =>
    buildElement(
      'Login-Response',
      {
        ...(body.ClientID === undefined ? {} : { ClientID: body.ClientID }),
        Result: resultBody(outcome),
        ...more,
      },
      version,
    );
  const user = parseUser(body.UserID, services.homes.domain);
  if (isAddressError(user)) return respond(result(531, user.reason));
  if (domainOf(user) !== services.homes.domain) return respond(result(531, 'User of another domain'));
  if (services.sessions.isFull) return respond(result(503, 'Too many sessions, try again later'));
  const clientId = clientIdText(body.ClientID);
  const cookie = body.SessionCookie ?? '';
  const outcome = await services.authentication.login({
    user,
    attempt: `${clientId} ${cookie}`,
    source: remote.address,
    // COMPAT(aosp): an empty Password element stands beside the schemas.
    password: body.Password === '' && body.DigestSchema !== undefined ? undefined : body.Password,
    digestBytes: body.DigestBytes,
    schemas: body.DigestSchema ?? [],
  });
  if (outcome.kind !== 'accepted') return respond(...notYet(outcome));
  const home = await services.homes.get(user);
  if (home === undefined) return respond(result(531));
  // The account may have been changed by the command line since the home was loaded.
  home.user = outcome.user;
  const keepAlive = clampKeepAlive(exchange, body.TimeToLive);
  const session = await services.sessions.open({
    home,
    clientId,
    cookie,
    version,
    keepAlive,
    remoteAddress: remote.address,
    userAgent: remote.userAgent,
  });
  await services.profiles.sawTerminal(user, clientId);
  return respond(OK, { SessionID: session.id, KeepAliveTime: keepAlive, CapabilityRequest: true });
}

/** The challenge has code 401: Nokia and Android take it, and 200 without a session would confuse others. */
function notYet(
  outcome: Exclude<LoginOutcome, { kind: 'accepted' }>,
): [Result, Partial<Body<'Login-Response'>>] {
  if (outcome.kind === 'refused') return [outcome.result, { CapabilityRequest: false }];
  return [
    result(401, 'Please complete the authentication challenge'),
    { Nonce: outcome.nonce, DigestSchema: outcome.schema, CapabilityRequest: false },
  ];
}

function clampKeepAlive({ services }: Exchange, wished: number | undefined): number {
  const { default: usual, min, max } = services.settings.keepAlive;
  return Math.min(Math.max(wished ?? usual, min), max);
}

/** 1.1 answers with Disconnect, later versions with Status (csp-transactions 1.3). */
const logout = inSession('Logout-Request', async ({ services, session, version }) => {
  await services.sessions.end(session);
  return version === '1.1'
    ? buildElement('Disconnect', { Result: resultBody(OK) }, version)
    : statusElement(OK, version);
});

const keepAlive = inSession('KeepAlive-Request', async (exchange, body) => {
  const { services, session, version } = exchange;
  const wished = body.TimeToLive;
  if (wished !== undefined) await services.sessions.setKeepAlive(session, clampKeepAlive(exchange, wished));
  // 605 tells that another value holds (csp-transactions 1.4).
  const accepted = wished === undefined || wished === session.keepAlive;
  return buildElement(
    'KeepAlive-Response',
    { Result: resultBody(accepted ? OK : result(605)), KeepAliveTime: session.keepAlive },
    version,
  );
});

async function spInfo({ services, version, transaction }: Exchange): Promise<Answer> {
  const { name, description, url } = services.settings.provider;
  const body = readBody(transaction.content, 'GetSPInfo-Request');
  return buildElement(
    'GetSPInfo-Response',
    {
      ...(isBindError(body) || body.ClientID === undefined ? {} : { ClientID: body.ClientID }),
      Name: name,
      Description: description,
      URL: url,
    },
    version,
  );
}

const service = inSession('Service-Request', async ({ services, session, version, transaction }, body) => {
  const features = child(child(transaction.content, 'Functions'), 'WVCSPFeat');
  const requested = requestedFunctions(features, version);
  const available = subscribedFunctions(session.home.user, AVAILABLE);
  const denied = unavailable(requested, available);
  session.services = agreedFunctions(requested, available, version);
  // csp-transactions 1.6: REACT in the request, or no filter at all, switches questions about watchers on.
  session.reactive = requested.has('REACT') || version === '1.3';
  await services.sessions.save(session);
  const answer: Element[] = [];
  const clientId = child(transaction.content, 'ClientID');
  if (version === '1.1' && clientId !== undefined) answer.push(clientId);
  answer.push(node('Functions', [featureTree(denied, version)]));
  if (body.AllFunctionsRequest === true) answer.push(node('AllFunctions', [featureTree(available, version)]));
  return node('Service-Response', answer);
});

/** Which namespaces are spoken here (csp-transactions 1.9: shape is an assumption, see docs/protocol-notes.md). */
async function versionDiscovery({ version }: Exchange): Promise<Answer> {
  return buildElement(
    'WV-CSP-NSDiscovery-Response',
    {
      VersionList: {
        SessionNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].session),
        TransactionNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].transaction),
        PresenceAttributeNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].presence),
      },
    },
    version,
  );
}

export const sessionTransactions: Handlers = {
  'Login-Request': { outband: true, handle: login },
  'GetSPInfo-Request': { outband: true, handle: spInfo },
  'WV-CSP-NSDiscovery-Request': { outband: true, handle: versionDiscovery },
  'Logout-Request': logout,
  // Some word is owed to every request: Android takes an empty answer for a fault (client-quirks section 1).
  Disconnect: inSession('Disconnect', async ({ services, session, version, transaction }) => {
    await services.sessions.end(session);
    return transaction.mode === 'Request' ? statusElement(OK, version) : undefined;
  }),
  'KeepAlive-Request': keepAlive,
  'Polling-Request': { handle: async () => undefined },
  'Service-Request': service,
  'ClientCapability-Request': inSession('ClientCapability-Request', negotiateCapabilities),
  Status: { handle: statusReceived },
  MessageDelivered: { handle: messageDelivered },
};
