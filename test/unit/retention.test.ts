import { isPartOf, nameOf, outdated } from "../../backup/retention.ts";

const at = (minute: number) => `2026-01-01T12:${String(minute).padStart(2, "0")}:00.000Z`;
const made = [3, 1, 2, 5, 4].map((minute) => nameOf("lonja", at(minute)));

describe("of the backups in a folder", () => {
  test("the newest are kept, whatever order they are listed in", () => {
    expect(outdated(made, "lonja", 2, nameOf("lonja", at(5)))).toEqual([3, 2, 1].map((n) => nameOf("lonja", at(n))));
  });

  test("none is removed as long as there are not too many", () => {
    expect(outdated(made, "lonja", 5, nameOf("lonja", at(5)))).toEqual([]);
    expect(outdated([], "lonja", 1, nameOf("lonja", at(5)))).toEqual([]);
  });

  test("one at least is kept, also where none is asked for", () => {
    expect(outdated([nameOf("lonja", at(1))], "lonja", 0, "")).toEqual([]);
  });

  test("the one that was just made stays, also where the clock was set back and it looks like the oldest", () => {
    expect(outdated(made, "lonja", 2, nameOf("lonja", at(1)))).toEqual([3, 2].map((n) => nameOf("lonja", at(n))));
  });

  test("nothing is touched that is not a backup of this shop", () => {
    const others = [
      nameOf("other", at(0)),
      nameOf("lonja-two", at(0)),
      "lonja.backup",
      `${nameOf("lonja", at(0))}.gpg`,
      `${nameOf("lonja", at(0))}.part`,
      "notes.txt",
    ];
    expect(outdated([...others, ...made], "lonja", 5, made[3] ?? "")).toEqual([]);
    expect(outdated([...others, ...made], "lonja", 4, made[3] ?? "")).toEqual([nameOf("lonja", at(1))]);
  });

  test("what a backup left that came to no end is known by its name, and is no backup", () => {
    const part = `${nameOf("lonja", at(0))}.part`;
    expect([part, ".lonja-copy-x1"].map((name) => isPartOf("lonja", name))).toEqual([true, true]);
    expect([part, ".lonja-copy-x1", "x.part"].map((name) => isPartOf("other", name))).toEqual([false, false, false]);
  });
});
