import { CsvError, parse } from "csv-parse/sync";

/** A row of the file, or a line that cannot be read as one. `line` is where it starts; the header is 1. */
export interface CsvRow {
  line: number;
  fields: string[];
  damage?: string;
}

/** Nothing that follows can be made sense of. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const BLOCK_BYTES = 64 * 1024;
const MOST_ROW_BYTES = 2 * 1024 * 1024;
const [LF, CR] = [0x0a, 0x0d];

/**
 * Reads a file a block of rows at a time, so that a long one holds nobody up. Where a row is broken
 * by a stray quote, only its first line is given up and reading goes on with the next, so that no good
 * row is lost in it.
 *
 * @throws UnreadableFile when a quote is opened and never closed: the file may well be cut off.
 */
export function* csvBlocks(file: Buffer): Generator<CsvRow[]> {
  let [at, line, size] = [0, 1, BLOCK_BYTES];
  while (at < file.length) {
    const block = file.subarray(at, at + size);
    const isLast = at + size >= file.length;
    const { rows, end, trouble } = readBlock(block, line, isLast, at === 0);
    if (rows.length) yield rows;
    line += linesIn(block.subarray(0, end));
    at += end;
    if (trouble === "stray quote") {
      const broken = firstLine(file.subarray(at, at + MOST_ROW_BYTES));
      yield [{ line, fields: broken.toString().split(","), damage: "a quote stands where none can be" }];
      line += 1;
      at += broken.length;
    } else if (rows.length) {
      size = BLOCK_BYTES;
    } else if (isLast) {
      if (trouble) throw new UnreadableFile(line, "a quote is opened here and never closed: the file is not complete");
      return;
    } else if ((size *= 2) > MOST_ROW_BYTES) {
      throw new UnreadableFile(line, "this row is longer than 2 MB: is a quote missing?");
    }
  }
}

function readBlock(block: Buffer, firstLine: number, isLast: boolean, isFirst: boolean) {
  const rows: CsvRow[] = [];
  let [line, end, before] = [firstLine, 0, 0];
  let trouble: "open quote" | "stray quote" | undefined;
  const take = (fields: string[], { bytes }: { bytes: number }): null => {
    // What reaches the end of a block may go on in the next.
    if (bytes < block.length || isLast) {
      rows.push({ line, fields });
      line += linesIn(block.subarray(before, bytes));
      before = end = bytes;
    }
    return null;
  };
  try {
    parse(block, { bom: isFirst, relax_column_count: true, record_delimiter: ["\r\n", "\n", "\r"], on_record: take });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    trouble = error.code === "CSV_QUOTE_NOT_CLOSED" ? "open quote" : "stray quote";
  }
  return { rows, end, trouble };
}

/** How many line breaks, of whatever kind. */
function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === LF || (bytes[i] === CR && bytes[i + 1] !== LF)) lines++;
  return lines;
}

/** With its line break. */
function firstLine(bytes: Buffer): Buffer {
  const breaks = [bytes.indexOf(LF), bytes.indexOf(CR)].filter((place) => place >= 0);
  if (breaks.length === 0) return bytes;
  const place = Math.min(...breaks);
  return bytes.subarray(0, place + (bytes[place] === CR && bytes[place + 1] === LF ? 2 : 1));
}
