// A house in a process of its own, to be killed by the test that started it. Argument: folder. Prints the port of its
// web listener.

import { startTestHouse } from './house.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: content-server folder');
const { house } = await startTestHouse({
  folder,
  users: ['ann'],
  config: { listen: { csp: { port: 0 }, ops: { port: 0 }, web: { port: 0 } } },
});
process.stdout.write(`${house.addresses.web?.port ?? 0}\n`);
