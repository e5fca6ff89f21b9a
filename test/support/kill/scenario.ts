// The run: two WV users write with two XMPP users, two Matrix users and each other, all at the same time, while the
// gateway is killed and started again at moments that a seed chooses.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../../src/config.ts';
import type { MatrixServer, XmppServer } from '../../../scripts/stack/description.ts';
import { freePorts, GatewayProcess, parted, whole } from './gateway-process.ts';
import { Ledger, type Flow } from './ledger.ts';
import { MatrixPerson } from './matrix-person.ts';
import type { Names, Person, Surroundings } from './person.ts';
import { expectPushOrder, pushedEvents } from './push-order.ts';
import { seeded, type Random } from './random.ts';
import { eventually } from '../eventually.ts';
import { WvPerson } from './wv-person.ts';
import { XmppPerson } from './xmpp-person.ts';

export interface RunOptions {
  readonly xmpp: XmppServer;
  readonly matrix: MatrixServer;
  /** In all directions together. */
  readonly messages: number;
  readonly kills: number;
  readonly seed: number;
  /** The gateways have processes of their own, and it may hit any of them. */
  readonly parted?: boolean;
  readonly onProgress?: (line: string) => void;
  /** Ends a run that hangs, ms. */
  readonly deadlineMs: number;
}

export interface RunReport {
  readonly accepted: number;
  readonly arrived: number;
  readonly kills: number;
  /** Stanzas written again under the same id: their client drops them. */
  readonly repeats: number;
  /** Events that the homeserver pushed after later ones (push-order.ts). */
  readonly overtaken: number;
  readonly violations: readonly string[];
  /** Where the gateway's log and data are; kept only when something is wrong. */
  readonly folder: string;
}

const DOMAIN = 'wv.kill';
const MATRIX_DOMAIN = `matrix.${DOMAIN}`;
const PASSWORD = 'kill-secret';
const XMPP_ACCOUNTS = ['mercutio', 'nurse'] as const;
const MATRIX_ACCOUNTS = ['erin', 'frank'] as const;
/** One kill in so many hits the gateway once more while it starts. */
const KILLED_AGAIN = 4;
const DRAIN_MS = 120_000;
const FIRST_DRAIN_MS = 60_000;

/** Everybody's names; those of WV users are of this run only, for servers remember. */
function cast({ xmpp, matrix }: RunOptions, run: string) {
  const wv = ['ann', 'bea'].map((first): Names => {
    const name = `${first}${run}`;
    const { prefix } = matrix.registrations.test;
    return {
      name,
      wv: `wv:${name}@${DOMAIN}`,
      jid: `${name}@${xmpp.components.test.domain}`,
      matrix: `@${prefix}${name}:${matrix.serverName}`,
    };
  });
  const jids = XMPP_ACCOUNTS.map((name): Names => {
    const jid = `${name}@${xmpp.domain}`;
    return { name, wv: `wv:${jid}`, jid, matrix: '' };
  });
  const ids = MATRIX_ACCOUNTS.map((name): Names => {
    const id = `@${name}:${matrix.serverName}`;
    return { name, wv: `wv:${name}%40${matrix.serverName}@${MATRIX_DOMAIN}`, jid: '', matrix: id };
  });
  return { wv, jids, ids };
}

function configuration({ xmpp, matrix }: RunOptions, wv: readonly Names[]): ConfigInput {
  const { domain, secret } = xmpp.components.test;
  const { file, url } = matrix.registrations.test;
  return {
    domain: DOMAIN,
    users: wv.map(({ name }) => ({ name, password: PASSWORD })),
    session: { pollMin: 1 },
    login: { userBurst: 100, sourceBurst: 100 },
    xmpp: { host: xmpp.host, port: xmpp.componentPort, component: domain, secret, domains: [xmpp.domain] },
    matrix: {
      homeserverUrl: matrix.baseUrl,
      serverName: matrix.serverName,
      registration: file,
      listen: { port: Number(new URL(url).port) },
      pseudoDomain: MATRIX_DOMAIN,
    },
  };
}

export async function runKills(options: RunOptions): Promise<RunReport> {
  const random = seeded(options.seed);
  const run = `k${Date.now().toString(36)}`;
  const { wv, jids, ids } = cast(options, run);
  const ledger = new Ledger(run);
  const over = AbortSignal.timeout(options.deadlineMs);
  const surroundings: Surroundings = {
    ledger,
    over,
    random: seeded(options.seed + 1),
    ghosts: new Set(wv.map(({ matrix }) => matrix)),
  };
  const folder = await mkdtemp(join(tmpdir(), 'wvgate-kill-'));
  const config = configuration(options, wv);
  const parts = options.parted === true ? await parted(config) : whole(config);
  const gateway = new GatewayProcess(folder, parts, await freePorts());
  const people: Person[] = [];
  gateway.onCrash = (how) => ledger.violation(`the gateway ended by itself: ${how}`);
  let kills = 0;
  try {
    gateway.start();
    await gateway.ready();
    people.push(...(await logIn({ ...options, gateway, surroundings, wv, jids, ids })));
    const talk = converse(people, ledger, options.messages);
    kills = await killNowAndThen(gateway, random, options, ledger, talk);
    await talk;
    await drained(gateway, ledger);
  } catch (error) {
    ledger.violation(error instanceof Error ? error.message : String(error));
  }
  for (const person of people) {
    await person
      .close()
      .catch((error: unknown) => ledger.violation(`${person.names.name}: ${String(error)}`));
  }
  const how = await gateway.stop();
  if (how !== '0') ledger.violation(`the gateway did not stop in order: ${how}`);
  const overtaken = expectPushOrders(people, ledger, folder);
  const violations = ledger.violations();
  if (violations.length === 0) await rm(folder, { recursive: true, force: true });
  const { accepted, arrived, repeats } = ledger;
  return { accepted, arrived, kills, repeats, overtaken, violations, folder };
}

