// XMPP clients that are logged in and do nothing: resources of the accounts for load.

import { answering } from '../answering.ts';
import type { XmppTask } from './tasks.ts';
import { resourceOf } from './xmpp-roles.ts';
import { XmppStream } from './xmpp-stream.ts';

const AT_ONCE = 8;

const streams: XmppStream[] = [];

async function login(task: XmppTask): Promise<void> {
  const { host, port, domain, accounts, pairs } = task;
  const share = async (first: number) => {
    for (let index = first; index < pairs; index += AT_ONCE) {
      const account = accounts[index % accounts.length];
      if (account === undefined) throw new Error('the XMPP server has no load accounts');
      const resource = resourceOf('idle', index);
      streams.push(await XmppStream.login({ host, port, domain, ...account, resource }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => share(first)));
}

answering({ login }, () => streams.forEach((stream) => stream.close()));
