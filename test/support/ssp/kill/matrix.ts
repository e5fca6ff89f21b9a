// The deaths of two servers that talk: which document, who dies, and when.

import type { Ledger } from '../../kill/ledger.ts';
import { OTHER, type Side, type SideName, type World } from './world.ts';
import type { Plan } from '../ssp-proxy.ts';
import { eventually } from '../../eventually.ts';

/** Before the document arrives; when it has been taken, and its sender does not know; when he does. */
export const MOMENTS = ['before', 'between', 'after'] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Death {
  /** As proxies call documents. */
  readonly document: string;
  /** Who sets up the session, or does what the document is about. */
  readonly initiator: SideName;
  readonly victim: SideName;
  readonly moment: Moment;
}

export const SETUP = [1, 2, 3, 4, 5, 6].map((step) => `step ${step}`);
export const TRANSFER = [
  'SendMessageRequest',
  'answer to SendMessageRequest',
  'DeliveryStatusReport',
  'answer to DeliveryStatusReport',
  'PresenceNotification',
  'answer to PresenceNotification',
  'JoinGroupRequest',
  'answer to JoinGroupRequest',
  'LeaveGroupRequest',
  'answer to LeaveGroupRequest',
];

/** Every document, every victim, every moment, begun by either side. */
export function allDeaths(): Death[] {
  return [...SETUP, ...TRANSFER].flatMap((document) =>
    (['a', 'b'] as const).flatMap((initiator) =>
      (['a', 'b'] as const).flatMap((victim) =>
        MOMENTS.map((moment) => ({ document, initiator, victim, moment })),
      ),
    ),
  );
}

/** Every document once; sides and moments take turns. */
export function someDeaths(): Death[] {
  return [...SETUP, ...TRANSFER].map((document, at) => ({
    document,
    initiator: at % 4 < 2 ? 'a' : 'b',
    victim: at % 2 === 0 ? 'a' : 'b',
    moment: MOMENTS[at % 3] ?? 'before',
  }));
}

export const titleOf = ({ document, initiator, victim, moment }: Death): string =>
  `${document}, begun by ${initiator}: ${victim} dies ${moment}`;

/** Who sends the document: answers and reports go the other way. */
function senderOf({ document, initiator }: Death): SideName {
  const step = /^step (\d)$/.exec(document)?.[1];
  if (step !== undefined) return Number(step) % 2 === 1 ? initiator : OTHER[initiator];
  return document.startsWith('answer') ? OTHER[initiator] : initiator;
}

/** Long enough for restarts, back-off, set-ups that nobody finishes, and answers that died, ms. */
const SETTLED_MS = 60_000;

/** Has one side die as said while all that two people can do is going on, and waits until all is well again. */
export async function die(world: World, death: Death, round: number): Promise<void> {
  const sender = senderOf(death);
  const isSetUp = death.document.startsWith('step');
  let fired: Promise<void> | undefined;
  const plan = planFor(death.moment, () => (fired ??= world.kill(death.victim)));
  let forgets = isSetUp;
  for (const from of ['a', 'b'] as const) {
    world.side(OTHER[from]).proxy.director = (names) => {
      if (fired !== undefined) return undefined;
      if (from === sender && names.includes(death.document)) return plan;
      // All sessions are forgotten: who wants to speak has to set up another one.
      if (names[0]?.startsWith('step') === true) forgets = false;
      return forgets && from === death.initiator ? { before: async () => 403 } : undefined;
    };
  }
  await live(world, death, round, () => fired !== undefined);
  await fired;
  await recovered(world, statusOf(round));
}

/** Has somebody die at that moment in the life of a document. */
export function planFor(moment: Moment, kill: () => Promise<void>): Plan {
  switch (moment) {
    case 'before':
      return {
        before: async () => {
          await kill();
          return 'drop';
        },
      };
    case 'between':
      return {
        between: async () => {
          await kill();
          return 'drop';
        },
      };
    case 'after':
      return { after: () => void kill() };
  }
}

const statusOf = (round: number): string => `round ${round}`;

/** All that there is to do, by both, until it has been the death of somebody. */
async function live(world: World, death: Death, round: number, isDone: () => boolean): Promise<void> {
  const [begins, other] = [world.side(death.initiator).person, world.side(OTHER[death.initiator]).person];
  const about = death.document.replace('answer to ', '');
  if (about === 'DeliveryStatusReport') await other.write(begins);
  else if (about === 'PresenceNotification') await begins.tell(`${statusOf(round)} begins`);
  else if (about === 'JoinGroupRequest' && begins.isIn) await begins.comeOrGo(other);
  else if (about === 'LeaveGroupRequest' && !begins.isIn) await begins.comeOrGo(other);
  const done = begins.write(other).then(() => begins.write(other));
  const cameToPass = (): Promise<true> =>
    eventually(() => `${titleOf(death)} came to pass`, isDone, SETTLED_MS);
  // Else both would set up a session, and who is first is chance.
  if (death.document.startsWith('step')) await cameToPass();
  await Promise.all([
    done,
    other.write(begins),
    begins.tell(statusOf(round)),
    other.tell(statusOf(round)),
    begins.comeOrGo(other),
    cameToPass(),
  ]);
}

/** Two sides that may have something left to tell each other. */
export interface Recovering {
  readonly ledger: Ledger;
  side(name: SideName): Pick<Side, 'person' | 'waiting'>;
}

/** Everything that was answered is where it belongs, and nobody has anything left to tell. */
export async function recovered(world: Recovering, status: string): Promise<void> {
  const { ledger } = world;
  const sides = [world.side('a'), world.side('b')] as const;
  const missing: string[] = [];
  await eventually(
    () => `all is well again (${missing.join('; ')})`,
    async () => {
      missing.splice(0, Infinity, ...ledger.missing());
      for (const { person, waiting } of sides) {
        if (person.unreported.length > 0) missing.push(`no report: ${person.unreported.join(', ')}`);
        if (person.seen !== status) missing.push(`${person.name} sees ${person.seen ?? 'nothing'}`);
        const rows = await waiting();
        if (rows !== 0) missing.push(`${rows ?? '?'} rows wait`);
      }
      return missing.length === 0;
    },
    SETTLED_MS,
  );
  for (const [host, guest] of [sides, sides.toReversed()] as [(typeof sides)[0], (typeof sides)[1]][]) {
    const expected = [host.person, ...(guest.person.isIn ? [guest.person] : [])].map(({ name }) => name);
    let there = '';
    await eventually(
      () => `${expected.join()} in ${host.person.group}, not ${there}`,
      async () => {
        there = (await host.person.guests()).join();
        return there === expected.join();
      },
      SETTLED_MS,
    );
  }
}
