import type { Product } from "../../services/catalog/catalog.contract.ts";
import { Display } from "../../services/catalog/display.ts";
import { unchangingCopy } from "../../services/shared/plain.ts";

describe("pages that were shown before", () => {
  const data = unchangingCopy([{ id: "prod_1" }]) as unknown as Product[];
  const asked = { q: "mug" };

  test("are the very same ones while nothing has changed in them", () => {
    const display = new Display();
    const page = () => ({ data, nextCursor: null, cursors: ["a"] });
    expect(display.page(asked, page())).toBe(display.page(asked, page()));
  });

  test("are others with cursors, and with other cursors", () => {
    const display = new Display();
    const plain = display.page(asked, { data, nextCursor: null });
    const withCursors = (cursor: string) =>
      display.page({ ...asked, cursors: true }, { data, nextCursor: null, cursors: [cursor] });

    expect(withCursors("a").cursors).toEqual(["a"]);
    // What was found better by now has another place, though the same products come in the same order.
    expect(withCursors("b").cursors).toEqual(["b"]);
    expect(display.page(asked, { data, nextCursor: null })).toBe(plain);
    expect(plain).toEqual({ data, nextCursor: null });
  });
});
