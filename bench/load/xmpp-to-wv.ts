// XMPP → WV: an account writes, the phone confirms and gets the next one with the answer. A few messages are under way
// in each pair, so that hardly any poll finds nothing.

import { setTimeout as delay } from 'node:timers/promises';
import { runPairs, type Pair } from './pairs.ts';
import { Phone, type Received } from './phone.ts';
import { userName, type GatewayTask } from './tasks.ts';
import { resourceOf } from './xmpp-roles.ts';
import { XmppStream } from './xmpp-stream.ts';

const AHEAD = 4;
const EMPTY_DELAY_MS = 2;
const PATIENCE = 5_000;

async function pair(index: number, task: GatewayTask): Promise<Pair> {
  const { host, port, domain, accounts } = task.xmpp;
  const account = accounts[index % accounts.length];
  if (account === undefined) throw new Error('the XMPP server has no load accounts');
  const stream = await XmppStream.login({ host, port, domain, ...account, resource: resourceOf('c', index) });
  const connection = await Phone.connect(task.phones.port);
  const phone = await Phone.login(connection, index);
  const to = `${userName(index)}@${task.component}`;
  let written = 0;
  const write = () => {
    const mark = String((written += 1)).padStart(8, '0');
    const id = `${process.pid}-${index}-${mark}`;
    stream.write(
      `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>${mark}${FILLER}</body></message>`,
    );
  };
  for (let count = 0; count < AHEAD; count += 1) write();
  let last: Received | undefined;
  let count = 0;
  return {
    async turn() {
      let next = last === undefined ? await phone.poll() : await phone.acknowledge(last);
      for (let tries = 0; next === undefined; tries += 1) {
        if (tries === PATIENCE) throw new Error('a message did not arrive');
        await delay(EMPTY_DELAY_MS);
        next = await phone.poll();
      }
      last = next;
      count += 1;
      if (Number(next.mark) !== count) throw new Error(`message ${next.mark} came in place of ${count}`);
      write();
    },
    close() {
      connection.close();
      stream.close();
    },
  };
}

const FILLER =
  ' It is a quarter past ten, the train is late again, and the bells of the old town ring. See you?';

runPairs<GatewayTask>((task) =>
  Promise.all(Array.from({ length: task.phones.pairs }, (_, index) => pair(index, task))),
);
