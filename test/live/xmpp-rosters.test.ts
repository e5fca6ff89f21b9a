// Contact lists and rosters: who subscribed to whom, and names that the gateway writes where the server lets it
// (XEP-0356), with clients of real servers that watch their rosters.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prosodyHasPrivilege } from '../../scripts/stack/prosody.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { subscribe } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  const privileged = server !== undefined && (name !== 'prosody' || prosodyHasPrivilege());
  describe.skipIf(!privileged)(`names in the rosters of ${name}${missing}`, () => {
    let live: LiveGateway;
    let mercutio: XmppUser;

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer);
      mercutio = await XmppUser.login(live.server, 'mercutio', 'desk', '');
    });
    afterAll(async () => {
      await mercutio.logout();
      await live.gateway.stop();
    });

    const agreed = async (user: ReturnType<LiveGateway['newUser']>): Promise<void> => {
      await live.gateway.request(subscribe(user.user, live.contact('mercutio')));
      await mercutio.seesPresence(user.jid, 'subscribe');
      await mercutio.send(`<presence type="subscribed" to="${user.jid}"/>`);
    };

    test('a WV user is named there with a group, once', async () => {
      const alice = live.newUser('alice');
      await agreed(alice);
      await eventually('her name', () => mercutio.rosterItem(alice.jid)?.attrs['name'] === 'alice');
      expect(mercutio.rosterItem(alice.jid)).toMatchObject({ attrs: { subscription: 'from' } });
    });
  });
}