async function logIn(run: {
  readonly xmpp: XmppServer;
  readonly matrix: MatrixServer;
  readonly gateway: GatewayProcess;
  readonly surroundings: Surroundings;
  readonly wv: readonly Names[];
  readonly jids: readonly Names[];
  readonly ids: readonly Names[];
}): Promise<Person[]> {
  const { xmpp, matrix, gateway, surroundings } = run;
  const people: Person[] = [];
  for (const [at, names] of run.wv.entries()) {
    const encoding = at === 0 ? 'wbxml' : 'xml';
    const options = { url: gateway.url, password: PASSWORD, version: '1.2', encoding } as const;
    people.push(await WvPerson.login(names, options, surroundings));
  }
  for (const names of run.jids) {
    const password = xmpp.users[names.name]?.password ?? '';
    people.push(await XmppPerson.login(names, xmpp, password, surroundings));
  }
  for (const [at, names] of run.ids.entries()) {
    const password = matrix.users[names.name]?.password ?? '';
    const person = await MatrixPerson.login(names, matrix, password, surroundings);
    people.push(person);
    // One starts his chats; the other one waits to be invited, while the gateway is being killed.
    if (at === 0) for (const { matrix: ghost } of run.wv) await person.startChat(ghost);
  }
  return people;
}

/** Everybody writes to everybody, except from one foreign network to another: that is nobody's business here. */
async function converse(people: readonly Person[], ledger: Ledger, messages: number): Promise<void> {
  const isWv = (person: Person): boolean => person instanceof WvPerson;
  const flows = people.flatMap((from) =>
    people.filter((to) => to !== from && (isWv(from) || isWv(to))).map((to) => ({ from, to })),
  );
  await Promise.all(
    flows.map(async ({ from, to }, at) => {
      const flow: Flow = { from: from.names.name, to: to.names.name };
      const share = Math.floor(messages / flows.length) + (at < messages % flows.length ? 1 : 0);
      for (let number = 1; number <= share; number++) {
        await from.send(to.names, ledger.text(flow, number));
        ledger.noteAccepted(flow);
      }
    }),
  );
}

/** @returns how often */
async function killNowAndThen(
  gateway: GatewayProcess,
  random: Random,
  { messages, kills, deadlineMs, onProgress }: RunOptions,
  ledger: Ledger,
  talk: Promise<void>,
): Promise<number> {
  const moments = Array.from({ length: kills }, () => random.below(messages)).toSorted((a, b) => a - b);
  let isOver = false;
  const noted = talk.finally(() => (isOver = true)).catch(() => undefined);
  let done = 0;
  const kill = async (jitterMs: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, jitterMs));
    await gateway.kill(gateway.size === 1 ? 0 : random.below(gateway.size));
    done += 1;
    onProgress?.(`kill ${done} at ${ledger.accepted} accepted, ${ledger.arrived} arrived`);
    gateway.start();
  };
  for (const moment of moments) {
    await eventually(
      () => `${moment} messages accepted (${ledger.accepted} are)`,
      () => isOver || ledger.accepted >= moment || undefined,
      deadlineMs,
    );
    if (done >= kills || isOver) break;
    await kill(random.below(50));
    if (random.below(KILLED_AGAIN) === 0) await kill(random.below(1_500));
    await gateway.ready();
  }
  await noted;
  return done;
}

function expectPushOrders(people: readonly Person[], ledger: Ledger, folder: string): number {
  const pushed = pushedEvents(folder);
  let overtaken = 0;
  for (const from of people) {
    if (!(from instanceof MatrixPerson)) continue;
    for (const to of people) {
      const flow = { from: from.names.name, to: to.names.name };
      if (to instanceof WvPerson) overtaken += expectPushOrder(ledger, flow, from.sent, pushed);
    }
  }
  return overtaken;
}

/** All that was accepted is at its recipients, and they have acknowledged it. */
async function drained(gateway: GatewayProcess, ledger: Ledger): Promise<void> {
  try {
    await emptied(gateway, ledger, FIRST_DRAIN_MS);
  } catch (error) {
    // What the homeserver holds back (push-order.ts) it sends after the next interruption.
    const isHeldBack = (flow: string): boolean => MATRIX_ACCOUNTS.some((name) => flow.startsWith(`${name}>`));
    if (ledger.missing().length === 0 || !ledger.missing().every(isHeldBack)) throw error;
    await gateway.kill();
    gateway.start();
    await gateway.ready();
    await emptied(gateway, ledger, DRAIN_MS);
  }
}

async function emptied(gateway: GatewayProcess, ledger: Ledger, deadlineMs: number): Promise<void> {
  let waiting: number | undefined;
  await eventually(
    () => `all arrived (${ledger.arrived} of ${ledger.accepted}; ${waiting ?? '?'} wait at the gateway)`,
    async () => {
      waiting = await gateway.waiting();
      return (waiting === 0 && ledger.arrived >= ledger.accepted) || undefined;
    },
    deadlineMs,
  );
}
