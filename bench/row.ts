// One line of the benchmark's table.

export interface Row {
  what: string;
  ours: number;
  reference?: { name: string; value: number };
  /** In place of a reference: why there is none, or what is different here. */
  remark?: string;
  unit: string;
  /** `≤ 100`, or `≤ 2 × the reference`. */
  aim?: string;
}

/** What one benchmark found: its rows, and what a reader should know about them. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}
