// XMPP user to user over TCP: one resource of an account writes to one of another, to its full JID.

import { runPairs, type Pair } from './pairs.ts';
import { stanzaTo, resourceOf, roles } from './xmpp-roles.ts';
import type { XmppTask } from './tasks.ts';
import { XmppStream } from './xmpp-stream.ts';

async function pair(index: number, task: XmppTask): Promise<Pair> {
  const { host, port, domain } = task;
  const { sender, recipient } = roles(task, index);
  const from = await XmppStream.login({ host, port, domain, ...sender, resource: resourceOf('a', index) });
  const to = await XmppStream.login({ host, port, domain, ...recipient, resource: resourceOf('b', index) });
  const address = `${recipient.name}@${domain}/${resourceOf('b', index)}`;
  let count = 0;
  return {
    async turn() {
      count += 1;
      from.write(stanzaTo(address, count));
      const heard = await to.until('</message>');
      if (!heard.includes(`#${count}#`)) throw new Error('another message arrived than was sent');
    },
    close() {
      from.close();
      to.close();
    },
  };
}

runPairs<XmppTask>((task) =>
  Promise.all(Array.from({ length: task.pairs }, (_, index) => pair(index, task))),
);
