// The secret-token exchange in both roles (observed-peer.md section 11).

import { createHash, randomBytes } from 'node:crypto';
import type { Peer, SetupRow, State } from './state.ts';
import { loginDocument, sessionDocument, tokenDocument, type Mode } from './write.ts';
import type { Reaction } from './wire.ts';
import { at, child, type Xml } from './xml.ts';

const CLOSE: Reaction = { kind: 'close' };

const md5 = (token: string | Buffer): string => createHash('md5').update(token).digest('base64');

const serviceDomain = (step: Xml): string | undefined =>
  /^(?:wv:)?@(.+)$/.exec(step.attributes['serviceID'] ?? '')?.[1]?.toLowerCase();

/** Begins a set-up, unless one is under way: half-open ones stand in the way for ever. */
export function beginSetup(peer: Peer): void {
  const { settings, state } = peer;
  const inTheWay = state.rows.some((row) => row.domain === settings.peerDomain && row.state !== 'up');
  if (inTheWay || peer.peerUrl === undefined) return;
  const row = newRow(peer, settings.peerDomain, 'initiator', undefined);
  state.rows.push(row);
  void call(peer, row, tokenStep(peer, row, 'Request'), row.id).then((outcome) => {
    // It stores nothing about a peer that it could not call.
    if (outcome !== 200 && row.state === 'token-sent') remove(state, row);
  });
}

function newRow(
  { state, settings }: Peer,
  domain: string,
  role: SetupRow['role'],
  transactionId: string | undefined,
): SetupRow {
  const id = String(state.nextRow++);
  return {
    id,
    domain,
    role,
    transactionId: transactionId ?? id,
    ownToken: randomBytes(16).toString('hex'),
    theirToken: undefined,
    state: role === 'initiator' ? 'token-sent' : 'token-answered',
    ownSessionId: `${id}@${settings.domain}`,
    theirSessionId: undefined,
    knownFrom: 0,
  };
}

interface Step {
  readonly name: string;
  readonly write: () => string;
}

const tokenStep = ({ settings }: Peer, row: SetupRow, mode: Mode): Step => ({
  name: 'SendSecretToken',
  write: () => tokenDocument(mode, row.id, settings.domain, row.ownToken),
});

/** Posts a step. Nothing of the set-up is ever tried again. */
async function call(
  peer: Peer,
  row: SetupRow,
  { name, write }: Step,
  transactionId?: string,
): Promise<number | 'closed'> {
  const { raceMs, beforeStep } = peer.settings;
  if (beforeStep !== undefined) await beforeStep(name, row);
  if (peer.peerUrl === undefined || !peer.runtime.alive) return 'closed';
  const body = write();
  if (raceMs > 0) row.knownFrom = Infinity;
  const outcome = await peer.runtime.poster.post(peer.peerUrl, body, { transactionId });
  if (raceMs > 0) row.knownFrom = Date.now() + raceMs;
  return outcome;
}

const STEPS: Readonly<Record<string, (peer: Peer, step: Xml, mode: Mode, id: string) => Reaction>> = {
  SendSecretToken: (peer, step, mode, id) =>
    mode === 'Request' ? acceptToken(peer, step, id) : takeToken(peer, step),
  LoginRequest: takeLogin,
  LoginResponse: takeSession,
};

/** Any of the six steps. */
export function takeSetup(peer: Peer, setup: Xml): Reaction {
  const step = setup.children[0];
  const mode = setup.attributes['mode'];
  if (step === undefined || (mode !== 'Request' && mode !== 'Response')) return CLOSE;
  return STEPS[step.name]?.(peer, step, mode, setup.attributes['transactionID'] ?? '') ?? CLOSE;
}

function tokenOf(step: Xml): Buffer {
  const token = child(step, 'SecretToken');
  const text = token?.text ?? '';
  return token?.attributes['encoding'] === undefined ? Buffer.from(text) : Buffer.from(text, 'base64');
}

