// What is wrong with the tree of a CSP message: names, places, order, occurrence, namespaces, values. Nothing here is
// a reason for the server to refuse a message: it reads far more than is right.
import { canonicalName, contentOf, versionDigit } from '../access/csp/schema/lookup.ts';
import type { Structure } from '../access/csp/schema/lookup.ts';
import type { Leaf } from '../access/csp/schema/model.ts';
import type { Element } from '../wv/element.ts';
import { child, childText } from '../wv/element.ts';
import type { CspVersion } from '../wv/version.ts';
import { NAMESPACES, unsupportedVersion, versionOfNamespace } from '../wv/version.ts';
import type { Fault, FaultKind } from './report.ts';
import { CANONICAL_DATE, DATE, ENUMERATIONS, INTEGER, LENGTHS, MAX_INTEGER } from './values.ts';

/** Faults that are told; after these the document is no better known. */
const MAX_FAULTS = 200;

/**
 * Checks a tree. `version` is what the document says by other means than its namespace; `complete` tells whether
 * missing elements are a fault or were only not read.
 */
export function cspFaults(root: Element, version: CspVersion | undefined, complete: boolean): Fault[] {
  const checker = new Checker(version ?? versionOfNamespace(root.xmlns) ?? '1.2', complete);
  checker.root(root, version);
  return checker.faults;
}

class Checker {
  readonly faults: Fault[] = [];
  private readonly version: CspVersion;
  private readonly complete: boolean;

  constructor(version: CspVersion, complete: boolean) {
    this.version = version;
    this.complete = complete;
  }

  root(root: Element, version: CspVersion | undefined): void {
    const foreign = unsupportedVersion(root.xmlns);
    const name = canonicalName(root.name);
    if (foreign !== undefined)
      this.add('version', root.name, `version ${foreign} is none of 1.1, 1.2 and 1.3`);
    else if (version === undefined && versionOfNamespace(root.xmlns) === undefined)
      this.add('version', root.name, 'nothing says which version of CSP this is; read as 1.2');
    else this.namespace(root, root.name, NAMESPACES[this.version].session);
    if (name !== 'WV-CSP-Message' && !name.startsWith('WV-CSP-NSDiscovery'))
      this.add('misplaced', root.name, 'is no root of a CSP message');
    this.element(root, root.name, '');
    if (name === 'WV-CSP-Message') this.envelope(root);
  }

