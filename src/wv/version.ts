// The three protocol versions of CSP and what names them on the wire (csp-xml section 1).

export type CspVersion = '1.1' | '1.2' | '1.3';

export const CSP_VERSIONS = ['1.1', '1.2', '1.3'] as const satisfies readonly CspVersion[];

export interface Namespaces {
  readonly session: string;
  readonly transaction: string;
  readonly presence: string;
}

export const NAMESPACES: Readonly<Record<CspVersion, Namespaces>> = {
  '1.1': {
    session: 'http://www.wireless-village.org/CSP1.1',
    transaction: 'http://www.wireless-village.org/TRC1.1',
    presence: 'http://www.wireless-village.org/PA1.1',
  },
  '1.2': {
    session: 'http://www.openmobilealliance.org/DTD/WV-CSP1.2',
    transaction: 'http://www.openmobilealliance.org/DTD/WV-TRC1.2',
    presence: 'http://www.openmobilealliance.org/DTD/WV-PA1.2',
  },
  '1.3': {
    session: 'http://www.openmobilealliance.org/DTD/IMPS-CSP1.3',
    transaction: 'http://www.openmobilealliance.org/DTD/IMPS-TRC1.3',
    presence: 'http://www.openmobilealliance.org/DTD/IMPS-PA1.3',
  },
};

/**
 * The version a session namespace names. Phones are careless with the part before the version (Nokia leaves
 * `/DTD` out), so only the tail counts, without regard to case.
 */
export function versionOfNamespace(namespace: string | undefined): CspVersion | undefined {
  const match = /csp(1\.[123])$/i.exec(namespace?.trim() ?? '');
  return match?.[1] as CspVersion | undefined;
}

/** The version a session namespace names although nobody here speaks it (`…CSP2.0`): to be answered 505. */
export function unsupportedVersion(namespace: string | undefined): string | undefined {
  const named = /csp(\d+\.\d+)$/i.exec(namespace?.trim() ?? '')?.[1];
  return named === undefined || versionOfNamespace(namespace) !== undefined ? undefined : named;
}