function find(
  peer: Peer,
  role: SetupRow['role'],
  state: SetupRow['state'],
  fits: (row: SetupRow) => boolean,
): SetupRow | undefined {
  const now = Date.now();
  return peer.state.rows.find(
    (row) => row.role === role && row.state === state && row.knownFrom <= now && fits(row),
  );
}

function remove({ rows }: State, row: SetupRow): void {
  const index = rows.indexOf(row);
  if (index >= 0) rows.splice(index, 1);
}

function forget({ state }: Peer, row: SetupRow): Reaction {
  remove(state, row);
  return CLOSE;
}

/** Step 1. The sender is looked up by his name; a second set-up is as good as the first. */
function acceptToken(peer: Peer, step: Xml, transactionId: string): Reaction {
  const { settings } = peer;
  const domain = serviceDomain(step);
  if (domain === undefined) return CLOSE;
  // A token that claims its own domain gets HTTP 200; what it would be told is not known.
  if (domain === settings.domain) return { kind: 'taken', afterwards: () => undefined };
  const row = newRow(peer, domain, 'acceptor', transactionId);
  row.theirToken = tokenOf(step);
  peer.state.rows.push(row);
  if (domain !== settings.peerDomain || peer.peerUrl === undefined) return CLOSE;
  const answer = tokenStep(peer, row, 'Response');
  return { kind: 'taken', afterwards: () => void call(peer, row, answer, row.id) };
}

/** Step 2, under whatever transaction ID. */
function takeToken(peer: Peer, step: Xml): Reaction {
  const domain = serviceDomain(step);
  const row = find(peer, 'initiator', 'token-sent', (one) => one.domain === domain);
  if (row === undefined) return CLOSE;
  row.theirToken = tokenOf(step);
  row.state = 'login-sent';
  return loginStep(peer, row, 'Request');
}

function loginStep(peer: Peer, row: SetupRow, mode: Mode): Reaction {
  const { domain } = peer.settings;
  const write = (): string => loginDocument(mode, row.transactionId, domain, md5(row.theirToken ?? ''));
  return { kind: 'taken', afterwards: () => void call(peer, row, { name: 'LoginRequest', write }) };
}

/** Steps 3 and 4: the digest must be that of its own token. */
function takeLogin(peer: Peer, step: Xml, mode: Mode, id: string): Reaction {
  const domain = serviceDomain(step);
  const fits = (one: SetupRow): boolean => one.domain === domain && one.transactionId === id;
  const row =
    mode === 'Request'
      ? find(peer, 'acceptor', 'token-answered', fits)
      : find(peer, 'initiator', 'login-sent', fits);
  if (row === undefined) return CLOSE;
  const digest = child(step, 'PasswordDigest')?.text.replaceAll(/\s/g, '');
  if (digest !== md5(row.ownToken)) return forget(peer, row);
  if (mode === 'Request') {
    row.state = 'login-answered';
    return loginStep(peer, row, 'Response');
  }
  row.state = 'confirm-sent';
  return sessionStep(peer, row, 'Request');
}

function sessionStep(peer: Peer, row: SetupRow, mode: Mode): Reaction {
  const write = (): string => sessionDocument(mode, row.transactionId, row.ownSessionId);
  return { kind: 'taken', afterwards: () => void call(peer, row, { name: 'LoginResponse', write }) };
}

/** Steps 5 and 6. After step 6 nothing is said. */
function takeSession(peer: Peer, step: Xml, mode: Mode, id: string): Reaction {
  const fits = (one: SetupRow): boolean => one.transactionId === id;
  const row =
    mode === 'Request'
      ? find(peer, 'acceptor', 'login-answered', fits)
      : find(peer, 'initiator', 'confirm-sent', fits);
  if (row === undefined) return CLOSE;
  const code = at(step, 'Status')?.attributes['code'] ?? '';
  if (!/^2\d\d$/.test(code)) return forget(peer, row);
  row.theirSessionId = step.attributes['sessionID'] ?? '';
  row.state = 'up';
  return mode === 'Request'
    ? sessionStep(peer, row, 'Response')
    : { kind: 'taken', afterwards: () => undefined };
}
