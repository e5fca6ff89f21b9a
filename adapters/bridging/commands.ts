// What a command is, and how a line of chat becomes one: the same for every network's gateway.

import type { FoundUser } from '../../src/sap/port.ts';

export interface Argument<Desk, Asker> {
  readonly name: string;
  readonly label: string;
  readonly type: 'text-single' | 'list-single';
  /** Of a list. */
  readonly options?: readonly string[];
  readonly optional?: true;
  /** What a form shows before it is filled in. */
  readonly current?: (desk: Desk, asker: Asker) => string;
}

export interface Outcome {
  readonly done: boolean;
  /** For a human being. */
  readonly text: string;
  /** Of a search. */
  readonly found?: readonly FoundUser[];
}

/** `Desk`: what commands work with; `Asker`: who gives one. */
export interface Command<Desk, Asker> {
  readonly name: string;
  /** One line. */
  readonly help: string;
  /** The last one takes the rest of a chat line. */
  readonly args: readonly Argument<Desk, Asker>[];
  /** False: not offered with these settings. */
  readonly offered?: (desk: Desk) => boolean;
  /** `given` holds a trimmed text for each argument, not '' unless the argument is optional. */
  run(desk: Desk, asker: Asker, given: (name: string) => string): Promise<Outcome>;
}

export function done(text: string): Outcome {
  return { done: true, text };
}

export function failed(text: string): Outcome {
  return { done: false, text };
}

/** Runs a line. Anything unknown is answered with the list of commands. */
export async function runLine<Desk, Asker>(
  commands: readonly Command<Desk, Asker>[],
  desk: Desk,
  asker: Asker,
  line: string,
): Promise<Outcome> {
  const [word, rest] = split(line);
  const command = commands.find(({ name }) => name === word.toLowerCase());
  if (command === undefined) return { done: word.toLowerCase() === 'help', text: helpOf(commands) };
  const given = argumentsOf(command, rest);
  const missing = command.args.find(
    ({ name, optional }) => optional !== true && (given.get(name) ?? '') === '',
  );
  if (missing !== undefined) return failed(`Please say: ${usage(command)}`);
  return await command.run(desk, asker, (name) => given.get(name) ?? '');
}

/** The list of commands. */
export function helpOf<Desk, Asker>(commands: readonly Command<Desk, Asker>[]): string {
  const lines = commands.map((command) => `${usage(command)} – ${command.help}`);
  return ['I know these commands:', ...lines, 'help – says this'].join('\n');
}

function split(text: string): readonly [string, string] {
  const end = text.search(/\s/);
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trim()];
}

type Described = Pick<Command<never, never>, 'name'> & {
  readonly args: readonly { readonly name: string; readonly optional?: true }[];
};

function argumentsOf({ args }: Described, line: string): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  let rest = line;
  for (const [index, { name }] of args.entries()) {
    const [first, more] = index === args.length - 1 ? [rest, ''] : split(rest);
    given.set(name, first);
    rest = more;
  }
  return given;
}

function usage({ name, args }: Described): string {
  const words = args.map((arg) =>
    arg.optional === true ? `[${arg.name.toUpperCase()}]` : arg.name.toUpperCase(),
  );
  return [name, ...words].join(' ');
}
