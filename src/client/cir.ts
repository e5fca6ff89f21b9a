// The client's end of a CIR channel, as the session sees it. stcp.ts has the one over TCP, for Node.

export interface CirTarget {
  readonly host: string;
  readonly port: number;
  readonly sessionId: string;
}

export interface CirEvents {
  /** The server calls: something waits. */
  called(): void;
  /** The channel works (again); after an interruption something may have been missed. */
  opened(): void;
  /** The channel broke; it tries again by itself. */
  lost(error: Error): void;
}

export interface CirConnection {
  close(): void;
}

export interface CirConnector {
  /** Its name in SupportedCIRMethod. */
  readonly method: 'STCP';
  open(target: CirTarget, events: CirEvents): CirConnection;
}
