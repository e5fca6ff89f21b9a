// One side of the set-up of a session, without a house: a door, connections, and a link that is new for every set-up.

import type { HttpEndpoint } from '../../src/access/http-listener.ts';
import { Link } from '../../src/access/ssp/link.ts';
import type { Poster } from '../../src/access/ssp/transport.ts';
import { answering } from '../answering.ts';
import { newPoster, openDoor, portsTo, settingsOf, type DoorTask, type OtherSide } from './ssp-party.ts';

export interface LinkTask {
  readonly domain: string;
  readonly door: DoorTask;
  readonly other: OtherSide;
}

let door: HttpEndpoint | undefined;
let poster: Poster | undefined;
let link: Link | undefined;
let task: LinkTask | undefined;

async function start(given: LinkTask): Promise<void> {
  task = given;
  door = await openDoor(given.door, async (document, caller) =>
    document.kind === 'setup' && link !== undefined ? link.takeSetup(document, caller) : { status: 403 },
  );
}

/** Forgets everything about the other side; `cold`: the connections to it, too. */
function fresh({ cold }: { readonly cold: boolean }): void {
  if (task === undefined) throw new Error('not started');
  link?.end();
  if (cold) poster?.close();
  if (cold || poster === undefined) poster = newPoster(task.other);
  link = new Link(settingsOf(task.domain, task.other.domain), portsTo(task.other, poster), () => {});
}

/** Milliseconds until the session is up, as seen by who begins. */
async function setUp(): Promise<number> {
  const begun = performance.now();
  const outcome = await link?.ready();
  if (outcome?.code !== 200) throw new Error(`no session: ${outcome?.code} ${outcome?.description ?? ''}`);
  return performance.now() - begun;
}

answering({ start, fresh, setUp }, async () => {
  poster?.close();
  await door?.close(0);
});
