// WV → WV with the recipient at the same server or at another one: he holds a poll, confirms what it brings, and polls
// again. Counts how long each message was under way.

import { runPairs, type Pair } from './pairs.ts';
import { Phone, type Received } from './phone.ts';
import { userAddress, type PolledTask } from './tasks.ts';

/** Polls that may end without a message before the load fails. */
const PATIENCE = 3;

async function pair(index: number, { pairs, from, to, ahead }: PolledTask): Promise<Pair> {
  const connections = await Promise.all([Phone.connect(from.port), Phone.connectPatient(to.port)]);
  const sender = await Phone.login(connections[0], index, from.domain);
  const recipient = await Phone.login(connections[1], pairs + index, to.domain);
  sender.writeTo(index, userAddress(pairs + index, to.domain));
  /** When the messages that are under way were sent, oldest first. */
  const sent: number[] = [];
  let last: Received | undefined;
  let received = 0;

  async function send(): Promise<void> {
    while (sent.length < ahead) {
      sent.push(performance.now());
      await sender.send();
    }
  }
  /** Milliseconds from the sender's request to the recipient's answer. */
  async function receive(): Promise<number> {
    let next = last === undefined ? undefined : await recipient.acknowledge(last);
    for (let polls = 0; next === undefined; polls += 1) {
      if (polls === PATIENCE) throw new Error('a message did not arrive');
      next = await recipient.poll();
    }
    last = next;
    received += 1;
    if (Number(next.mark) !== received) throw new Error(`message ${next.mark} came in place of ${received}`);
    return performance.now() - (sent.shift() ?? Number.NaN);
  }
  return {
    turn: async () => (await Promise.all([send(), receive()]))[1],
    close: () => connections.forEach((connection) => connection.close()),
  };
}

runPairs<PolledTask>((task) =>
  Promise.all(Array.from({ length: task.pairs }, (_, index) => pair(index, task))),
);
