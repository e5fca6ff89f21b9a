// Deaths and cuts while WV and XMPP users sit in a room of the XMPP server and in a group of ours: five seconds after
// the stream is back those are in who are in, on both sides, and what is said is heard once.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { DISASTERS } from '../support/deaths/disasters.ts';
import { TwoRooms } from '../support/deaths/rooms.ts';
import { Town } from '../support/deaths/town.ts';
import { liveServers } from '../support/xmpp-live.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`deaths around rooms of ${name}${missing}`, () => {
    let town: Town;

    beforeAll(async () => {
      town = await Town.found(name, server as XmppServer);
    });
    afterAll(async () => {
      const folder = await town.close();
      expect(town.ledger.violations(), `see ${folder}`).toEqual([]);
    });

    test.each(DISASTERS.map((disaster, at) => ({ ...disaster, at })))(
      '$what leaves nobody behind',
      async ({ at, ...disaster }) => {
        await town.settles();
        const rooms = await TwoRooms.open(
          town,
          server as XmppServer,
          `hall${at}${town.phone('ann').names.name.slice(3)}`,
        );
        await rooms.talk();
        const rightMs = await rooms.survive(disaster);
        await rooms.talk();
        process.stdout.write(`${name}, rooms, ${disaster.what}: right after ${Math.round(rightMs)} ms\n`);
        expect(rooms.repeats()).toEqual([]);
        expect(town.ledger.violations()).toEqual([]);
      },
      120_000,
    );
  });
}
