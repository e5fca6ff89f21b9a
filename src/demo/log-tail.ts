// The gateway's log during the demo: kept in memory, shown only where something was not observed.

import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';

const KEPT = 200;
const WARNING = 40;
const SHOWN = 5;
const LONGEST = 240;

interface Entry {
  readonly level: number;
  readonly line: string;
}

export class LogTail {
  readonly log: Logger;
  readonly #entries: Entry[] = [];

  constructor() {
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        for (const line of chunk.toString().trimEnd().split('\n')) this.#keep(line);
        done();
      },
    });
    this.log = pino({ level: 'info', base: null }, sink);
  }

  /** The last lines: warnings and errors when there are any, else whatever was said last. */
  last(): readonly string[] {
    const grave = this.#entries.filter(({ level }) => level >= WARNING);
    return (grave.length > 0 ? grave : this.#entries).slice(-SHOWN).map(({ line }) => line);
  }

  #keep(json: string): void {
    const { level, time, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
    const cause = (err as { message?: string } | undefined)?.message;
    const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    const at = new Date(Number(time)).toTimeString().slice(0, 8);
    const line = `${at} ${String(msg)}${cause === undefined ? '' : `: ${cause}`}${rest}`;
    this.#entries.push({ level: Number(level), line: line.slice(0, LONGEST) });
    if (this.#entries.length > KEPT) this.#entries.shift();
  }
}
