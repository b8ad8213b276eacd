import { connect, type Socket } from "node:net";

/** What came back, as bytes say it. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Nobody has answered: the connection ended, or nothing came in time. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

const PATIENCE_MS = 30_000;

/**
 * A connection that is kept, and on which anything can be sent: no client library that would put right what is wrong
 * on purpose, and none that costs more than the shop itself.
 */
export class Wire {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { isHead: boolean; resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends the bytes of one request and waits for the one answer. */
  ask(request: string | Buffer, isHead = false): Promise<Answer> {
    const socket = this.#socket ?? this.#open();
    return new Promise((resolve, reject) => {
      this.#waiting = { isHead, resolve, reject };
      socket.write(request);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect(this.#port, "127.0.0.1").setNoDelay().setTimeout(PATIENCE_MS);
    const isOver = (why: string) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#received = Buffer.alloc(0);
      socket.destroy();
      this.#settle()?.reject(new NoAnswer(why));
    };
    socket.on("data", (bytes) => {
      this.#received = this.#received.length ? Buffer.concat([this.#received, bytes]) : bytes;
      const answer = this.#take();
      if (!answer) return;
      const waiting = this.#settle();
      // A connection that is told to be the last one is not asked again.
      if (answer.headers.connection === "close") {
        this.#socket = undefined;
        this.#received = Buffer.alloc(0);
        socket.destroy();
      }
      waiting?.resolve(answer);
    });
    socket.on("timeout", () => isOver("nothing came in time"));
    socket.on("error", ({ message }) => isOver(message));
    socket.on("close", () => isOver("the connection ended"));
    this.#socket = socket;
    return socket;
  }

  #settle() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #take(): Answer | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first = "", ...lines] = this.#received.toString("latin1", 0, end).split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    const length = this.#waiting?.isHead ? 0 : Number(headers["content-length"] ?? 0);
    const start = end + 4;
    if (this.#received.length < start + length) return undefined;
    const body = this.#received.toString("utf8", start, start + length);
    this.#received = this.#received.subarray(start + length);
    const status = Number(first.split(" ")[1]);
    // A word in between, such as 100 Continue, is no answer yet.
    return status < 200 ? this.#take() : { status, headers, body };
  }
}

/** The bytes of a request that is well-formed as far as HTTP goes, whatever is in it. */
export function bytesOf(method: string, target: string, headers: Record<string, string>, body?: string): Buffer {
  const content = body === undefined ? undefined : Buffer.from(body, "utf8");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = content ? `Content-Length: ${content.length}\r\n` : "";
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: shop\r\n${lines.join("")}${length}\r\n`, "latin1");
  return content ? Buffer.concat([head, content]) : head;
}
