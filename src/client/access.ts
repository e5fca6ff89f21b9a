// Login, negotiation, keep-alive, logout of a client (csp-transactions section 1).

import type { Body } from '../access/csp/codec/binding.ts';
import type { CspTransaction } from '../access/csp/codec/binding.ts';
import { digestBytes, type DigestSchema } from './digest.ts';
import { WvError } from './errors.ts';
import { bodyOf, type Exchange } from './exchange.ts';
import { resultOf } from './results.ts';

export interface Session {
  readonly id: string;
  /** The idle time after which the server ends the session, seconds; undefined = it did not say. */
  readonly keepAliveSeconds: number | undefined;
}

/** Logs in and makes the exchange Inband. Rejects with WvError: 409 wrong password, 531 unknown user, … */
export async function login(exchange: Exchange): Promise<Session> {
  const { settings } = exchange;
  const cookie = sessionCookie();
  if (settings.login === '2-way')
    return entered(exchange, await attempt(exchange, cookie, { Password: settings.password }));
  // COMPAT(aosp): both steps have the same TransactionID, as phones do it.
  const id = exchange.nextId();
  const challenge = await attempt(exchange, cookie, { DigestSchema: offered(exchange) }, id);
  if (challenge.SessionID !== undefined) return entered(exchange, challenge);
  return entered(exchange, await attempt(exchange, cookie, await respondTo(exchange, challenge), id));
}

/** Unguessable, without blanks: the server repeats it in every call, and phones split the call at blanks. */
function sessionCookie(): string {
  return `ck-${crypto.randomUUID().slice(0, 18)}`;
}

/** COMPAT(1.1): one element with all schemas; later versions repeat it. */
function offered({ settings }: Exchange): readonly string[] {
  const { schemas } = settings.digest;
  return settings.version === '1.1' ? [schemas.join(',')] : schemas;
}

type Credentials = Pick<Body<'Login-Request'>, 'Password' | 'DigestSchema' | 'DigestBytes'>;

async function attempt(
  exchange: Exchange,
  cookie: string,
  credentials: Credentials,
  id = exchange.nextId(),
): Promise<Body<'Login-Response'>> {
  const { user, clientId, keepAlive } = exchange.settings;
  const answer = await exchange.exchange(
    'Login-Request',
    {
      UserID: user,
      ClientID: { URL: clientId },
      TimeToLive: keepAlive,
      SessionCookie: cookie,
      ...credentials,
    },
    { repeatable: false, id },
  );
  return accepted(answer);
}

/** A challenge comes with 401, from some servers with 200; both have a Nonce. */
function accepted(answer: CspTransaction): Body<'Login-Response'> {
  const result = resultOf(answer);
  const isChallenge = result?.code === 401 && answer.primitive === 'Login-Response';
  if (result !== undefined && !isChallenge && (result.code < 200 || result.code > 299)) {
    throw new WvError(result, 'Login-Request');
  }
  return bodyOf(answer, 'Login-Response');
}

async function respondTo({ settings }: Exchange, challenge: Body<'Login-Response'>): Promise<Credentials> {
  const { DigestSchema: schema = '' } = challenge;
  const wanted = schema.toUpperCase();
  if (wanted === 'PWD') return { Password: settings.password };
  const known = settings.digest.schemas.find((candidate): candidate is DigestSchema => candidate === wanted);
  if (challenge.Nonce === undefined || known === undefined) {
    throw new WvError(
      { code: 543, description: `challenge with ${schema || 'nothing'}`, details: [] },
      'Login-Request',
    );
  }
  return { DigestBytes: await digestBytes(settings.digest, known, challenge.Nonce, settings.password) };
}

function entered(exchange: Exchange, body: Body<'Login-Response'>): Session {
  if (body.SessionID === undefined) {
    throw new WvError({ code: 401, description: 'no session', details: [] }, 'Login-Request');
  }
  exchange.sessionId = body.SessionID;
  return { id: body.SessionID, keepAliveSeconds: body.KeepAliveTime };
}

export interface Agreement {
  readonly cirMethods: readonly string[];
  readonly tcp: { readonly host: string; readonly port: number } | undefined;
  readonly pollMinSeconds: number | undefined;
}

