// The order in which the homeserver pushed the events of a Matrix user, from the gateway's inbox.
//
// COMPAT(Synapse 1.160): when an application service comes back, `_TransactionController.send` may look up that it is
// still down just before `on_recovered` marks it as up. The transaction made in between is stored and sent to nobody
// until the next time that the application service was away; later events overtake it. What the gateway can promise
// is the order in which events are pushed to it, so that is the order the run expects of it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Flow, Ledger } from './ledger.ts';

/** Places of all pushed events, by event id. */
export function pushedEvents(folder: string): ReadonlyMap<string, number> {
  const own = join(folder, 'data', 'adapter-matrix.sqlite');
  const file = existsSync(own) ? own : join(folder, 'data', 'wvgate.sqlite');
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare("SELECT id, seq FROM inbox WHERE gateway = 'matrix'").all();
    return new Map(rows.map(({ id, seq }) => [String(id), Number(seq)]));
  } finally {
    database.close();
  }
}

/** Tells the books in which order the messages of a flow were pushed. @returns how many were overtaken */
export function expectPushOrder(
  ledger: Ledger,
  flow: Flow,
  sent: ReadonlyMap<string, string>,
  pushed: ReadonlyMap<string, number>,
): number {
  const places: (readonly [number: number, place: number])[] = [];
  for (let number = 1; sent.has(ledger.text(flow, number)); number++) {
    const place = pushed.get(sent.get(ledger.text(flow, number)) ?? '');
    if (place !== undefined) places.push([number, place]);
  }
  const inOrder = places.toSorted((a, b) => a[1] - b[1]).map(([number]) => number);
  ledger.expectOrder(flow, inOrder);
  return inOrder.filter((number, at) => at > 0 && number < (inOrder[at - 1] ?? 0)).length;
}
