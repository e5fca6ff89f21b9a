import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute and more: begun last, they would run alone at the end. */
const LONG = [
  'ssp/kill-baraza.test.ts',
  'ssp/kill.test.ts',
  'ssp/cut.test.ts',
  'matrix/crash-points.test.ts',
  'matrix/faults.test.ts',
  'command-line.test.ts',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Three tiers (docs/testing.md): unit and integration run in parallel; live suites share one set of real
// servers, so their files run one after another.
export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    // Most of these tests wait, for timers and processes: on two cores one worker would leave half a machine idle.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Where others keep the machine busy, thousands of generated cases take longer than they should.
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
