// The deaths of a server of ours and of the scripted Baraza that talk: which document, who dies, and when.

import { eventually } from '../../eventually.ts';
import { BOB, type BarazaWorld } from './baraza-world.ts';
import type { Plan } from '../ssp-proxy.ts';
import { planFor, MOMENTS, SETUP, type Moment } from './matrix.ts';

/** Ours; theirs, which comes back with what it knew; theirs, which comes back with nothing. */
export const VICTIMS = ['ours', 'theirs', 'theirs, which forgets'] as const;
type Victim = (typeof VICTIMS)[number];

export interface BarazaDeath {
  readonly document: string;
  /** Who sets up the session, or writes. */
  readonly initiator: 'ours' | 'theirs';
  readonly victim: Victim;
  readonly moment: Moment;
}

/** What ours writes is reported by theirs, which gets no answer to that; it asks for no reports itself. */
const TRANSFER = [
  ['SendMessageRequest', 'ours'],
  ['answer to SendMessageRequest', 'ours'],
  ['DeliveryStatusReport', 'theirs'],
  ['answer to DeliveryStatusReport', 'theirs'],
  ['SendMessageRequest', 'theirs'],
  ['answer to SendMessageRequest', 'theirs'],
] as const;

const DOCUMENTS: readonly (readonly [document: string, initiator: 'ours' | 'theirs'])[] = [
  ...SETUP.flatMap((step) => [[step, 'ours'] as const, [step, 'theirs'] as const]),
  ...TRANSFER,
];

export function allBarazaDeaths(): BarazaDeath[] {
  return DOCUMENTS.flatMap(([document, initiator]) =>
    VICTIMS.flatMap((victim) => MOMENTS.map((moment) => ({ document, initiator, victim, moment }))),
  ).filter(makesSense);
}

/**
 * Who forgets forgets what its own user wrote. And a Baraza that dies in the middle of a set-up never goes on with it:
 * ours begins again after the five minutes that this kind of peer is given, which no test waits for
 * (peer-login.test.ts).
 */
function makesSense({ document, initiator, victim, moment }: BarazaDeath): boolean {
  const isWrittenThere = initiator === 'theirs' && document.endsWith('SendMessageRequest');
  if (isWrittenThere && victim === 'theirs, which forgets') return false;
  const step = Number(/^step (\d)$/.exec(document)?.[1] ?? 0);
  if (step === 0 || victim === 'ours') return true;
  if (initiator === 'theirs') return false;
  const isNextStepTheirs = step % 2 === 1 ? moment === 'after' : moment === 'before';
  return !isNextStepTheirs;
}

/** Transfers in full as far as ours dies; else every document once. */
export function someBarazaDeaths(): BarazaDeath[] {
  const ours = TRANSFER.slice(0, 2).flatMap(([document, initiator]) =>
    MOMENTS.map((moment): BarazaDeath => ({ document, initiator, victim: 'ours', moment })),
  );
  const others = DOCUMENTS.map(([document, initiator], at): BarazaDeath => ({
    document,
    initiator,
    victim: VICTIMS[at % 3] ?? 'ours',
    moment: MOMENTS[Math.floor(at / 3) % 3] ?? 'before',
  }));
  return [...ours, ...others.filter(makesSense)];
}

export const barazaTitle = ({ document, initiator, victim, moment }: BarazaDeath): string =>
  `${document}, begun by ${initiator}: ${victim} dies ${moment}`;

const SETTLED_MS = 45_000;

export async function dieWithBaraza(world: BarazaWorld, death: BarazaDeath): Promise<void> {
  const { document, initiator, victim, moment } = death;
  const isSetUp = document.startsWith('step');
  if (isSetUp) await world.killTheirs(true);
  const isAnswer = document === 'answer to SendMessageRequest' && initiator === 'ours';
  const forgets = victim === 'theirs, which forgets';
  world.isInDoubt = !isOnce(death);
  let fired: Promise<void> | undefined;
  const kill = (): Promise<void> =>
    (fired ??= victim === 'ours' ? world.killOurs() : world.killTheirs(forgets));
  const plan = (body: string): Plan => {
    const planned = planFor(moment, kill);
    // Its answer may overtake our noticing that it took the message.
    const before = async (): Promise<void | number | 'drop'> => {
      await world.noted(body);
      return planned.before?.();
    };
    return isAnswer ? { ...planned, before } : planned;
  };
  for (const [sender, proxy] of Object.entries(world.proxies)) {
    proxy.director = (names, body) =>
      fired === undefined && names.includes(document) && isSentBy(death, sender) ? plan(body) : undefined;
  }
  const cameToPass = (): Promise<true> =>
    eventually(
      () => `${barazaTitle(death)} came to pass`,
      () => fired !== undefined,
      SETTLED_MS,
    );
  if (initiator === 'theirs' && document !== 'DeliveryStatusReport') {
    // One that forgets forgets also what its user wrote.
    if (!forgets) world.bobWrites();
    else world.baraza.subscribe(BOB.name, [world.ann.user]);
  }
  // Where an answer decides, one message: a second could be taken at this very moment, and not be noted yet.
  const write = isAnswer ? () => world.ann.write(BOB) : () => writesTwice(world);
  const writing = initiator === 'ours' || document.endsWith('Report') ? write() : undefined;
  await cameToPass();
  await fired;
  if (forgets) world.ann.expectNoReports();
  await writing;
  await writesTwice(world);
  // What ours refuses (403, a session it does not know), Baraza sends again behind what came after it.
  await eventually(
    'what bob wrote has come',
    () => !world.ledger.missing().includes(`${BOB.name}>${world.ann.name}`),
    SETTLED_MS,
  );
  world.bobWrites();
  await recovered(world, forgets);
}

/**
 * Nothing of ours can be on its way when the death comes, but what the death is about. Else a message that was taken
 * just before, and is not on our disk as taken, is sent again, and Baraza does not know it again.
 */
function isOnce({ document, initiator, moment }: BarazaDeath): boolean {
  if (document.endsWith('SendMessageRequest') && initiator === 'theirs') return true;
  if (document === 'answer to SendMessageRequest') return true;
  return document === 'SendMessageRequest' && moment === 'before';
}

function isSentBy({ document, initiator }: BarazaDeath, sender: string): boolean {
  const step = /^step (\d)$/.exec(document)?.[1];
  const byInitiator = step === undefined ? !document.startsWith('answer') : Number(step) % 2 === 1;
  return (sender === initiator) === byInitiator;
}

async function writesTwice({ ann }: BarazaWorld): Promise<void> {
  await ann.write(BOB);
  await ann.write(BOB);
}

async function recovered(world: BarazaWorld, forgets: boolean): Promise<void> {
  const { ledger, ann, process, baraza } = world;
  const missing: string[] = [];
  await eventually(
    () => `all is well again (${missing.join('; ')})`,
    async () => {
      world.harvest();
      missing.splice(0, Infinity, ...ledger.missing());
      if (!forgets && ann.unreported.length > 0) missing.push(`no report: ${ann.unreported.join(', ')}`);
      if (baraza.waiting > 0) missing.push(`${baraza.waiting} wait at the other`);
      const waiting = await process.waiting();
      if (waiting !== 0) missing.push(`${waiting ?? '?'} rows wait`);
      return missing.length === 0;
    },
    SETTLED_MS,
  );
}
