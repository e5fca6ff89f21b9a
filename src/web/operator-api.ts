// Users over HTTP, for the operator: /api/users on the operators' endpoint, with a bearer token.

import express, { Router } from 'express';
import { z } from 'zod';
import type { Log } from '../ops/ports.ts';
import type { Homes } from '../services/home.ts';
import type { Profiles } from '../services/profiles.ts';
import type { Store } from '../store/store.ts';
import { domainOf, isAddressError, parseUser } from '../wv/address.ts';
import type { UserAddress } from '../wv/ids.ts';
import { SERVICE_NAMES } from '../wv/profile.ts';
import { result, type Result } from '../wv/status.ts';
import { requireOperator } from './authenticate.ts';
import { checked, errorHandler, notFound, WebError } from './errors.ts';
import { applyPatch, MAX_BODY, shownProfile } from './profile-api.ts';
import { operatorChangeSchema, password } from './profile-schema.ts';

/** What of accounts is needed here; accounts.ts has it. */
export interface AccountPort {
  create(account: { name: string; password: string }): Promise<boolean>;
  setPassword(name: string, password: string): Promise<boolean>;
  remove(name: string): Promise<boolean>;
}

/** A live session, as the operator sees it. Milliseconds since the epoch. */
export interface LiveSession {
  readonly clientId: string;
  readonly version: string;
  readonly since: number;
  readonly lastActivity: number;
  readonly remoteAddress: string;
}

/** What of live sessions is needed here; access/csp has it. */
export interface SessionPort {
  sessionsOf(user: UserAddress): readonly LiveSession[];
  /** Ends all sessions of a user; their clients are told why. The number of them. */
  endAll(user: UserAddress, reason: Result): Promise<number>;
}

export interface OperatorApiOptions {
  readonly token: string;
  readonly accounts: AccountPort;
  readonly sessions: SessionPort;
  readonly profiles: Profiles;
  readonly homes: Homes;
  readonly store: Pick<Store, 'listUsers'>;
  readonly log: Log;
}

const newUserSchema = operatorChangeSchema.extend({ name: z.string().min(1).max(100), password });
const pageSchema = z.strictObject({
  after: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** To be mounted at /api/users; answers everything below it, errors too. */
export function operatorApi(options: OperatorApiOptions): Router {
  const { profiles, sessions, accounts, homes, log } = options;
  const { domain } = homes;
  const body = express.json({ limit: MAX_BODY });
  const router = Router();
  router.use(requireOperator(options.token));

  router.get('/', async (request, response) => {
    const { after, limit } = checked(pageSchema, request.query);
    const from = after === undefined ? undefined : addressOf(after);
    const users = await options.store.listUsers(from, limit);
    const shown = users.map(({ address, displayName, active, services = SERVICE_NAMES }) => ({
      id: address,
      ...(displayName === undefined ? {} : { displayName }),
      active,
      services,
    }));
    response.json({ users: shown, ...(users.length < limit ? {} : { next: users.at(-1)?.address }) });
  });

  router.post('/', body, async (request, response) => {
    const { name, password: secret, ...patch } = checked(newUserSchema, request.body);
    const user = addressOf(name, 'name');
    if (!(await accounts.create({ name: user, password: secret }))) {
      throw new WebError(409, 'the user exists already', { field: 'name' });
    }
    await applyPatch(profiles, user, patch);
    log.info({ user }, 'account created by the operator');
    response.status(201).json(await shownProfile(profiles, user));
  });

  router.get('/:name', async (request, response) => {
    response.json(await shownProfile(profiles, addressOf(request.params.name)));
  });

  router.patch('/:name', body, async (request, response) => {
    const user = addressOf(request.params.name);
    const patch = checked(operatorChangeSchema, request.body);
    await shownProfile(profiles, user);
    if (patch.password !== undefined) await accounts.setPassword(user, patch.password);
    await applyPatch(profiles, user, patch);
    if (patch.active === false) await sessions.endAll(user, result(403, 'The account was deactivated'));
    log.info({ user, fields: Object.keys(patch) }, 'account changed by the operator');
    response.json(await shownProfile(profiles, user));
  });

  router.delete('/:name', async (request, response) => {
    const user = addressOf(request.params.name);
    await shownProfile(profiles, user);
    // First: nobody comes in any more while the sessions end.
    await profiles.changeAccount(user, { active: false });
    await sessions.endAll(user, result(601, 'The account was removed'));
    await accounts.remove(user);
    homes.forget(user);
    log.info({ user }, 'account removed by the operator');
    response.status(204).end();
  });

  router.get('/:name/sessions', async (request, response) => {
    const user = addressOf(request.params.name);
    await shownProfile(profiles, user);
    response.json({ sessions: sessions.sessionsOf(user).map(sessionJson) });
  });

  router.delete('/:name/sessions', async (request, response) => {
    const user = addressOf(request.params.name);
    await shownProfile(profiles, user);
    const ended = await sessions.endAll(user, result(601, 'Logged out by the operator'));
    log.info({ user, ended }, 'sessions ended by the operator');
    response.json({ ended });
  });

  router.use(notFound);
  router.use(errorHandler(log));
  return router;

  function addressOf(text: string, field?: string): UserAddress {
    const user = parseUser(text, domain);
    if (!isAddressError(user) && domainOf(user) === domain) return user;
    const reason = isAddressError(user) ? user.reason : `not in the domain ${domain}`;
    throw new WebError(400, reason, field === undefined ? {} : { field });
  }
}

function sessionJson({ clientId, version, since, lastActivity, remoteAddress }: LiveSession): object {
  return {
    clientId,
    version,
    since: new Date(since).toISOString(),
    lastActivity: new Date(lastActivity).toISOString(),
    remoteAddress,
  };
}
