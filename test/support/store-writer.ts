// A process that writes to a store and prints what was acknowledged, to be killed by the test that started it.
// Arguments: file. Prints `open`, then a line for each queued message: its id and a semicolon, so
// that a line that the kill cut short is told apart.

import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { message } from './store-samples.ts';
import { systemClock } from './system-clock.ts';

const CONCURRENCY = 20;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: store-writer file');
const store = await openSqliteStore({ file, clock: systemClock });
process.stdout.write('open\n');

async function write(writer: number): Promise<never> {
  for (let n = 0; ; n++) {
    const id = `${process.pid}-${writer}-${n}`;
    await store.enqueue([message(id, `user${writer}`)], { remember: false, limit: 1_000_000 });
    process.stdout.write(`${id};\n`);
  }
}

await Promise.all(Array.from({ length: CONCURRENCY }, (_, writer) => write(writer)));
