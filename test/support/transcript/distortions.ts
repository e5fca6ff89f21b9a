// What any request must survive: cut, doubled and emptied elements. Works on the request's tree, by the schema.

import { contentOf } from '../../../src/access/csp/schema/lookup.ts';
import type { Tree } from './play.ts';
import { childrenOf } from './tree.ts';

export interface Distortion {
  readonly what: string;
  readonly tree: Tree;
}

const asTree = (children: readonly (readonly [string, Tree])[]): Tree =>
  children.map(([name, content]) => ({ [name]: content }));

/** The request without each of the elements that the schema demands. */
export function withoutRequired(name: string, body: Tree): readonly Distortion[] {
  const content = contentOf(name);
  if (content?.kind !== 'structure') return [];
  const children = childrenOf(body);
  return content.particles
    .filter(({ required, name: part }) => required && children.some(([own]) => own === part))
    .map(({ name: part }) => ({
      what: `without ${part}`,
      tree: asTree(children.filter(([own]) => own !== part)),
    }));
}

/** The request with each element twice, empty, and with an element that nobody knows. */
export function oddities(body: Tree): readonly Distortion[] {
  const children = childrenOf(body);
  const doubled = children.map(([name], at) => ({
    what: `with ${name} twice`,
    tree: asTree([...children.slice(0, at + 1), ...children.slice(at)]),
  }));
  const emptied = children.map(([name], at) => ({
    what: `with an empty ${name}`,
    tree: asTree([...children.slice(0, at), [name, null] as const, ...children.slice(at + 1)]),
  }));
  return [...doubled, ...emptied];
}
