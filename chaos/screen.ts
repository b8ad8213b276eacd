import { bad, careful, faint, good, line, shortened, strong } from "../terminal.ts";
import type { Happened, Run, Show } from "./run.ts";

const FRAME_MS = 250;
const PACE_MS = 10_000;
const QUIET_LINE_MS = 15_000;
const BAR = 30;

/** What is to be seen of a run: one calm screen on a terminal, elsewhere a line for each fault and now and then one more. */
export const showOn = (stream: NodeJS.WriteStream): Show => (stream.isTTY ? new Screen(stream) : new Lines());

const clock = (ms: number) => {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
};

/** What buyers were told first, by the status of the answer. */
function toldOf({ buyers }: Run): Record<string, number> {
  const words: Record<string, number> = { confirmed: 0, "to be approved": 0, pending: 0, declined: 0, "sold out": 0 };
  for (const { told } of buyers.purchases) {
    const [first] = told;
    if (first) words[wordFor(first.status, first.text)] = (words[wordFor(first.status, first.text)] ?? 0) + 1;
  }
  return words;
}
function wordFor(status: number, text: string): string {
  if (status === 202) return "pending";
  if (status === 201) return text.includes('"status":"requires_action"') ? "to be approved" : "confirmed";
  if (status === 402) return "declined";
  return text.includes("insufficient_stock") ? "sold out" : "other";
}

const familiesOf = (happened: readonly Happened[]): [string, number][] =>
  [...Map.groupBy(happened, ({ kind }) => kind)].map(([kind, all]): [string, number] => [kind, all.length]);

/** How many were told something in the last seconds. */
class Pace {
  #seen: [atMs: number, count: number][] = [];

  look({ buyers, elapsedMs }: Run): void {
    const recent = this.#seen.filter(([at]) => elapsedMs - at < PACE_MS);
    this.#seen = [...recent, [elapsedMs, buyers.purchases.length - buyers.underWay]];
  }

  get perSecond(): string {
    const [[fromMs, before] = [0, 0], [untilMs, count] = [0, 0]] = [this.#seen[0], this.#seen.at(-1)];
    return untilMs > fromMs ? ((1_000 * (count - before)) / (untilMs - fromMs)).toFixed(1) : "0.0";
  }
}

class Screen implements Show {
  readonly #stream: NodeJS.WriteStream;
  readonly #pace = new Pace();
  #timer: NodeJS.Timeout | undefined;
  #run: Run | undefined;
  #words = "";
  #height = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  words(text: string): void {
    this.#words = text;
    if (this.#run) this.#draw();
    else line(`  ${faint(text)}`);
  }

  follow(run: Run): void {
    this.#run = run;
    this.#words = "";
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#draw();
  }

  #draw(): void {
    if (!this.#run) return;
    this.#pace.look(this.#run);
    const width = (this.#stream.columns ?? 80) - 1;
    const rows = this.#rows(this.#run, width);
    this.#stream.write(`${this.#height ? `\u001b[${this.#height}A` : ""}\u001b[J${rows.join("\n")}\n`);
    this.#height = rows.length;
  }

  #rows(run: Run, width: number): string[] {
    const { happened, down, buyers, endsMs, elapsedMs } = run;
    const share = Math.min(1, elapsedMs / endsMs);
    const full = Math.round(BAR * share);
    const now = happened.filter(({ endedMs }) => endedMs === undefined).map(({ words }) => words);
    const missing = [...down].filter((name) => !now.some((words) => words.includes(name)));
    const row = (name: string, text: string) => `  ${faint(name.padEnd(9))}${text}`;
    const fits = (text: string) => shortened(text, width - 11);
    const broken = [...now, ...missing.map((name) => `${name} is away`)];
    const told = Object.entries(toldOf(run)).filter(([, count]) => count > 0);
    const kinds = familiesOf(happened).toSorted(([, a], [, b]) => b - a);
    const last = happened.at(-1);
    return [
      "",
      `  ${strong("chaos")} ${faint(`seed ${run.options.seed} · ${run.options.store}`)}`,
      "",
      row("left", `${clock(endsMs - elapsedMs)}  ${good("━".repeat(full))}${faint("━".repeat(BAR - full))}`),
      row(
        "buying",
        `${this.#pace.perSecond} a second, ${buyers.purchases.length} purchases, ${buyers.underWay} under way`,
      ),
      row("told", fits(told.map(([word, count]) => `${count} ${word}`).join(" · "))),
      row(
        "not yet",
        fits(
          Object.entries(buyers.notServed)
            .map(([why, count]) => `${count} × ${why}`)
            .join(" · ") || "–",
        ),
      ),
      row("faults", fits(`${happened.length}: ${kinds.map(([kind, count]) => `${count} × ${kind}`).join(" · ")}`)),
      row("last", last ? fits(last.words) : "–"),
      row("broken", broken.length ? bad(fits(broken.join(", "))) : good("nothing")),
      "",
      `  ${careful(fits(this.#words))}`,
    ];
  }
}

class Lines implements Show {
  readonly #pace = new Pace();
  #timer: NodeJS.Timeout | undefined;
  #shown = 0;

  words(text: string): void {
    line(text);
  }

  follow(run: Run): void {
    let since = run.elapsedMs;
    this.#timer = setInterval(() => {
      this.#pace.look(run);
      for (const { words } of run.happened.slice(this.#shown)) line(`${clock(run.elapsedMs)}  ${words}`);
      this.#shown = run.happened.length;
      if (run.elapsedMs - since < QUIET_LINE_MS) return;
      since = run.elapsedMs;
      const told = Object.entries(toldOf(run)).filter(([, count]) => count > 0);
      line(
        `${clock(run.elapsedMs)}  ${this.#pace.perSecond} a second; ${run.buyers.purchases.length} purchases: ${told.map(([word, count]) => `${count} ${word}`).join(", ")}; ${run.buyers.underWay} under way`,
      );
    }, FRAME_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
