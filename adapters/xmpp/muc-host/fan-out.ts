// One piece of news for many: written in portions, and only as fast as the server reads.

import { setImmediate as breathe } from 'node:timers/promises';
import type { Bridge } from '../bridge.ts';
import type { XmlElement } from '../xml.ts';

/** Stanzas written before others get their turn. */
const PORTION = 200;
/** How often a full stream is looked at again, ms. */
const LOOK_AGAIN_MS = 20;

/** False when the stream ended: whoever was not told is told when rooms are compared after it is back. */
export async function fanOut(bridge: Bridge, stanzas: Iterable<XmlElement>): Promise<boolean> {
  let written = 0;
  for (const element of stanzas) {
    if (!(await becomesWritable(bridge)) || !bridge.link.send(element)) return false;
    written += 1;
    if (written % PORTION === 0) await breathe();
  }
  return true;
}

async function becomesWritable({ link, relay }: Bridge): Promise<boolean> {
  while (link.online && !link.writable) {
    await new Promise<void>((resolve) => {
      relay.clock.after(LOOK_AGAIN_MS, resolve);
    });
  }
  return link.online;
}
