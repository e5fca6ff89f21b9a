// Many small servers in one process, behind one door: each sets up a session with the same server, then is silent.

import type { HttpEndpoint } from '../../src/access/http-listener.ts';
import type { SspDocument } from '../../src/access/ssp/document.ts';
import { Peer } from '../../src/access/ssp/peer.ts';
import type { Acceptance, Caller, Poster } from '../../src/access/ssp/transport.ts';
import type { RelayPort } from '../../src/sap/port.ts';
import { status } from '../../src/wv/primitives.ts';
import { OK } from '../../src/wv/status.ts';
import { answering } from '../answering.ts';
import { crowdDomain } from './crowd-domain.ts';
import { newPoster, openDoor, portsTo, settingsOf, type DoorTask, type OtherSide } from './ssp-party.ts';

export interface SspCrowdTask {
  readonly door: DoorTask;
  readonly server: OtherSide;
}

/** Which of them set up their session now. */
export interface Share {
  readonly from: number;
  readonly to: number;
}

const members: Peer[] = [];
let door: HttpEndpoint | undefined;
let poster: Poster | undefined;
let server: OtherSide | undefined;

async function start(task: SspCrowdTask): Promise<void> {
  server = task.server;
  poster = newPoster(task.server);
  door = await openDoor(task.door, take);
}

/** Only what the server answers or asks comes in: we begin every set-up, one after another. */
async function take(document: SspDocument, caller: Caller): Promise<Acceptance> {
  if (document.kind === 'setup')
    return members.find((peer) => peer.expects(document, caller))?.takeSetup(document, caller) ?? REFUSED;
  return members.find((peer) => peer.knows(document.sessionId))?.takeSession(document, caller) ?? REFUSED;
}

const REFUSED: Acceptance = { status: 403 };

async function setUp({ from, to }: Share): Promise<void> {
  for (let index = from; index < to; index += 1) await join(crowdDomain(index));
}

async function join(domain: string): Promise<void> {
  if (server === undefined || poster === undefined) throw new Error('not started');
  const ports = portsTo(server, poster);
  const peer = new Peer(settingsOf(domain, server.domain), ports);
  members.push(peer);
  const kept = new Map<string, string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const relay: Pick<RelayPort, 'emit' | 'becameUsable' | 'storage'> = {
    emit: () => Promise.resolve(status(OK)),
    becameUsable: resolve,
    storage: {
      get: (key: string) => Promise.resolve(kept.get(key)),
      put: (key: string, value: string) => Promise.resolve(void kept.set(key, value)),
      delete: (key: string) => Promise.resolve(void kept.delete(key)),
      list: (prefix: string) => Promise.resolve([...kept].filter(([key]) => key.startsWith(prefix))),
    } as unknown as RelayPort['storage'],
  };
  await peer.start(relay as RelayPort);
  peer.wake();
  await promise;
}

answering({ start, setUp }, async () => {
  poster?.close();
  await door?.close(0);
});
