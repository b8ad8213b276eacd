import { Capacity, Lately } from "../../mixins/lately.ts";

const text = (id: string, more: object = {}) => JSON.stringify({ _id: id, version: 1, ...more });

describe("what was wanted lately", () => {
  test("is the same record for all who want it, until it is changed", () => {
    const lately = new Lately(new Capacity(10_000));
    lately.put("a", text("a"), [1]);
    const record = lately.get("a");
    expect(record).toEqual({ _id: "a", version: 1 });
    expect(lately.get("a")).toBe(record);
    expect(record && lately.has(record)).toBe(true);
    lately.put("a", text("a", { more: 1 }), [1]);
    expect(record && lately.has(record)).toBe(false);
    expect(lately.get("a")).toEqual({ _id: "a", version: 1, more: 1 });
  });

  test("is forgotten when it was not wanted for longest, and there is no more room", () => {
    const lately = new Lately(new Capacity(text("a").length * 11));
    const ids = Array.from({ length: 11 }, (_, n) => String.fromCharCode(97 + n));
    for (const id of ids) lately.put(id, text(id), []);
    lately.get("a");
    lately.put("z", text("z"), []);
    expect([lately.get("a"), lately.get("b")]).toEqual([{ _id: "a", version: 1 }, undefined]);
    lately.changes("a");
    lately.put("y", text("y"), []);
    expect(ids.slice(2).every((id) => lately.get(id))).toBe(true);
  });

  test("gives way to what another table has more use for", () => {
    const capacity = new Capacity(text("a").length * 11);
    const [busy, quiet] = [new Lately(capacity), new Lately(capacity)];
    quiet.put("a", text("a"), []);
    quiet.put("b", text("b"), []);
    for (let n = 0; n < 10; n++) busy.put(String(n), text(String(n)), []);
    expect([quiet.get("a"), quiet.get("b")?._id]).toEqual([undefined, "b"]);
    quiet.changeAll();
    busy.put("y", text("y"), []);
    expect([quiet.get("b"), busy.get("0")?._id, busy.get("y")?._id]).toEqual([undefined, "0", "y"]);
  });

  test("is not kept where it would take the place of many", () => {
    const lately = new Lately(new Capacity(1_000));
    lately.put("a", text("a"), []);
    lately.put("b", text("b", { long: "x".repeat(200) }), []);
    expect([lately.get("a")?._id, lately.get("b")]).toEqual(["a", undefined]);
  });

  test("what was found is found again without looking, until something changes", () => {
    const lately = new Lately(new Capacity(1_000));
    let looks = 0;
    const find = () => {
      looks++;
      return [{ _id: "a", version: 1 }];
    };
    const ask = () => lately.answer("who is there?", find);
    ask();
    expect(ask()).toBe(ask());
    // What was asked only once is not worth the place.
    expect(looks).toBe(2);
    lately.changes("b");
    ask();
    ask();
    lately.changeAll();
    ask();
    expect(looks).toBeGreaterThanOrEqual(4);
  });

  test("is not what a change has made of it that was not the last one", () => {
    const lately = new Lately(new Capacity(1_000));
    const [change, removal] = [lately.changes("a"), lately.changes("a")];
    lately.over("a", change, text("a"), []);
    expect(lately.get("a")).toBeUndefined();
    lately.over("a", removal);
    lately.over("a", lately.changes("a"), text("a"), []);
    expect(lately.get("a")?._id).toBe("a");
    const late = lately.changes("a");
    lately.changeAll();
    lately.over("a", late, text("a"), []);
    expect(lately.get("a")).toBeUndefined();
  });
});
