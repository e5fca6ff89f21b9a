// Names that the gateway writes into rosters where the server lets it (XEP-0356), and contacts that it suggests where it
// does not (XEP-0144), with clients of real servers that watch their rosters.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prosodyHasPrivilege } from '../../scripts/stack/prosody.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, serialize } from '../../adapters/xmpp/xml.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import type { LiveServer } from '../support/xmpp-live.ts';
import { subscribe } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { XmppUser } from '../support/xmpp-user.ts';

type User = ReturnType<LiveGateway['newUser']>;

/** What the server makes of a component that may write rosters. ejabberd 23.01 fails (its issue 3942, with a fix of July 2023). */
function privilegeOf({ name, server }: LiveServer): 'works' | 'fails' | 'absent' {
  if (name === 'prosody') return prosodyHasPrivilege() ? 'works' : 'absent';
  const [year = 0, month = 0] = (server?.version ?? '').split(/\D/u).map(Number);
  return year * 12 + month < 23 * 12 + 10 ? 'fails' : 'works';
}

for (const each of await liveServers()) {
  const { name, server, missing } = each;
  const privilege = privilegeOf(each);
  describe.skipIf(server === undefined)(`names in the rosters of ${name}${missing}`, () => {
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

    const agree = async ({ user, jid }: User, gateway = live.gateway): Promise<void> => {
      await gateway.request(subscribe(user, live.contact('mercutio')));
      await mercutio.seesPresence(jid, 'subscribe');
      await mercutio.send(`<presence type="subscribed" to="${jid}"/>`);
    };

    const nameOf = (jid: string): string | undefined => mercutio.rosterItem(jid)?.attrs['name'];

    test.runIf(privilege === 'works')('a WV user stands there by his name, in a group', async () => {
      const alice = live.newUser('alice');
      await agree(alice);
      await eventually('her name', () => nameOf(alice.jid) === 'alice');
      const item = mercutio.rosterItem(alice.jid);
      expect(item?.attrs['subscription']).toBe('from');
      expect(item === undefined ? '' : serialize(item)).toContain('<group>Wireless Village</group>');
    });

    test.runIf(privilege === 'works')('a name that its owner gave stays', async () => {
      const [alice, bea] = [live.newUser('alice'), live.newUser('bea')];
      const item = `<item jid="${alice.jid}" name="My Alice"/>`;
      await mercutio.asks(mercutio.jid, 'set', `<query xmlns="${NS.roster}">${item}</query>`);
      await agree(alice);
      // Written after hers would have been.
      await agree(bea);
      await eventually('the other name', () => nameOf(bea.jid) === 'bea');
      expect(nameOf(alice.jid)).toBe('My Alice');
    });

    test.runIf(privilege === 'fails')(
      'a server that fails to write is told of once, and left alone',
      async () => {
        const refusals = (): number =>
          live.relay.lines.filter(({ text }) => text.startsWith('XMPP server grants rosters')).length;
        await agree(live.newUser('alice'));
        await eventually('the log line', () => refusals() === 1);
        await agree(live.newUser('bea'));
        expect(refusals()).toBe(1);
      },
    );

    test('where it may not write, a contact is suggested if the operator wants it', async () => {
      const { domain, secret } = live.server.components.main;
      const changes = { componentDomain: domain, secret, suggestContacts: true };
      const other = await LiveGateway.start(live.server, changes, live.relay);
      const { user } = live.newUser('alice');
      const jid = `${user.slice('wv:'.length).split('@')[0]}@${domain}`;
      await agree({ user, jid }, other.gateway);
      const message = await mercutio.sees(
        'the suggestion',
        (stanza) => stanza.attrs['from'] === domain && childOf(stanza, 'x', NS.rosterExchange) !== undefined,
      );
      const [item] = elementsOf(childOf(message, 'x', NS.rosterExchange) ?? message);
      expect(item?.attrs).toEqual({ action: 'add', jid, name: 'alice' });
      await other.gateway.stop();
    });
  });
}