  private add(kind: FaultKind, path: string, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ kind, path, message });
  }

  private namespace(element: Element, path: string, expected: string): void {
    if (element.xmlns === undefined) this.add('version', path, `has no namespace; ${expected} is usual`);
    else if (element.xmlns !== expected)
      this.add('version', path, `namespace ${element.xmlns}, not ${expected}`);
  }

  private envelope(root: Element): void {
    const session = child(root, 'Session');
    const descriptor = child(session, 'SessionDescriptor');
    const inband = childText(descriptor, 'SessionType')?.trim().toLowerCase() === 'inband';
    if (inband && this.complete && (childText(descriptor, 'SessionID') ?? '') === '')
      this.add('missing', `${root.name}/Session/SessionDescriptor`, 'Inband without SessionID');
    for (const transaction of session?.children.filter(({ name }) => name === 'Transaction') ?? [])
      this.transaction(transaction, `${root.name}/Session/Transaction`);
  }

  private transaction(transaction: Element, path: string): void {
    const holder = child(transaction, 'TransactionContent');
    const descriptor = child(transaction, 'TransactionDescriptor');
    if (holder === undefined) return;
    this.namespace(holder, `${path}/TransactionContent`, NAMESPACES[this.version].transaction);
    const [content, ...others] = holder.children;
    for (const { name } of others)
      this.add('repeated', `${path}/TransactionContent/${name}`, 'is a second primitive');
    if (content === undefined) {
      if (this.complete) this.add('missing', `${path}/TransactionContent`, 'holds no primitive');
      return;
    }
    for (const each of holder.children) this.named(each, `${path}/TransactionContent/${each.name}`, '');
    this.mode(
      canonicalName(content.name),
      childText(descriptor, 'TransactionMode')?.trim().toLowerCase(),
      path,
    );
  }

  private mode(primitive: string, mode: string | undefined, path: string): void {
    const expected = /-(Request|Response)$/.exec(primitive)?.[1]?.toLowerCase();
    // Invitations are answered with requests of their own.
    if (expected === undefined || mode === undefined || /^Invite(?:User)?-Response$/.test(primitive)) return;
    if (mode !== expected)
      this.add('value', `${path}/TransactionDescriptor/TransactionMode`, `${primitive} as ${mode}`);
  }

  /** An element whose name may be wrong. */
  private named(element: Element, path: string, parent: string): void {
    const name = canonicalName(element.name);
    if (name !== element.name) this.add('spelling', path, `is usually written ${name}`);
    if (contentOf(name, parent) === undefined) {
      const coded = /^PTS-(?!EXTRA)(.*)$/.exec(name)?.[1];
      const said = name === 'PTS-EXTRA' ? 'a value that has no place here' : `the code ${coded} is not known`;
      this.add('unknown', path, coded === undefined && name !== 'PTS-EXTRA' ? 'is no element of CSP' : said);
      return;
    }
    this.element(element, path, parent);
  }

  private element(element: Element, path: string, parent: string): void {
    const name = canonicalName(element.name);
    const content = contentOf(name, parent);
    if (content === undefined) return;
    if (name === 'PresenceSubList') this.presence(element, path);
    else if (content.kind === 'structure') this.structure(element, content, path);
    else this.leaf(element, content.kind, path, parent);
  }

  private presence(element: Element, path: string): void {
    this.namespace(element, path, NAMESPACES[this.version].presence);
    const content = contentOf('*', 'PresenceSubList');
    if (content?.kind === 'structure') this.structure(element, content, path);
  }

  private structure(element: Element, content: Structure, path: string): void {
    if (element.text.trim() !== '') this.bareText(element, content, path);
    const digit = versionDigit(this.version);
    const seen = new Set<string>();
    let furthest = -1;
    for (const inner of element.children) {
      const name = canonicalName(inner.name);
      const where = `${path}/${inner.name}`;
      const index = content.particles.findIndex((particle) => particle.name === name);
      const particle = content.particles[index];
      if (particle === undefined) {
        if (contentOf(name) !== undefined) this.add('misplaced', where, `does not stand in ${element.name}`);
      } else {
        if (!particle.versions.includes(digit))
          this.add('version', where, `does not stand here in ${this.version}`);
        if (seen.has(name) && !particle.many) this.add('repeated', where, 'stands more than once');
        if (index < furthest)
          this.add(
            'order',
            where,
            `stands behind ${content.particles[furthest]?.name ?? ''}, against the order of the DTD`,
          );
        furthest = Math.max(furthest, index);
        seen.add(name);
      }
      this.named(inner, where, canonicalName(element.name));
    }
    this.missing(content, seen, element, path);
  }

  private missing(content: Structure, seen: ReadonlySet<string>, element: Element, path: string): void {
    if (!this.complete || (element.text.trim() !== '' && content.bareText !== undefined)) return;
    for (const { name, required, versions } of content.particles) {
      if (required && !seen.has(name) && versions.includes(versionDigit(this.version)))
        this.add('missing', path, `${name} is missing`);
    }
  }

  private bareText(element: Element, { bareText, bareIn }: Structure, path: string): void {
    if (bareText === undefined) this.add('misplaced', path, 'text between elements');
    else if (!bareIn.includes(versionDigit(this.version)))
      this.add('misplaced', path, `bare text instead of ${bareText}`);
    else this.text(element.text, bareText, path, element.name);
  }

  private leaf(element: Element, kind: Leaf, path: string, parent: string): void {
    if (kind === 'tree') return;
    if (
      kind !== 'free' &&
      kind !== 'empty' &&
      element.text !== element.text.trim() &&
      element.text.trim() !== ''
    )
      this.add('value', path, 'has white space around it, which some clients take for part of the value');
    for (const inner of element.children) {
      const where = `${path}/${inner.name}`;
      if (contentOf(canonicalName(inner.name)) === undefined) this.named(inner, where, element.name);
      else this.add('misplaced', where, `stands in ${element.name}, which holds no elements`);
    }
    if (kind === 'empty') {
      if (element.text.trim() !== '') this.add('value', path, 'holds text, and should be empty');
    } else if (element.text.trim() === '') {
      if (kind === 'int' || kind === 'bool' || kind === 'date') this.add('value', path, 'is empty');
    } else {
      this.typed(element.text.trim(), kind, path);
      this.text(element.text.trim(), canonicalName(element.name), path, parent);
    }
  }

  private typed(text: string, kind: Leaf, path: string): void {
    const shown = JSON.stringify(text.slice(0, 40));
    if (kind === 'bool' && text !== 'T' && text !== 'F')
      this.add('value', path, `${shown} is neither T nor F`);
    if (kind === 'int' && (!INTEGER.test(text) || Number(text) > MAX_INTEGER))
      this.add('value', path, `${shown} is no integer of 32 bits`);
    if (kind === 'date' && !DATE.test(text)) this.add('value', path, `${shown} is no date`);
    else if (kind === 'date' && !CANONICAL_DATE.test(text))
      this.add('value', path, `${shown}: clients read 20010925T134013Z best`);
  }

  private text(text: string, name: string, path: string, parent: string): void {
    const limit = LENGTHS.get(`${parent}/${name}`) ?? LENGTHS.get(name);
    if (limit !== undefined && text.length > limit)
      this.add('length', path, `${text.length} characters; phones keep ${limit}`);
    const values = ENUMERATIONS.get(`${parent}/${name}`) ?? ENUMERATIONS.get(name);
    if (values !== undefined && !values.has(text.toUpperCase()))
      this.add('value', path, `${JSON.stringify(text.slice(0, 40))} is none of the protocol's values`);
  }
}