/** COMPAT(aosp): where phones connect when no TCPPort is given. */
const DEFAULT_TCP_PORT = 3171;

/** Tells what this client can do, and learns what the server will use. */
export async function negotiateCapabilities(exchange: Exchange): Promise<Agreement> {
  const { settings } = exchange;
  const body = await exchange.get(
    'ClientCapability-Request',
    { ClientID: { URL: settings.clientId }, CapabilityList: capabilities(exchange) },
    'ClientCapability-Response',
  );
  const agreed = body.AgreedCapabilityList ?? body.CapabilityList ?? {};
  return {
    cirMethods: agreed.SupportedCIRMethod ?? [],
    tcp:
      agreed.TCPAddress === undefined
        ? undefined
        : { host: agreed.TCPAddress, port: agreed.TCPPort ?? DEFAULT_TCP_PORT },
    pollMinSeconds: agreed.ServerPollMin,
  };
}

const UTF_8 = 106;

function capabilities({ settings }: Exchange): Body<'CapabilityList'> {
  const isLatest = settings.version === '1.3';
  return {
    ClientType: settings.clientType,
    InitialDeliveryMethod: settings.deliveryMethod,
    AnyContent: true,
    AcceptedCharSet: isLatest ? undefined : [UTF_8],
    AcceptedTransferEncoding: ['BASE64'],
    AcceptedContentLength: isLatest ? undefined : settings.acceptedContentLength,
    AcceptedPushLength: isLatest ? settings.acceptedContentLength : undefined,
    AcceptedPullLength: isLatest ? settings.parserSize : undefined,
    SupportedBearer: ['HTTP'],
    MultiTrans: 1,
    ParserSize: settings.parserSize,
    SupportedCIRMethod: settings.cir === undefined ? [] : [settings.cir.method],
    ServerPollMin: settings.pollSeconds > 0 ? settings.pollSeconds : undefined,
    DefaultLanguage: 'eng',
  };
}

export interface Services {
  /** What was asked for and is not available. */
  readonly denied: Body<'Functions'> | undefined;
  /** What the server has. */
  readonly all: Body<'AllFunctions'> | undefined;
}

/** Asks for all four service elements. */
export async function negotiateServices(exchange: Exchange): Promise<Services> {
  const body = await exchange.get(
    'Service-Request',
    {
      ClientID: { URL: exchange.settings.clientId },
      Functions: { WVCSPFeat: { FundamentalFeat: {}, PresenceFeat: {}, IMFeat: {}, GroupFeat: {} } },
      AllFunctionsRequest: true,
    },
    'Service-Response',
  );
  return { denied: body.Functions, all: body.AllFunctions };
}

/** Gives back the idle time that holds now, seconds; undefined = unchanged. 605 is an answer, not an error. */
export async function keepAlive(exchange: Exchange, wishedSeconds?: number): Promise<number | undefined> {
  const answer = await exchange.exchange('KeepAlive-Request', { TimeToLive: wishedSeconds });
  const result = resultOf(answer);
  if (result !== undefined && result.code !== 605 && result.code > 299)
    throw new WvError(result, 'KeepAlive-Request');
  // COMPAT(nokia): a plain Status is as good.
  return answer.primitive === 'Status' ? undefined : bodyOf(answer, 'KeepAlive-Response').KeepAliveTime;
}

/** COMPAT(1.1): Disconnect answers Logout-Request where later versions have Status; its code is 200, 600 or 601. */
export async function logout(exchange: Exchange): Promise<void> {
  await exchange.exchange('Logout-Request', true, { repeatable: false });
}

export interface ServiceProvider {
  readonly name: string;
  readonly description: string | undefined;
  readonly url: string | undefined;
}

/** Works before login too. */
export async function getSPInfo(exchange: Exchange): Promise<ServiceProvider> {
  const body = await exchange.get(
    'GetSPInfo-Request',
    { ClientID: { URL: exchange.settings.clientId } },
    'GetSPInfo-Response',
  );
  return { name: body.Name, description: body.Description, url: body.URL };
}
