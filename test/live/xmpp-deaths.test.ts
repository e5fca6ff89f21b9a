// Deaths and cuts on the way between WV and XMPP, in the middle of a conversation: nothing is lost, nothing comes twice,
// all in order, and five seconds after the stream is back everybody is seen as he is. WVGATE_LONG=1: 2,000 messages each.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { DISASTERS } from '../support/deaths/disasters.ts';
import { survive } from '../support/deaths/scenario.ts';
import { Town } from '../support/deaths/town.ts';
import { liveServers } from '../support/xmpp-live.ts';

const MESSAGES = process.env['WVGATE_LONG'] === '1' ? 2_000 : 200;
/** Pairs that see each other both ways. */
const PAIRS = 16;

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`deaths beside ${name}${missing}`, () => {
    let town: Town;

    beforeAll(async () => {
      town = await Town.found(name, server as XmppServer);
    });
    afterAll(async () => {
      const folder = await town.close();
      expect(town.ledger.violations(), `see ${folder}`).toEqual([]);
    });

    test.each(DISASTERS)(
      '$what costs nothing',
      async (disaster) => {
        const aftermath = await survive(town, disaster, MESSAGES);
        process.stdout.write(`${name}, ${disaster.what}: ${JSON.stringify(aftermath)}\n`);
        expect(town.ledger.violations()).toEqual([]);
        // Whatever crosses the closing of the stream on its way; of 80 messages that are under way.
        if (disaster.isOrderly) expect(aftermath.lost).toBeLessThanOrEqual(4);
        // Once to each who watches, one probe of each who is watched, and what changed: no storm.
        expect(aftermath.presences).toBeLessThanOrEqual(4 * PAIRS);
      },
      180_000,
    );
  });
}
