import { type IncomingMessage, request } from "node:http";

/** An event as it has arrived. */
export interface Heard {
  id: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an event says is what the test is about.
  data: any;
}

/** Somebody who follows a list by server-sent events, on a connection of their own. */
export class Listener {
  readonly response: IncomingMessage;
  readonly heard: Heard[] = [];
  /** Comment lines. */
  beats = 0;
  retryMs: number | undefined;
  /** Resolves with the connection's end, whoever has ended it. */
  readonly ended: Promise<void>;
  #text = "";
  #waiting: { isThere: () => boolean; then: () => void }[] = [];

  constructor(response: IncomingMessage) {
    this.response = response;
    this.ended = new Promise((resolve) => void response.once("close", resolve));
    response.on("error", () => {});
    response.setEncoding("utf8").on("data", (text: string) => this.#take(text));
  }

  /** @throws with status and body where it is not a stream that is answered. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<Listener> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { headers, agent: false }, resolve).on("error", reject).end();
    });
    if (response.headers["content-type"] === "text/event-stream") return new Listener(response);
    let body = "";
    for await (const text of response.setEncoding("utf8")) body += text;
    throw Object.assign(new Error(`${response.statusCode} ${body}`), { status: response.statusCode, body });
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get ids(): string[] {
    return this.heard.map(({ id }) => id);
  }

  get lastId(): string | undefined {
    return this.heard.at(-1)?.id;
  }

  /** Once so many events have come. */
  async got(many: number): Promise<Heard[]> {
    await this.#until(() => this.heard.length >= many);
    return this.heard;
  }

  beaten(times: number): Promise<void> {
    return this.#until(() => this.beats >= times);
  }

  /** As when the network goes. */
  drop(): void {
    this.response.socket.destroy();
  }

  #until(isThere: () => boolean): Promise<void> {
    return isThere() ? Promise.resolve() : new Promise((then) => void this.#waiting.push({ isThere, then }));
  }

  /** What is not whole when the connection ends has not arrived. */
  #take(text: string): void {
    const blocks = (this.#text + text).split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) this.#read(block);
    const [there, missing] = [
      this.#waiting.filter((one) => one.isThere()),
      this.#waiting.filter((one) => !one.isThere()),
    ];
    this.#waiting = missing;
    for (const { then } of there) then();
  }

  #read(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) this.beats++;
      const [, name = "", value = ""] = /^([a-z]+): (.*)$/.exec(line) ?? [];
      fields.set(name, value);
    }
    const retry = fields.get("retry");
    if (retry !== undefined) this.retryMs = Number(retry);
    const data = fields.get("data");
    if (data === undefined) return;
    this.heard.push({ id: fields.get("id") ?? "", type: fields.get("event") ?? "message", data: JSON.parse(data) });
  }
}
