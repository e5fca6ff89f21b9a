// Messages through the XMPP gateway, attached to Prosody as its component; beside the same stanza inside Prosody.

import type { XmppServer } from '../scripts/stack/description.ts';
import type { GatewayTask } from './load/tasks.ts';
import type { Cost, Plan } from './measure.ts';
import { PAIRS, underLoad, withServer, xmppCost, xmppTask } from './messages.ts';
import type { Findings, Row } from './row.ts';
import { xmppServers } from './xmpp-reference.ts';

const DIRECTIONS = [
  ['WV → XMPP message', 'wv-to-xmpp.ts'],
  ['XMPP → WV message', 'xmpp-to-wv.ts'],
] as const;
const AIM = '≤ 100';

function throughGateway(plan: Plan, prosody: XmppServer, program: string): Promise<Cost> {
  const { domain, secret } = prosody.components.main;
  const xmpp = {
    host: prosody.host,
    port: prosody.componentPort,
    component: domain,
    secret,
    domains: [prosody.domain],
  };
  return withServer({ users: PAIRS, xmpp }, [], (server, port) => {
    const phones = { pairs: PAIRS, port };
    const task: GatewayTask = { phones, xmpp: xmppTask(prosody), component: domain };
    return underLoad(program, task, server.pid, plan);
  });
}

export async function benchGateway(plan: Plan): Promise<Findings> {
  const { server, missing } = (await xmppServers()).prosody;
  if (server === undefined)
    return { rows: [], notes: [`Messages through the XMPP gateway: no Prosody, ${missing}.`] };
  const inside = await xmppCost(plan, server);
  const reference = { name: `Prosody ${server.version}, user to user, TCP`, value: inside.cpu };
  const rows: Row[] = [];
  for (const [what, program] of DIRECTIONS) {
    const { cpu, rate } = await throughGateway(plan, server, program);
    rows.push({ what: `${what}: our CPU`, ours: cpu, unit: 'µs', reference, aim: AIM });
    rows.push({ what: `${what}: rate`, ours: rate, unit: 'messages/s' });
  }
  return { rows, notes: [] };
}
