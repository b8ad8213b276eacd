import { once } from "node:events";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { type IPty, spawn } from "@lydell/node-pty";

const PATIENCE_MS = 30_000;
const PROMPT = "lonja $ ";

/** A program in a terminal, with somebody who types and reads. */
export class Terminal {
  readonly #pty: IPty;
  readonly #heard = new PassThrough().resume();
  readonly exited: Promise<number>;
  #raw = "";
  #isOver = false;

  constructor(script: string[], env: Record<string, string>) {
    this.#pty = spawn(process.execPath, script, {
      cols: 200,
      rows: 60,
      cwd: process.cwd(),
      env: { PATH: process.env.PATH ?? "", TERM: "xterm-256color", ...env },
    });
    this.#pty.onData((text) => {
      this.#raw += text;
      this.#heard.write(text);
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#isOver = true;
        this.#heard.write("\n");
        resolve(exitCode);
      });
    });
  }

  /** All that stood there so far, without colours. */
  get said(): string {
    return stripVTControlCharacters(this.#raw).replaceAll("\r", "");
  }

  /** Colours and all. */
  get raw(): string {
    return this.#raw;
  }

  get pid(): number {
    return this.#pty.pid;
  }

  press(keys: string): void {
    this.#pty.write(keys);
  }

  /** What stands there behind `from`, as soon as it is as wanted. */
  async until(isWanted: (text: string) => boolean, from = 0): Promise<string> {
    const late = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const text = this.said.slice(from);
      if (isWanted(text)) return text;
      if (this.#isOver || late.aborted) throw new Error(`Not as wanted:\n${this.said.slice(-4_000)}`);
      await once(this.#heard, "data", { signal: late }).catch(() => {});
    }
  }

  async ready(): Promise<this> {
    await this.until((text) => text.endsWith(PROMPT));
    return this;
  }

  /** What is answered to a line. */
  async run(typed: string): Promise<string> {
    const from = this.said.length;
    this.press(`${typed}\r`);
    const text = await this.until((text) => text.includes("\n") && text.endsWith(PROMPT), from);
    return text.slice(text.indexOf("\n") + 1, -PROMPT.length);
  }

  close(): void {
    if (!this.#isOver) this.#pty.kill("SIGKILL");
  }
}
