// `wvgate decode`: shows what captured octets mean, and what is wrong with them.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { decodeOctets } from '../decode/decode.ts';
import { FORMATS, type Format } from '../decode/format.ts';
import { fromHex, InputError, MAX_OCTETS } from '../decode/input.ts';
import { EXIT, exitCode } from '../decode/report.ts';
import { coloured, plain, reportJson, reportText } from '../decode/text.ts';
import { parseCommandLine, UsageError, type Command } from './command.ts';

const OPTIONS = {
  hex: { type: 'boolean' },
  json: { type: 'boolean' },
  format: { type: 'string' },
} as const;

export const decodeCommand: Command = {
  usage: 'decode [FILE|FOLDER|-]…',
  summary: 'show what captured octets mean and what is wrong with them',
  details: `
  FILE                 a message as it was on the wire: CSP in XML, WBXML or PTS, SSP, lines or datagrams of CIR.
                       An HTTP head in front is taken off
  FOLDER               every file in it, such as Wireshark's File > Export Objects > HTTP
  -                    standard input (also without any name)
  --hex                the input is hexadecimal: plain, with blanks or colons, or as xxd, hexdump and Wireshark print it
  --format FORMAT      auto (default), ${FORMATS.join(', ')}
  --json               one JSON object a line: source, format, octets, facts, tree, complete, faults

Exit code 0: nothing is wrong; 1: there are faults; 2: nothing could be read. What is wrong is more than what the
server refuses: it takes elements in any order, for instance, and phones may not. SSP and the XML of mobile cores are
shown as plain XML, and not checked. Passwords and messages are shown as they are: mind who reads the output.

Examples:
  wvgate decode login.wbxml
  echo '03 11 6a 00 49 01' | wvgate decode --hex
  echo 'WV12GL2 SI=s-81f2c0' | wvgate decode
  wvgate decode --json exported/ | grep '"order"'
`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const format = formatNamed(values.format);
    const paint = process.stdout.isTTY === true && !process.env['NO_COLOR'] ? coloured : plain;
    let worst = EXIT.fine as number;
    for (const source of positionals.length === 0 ? ['-'] : positionals) {
      for (const file of sourcesOf(source)) {
        const report = decodeOctets(file[0], await octetsOf(file, values.hex === true), format);
        process.stdout.write(values.json === true ? reportJson(report) : reportText(report, paint));
        worst = Math.max(worst, exitCode(report));
      }
    }
    return worst;
  },
};

function formatNamed(name = 'auto'): Format | undefined {
  if (name === 'auto') return undefined;
  const format = FORMATS.find((each) => each === name);
  if (format === undefined) throw new UsageError(`decode: --format is auto, ${FORMATS.join(', ')}`);
  return format;
}

type Source = readonly [name: string, read: () => Uint8Array | Promise<Uint8Array>];

/** The file, or all files of the folder. */
function sourcesOf(name: string): Source[] {
  if (name === '-') return [[name, () => buffer(process.stdin)]];
  if (!told(name, () => statSync(name)).isDirectory())
    return [[name, () => told(name, () => readFileSync(name))]];
  const files = readdirSync(name, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map((entry) => join(name, entry.name)).toSorted();
  return names.map((file) => [file, () => told(file, () => readFileSync(file))]);
}

function told<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`decode: ${name}: ${(error as Error).message}`, { cause: error });
  }
}

async function octetsOf([name, read]: Source, hex: boolean): Promise<Uint8Array> {
  const octets = await read();
  if (octets.length > MAX_OCTETS) throw new UsageError(`decode: ${name}: over ${MAX_OCTETS} octets`);
  if (!hex) return octets;
  try {
    return fromHex(new TextDecoder('latin1').decode(octets));
  } catch (error) {
    if (error instanceof InputError)
      throw new UsageError(`decode: ${name}: ${error.message}`, { cause: error });
    throw error;
  }
}
