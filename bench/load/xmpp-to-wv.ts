// XMPP → WV: an account writes, the phone confirms and gets the next one with the answer, or with the poll that it holds
// then. With a few messages under way in each pair hardly any poll is needed.

import { runPairs, type Pair } from './pairs.ts';
import { Phone, type Received } from './phone.ts';
import { userName, type GatewayTask } from './tasks.ts';
import { resourceOf } from './xmpp-roles.ts';
import { XmppStream } from './xmpp-stream.ts';

/** Held polls that may end without a message before the load fails. */
const PATIENCE = 3;

async function pair(index: number, task: GatewayTask): Promise<Pair> {
  const { host, port, domain, accounts } = task.xmpp;
  const account = accounts[index % accounts.length];
  if (account === undefined) throw new Error('the XMPP server has no load accounts');
  const stream = await XmppStream.login({ host, port, domain, ...account, resource: resourceOf('c', index) });
  const connection = await Phone.connectPatient(task.phones.port);
  const phone = await Phone.login(connection, index);
  const to = `${userName(index)}@${task.component}`;
  let written = 0;
  /** When the messages that are under way were written, oldest first. */
  const times: number[] = [];
  const write = () => {
    times.push(performance.now());
    const mark = String((written += 1)).padStart(8, '0');
    const id = `${process.pid}-${index}-${mark}`;
    stream.write(
      `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>${mark}${FILLER}</body></message>`,
    );
  };
  while (written < task.ahead) write();
  let last: Received | undefined;
  let count = 0;
  return {
    async turn() {
      let next = last === undefined ? undefined : await phone.acknowledge(last);
      for (let polls = 0; next === undefined; polls += 1) {
        if (polls === PATIENCE) throw new Error('a message did not arrive');
        next = await phone.poll();
      }
      const took = performance.now() - (times.shift() ?? Number.NaN);
      last = next;
      count += 1;
      if (Number(next.mark) !== count) throw new Error(`message ${next.mark} came in place of ${count}`);
      write();
      return took;
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
