// One line of the benchmark's table.

export interface Row {
  what: string;
  ours: number;
  reference?: { name: string; value: number };
  unit: string;
  aim?: string;
}
