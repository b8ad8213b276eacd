import { clearScreenDown, cursorTo, type Interface, moveCursor } from "node:readline";
import type { WriteStream } from "node:tty";

/** The same stream, whatever is done to the writing of the other one. */
export function unguarded(stream: WriteStream): WriteStream {
  return Object.create(stream, { write: { value: stream.write.bind(stream) } });
}

/**
 * Whatever is printed while somebody types, such as a line of the log, stands above what they are typing. Answers
 * how to stop that.
 */
export function keepBelow(terminal: Interface, output: WriteStream, isAsking: () => boolean): () => void {
  const above = (print: () => boolean): boolean => {
    if (!isAsking()) return print();
    moveCursor(output, 0, -terminal.getCursorPos().rows);
    cursorTo(output, 0);
    clearScreenDown(output);
    const isTaken = print();
    terminal.prompt(true);
    return isTaken;
  };
  const streams = [process.stdout, process.stderr];
  const written = streams.map(({ write }) => write);
  streams.forEach((stream, at) => {
    stream.write = ((...args: Parameters<WriteStream["write"]>) =>
      above(() => Reflect.apply(written[at] as WriteStream["write"], stream, args))) as WriteStream["write"];
  });
  return () =>
    streams.forEach((stream, at) => {
      stream.write = written[at] as WriteStream["write"];
    });
}
