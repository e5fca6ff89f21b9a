// Transcripts: plays of clients and the server, written in YAML (docs/testing.md tells how). This file reads them.

import { parse } from 'yaml';
import { z } from 'zod';

/** An element's content: text, nothing, children by name, or children in an order of their own. */
export type Tree = string | number | null | readonly Tree[] | { readonly [name: string]: Tree };

/** How a request is wrapped, where that matters: `session` none, unknown, or that of another actor. */
export interface Wrapping {
  readonly session?: string;
  readonly id?: string;
  readonly mode?: 'Request' | 'Response';
  /** Headers of HTTP that are not the phone's: what a network puts in. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What only the operator can do (operator.ts). */
export const OPERATOR_ACTS = ['logs out', 'deactivates', 'writes to', 'makes a group'] as const;
export type OperatorAct = (typeof OPERATOR_ACTS)[number];

export type Step =
  | { readonly kind: 'says'; readonly actor: string; readonly tree: Tree; readonly wrapping: Wrapping }
  /** Several requests in one message, and the answers in another. */
  | { readonly kind: 'says at once'; readonly actor: string; readonly trees: readonly Tree[] }
  | { readonly kind: 'hears at once'; readonly actor: string; readonly trees: readonly Tree[] }
  | { readonly kind: 'hears' | 'gets' | 'polls'; readonly actor: string; readonly tree: Tree }
  | { readonly kind: 'answers'; readonly actor: string; readonly tree: Tree }
  | { readonly kind: 'logs in'; readonly actor: string; readonly client: string | undefined }
  | { readonly kind: 'operator'; readonly act: OperatorAct; readonly actor: string; readonly value: unknown }
  | { readonly kind: 'passes'; readonly seconds: number }
  | { readonly kind: 'restarts' };

export interface ScriptedStep {
  readonly step: Step;
  /** Versions in which the step is played; undefined = all. */
  readonly versions: readonly string[] | undefined;
}

export interface Play {
  readonly title: string;
  readonly versions: readonly string[] | undefined;
  /** Actors who do not log in before the play begins. */
  readonly offline: readonly string[];
  readonly actors: readonly string[];
  /** Actors who are another client of somebody else: `{ pad: ann }`. */
  readonly clients: Readonly<Record<string, string>>;
  /** Settings of a house of its own; undefined = the play is before the house of all. */
  readonly house: Readonly<Record<string, unknown>> | undefined;
  readonly steps: readonly ScriptedStep[];
}

const tree: z.ZodType<Tree> = z.lazy(() =>
  z.union([z.string(), z.number(), z.null(), z.array(tree), z.record(z.string(), tree)]),
);
const versionList = z.union([z.string(), z.number()]).transform((text) => String(text).split(/[ ,]+/));
const wrapping = z.strictObject({
  session: z.string().optional(),
  id: z.union([z.string(), z.number()]).transform(String).optional(),
  mode: z.enum(['Request', 'Response']).optional(),
  headers: z.record(z.string(), z.string()).optional(),
});
const playSchema = z.strictObject({
  play: z.string(),
  in: versionList.optional(),
  offline: z.array(z.string()).default([]),
  clients: z.record(z.string(), z.string()).default({}),
  house: z.record(z.string(), z.unknown()).optional(),
  script: z.array(z.record(z.string(), z.unknown())),
});

const ACT = /^(\w+) (says at once|hears at once|says|hears|gets|polls|answers|logs in)$/;
const OPERATOR = new RegExp(`^the operator (${OPERATOR_ACTS.join('|')})(?: (\\w+))?$`);

function stepOf(line: Readonly<Record<string, unknown>>): ScriptedStep {
  const { in: versions, with: wrapped, ...acts } = line;
  const [[act, value] = ['', undefined], ...more] = Object.entries(acts);
  if (more.length > 0) throw new Error(`one act a step: ${Object.keys(acts).join(', ')}`);
  return {
    step: actOf(act, value, wrapped === undefined ? {} : (wrapping.parse(wrapped) as Wrapping)),
    versions: versions === undefined ? undefined : versionList.parse(versions),
  };
}

function actOf(act: string, value: unknown, wrapped: Wrapping): Step {
  if (act === 'seconds pass') return { kind: 'passes', seconds: z.number().parse(value) };
  if (act === 'the server restarts') return { kind: 'restarts' };
  const [, done, subject = ''] = OPERATOR.exec(act) ?? [];
  if (done !== undefined) return { kind: 'operator', act: done as OperatorAct, actor: subject, value };
  const [, actor, verb] = ACT.exec(act) ?? [];
  if (actor === undefined || verb === undefined) throw new Error(`not an act: ${act}`);
  if (verb === 'logs in')
    return { kind: 'logs in', actor, client: z.string().nullish().parse(value) ?? undefined };
  if (verb === 'says at once' || verb === 'hears at once')
    return { kind: verb, actor, trees: z.array(tree).parse(value) };
  const content = tree.parse(value);
  if (verb === 'says') return { kind: 'says', actor, tree: content, wrapping: wrapped };
  return { kind: verb as 'hears' | 'gets' | 'polls' | 'answers', actor, tree: content };
}

const actorsIn = (steps: readonly ScriptedStep[]): string[] =>
  steps.flatMap(({ step }) => ('actor' in step && step.actor !== '' ? [step.actor] : []));

const namedIn = (script: unknown): string[] =>
  [...JSON.stringify(script).matchAll(/\$\{?(ann|bea|cy)\b/g)].map(([, name = '']) => name);

/** Reads the plays of one file. Throws with the name of the play for what is not the notation. */
export function readPlays(text: string): readonly Play[] {
  return z
    .array(playSchema)
    .parse(parse(text))
    .map((raw) => {
      try {
        const { play: title, in: versions, offline, clients, house } = raw;
        const steps = raw.script.map(stepOf);
        const actors = [...new Set([...actorsIn(steps), ...namedIn(raw.script), ...Object.values(clients)])];
        return { title, versions, offline, actors, clients, house, steps };
      } catch (error) {
        throw new Error(`${raw.play}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    });
}
