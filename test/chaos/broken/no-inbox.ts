import { ulid } from "ulid";
import { Collection } from "../../../mixins/collection.ts";

/**
 * Loaded before a node, this is a Lonja that does not know that it has heard a fact before: what a fact makes is made
 * again under another id each time, and what it changes is changed again.
 */
const madeByFacts: Readonly<Record<string, string>> = { mails: "mail", movements: "mov" };
const { insertOnce, change } = Collection.prototype;

Object.assign(Collection.prototype, {
  insertOnce(this: Collection<never>, doc: { id: string }) {
    const prefix = madeByFacts[this.name];
    const id = prefix ? `${prefix}_${ulid().toLowerCase()}` : doc.id;
    return insertOnce.call(this, { ...doc, id } as never);
  },
  change(this: Collection<never>, known: never, decide: never, options: { heard?: string; ifVersion?: number } = {}) {
    const { heard: _forgotten, ...rest } = options;
    return change.call(this, known, decide, rest);
  },
});
