// The users' linked accounts over HTTP: GET /api/profile/accounts, PUT and DELETE of one by its network.

import express, { Router } from 'express';
import { z } from 'zod';
import type { Authentication } from '../sap/authentication.ts';
import { isSecret } from '../services/account-secrets.ts';
import { accountName, type LinkedAccounts, type LinkOutcome } from '../services/linked-accounts.ts';
import type { Domain } from '../wv/ids.ts';
import { requireUser, signedIn } from './authenticate.ts';
import { checked, WebError } from './errors.ts';

export interface LinkedAccountsApiOptions {
  readonly linkedAccounts: LinkedAccounts;
  readonly authentication: Authentication;
  readonly domain: Domain;
}

/** Largest body, bytes. */
const MAX_BODY = 4_096;
const MAX_SECRET = 1_000;

const secret = z.string().max(MAX_SECRET).refine(isSecret, 'empty, or not printable');
const linkSchema = z.strictObject({
  account: z.string().transform((text, context) => {
    const name = accountName(text);
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: 'not an account: user@domain or @user:server' });
    return z.NEVER;
  }),
  password: secret.optional(),
  /** Instead of the password, where the network has tokens. */
  token: secret.optional(),
});

const REFUSALS: Readonly<Record<Exclude<LinkOutcome, 'done'>, readonly [status: number, message: string]>> = {
  linked: [409, 'another account of this network is linked: unlink it first'],
  unknown: [404, 'no such user'],
  full: [503, 'no more accounts of this network can be linked'],
  'no-network': [404, 'accounts of this network cannot be linked here'],
};

/** To be mounted at /api/profile/accounts. */
export function linkedAccountsApi({
  linkedAccounts,
  authentication,
  domain,
}: LinkedAccountsApiOptions): Router {
  const router = Router();
  router.use(requireUser(authentication, domain));

  router.get('/', async (_request, response) => {
    const accounts = await linkedAccounts.of(signedIn(response));
    const shown = accounts.map(({ linkedAt, ...account }) => ({
      ...account,
      linkedAt: new Date(linkedAt).toISOString(),
    }));
    response.json({ accounts: shown });
  });

  router.put('/:network', express.json({ limit: MAX_BODY }), async (request, response) => {
    const { account, password, token } = checked(linkSchema, request.body);
    if ((password === undefined) === (token === undefined)) {
      const field = token === undefined ? 'password' : 'token';
      throw new WebError(400, 'a password or a token is needed, not both', { field });
    }
    const proof = token === undefined ? { password: password ?? '' } : { token };
    const outcome = await linkedAccounts.link(signedIn(response), request.params.network, account, proof);
    if (outcome !== 'done') throw new WebError(...REFUSALS[outcome]);
    // Whether the network takes the password, GET tells soon.
    response.status(202).json({ network: request.params.network, account });
  });

  router.delete('/:network', async (request, response) => {
    const was = await linkedAccounts.unlink(signedIn(response), request.params.network);
    if (!was) throw new WebError(404, 'no account of this network is linked');
    response.status(204).end();
  });

  return router;
}
