// What the demo prints: one line for each thing that was really observed. Colours on a terminal only.

export type Person = 'ann' | 'bea' | 'romeo' | 'dave';

/** Who did something, who observed it, and what: shown by a client, with the text in quotation marks. */
export interface Observation {
  readonly from: Person;
  readonly to: Person;
  readonly what: string;
}

const COLOURS = {
  ann: 36,
  bea: 34,
  romeo: 32,
  dave: 35,
  dim: 2,
  bold: 1,
  red: 31,
} as const;

export class Transcript {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  text(line = ''): void {
    this.#out.write(`${line}\n`);
  }

  heading(title: string): void {
    this.text(`\n${this.#colour('bold', title)}`);
  }

  /** One name and what is to be said about it; the names stand below each other. */
  row(name: string, text: string): void {
    this.text(`  ${name.padEnd(12)}${text}`);
  }

  seen(observation: Observation, milliseconds: number): void {
    this.text(`${this.#begin(observation)}${this.#colour('dim', `  ${Math.round(milliseconds)} ms`)}`);
  }

  missed(observation: Observation, reason: string, log: readonly string[]): void {
    this.text(`${this.#begin(observation)}  ${this.#colour('red', 'NOT OBSERVED')}: ${reason}`);
    for (const line of log) this.text(this.#colour('dim', `      log: ${line}`));
  }

  bad(text: string): void {
    this.text(this.#colour('red', text));
  }

  #begin({ from, to, what }: Observation): string {
    const time = new Date().toTimeString().slice(0, 8);
    const names = `${this.#name(from)} → ${this.#name(to)}`;
    return `${this.#colour('dim', time)}  ${names}  ${what}`;
  }

  #name(person: Person): string {
    return this.#colour(person, person.padEnd(5));
  }

  #colour(name: keyof typeof COLOURS, text: string): string {
    return this.#out.isTTY ? `\u001b[${COLOURS[name]}m${text}\u001b[0m` : text;
  }
}
