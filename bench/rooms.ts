// What is said in a room by one XMPP user, for a hundred people: our group as a room, a room of Prosody as our group,
// and the same room with XMPP clients.

import { mucDomain } from '../scripts/stack/layout.ts';
import type { XmppServer } from '../scripts/stack/description.ts';
import { gatewayConfig, traffic, type Traffic } from './gateway.ts';
import { GROUP, userName, type RoomTask } from './load/tasks.ts';
import type { Plan } from './measure.ts';
import { withServer, xmppTask } from './messages.ts';
import type { ServerTask } from './server.ts';
import type { Findings, Row } from './row.ts';
import { xmppServers } from './xmpp-reference.ts';

const MEMBERS = 100;

/** For each message; `cpus` of our server (where there is one) and of Prosody. */
type Room = (plan: Plan, prosody: XmppServer, nodeOptions?: readonly string[]) => Promise<Traffic>;

let rooms = 0;

function prosodysRoom(prosody: XmppServer): string {
  rooms += 1;
  return `bench-${process.pid}-${rooms}@${mucDomain(prosody.domain)}`;
}

const clients: Room = (plan, prosody) => {
  const task = { xmpp: xmppTask(prosody), room: prosodysRoom(prosody), isMade: true, members: MEMBERS };
  return traffic('room.ts', task satisfies RoomTask, [prosody.pid], plan);
};

function phones(
  options: Omit<ServerTask, 'data' | 'users'>,
  rest: Pick<RoomTask, 'room' | 'isMade'> & { readonly group: string },
): Room {
  return (plan, prosody, nodeOptions = []) => {
    const server = { users: MEMBERS, holdsPolls: true, xmpp: gatewayConfig(prosody), ...options };
    return withServer(server, nodeOptions, ({ pid }, port) => {
      const { room, isMade, group } = rest;
      const xmpp = xmppTask(prosody);
      const task: RoomTask = { xmpp, room, isMade, members: MEMBERS, phones: { port, group } };
      return traffic('room.ts', task, [pid, prosody.pid], plan);
    });
  };
}

/** Our group; the XMPP user comes in. */
const hosted: Room = (plan, prosody, nodeOptions) => {
  const room = `${userName(0)}\\2fcrowd@${prosody.components.main.groups}`;
  return phones({ joined: MEMBERS }, { room, isMade: false, group: GROUP })(plan, prosody, nodeOptions);
};

/** Prosody's room; a hundred of our users come in. */
const remote: Room = (plan, prosody, nodeOptions) => {
  const room = prosodysRoom(prosody);
  return phones({}, { room, isMade: true, group: `wv:/${room}` })(plan, prosody, nodeOptions);
};

const OURS: readonly (readonly [what: string, room: Room])[] = [
  [`room of ours, ${MEMBERS} phones`, hosted],
  [`room of Prosody, ${MEMBERS} phones`, remote],
];

/** One of the two under a profiler that writes into `directory` when the server ends. */
export async function profileRooms(plan: Plan, directory: string, which: 0 | 1): Promise<Traffic> {
  const { server, missing } = (await xmppServers()).prosody;
  const [, room] = OURS[which] ?? [];
  if (server === undefined || room === undefined) throw new Error(`no Prosody, ${missing}`);
  return room(plan, server, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
}

export async function benchRooms(plan: Plan): Promise<Findings> {
  const { server, missing } = (await xmppServers()).prosody;
  if (server === undefined) return { rows: [], notes: [`Rooms: no Prosody, ${missing}.`] };
  const inside = await clients(plan, server);
  const name = `Prosody ${server.version}, its room, ${MEMBERS} XMPP clients`;
  const beside = (value = Number.NaN) => ({ reference: { name, value } });
  const rows: Row[] = [];
  for (const [what, room] of OURS) {
    const { cpus, rate, p50, p99 } = await room(plan, server);
    const [ours = Number.NaN, theirs = Number.NaN] = cpus.map((cpu) => cpu / MEMBERS);
    const reference = (inside.cpus[0] ?? Number.NaN) / MEMBERS;
    rows.push(
      { what: `${what}: our CPU a recipient`, ours, unit: 'µs', ...beside(reference) },
      { what: `${what}: Prosody's CPU a recipient`, ours: theirs, unit: 'µs', ...beside(reference) },
      {
        what: `${what}: recipients a second`,
        ours: rate * MEMBERS,
        unit: '/s',
        ...beside(inside.rate * MEMBERS),
      },
      { what: `${what}: p50 until all have it`, ours: p50, unit: 'ms', ...beside(inside.p50) },
      { what: `${what}: p99 until all have it`, ours: p99, unit: 'ms', ...beside(inside.p99) },
    );
  }
  const note =
    'Rooms: one message under way. A phone takes two requests for each: a held poll and its confirmation; durable.';
  return { rows, notes: [note] };
}
