// WV → WV: in each pair one user sends, the other confirms the message before, and that answer brings the new one.

import { runPairs, type Pair } from './pairs.ts';
import { Phone } from './phone.ts';
import { userAddress, type PhonesTask } from './tasks.ts';

async function pair(index: number, { port, dated }: PhonesTask): Promise<Pair> {
  const [fromIndex, toIndex] = [2 * index, 2 * index + 1];
  const connections = await Promise.all([Phone.connect(port), Phone.connect(port)]);
  const from = await Phone.login(connections[0], fromIndex);
  const to = await Phone.login(connections[1], toIndex);
  from.writeTo(fromIndex, userAddress(toIndex), dated);
  await from.send();
  let last = await to.poll();
  return {
    async turn() {
      const mark = await from.send();
      last = last === undefined ? undefined : await to.acknowledge(last);
      if (last?.mark !== mark)
        throw new Error(`a message did not arrive: ${last?.mark ?? 'none'} for ${mark}`);
    },
    close: () => connections.forEach((connection) => connection.close()),
  };
}

runPairs<PhonesTask>((task) =>
  Promise.all(Array.from({ length: task.pairs }, (_, index) => pair(index, task))),
);
