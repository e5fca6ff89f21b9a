// WV → XMPP: a phone sends to an XMPP account; the turn is over when the account has the message.

import { runPairs, type Pair } from './pairs.ts';
import { Phone } from './phone.ts';
import type { GatewayTask } from './tasks.ts';
import { openInboxes, type Inbox } from './xmpp-inbox.ts';

async function pair(index: number, { phones, xmpp }: GatewayTask, inboxes: readonly Inbox[]): Promise<Pair> {
  const inbox = inboxes[index % inboxes.length];
  if (inbox === undefined) throw new Error('the XMPP server has no load accounts');
  const connection = await Phone.connect(phones.port);
  const phone = await Phone.login(connection, index);
  phone.writeTo(index, `wv:${inbox.name}@${xmpp.domain}`);
  return {
    async turn() {
      const [heard, mark] = await Promise.all([inbox.next(index), phone.send()]);
      if (!heard.includes(`>${mark} `)) throw new Error(`another message arrived than was sent, ${mark}`);
    },
    close() {
      connection.close();
      inbox.close();
    },
  };
}

runPairs<GatewayTask>(async (task) => {
  const inboxes = await openInboxes(task.xmpp, task.component);
  return Promise.all(Array.from({ length: task.phones.pairs }, (_, index) => pair(index, task, inboxes)));
});
