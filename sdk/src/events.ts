import { ConnectionError } from "./errors.ts";

/** An event as a server sends it. Without data it says only where the stream stands, or how long to wait. */
export interface ServerEvent {
  id?: string;
  data?: string;
  retryMs?: number;
}

const LONGEST_EVENT = 1_000_000;
/** A carriage return at the very end may be half of a line break. */
const lineBreak = /\r\n|\n|\r(?=[^\n])/;

/** Reads `text/event-stream`, cut into pieces wherever. What is cut off at the end was not sent yet. */
export async function* eventsOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  let fields: [name: string, value: string][] = [];
  let length = 0;
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(lineBreak);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      length += line.length;
      if (line !== "") fields.push(fieldOf(line));
      else {
        yield eventOf(fields);
        fields = [];
        length = 0;
      }
    }
    if (length + rest.length > LONGEST_EVENT) throw new ConnectionError("An event of the stream is too long.");
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
  return [name, value];
}

function eventOf(fields: [name: string, value: string][]): ServerEvent {
  const of = (wanted: string) => fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const [data, id, retry] = [of("data"), of("id").at(-1), of("retry").at(-1)];
  return {
    ...(data.length ? { data: data.join("\n") } : {}),
    ...(id === undefined || id.includes("\0") ? {} : { id }),
    ...(retry && /^\d+$/.test(retry) ? { retryMs: Number(retry) } : {}),
  };
}
