import { Presets, SingleBar } from "cli-progress";

/** How far something has come, for whoever waits for it. */
export interface Progress {
  begin(what: string, records: number): void;
  advance(records: number): void;
}

export const count = (number: number): string => number.toLocaleString("en");

/** Says it on standard error, where it is in the way of no data: a bar on a terminal, else a line for each step. */
export class Reporter implements Progress {
  readonly #out = process.stderr;
  readonly #hasBars: boolean;
  #bar: SingleBar | undefined;

  /** `isAlone`: nobody else, at the other end of a pipe, draws on the same terminal. */
  constructor(isAlone: boolean) {
    this.#hasBars = isAlone && this.#out.isTTY;
    // Nobody has to listen: a file is written whole, whether or not somebody reads what is said of it.
    this.#out.on("error", () => {});
  }

  begin(what: string, records: number): void {
    this.end();
    if (!this.#hasBars) {
      this.say(`${what}: ${count(records)} records`);
      return;
    }
    const format = `${what} {bar} {percentage}% of {records} records, {eta_formatted} left`;
    this.#bar = new SingleBar(
      { format, stream: this.#out, fps: 10, hideCursor: true, barsize: 30 },
      Presets.shades_classic,
    );
    this.#bar.start(records, 0, { records: count(records) });
  }

  advance(records: number): void {
    this.#bar?.increment(records);
  }

  /** Leaves the bar as it is, and the terminal as it was. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  say(text: string): void {
    this.end();
    this.#out.write(`${text}\n`);
  }

  /** Figures are flush right. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const all = [head, ...rows];
    const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
    for (const row of all) {
      const cells = row.map((cell, column) =>
        /^[\d,]+$/.test(rows[0]?.[column] ?? "")
          ? cell.padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      );
      this.say(`  ${cells.join("   ").trimEnd()}`);
    }
  }
}

/** Whoever says what becomes of a command. */
export type Voice = Pick<Reporter, "begin" | "advance" | "say" | "table">;
