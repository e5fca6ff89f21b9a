// Who asks: HTTP Basic with the user's WV credentials (RFC 7617), or the operator's bearer token (RFC 6750).

import type { Request, RequestHandler, Response } from 'express';
import { sameText } from '../sap/passwords.ts';
import type { Authentication } from '../sap/authentication.ts';
import { subscribes } from '../sap/subscriptions.ts';
import { domainOf, isAddressError, parseUser } from '../wv/address.ts';
import type { Domain, UserAddress } from '../wv/ids.ts';
import type { ServiceName } from '../wv/profile.ts';
import { WebError } from './errors.ts';

/** A password longer than this is none of ours. */
const MAX_AUTHORIZATION = 2_000;

interface Basic {
  readonly user: string;
  readonly password: string;
}

/**
 * Lets signed-in users pass; `signedIn(response)` says who it is. The same limits, log-in rates and refusals as for
 * CSP: 401 for wrong credentials (an unknown user looks the same), 403 for an inactive account, 503 with Retry-After.
 * With a service, also 403 for users that have not subscribed to it.
 */
export function requireUser(
  authentication: Authentication,
  domain: Domain,
  service?: ServiceName,
): RequestHandler {
  return async (request, response, next) => {
    const basic = basicOf(request);
    const user = basic === undefined ? undefined : parseUser(basic.user, domain);
    if (basic === undefined || user === undefined || isAddressError(user) || domainOf(user) !== domain) {
      throw challenge(response, basic === undefined ? 'please sign in' : WRONG);
    }
    const outcome = await authentication.login({
      user,
      attempt: 'web',
      source: sourceOf(request),
      password: basic.password,
      schemas: [],
    });
    if (outcome.kind !== 'accepted') throw refusal(response, outcome);
    if (service !== undefined && !subscribes(outcome.user, service)) {
      throw new WebError(403, `not subscribed: ${service}`);
    }
    response.locals['user'] = user;
    next();
  };
}

/** The user that requireUser let pass. */
export function signedIn(response: Response): UserAddress {
  const user: unknown = response.locals['user'];
  if (typeof user !== 'string') throw new TypeError('a route for users stands outside of requireUser');
  return user as UserAddress;
}

/** Lets the operator pass: `Authorization: Bearer` with the token of the configuration. */
export function requireOperator(token: string): RequestHandler {
  return (request, response, next) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(authorizationOf(request)) ?? [];
    if (given === undefined || !sameText(given, token)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      throw new WebError(401, 'the operator’s token is needed');
    }
    next();
  };
}

const WRONG = 'wrong name or password';

/** Written as CSP writes it, so that guesses at both doors are counted together. */
function sourceOf(request: Request): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

function authorizationOf(request: Request): string {
  const header = request.headers.authorization ?? '';
  return header.length > MAX_AUTHORIZATION ? '' : header;
}

/** The user part ends at the first colon (RFC 7617), or at the second after `wv:`. */
function basicOf(request: Request): Basic | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorizationOf(request)) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const [, user, password] = /^(wv:[^:]*|[^:]*):([^]*)$/i.exec(text) ?? [];
  return user === undefined || password === undefined ? undefined : { user, password };
}

function challenge(response: Response, message: string): WebError {
  response.setHeader('WWW-Authenticate', 'Basic realm="wvgate", charset="UTF-8"');
  return new WebError(401, message);
}

type Refused = Exclude<Awaited<ReturnType<Authentication['login']>>, { kind: 'accepted' }>;

/** Asked for again after so many seconds where the limiter names none. */
const RETRY_SECONDS = 30;

function refusal(response: Response, outcome: Refused): WebError {
  if (outcome.kind === 'challenge') return challenge(response, WRONG);
  const { code, description } = outcome.result;
  if (code === 403) return new WebError(403, 'the account is not active');
  if (code !== 503) return challenge(response, WRONG);
  const seconds = Number(/(\d+) s$/.exec(description ?? '')?.[1] ?? RETRY_SECONDS);
  return new WebError(503, description ?? 'too many attempts', { retryAfter: seconds });
}
